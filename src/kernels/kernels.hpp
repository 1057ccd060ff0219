// SPDX-License-Identifier: MIT
// What the vector units do for us, as plain function pointers: one table an instruction set, filled in
// kernels_<isa>.cpp, chosen once by dispatch.cpp. Kernels know nothing of backends.
#pragma once

#include <cstddef>
#include <cstdint>
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
  T margin0 = 0, margin1 = 0, margin2 = 0, norm_limit = 0;
  T* norms = nullptr;  ///< of each row, an upper bound of |x'|: read if known, else written
  bool norms_known = false;
  T norm_floor = 0, norm_factor = 1;  ///< norm = norm_factor * sqrt(sum of squares + norm_floor)
  T* tile_samples = nullptr;  ///< scratch: min(n_features, dense_chain) * nearest_tile values, aligned
  T* partial =
      nullptr;  ///< scratch: n_clusters * nearest_tile values, aligned; only if n_features > dense_chain
  std::int32_t* labels = nullptr;  ///< out: n_rows; of an open row: not proved
  T* squared = nullptr;            ///< out: n_rows upper bounds of |x' - c'_label|^2, before rounding up
  DistanceBounds<T> bounds;
  std::int32_t* open = nullptr;  ///< out: the r whose label is not proved; room for n_rows
  std::size_t* n_open = nullptr;
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

/// The kernels for values of T. The score of a pair is s_j = |c_j|^2/2 - x.c_j, so |x - c_j|^2 = |x|^2 + 2
/// s_j.
template <class T>
struct Kernels {
  /// Centroids a vector.
  std::size_t lanes;

  /// Samples a tile of `nearest`, centroids in its largest group.
  std::size_t nearest_tile, nearest_group;

  /// Labels a block of samples, and lists those whose label the margin does not prove.
  void (*nearest)(const NearestTask<T>&);

  /// Per row: every score, `scores_stride` (>= n_vectors * lanes) values a row.
  void (*scores)(const PackedCentroids<T>&, const RowBlock<T>&, T* scores, std::size_t scores_stride);

  /// D(x, rows[index[i]]) for i < count (index null: rows[i]), bit for bit the canonical distance.
  void (*canonical_distances)(const T* x, const T* rows, std::size_t row_stride, const std::int32_t* index,
                              std::size_t count, std::size_t n_features, double* out);

  /// |x - rows[index[i]]|^2 in T for i < count (index null: rows[i]), summed in no particular order: off by a
  /// relative gamma_{n_features + 4} at most, and by underflow.
  void (*squared_distances)(const T* x, const T* rows, std::size_t row_stride, const std::int32_t* index,
                            std::size_t count, std::size_t n_features, T* out);

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

  /// For each of n rows: upper += drift[label], lower -= the largest drift of another centroid (not below 0),
  /// both rounded outward. Lists in `open` (room for n) all rows but those with upper < lower or upper <
  /// separation[label]; a NaN leaves a row open.
  BoundsResult (*move_bounds)(const BoundsTask<T>&, const Drifts<T>&, std::size_t n);

  /// For each of the block's listed rows (block.index = task.open): upper = factor * |x - c_label| + floor.
  /// Leaves in `open` those that are still open.
  BoundsResult (*tighten_bounds)(const BoundsTask<T>&, const RowBlock<T>& block, const OwnDistances<T>& own);

  /// sums[t] +-= bits(double(x_t) + magic[t]): one sample's fixed-point row; see centroid_update.hpp.
  void (*add_row)(const T* x, const double* magic, std::size_t n_features, std::uint64_t* sums);
  void (*subtract_row)(const T* x, const double* magic, std::size_t n_features, std::uint64_t* sums);

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
