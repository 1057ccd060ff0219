// SPDX-License-Identifier: MIT
// Nearest centroids in sixteen bits: values are rounded to integers, two of them a word, and multiplied and
// added by twos (VNNI: twice the rate of float multiply-adds, from half the memory; AVX2 takes two
// instructions: 1.2 to 1.35 times the rate on a Zen 3, whose additions take turns on the ports of products).
// It is the kernel of nearest-inl.hpp, fed with words instead of values: a sample is a row of words,
// centroids are packed in groups, accumulators are integers; and that of block-inl.hpp for blocks of samples.
// src/int16_rows.hpp has the mathematics.
//
// Integers are exact: from the same words every implementation makes the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.hpp"
#include "omnimeans/isa.hpp"

namespace omnimeans::kernels {

/// Added to every accumulator. Those within int16_range of it are, as bits, positive normal floats in the
/// same order, so that the argmin of floats finds the lowest.
inline constexpr std::int32_t int16_base = std::int32_t{1} << 30;
inline constexpr std::int32_t int16_range = int16_base - (std::int32_t{1} << 24);

/// Rows to round: value t of a row becomes (x_t - offset_t) scale, in float, and is rounded to a multiple of
/// the unit.
struct Int16Task {
  const float* rows = nullptr;
  std::size_t row_stride = 0, n_rows = 0, n_features = 0;
  const float* offset = nullptr;  ///< null: neither moved nor scaled
  float scale = 1;
  float inverse_unit = 1;
  float* words = nullptr;  ///< out: n_rows x ceil(n_features / 2); an odd last value has a zero beside it
  float norm_floor = 0, norm_factor = 1;
  float* norms = nullptr;      ///< out: n_rows: norm_factor * sqrt(sum of the values' squares + norm_floor)
  float* residuals = nullptr;  ///< out: n_rows: sum of (value / unit - its integer)^2
};

struct Int16Kernels {
  double rate;  ///< of products, where that of float multiply-adds is 1

  /// As Kernels<float>::nearest, in tiles of at most as many samples, with words for features: block.rows and
  /// centroids.packed, whose integers are negated, hold two integers a word, low one first;
  /// centroids.half_norms holds int16_base + |c_j|^2 / (2 unit^2), as integers; `unit` is the square of the
  /// unit. Norms must be known, samples are neither moved nor scaled.
  void (*nearest)(const NearestTask<float>&);

  /// Values beyond 2^22 units and NaN become some integers.
  void (*round_rows)(const Int16Task&);

  /// As those of Kernels<float>, with words for features: rows (row by row), half_norms and
  /// unit are as above.
  BlockKernels<float> blocks_of_32, blocks_of_64;
};

/// For an instruction set, if this CPU has products of words with it; else null. Without `vnni`: as if the
/// CPU had none of it.
const Int16Kernels* int16_kernels(Isa isa, bool vnni = true);

/// Whether those are twice as fast as float multiply-adds: VNNI.
bool has_fast_int16(Isa isa);

/// Whether a core is known to multiply and add two vectors of floats a cycle, so that sixteen bits gain less:
/// CPUs with AMX or AVX512-FP16 do, and Zen 5. Others that do are not told from those that do not.
bool has_two_float_units(Isa isa);

/// Whether this is a Zen 5 whose vectors of 512 bits are in one piece, and they are used.
bool is_wide_zen5(Isa isa);

/// Plain loops, for the tiles of Isa::scalar: what the others are tested against.
const Int16Kernels& plain_int16_kernels();

}  // namespace omnimeans::kernels
