// SPDX-License-Identifier: MIT
// What the vector units do for us, as plain function pointers: one table an instruction set, filled in
// kernels_<isa>.cpp, chosen once by dispatch.cpp. Kernels know nothing of backends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "omnimeans/isa.hpp"

namespace omnimeans::kernels {

/// Centroids packed for the score kernel: groups of `lanes` centroids ("vectors"), two vectors a panel (the
/// last panel may hold one); a panel is feature-major: feature t of all its centroids lies together. Padding
/// centroids have half_norm = +infinity, so that they are never nearest.
template <class T>
struct PackedCentroids {
  const T* panels = nullptr;
  const T* half_norms = nullptr;  ///< n_vectors * lanes values |c_j|^2 / 2
  std::size_t n_vectors = 0;
  std::size_t n_features = 0;
  std::size_t group_panels = 0;  ///< panels that stay in the L2 cache while a block of samples passes
};

/// Samples in place: n_rows rows, `row_stride` values apart; or those that `index` lists, where a kernel says
/// so.
template <class T>
struct RowBlock {
  const T* rows = nullptr;
  std::size_t row_stride = 0;
  std::size_t n_rows = 0;
  const std::int32_t* index = nullptr;
};

/// Centroids packed for the nearest-centroid kernel: chunks of dense_chain features; in a chunk, n_groups
/// groups of nearly equal size (the first k mod n_groups hold one more); in a group, feature-major.
template <class T>
struct GroupedCentroids {
  const T* packed = nullptr;      ///< n_clusters * n_features values
  const T* half_norms = nullptr;  ///< n_clusters values |c_j|^2 / 2
  std::size_t n_clusters = 0;
  std::size_t n_features = 0;
  std::size_t n_groups = 0;
};

/// What `nearest` is asked to write beside labels, in the samples' own units; all null: nothing.
template <class T>
struct DistanceBounds {
  T* upper = nullptr;  ///< n_rows: |x - c_label| at most; of an open row: meaningless
  T* lower = nullptr;  ///< n_rows: |x - c_j| at least, for every other j; of an open row: for every j
  /// n_rows, instead of both: at most lower - upper + path[label] where that is more than path[label] >= 0;
  /// of an open row -infinity.
  T* gaps = nullptr;
  const T* path = nullptr;              ///< n_clusters
  T least_factor = 1, least_floor = 0;  ///< |x'| >= least_factor * norm - least_floor
  T largest_norm = 0;                   ///< of a centroid: C
  T rounding = 0;                       ///< a square is off by rounding * (norm + C)^2
  T upper_factor = 1, lower_factor = 1;
};

/// A block of samples to label; see nearest-inl.hpp and dense_engine.hpp for the margin.
template <class T>
struct NearestTask {
  GroupedCentroids<T> centroids;
  RowBlock<T> block;          ///< may list its rows; r below counts in the list, norms in the rows
  const T* offset = nullptr;  ///< subtracted from every sample, then times scale; null: samples as they are
  T scale = 1;
  T unit = 1;  ///< of a score, where accumulators are integers (int16.hpp)
  T margin0 = 0, margin1 = 0, margin2 = 0, norm_limit = 0;
  T* norms = nullptr;  ///< of each row, an upper bound of |x'|: read if known, else written
  bool norms_known = false;
  T norm_floor = 0, norm_factor = 1;  ///< norm = norm_factor * sqrt(sum of squares + norm_floor)
  T* tile_samples = nullptr;  ///< scratch: min(n_features, dense_chain) * nearest_tile values, aligned
  T* partial =
      nullptr;  ///< scratch: n_clusters * nearest_tile values, aligned; only if n_features > dense_chain
  std::int32_t* labels = nullptr;  ///< out: n_rows; of an open row: not proved
  T* squared = nullptr;  ///< out: n_rows upper bounds of |x' - c'_label|^2, before rounding up; or null
  DistanceBounds<T> bounds;
  std::int32_t* open = nullptr;  ///< out: the r whose label is not proved; room for n_rows
  std::size_t* n_open = nullptr;
};

/// Bounds of one byte come in rows of a multiple of this.
inline constexpr std::size_t byte_lanes = 64;

/// Candidates of a box, feature-major: feature t of candidate c at values[t * stride + c]. Readable to the
/// end of the last vector.
template <class T>
struct Candidates {
  const T* values = nullptr;
  const std::int32_t* index = nullptr;  ///< which centroids they are, ascending
  std::size_t count = 0, stride = 0;
};

/// Which candidates may be nearest to a point x of the box |x_t - centre_t| scale <= half_t; see box-inl.hpp.
/// One is dropped where another is nearer to all of the box by more than margin_factor |a|^2 + margin_floor.
template <class T>
struct BoxFilter {
  Candidates<T> in;
  std::size_t n_features = 0;
  const T* centre = nullptr;
  const T* twice_half = nullptr;
  T scale = 1, margin_factor = 0, margin_floor = 0;
  T limit = 0;            ///< squares beyond it might overflow in sums
  bool relative = false;  ///< write a = (c - centre) scale and |a|^2 / 2, else c itself
  T* out = nullptr;       ///< as Candidates; room for in.count, to the end of the last vector
  std::size_t out_stride = 0;
  std::int32_t* out_index = nullptr;  ///< room likewise
  T* half_norms = nullptr;            ///< room likewise; only if `relative`
  T* squared = nullptr;               ///< scratch: likewise
  T* nearest = nullptr;               ///< out: n_features, the a of the candidate nearest to the centre
};
template <class T>
struct BoxFiltered {
  std::size_t count = 0;
  T least_squared = 0;  ///< |a|^2 of the nearest to the centre
  T least_excess =
      0;  ///< of the dropped, at least: how much |x - c|^2 scale^2 is above the nearest's, anywhere
  // Of those left, only if `relative`.
  T largest = 0;  ///< |a|^2, if none is beyond the limit
  bool beyond_limit = false;
};

/// Samples of a leaf, feature-major, leaf_rows a feature, and the candidates of its box, relative to it.
template <class T>
struct LeafTask {
  const T* samples = nullptr;
  const T* centre = nullptr;  ///< subtracted from every sample, then times scale
  T scale = 1;
  T* relative = nullptr;  ///< scratch: leaf_rows * n_features values, aligned
  std::size_t count = 0, n_features = 0;
  const T* centroids = nullptr;
  std::size_t n_centroids = 0, stride = 0;
  const T* half_norms = nullptr;
  const std::int32_t* index = nullptr;
  T margin = 0;
  const std::int32_t* before = nullptr;  ///< labels, leaf_rows
  std::int32_t* labels = nullptr;        ///< out: leaf_rows
};
template <class T>
struct LeafLabels {
  std::uint64_t open = 0;     ///< the samples whose label the margin does not prove, as bits
  std::uint64_t changed = 0;  ///< those whose label is not the one before
  T least_gap = 0;            ///< the least difference of the two lowest scores of a sample
};

/// The samples of a block, which share their bounds, as they are: feature-major, a value a sample. Value t
/// becomes (x_t - offset_t) scale, in sixteen bits rounded to a multiple of the unit, two of them a word.
template <class T>
struct BlockStart {
  const T* values = nullptr;
  std::size_t n_features = 0;
  const T* offset = nullptr;
  T scale = 1, inverse_unit = 1;
  T* samples = nullptr;  ///< out: feature-major
  T norm_floor = 0, norm_factor = 1;
  T* norms = nullptr;  ///< out: norm_factor * sqrt(sum of the values' squares + norm_floor)
  T norm_limit = std::numeric_limits<T>::infinity();  ///< longer samples have no say in `residual`
};
template <class T>
struct BlockStarted {
  T longest = 0;   ///< of the norms
  T residual = 0;  ///< the largest sum of (value / unit - its integer)^2; in float 0
};

/// Samples of a block, as BlockStart made them, and the centroids that may be nearest to one of them, row by
/// row; see block-inl.hpp and, for the bounds, blockbounds.cpp.
template <class T>
struct BlockTask {
  const T* samples = nullptr;
  std::size_t count = 0, n_features = 0;  ///< or n_words
  const T* norms = nullptr;
  const T* rows = nullptr;
  std::size_t row_stride = 0;
  const T* half_norms = nullptr;
  T unit = 1;  ///< in sixteen bits: the square of the unit
  /// Which centroids, ascending; then as many copies of the last as a block has samples.
  const std::int32_t* index = nullptr;
  std::size_t n_listed = 0;
  T margin = 0;         ///< within which scores prove nothing
  T* scores = nullptr;  ///< scratch: a value a sample for each centroid, of those listed and the copies
  std::int32_t* near = nullptr;  ///< out: places in `index` of those within the margin, ascending
  T units = 1;                   ///< bounds in a length
  T reach_units = 0;        ///< taken off a bound, times the longest distance from a sample to its centroid
  T guard = 0;              ///< and this, in bounds
  const T* path = nullptr;  ///< of each centroid, in bounds: added to its bound
  T own_path = 0;           ///< of the block, in bounds: likewise
  std::uint16_t* words = nullptr;        ///< out: the bounds of those listed
  const std::int32_t* before = nullptr;  ///< labels
  std::int32_t* labels = nullptr;        ///< out; of an open sample: not proved
};
struct BlockLabels {
  std::uint64_t open = 0;     ///< the samples whose label the margin does not prove, as bits
  std::uint64_t changed = 0;  ///< those whose label is not the one before
  std::size_t n_near = 0;     ///< of task.near; no other centroid is nearest to any of the samples
};

/// For blocks of so many samples.
template <class T>
struct BlockKernels {
  std::size_t rows;
  BlockStarted<T> (*start)(const BlockStart<T>&);
  /// Labels a block's samples and renews its bounds.
  BlockLabels (*label)(const BlockTask<T>&);
};

/// Bounds of a block of samples, one upper and one lower each (Hamerly 2010). Rows are counted from its
/// first.
template <class T>
struct BoundsTask {
  const std::int32_t* labels = nullptr;
  T *upper = nullptr, *lower = nullptr;
  const T* weights = nullptr;     ///< null: all ones
  const T* separation = nullptr;  ///< of each centroid: half the way to the nearest other, at most; by label
  std::int32_t* open = nullptr;   ///< rows whose label may change, ascending
};

/// How far each centroid moved, at most, and the largest of them; `second` equals it if two are the largest.
template <class T>
struct Drifts {
  const T* of = nullptr;
  T largest = 0, second = 0;
};

/// The centroids, and what makes the distance to one of them an upper bound.
template <class T>
struct OwnDistances {
  const T* centroids = nullptr;
  std::size_t stride = 0, n_features = 0;
  T factor = 1, floor = 0;
};

struct BoundsResult {
  std::size_t n_open = 0;
  double inertia_bound =
      0;  ///< sum of w * upper^2 over the rows that are not open (or no more), rounded somehow
};

/// Samples that change their cluster, for the sums of centroid_update.hpp. Sums are rows of sums_stride
/// values, a multiple of 8 that n_features does not exceed; so is `magic`, zero beyond the features.
template <class T>
struct AccountTask {
  const T* rows = nullptr;
  std::size_t row_stride = 0, n_features = 0;
  const std::size_t* index = nullptr;  ///< which samples; null: first ... first + count - 1
  std::size_t first = 0, count = 0;
  const std::int32_t* from = nullptr;  ///< of each sample, negative: none; null: none has one
  const std::int32_t* to = nullptr;    ///< of each sample
  const double* magic = nullptr;
  std::uint64_t* sums = nullptr;
  std::size_t sums_stride = 0;
  std::int64_t* counts = nullptr;
};

/// Likewise for samples of a leaf, feature-major: feature t of sample r at values[t * stride + r], stride <=
/// 64.
template <class T>
struct AccountLeaf {
  const T* values = nullptr;
  std::size_t stride = 0, n_features = 0;
  std::uint64_t rows = 0;              ///< which of them move, as bits
  const std::int32_t* from = nullptr;  ///< of each that moves, negative: none
  const std::int32_t* to = nullptr;    ///< likewise
  const double* magic = nullptr;
  std::uint64_t* sums = nullptr;
  std::size_t sums_stride = 0;
  std::int64_t* counts = nullptr;
};

/// How scores become bounds of one byte.
template <class T>
struct ByteTerms {
  T base = 0, factor = 1, shift = 0;
};

/// The kernels for values of T. The score of a pair is s_j = |c_j|^2/2 - x.c_j, so |x - c_j|^2 = |x|^2 + 2
/// s_j.
template <class T>
struct Kernels {
  /// Centroids a vector.
  std::size_t lanes;

  /// Samples a tile of `nearest`, centroids in its largest group.
  std::size_t nearest_tile, nearest_group;

  /// Up to so many centroids it needs no tile of transposed samples.
  std::size_t nearest_direct;

  /// Labels a block of samples, and lists those whose label the margin does not prove.
  void (*nearest)(const NearestTask<T>&);

  /// Samples a leaf.
  std::size_t leaf_rows;

  BoxFiltered<T> (*box_filter)(const BoxFilter<T>&);

  LeafLabels<T> (*leaf)(const LeafTask<T>&);

  /// Writes the j < n with words[j] <= min(drift[j] + own, 65535), ascending, to `out` (room for n + 16) and
  /// returns how many; n is a multiple of byte_lanes.
  std::size_t (*open_words)(const std::uint16_t* words, const std::uint16_t* drift, std::uint16_t own,
                            std::size_t n, std::int32_t* out);

  /// words[j] = max(0, words[j] - drift[j] - own) for j < n, a multiple of byte_lanes.
  void (*lower_words)(std::uint16_t* words, const std::uint16_t* drift, std::uint16_t own, std::size_t n);

  BlockKernels<T> blocks_of_32, blocks_of_64;

  /// Per row: every score, `scores_stride` (>= n_vectors * lanes) values a row.
  void (*scores)(const PackedCentroids<T>&, const RowBlock<T>&, T* scores, std::size_t scores_stride);

  /// D(x, rows[index[i]]) for i < count (index null: rows[i]), bit for bit the canonical distance.
  void (*canonical_distances)(const T* x, const T* rows, std::size_t row_stride, const std::int32_t* index,
                              std::size_t count, std::size_t n_features, double* out);

  /// out[i] = D(x_i, c_labels[i]) for every sample, bit for bit the canonical distance.
  void (*canonical_own)(const RowBlock<T>& samples, const RowBlock<T>& centroids, const std::int32_t* labels,
                        std::size_t n_features, double* out);

  /// |x - rows[index[i]]|^2 in T for i < count (index null: rows[i]), summed in no particular order: off by a
  /// relative gamma_{n_features + 4} at most, and by underflow.
  void (*squared_distances)(const T* x, const T* rows, std::size_t row_stride, const std::int32_t* index,
                            std::size_t count, std::size_t n_features, T* out);

  /// out[t] = (x[t] - offset[t]) * scale, or x[t] if offset is null.
  void (*move_row)(const T* x, const T* offset, T scale, std::size_t n_features, T* out);

  /// Sum of x_t^2 in T, in no particular order.
  T (*squared_norm)(const T* x, std::size_t n_features);

  /// Writes the j < n with values[j] not above (lowest value + margin), ascending, to `out` (room for n) and
  /// returns how many. A NaN is never above anything.
  std::size_t (*near_lowest)(const T* values, std::size_t n, T margin, std::int32_t* out);

  /// out[j] = factor * sqrt(max(0, 2 scores[j] + base)), finite; 0 for NaN.
  void (*lower_distances)(const T* scores, std::size_t n, T base, T factor, T* out);

  /// Elkan's test for one sample: writes the j < n for which neither bound[j] - drift[j] > upper nor
  /// separation[j] > upper, ascending, to `out` (room for n) and returns how many. A NaN leaves j open.
  std::size_t (*open_candidates)(const T* bound, const T* drift, const T* separation, T upper, std::size_t n,
                                 std::int32_t* out);

  /// out[i] = half_norms[j] - x.rows[j], j = index[i], i < count; x and the rows are padded with zeros up to
  /// n_features, a multiple of `lanes`. Off by less than the scores of `scores`.
  void (*listed_scores)(const T* x, const T* rows, std::size_t row_stride, const T* half_norms,
                        const std::int32_t* index, std::size_t count, std::size_t n_features, T* out);
  /// The same of pairs: x[i] in place of x, n_values of it, with as many zeros behind as there are more
  /// features (less than `lanes`), which are not read.
  void (*paired_scores)(const T* const* x, std::size_t n_values, const T* rows, std::size_t row_stride,
                        const T* half_norms, const std::int32_t* index, std::size_t count,
                        std::size_t n_features, T* out);

  /// Writes the j < n with bounds[j] < min(drift[j] + upper, 255), ascending, to `out` (room for n + 16) and
  /// returns how many; n is a multiple of byte_lanes. If there are more than `most`, some number above it is
  /// returned, and what `out` holds means nothing.
  std::size_t (*open_pairs)(const std::uint8_t* bounds, const std::uint8_t* drift, std::uint8_t upper,
                            std::size_t n, std::size_t most, std::int32_t* out);

  /// bounds[j] = max(0, bounds[j] - drift[j]) for j < n, a multiple of byte_lanes.
  void (*lower_bytes)(std::uint8_t* bounds, const std::uint8_t* drift, std::size_t n);

  /// out[j] = floor(factor * (root + drift[j]) - shift), not below 0 nor above 254, with root = sqrt(2
  /// scores[j] + base) less 2^-10 of it at most, or 0 where that is NaN or below 2^-50; drift >= 0.
  void (*byte_bounds)(const T* scores, const T* drift, std::size_t n, const ByteTerms<T>&, std::uint8_t* out);

  /// The same for the pairs index[0 ... count - 1] alone, scores[o] and drift[index[o]]: to bounds[index[o]].
  void (*listed_byte_bounds)(const T* scores, const T* drift, const std::int32_t* index, std::size_t count,
                             const ByteTerms<T>&, std::uint8_t* bounds);

  /// For each of n rows: upper += drift[label], lower -= the largest drift of another centroid (not below 0),
  /// both rounded outward. Lists in `open` (room for n) all rows but those with upper < lower or upper <
  /// separation[label]; a NaN leaves a row open.
  BoundsResult (*move_bounds)(const BoundsTask<T>&, const Drifts<T>&, std::size_t n);

  /// Writes the rows r < n for which gaps[r] > path[labels[r]] does not hold, ascending, to `out` (room for
  /// n) and returns how many. A NaN leaves a row open.
  std::size_t (*open_gaps)(const T* gaps, const std::int32_t* labels, const T* path, std::size_t n,
                           std::int32_t* out);

  /// For each of the block's listed rows (block.index = task.open): upper = factor * |x - c_label| + floor.
  /// Leaves in `open` those that are still open.
  BoundsResult (*tighten_bounds)(const BoundsTask<T>&, const RowBlock<T>& block, const OwnDistances<T>& own);

  /// Writes the r < n with a[r] != b[r], ascending, to `out` (room for n) and returns how many.
  std::size_t (*differing)(const std::int32_t* a, const std::int32_t* b, std::size_t n, std::int32_t* out);

  /// sums[to] += bits(x + magic), sums[from] -= bits(x + magic), likewise the counts, for every sample
  /// listed.
  void (*account)(const AccountTask<T>&);
  void (*account_leaf)(const AccountLeaf<T>&);

  /// sums[t] +-= bits(double(x_t) + magic[t]): one sample's fixed-point row; see centroid_update.hpp.
  void (*add_row)(const T* x, const double* magic, std::size_t n_features, std::uint64_t* sums);
  void (*subtract_row)(const T* x, const double* magic, std::size_t n_features, std::uint64_t* sums);
  /// means[t] = the sum of `count` such rows without magic[t], times quantum[t] / count: right to 2^-51, and
  /// the same bits from every implementation. `count` is not 0; quanta are powers of two.
  void (*means)(const std::uint64_t* sums, const double* magic, const double* quantum, std::int64_t count,
                std::size_t n_features, double* means);

  /// absmax[t] = max(absmax[t], |x_it|) over the rows; returns false if a value is NaN or infinite.
  bool (*column_absmax)(const RowBlock<T>&, std::size_t n_features, T* absmax);
};

struct KernelTable {
  Isa isa;
  Kernels<float> f32;
  Kernels<double> f64;

  template <class T>
  const Kernels<T>& of() const {
    if constexpr (sizeof(T) == sizeof(float)) {
      return f32;
    } else {
      return f64;
    }
  }
};

/// The tables that this build has, slowest first.
std::span<const KernelTable* const> tables();

/// The table of a usable instruction set.
const KernelTable& table(Isa isa);

template <class T>
const Kernels<T>& kernels_for(Isa isa) {
  return table(isa).of<T>();
}

}  // namespace omnimeans::kernels
