// SPDX-License-Identifier: MIT
// Lower bounds of scores, in eight bits: values are rounded to multiples of a scale of their row, -127 to
// 127, and multiplied in integers, four products an instruction and lane (VNNI: four times the rate of float
// multiply-adds), tiles of 16 by 16 rows at a time (AMX: eight times the rate of VNNI), or in two
// instructions (AVX2: two to three times that of float, with centroids from -63 to 63 and sums of squares
// within limits). What the rounding took off is measured, and what it may have done to the score taken off
// the score (int8_filter.hpp). Integers are exact: from the same bytes every implementation makes the same
// bits.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "omnimeans/isa.hpp"

namespace omnimeans::kernels {

inline constexpr std::size_t int8_lanes = 16;   ///< centroids a vector
inline constexpr std::size_t int8_stride = 64;  ///< rows are padded to a multiple of this many bytes
/// Kernels in tiles take so many rows at a time: where the rows are no multiple of it some are done twice,
/// and fewer rows go through the registers.
inline constexpr std::size_t int8_tile_rows = 32;
/// Values of a row whose products with another's may be added in sixteen bits.
inline constexpr std::size_t int8_chunk = 64;
/// Largest value of any row.
inline constexpr std::int32_t int8_range = 127;

/// What the values of a row may be: -range to range. And of a chunk's values the sum of the squares of those
/// at t % 4 < 2 is at most `squares`, and that of the others.
struct Int8Limits {
  std::int32_t range = int8_range, squares = std::numeric_limits<std::int32_t>::max();
};
/// How many times coarser a row must be rounded to have such sums, where its largest is `squares`; 1: it has.
float int8_coarser(std::int32_t squares, std::int32_t most);

/// What centroids, whose values are -range to range, have added to them.
constexpr std::int32_t int8_shift(std::int32_t range) {
  return range + 1;
}
/// Longest rows whose dot products fit 32 bits: 127 * 255 * n < 2^31.
inline constexpr std::size_t int8_longest = 65536;

/// Rows of 8-bit values, `stride` bytes apart; value t of row i stands for scale[i] * q_it.
struct Int8Rows {
  const std::int8_t* values = nullptr;
  std::size_t stride = 0;
  const float* scale = nullptr;
  const std::int32_t* sum = nullptr;  ///< of the row's values
  const float* cut_off = nullptr;     ///< length of what the rounding took off
  const float* length = nullptr;      ///< of the rounded row, at most
  const float* tail = nullptr;        ///< null: rows are whole (int8_filter.hpp)
  std::size_t n_rows = 0;
};

/// Centroids with int8_shift(Int8Kernels::centroids.range) added to every value, both as panels of two
/// vectors (the last may hold one), in which four values of each centroid lie together, and row by row. Both
/// are n_vectors * int8_lanes * stride bytes; what lies behind the panels may be anything. To near() panels,
/// and what vectors of them have, may be of some centroids only, while rows, terms and tails are of all.
struct Int8Centroids {
  const std::uint8_t* panels = nullptr;
  const std::uint8_t* rows = nullptr;
  std::size_t stride = 0;
  const float* scale = nullptr;       ///< n_vectors * int8_lanes; 0 for padding, which stands for 0
  const float* half_norms = nullptr;  ///< n_vectors * int8_lanes; the largest float for padding
  const float* length = nullptr;      ///< of the centroid; 0 for padding
  const float* cut_off = nullptr;     ///< length of what the rounding took off; 0 for padding
  const float* tail = nullptr;        ///< null: rows are whole
  const float* terms =
      nullptr;  ///< the same centroid by centroid: scale, half norm, length, cut_off; aligned
  std::size_t n_vectors = 0;
  std::size_t n_quads = 0;  ///< of values: a quarter of them, rounded up
  float coarsest = 0;       ///< the largest cut_off_j / scale_j, at most
  float longest = 0;        ///< the largest (length_j + cut_off_j) / scale_j, at most
};

/// Writes a centroid's row, with the shift, to its place in panels of n_vectors and n_quads.
inline void put_in_panels(const std::uint8_t* row, std::size_t place, std::size_t n_vectors,
                          std::size_t n_quads, std::uint8_t* panels) {
  const std::size_t panel = place / int8_lanes / 2 * 2;
  const std::size_t width = (panel + 2 <= n_vectors ? 2 : 1) * int8_lanes * 4;
  std::uint8_t* out = panels + panel * int8_lanes * 4 * n_quads + (place - panel * int8_lanes) * 4;
  for (std::size_t q = 0; q < n_quads; ++q) std::copy_n(row + 4 * q, 4, out + q * width);
}

/// Which centroids may be the nearest. Lane l stands for the centroids j = l modulo int8_lanes; the place of
/// j in its lane, j / int8_lanes, replaces the lowest tag_bits() of its bound, so that a lane's lowest bound
/// tells its centroid. With j the place of the lowest of all, b_j, nothing is near that is above
/// least_i + reach_i.
struct Int8Lowest {
  const float* reach = nullptr;     ///< n_rows
  float* least = nullptr;           ///< n_rows: b_j + 2 off_ij + 2 tail_i tail_j
  std::int32_t* nearest = nullptr;  ///< n_rows: j
  std::uint8_t* alone = nullptr;    ///< n_rows: whether nothing else is near
  float* lanes = nullptr;  ///< n_rows x 2 x int8_lanes: the lowest bound of every lane, and the second lowest
  float* bounds = nullptr;  ///< n_rows x bounds_stride, or null: every bound
  std::size_t bounds_stride = 0;
};

/// Longest rows that near() takes: its sums start at the bits of a float.
inline constexpr std::size_t int8_longest_near = 32768;

/// What near() says of a row: nothing but its own centroid is near; its pairs are listed; or they are too
/// many for that, or its limit is not finite.
enum class Int8Found : std::uint8_t { own, listed, many };

/// Which centroids may be nearer than the one a row has. Nothing is near that is above limit_i; what is
/// hardly above may be; what stands at place_i is.
struct Int8Near {
  /// A row with bits in more words than this is one of many; so are rows from where there may be no room for
  /// sixteen pairs a word.
  static constexpr std::size_t most_words = 16;
  /// Pairs for which there should be room, of so many rows.
  static constexpr std::size_t room_for_pairs(std::size_t n_rows) { return 16 * n_rows + 16; }

  const std::int32_t* place = nullptr;  ///< n_rows: where the own centroid is among the vectors, or padding
  const float* limit = nullptr;         ///< n_rows
  Int8Found* found = nullptr;           ///< n_rows
  std::uint16_t* far = nullptr;    ///< n_rows x n_vectors: bit l of word v is set if centroid 16 v + l is
                                   ///< not near
  std::int32_t* listed = nullptr;  ///< the listed rows, in order; room for n_rows
  std::size_t* n_listed = nullptr;
  std::int32_t *pair_row = nullptr, *pair_centroid = nullptr;  ///< of all of them what is near, in order
  std::size_t room = 0;                                        ///< for pairs, 16 at least
  std::size_t* n_pairs = nullptr;
  // Working memory, n_rows each.
  float *inverse = nullptr, *level = nullptr;
  std::int32_t* starts = nullptr;
};

/// How many of a score's lowest bits give way: log2 of the vectors, rounded up.
constexpr unsigned tag_bits(std::size_t n_vectors) {
  unsigned bits = 0;
  while (n_vectors > std::size_t{1} << bits) ++bits;
  return bits;
}

struct Int8Kernels {
  Int8Limits samples, centroids;  ///< what their values must keep, to the kernels of this struct
  bool in_tiles = false;          ///< products of tiles: eight times the rate of VNNI

  /// b_ij = half_norm_j - scale_i q_i.q_j scale_j - off_ij,  off_ij = cut_off_i length_j + length_i
  /// cut_off_j: the product of integers is exact, then six roundings at most. The lowest of these bounds of
  /// every row. None may be infinite or a NaN unless reach is.
  void (*lowest)(const Int8Centroids&, const Int8Rows&, const Int8Lowest&);

  /// least[i] = b_ia + 2 off_ia + 2 tail_i tail_a of the listed rows, or all if that is empty, and one
  /// centroid each, a = own[i].
  void (*own_bounds)(const Int8Centroids&, const Int8Rows&, const std::int32_t* own,
                     std::span<const std::int32_t> listed, float* least);

  /// Compares with a limit a row, at half of what lowest() costs. False if a row
  /// or a centroid is too long for it, so that a product might reach 2^22 (of values that are all alike from
  /// some 260 of them on, of others from thousands): what it writes means nothing then. No scale may be 0,
  /// but that of padding.
  bool (*near)(const Int8Centroids&, const Int8Rows&, const Int8Near&);

  /// b_ij of row i and the centroids index[0 ... count - 1].
  void (*listed_bounds)(const Int8Centroids&, const Int8Rows&, std::size_t i, const std::int32_t* index,
                        std::size_t count, float* out);

  /// Rounds d values to -limits.range ... limits.range, coarser where limits.squares asks for it, and sets
  /// the padding up to `stride` to zero; `limits` are `samples` or `centroids` of the same struct. Returns
  /// the length of what was cut off, sqrt(sum (x_t - scale q_t)^2), up to the rounding errors of that sum. Of
  /// a row with a value that is not finite all is zero, and what was cut off is infinite.
  float (*quantise)(const float* x, std::size_t d, std::size_t stride, const Int8Limits& limits,
                    std::int8_t* values, float* scale, std::int32_t* sum);
};

/// For an instruction set, if this CPU has products of bytes with it; else null. Without `vnni`, or `tiles`:
/// as if the CPU had none of it. (Where it has tiles, AMX, the first call asks Linux for them, for this
/// process: docs/embedding.md says what that means.)
const Int8Kernels* int8_kernels(Isa isa, bool vnni = true, bool tiles = true);

/// Plain loops: what the others are tested against.
const Int8Kernels& plain_int8_kernels();

}  // namespace omnimeans::kernels
