// SPDX-License-Identifier: MIT
// Scores in eight bits: values are rounded to multiples of a scale of their row, -127 to 127, and multiplied
// in integers, four products an instruction and lane (VNNI: four times the rate of float multiply-adds). What
// the rounding took off is measured, so that int8_filter.hpp can bound the error. Integers are exact: every
// implementation gives the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "omnimeans/isa.hpp"

namespace omnimeans::kernels {

inline constexpr std::size_t int8_lanes = 16;   ///< centroids a vector
inline constexpr std::size_t int8_stride = 64;  ///< rows are padded to a multiple of this many bytes
/// Longest rows whose dot products fit 32 bits: 127 * 255 * n < 2^31.
inline constexpr std::size_t int8_longest = 65536;

/// Rows of 8-bit values, `stride` bytes apart; value t of row i stands for scale[i] * q_it.
struct Int8Rows {
  const std::int8_t* values = nullptr;
  std::size_t stride = 0;
  const float* scale = nullptr;
  const std::int32_t* sum = nullptr;  ///< of the row's values
  std::size_t n_rows = 0;
};

/// Centroids with 128 added to every value, both as panels of two vectors (the last may hold one), in which
/// four values of each centroid lie together, and row by row.
struct Int8Centroids {
  const std::uint8_t* panels = nullptr;
  const std::uint8_t* rows = nullptr;
  std::size_t stride = 0;
  const float* scale = nullptr;       ///< n_vectors * int8_lanes; 0 for padding
  const float* half_norms = nullptr;  ///< n_vectors * int8_lanes; +infinity for padding
  std::size_t n_vectors = 0;
  std::size_t n_quads = 0;  ///< of features: ceil(n_features / 4)
};

struct Int8Kernels {
  /// out[i * out_stride + j] = half_norm_j - scale_i * q_i.q_j * scale_j for every row and centroid: the
  /// product of integers is exact, then four roundings at most.
  void (*scores)(const Int8Centroids&, const Int8Rows&, float* out, std::size_t out_stride);

  /// The same for row i and the centroids index[0 ... count - 1].
  void (*listed_scores)(const Int8Centroids&, const Int8Rows&, std::size_t i, const std::int32_t* index,
                        std::size_t count, float* out);

  /// Rounds d values, sets the padding up to `stride` to zero. Returns a bound of the length of what was cut
  /// off, without its own rounding errors: sqrt(sum (x_t - scale q_t)^2).
  float (*quantise)(const float* x, std::size_t d, std::size_t stride, std::int8_t* values, float* scale,
                    std::int32_t* sum);
};

/// For an instruction set, if this CPU has 8-bit dot products with it; else null.
const Int8Kernels* int8_kernels(Isa isa);

/// Plain loops: what the others are tested against.
const Int8Kernels& plain_int8_kernels();

}  // namespace omnimeans::kernels
