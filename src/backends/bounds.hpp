// SPDX-License-Identifier: MIT
// What backends with bounds share: distances rounded outward, the distances between centroids, and one upper
// and one lower bound a sample that move with the centroids (Hamerly 2010; kernels/bounds-inl.hpp).
//
//   u_i >= |x_i - c_a(i)|     l_i <= |x_i - c_j| for every j != a(i)
//   s_j <= half the way from c_j to the nearest other centroid
//   No other centroid is nearer to x_i than its own if u_i < l_i or u_i < s_a(i).
//
// The distance D of the canonical rule is off by a relative gamma_{d/8+8} of double. Every bound is born with
// a slack above that, from the engine's margin, from Rounding below or from the drift, and sums and
// differences of bounds keep it; so what is proved of distances, strictly, is proved of D.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "dense_engine.hpp"
#include "kernels/kernels.hpp"
#include "omnimeans/backend.hpp"
#include "parallel.hpp"
#include "rounding.hpp"

namespace omnimeans::algorithms {

/// Bounds of distances from their squares in T, or from canonical distances.
template <class T>
class Rounding {
 public:
  explicit Rounding(std::size_t n_features) {
    const double d = static_cast<double>(n_features);
    slack_ = (d + 16) * static_cast<double>(std::numeric_limits<T>::epsilon());
    tiny_ = std::sqrt(d) * std::sqrt(static_cast<double>(std::numeric_limits<T>::denorm_min())) * 2;
  }

  double slack() const { return slack_; }
  double tiny() const { return tiny_; }
  T upper_root(double squared) const { return round_up<T>(std::sqrt(squared) * (1 + slack_) + tiny_); }
  /// sqrt(squared) * factor() + floor(), three roundings in T, is an upper bound, too.
  T factor() const { return round_up<T>(1 + slack_); }
  T floor() const { return round_up<T>(tiny_); }
  /// Nothing is known of a square that overflowed.
  T lower_root(T squared) const {
    return std::isfinite(squared)
               ? round_down<T>(std::sqrt(static_cast<double>(squared)) * (1 - slack_) - tiny_)
               : T(0);
  }
  /// Whether the canonical distance behind the square a is less than that behind b. A NaN or an overflow
  /// proves nothing.
  bool certainly_less(T a, T b) const {
    return std::isfinite(b) && static_cast<double>(a) * (1 + 4 * slack_) + 4 * tiny_ * tiny_ <
                                   static_cast<double>(b) * (1 - 4 * slack_) - 4 * tiny_ * tiny_;
  }

 private:
  // Relative error of the root of a square in T or of a canonical distance, and the root of what underflow
  // may take.
  double slack_, tiny_;
};

template <class T>
double weight_of(const Problem<T>& problem, std::size_t i) {
  return problem.sample_weights.empty() ? 1.0 : static_cast<double>(problem.sample_weights[i]);
}

/// w_i u^2, what sample i adds to the inertia at most if u is its upper bound.
template <class T>
double inertia_within(const Problem<T>& problem, std::size_t i, T u) {
  const double w = weight_of(problem, i), distance = static_cast<double>(u);
  return w > 0 ? w * distance * distance * (1 + 0x1p-40) : 0.0;
}

/// Whether fit() has a bound of the inertia from the clusters' sums, k d values, sooner than a backend from
/// its samples. Xeon with AMX, two threads, 25 steps with and without: n = 50,000 d = 100 k = 300 48.6
/// and 50.2 ms, n = 20,000 d = 100 k = 500 31.6 and 30.8.
template <class T>
bool sums_tell_inertia(const Problem<T>& problem) {
  const std::size_t per_thread =
      problem.samples.rows() / static_cast<std::size_t>(std::max(problem.threads, 1));
  return problem.n_clusters * problem.samples.cols() <= 2 * per_thread;
}

/// Half the distance of every centroid from row j of `centroids` into half[0 ... k-1], rounded down; infinity
/// for its own, which is no candidate. Returns the least.
template <class T>
T half_distances(const kernels::Kernels<T>& kernels, const Rounding<T>& rounding,
                 MatrixView<const T> centroids, std::size_t j, T* half) {
  const std::size_t k = centroids.rows();
  kernels.squared_distances(centroids.row_data(j), centroids.data(), centroids.row_stride(), nullptr, k,
                            centroids.cols(), half);
  T least = std::numeric_limits<T>::infinity();
  for (std::size_t other = 0; other < k; ++other) {
    half[other] = other == j ? std::numeric_limits<T>::infinity() : rounding.lower_root(half[other]) / 2;
    least = std::min(least, half[other]);
  }
  return least;
}

/// Threads worth starting for all the distances between centroids.
template <class T>
int centroid_threads(MatrixView<const T> centroids, int threads) {
  return threads_for_values(centroids.rows() * centroids.rows() * centroids.cols(), threads);
}

/// How far the centroids have moved, and the two largest moves.
template <class T>
struct Drift {
  std::vector<T> of;
  T largest = 0, second = 0;

  void take(std::span<const double> drift) {
    of.resize(drift.size());
    largest = second = 0;
    for (std::size_t j = 0; j < drift.size(); ++j) {
      of[j] = round_up<T>(drift[j]);
      second = std::max(second, std::min(largest, of[j]));
      largest = std::max(largest, of[j]);
    }
  }
  /// The largest of the others.
  T others(std::size_t j) const { return of[j] < largest ? largest : second; }
};

// A block's survivors should fill many tiles, and their list stay in the L1 cache.
inline constexpr std::size_t least_listed_rows = 256, largest_listed_rows = 2048;

/// Samples a block of DenseEngine::assign_listed().
template <class T>
std::size_t listed_block_rows(const Problem<T>& problem) {
  const std::size_t share =
      problem.samples.rows() / (4 * static_cast<std::size_t>(std::max(problem.threads, 1)));
  return std::clamp(share, least_listed_rows, largest_listed_rows);
}

/// All rows of a block.
inline void list_all(RowRange rows, std::vector<std::int32_t>& listed) {
  listed.resize(rows.size());
  std::iota(listed.begin(), listed.end(), 0);
}

/// What a block's list asks of all threads.
template <class T>
double listed_bytes(const Problem<T>& problem) {
  const double rows =
      static_cast<double>(std::min(problem.samples.rows(), largest_listed_rows)) * problem.threads;
  return rows * 3 * (sizeof(T) + sizeof(std::int32_t));
}

/// One upper and one lower bound a sample.
template <class T>
class SampleBounds {
 public:
  SampleBounds(const Problem<T>& problem, const kernels::Kernels<T>& kernels)
      : problem_(problem),
        kernels_(kernels),
        rounding_(problem.samples.cols()),
        upper_(problem.samples.rows()),
        lower_(problem.samples.rows()),
        block_rows_(listed_block_rows(problem)),
        separation_(problem.n_clusters) {
    drift_.of.resize(problem.n_clusters);
  }

  /// Beside the engine.
  static double bytes_needed(const Problem<T>& problem) {
    const double n = static_cast<double>(problem.samples.rows()), k = static_cast<double>(problem.n_clusters);
    return (2 * n + 2 * k) * sizeof(T) + listed_bytes(problem);
  }

  std::size_t block_rows() const { return block_rows_; }
  const Rounding<T>& rounding() const { return rounding_; }
  Labelling<T> labelling(std::span<std::int32_t> labels) {
    return {.weights = problem_.sample_weights, .labels = labels, .upper = upper_, .lower = lower_};
  }
  T& upper(std::size_t i) { return upper_[i]; }
  T& lower(std::size_t i) { return lower_[i]; }
  T separation(std::size_t j) const { return separation_[j]; }
  void set_separation(std::size_t j, T half) { separation_[j] = half; }
  void forget_separations() { std::fill(separation_.begin(), separation_.end(), T(0)); }

  /// The centroids have moved: separations that were right before are lowered, so that they still are.
  void take_drift(std::span<const double> drift) {
    drift_.take(drift);
    for (std::size_t j = 0; j < separation_.size(); ++j) {
      const double nearer = static_cast<double>(drift_.of[j]) + static_cast<double>(drift_.others(j));
      if (std::isfinite(separation_[j]))
        separation_[j] = round_down<T>(static_cast<double>(separation_[j]) - nearer / 2);
    }
  }

  /// Moves the bounds of a block of samples, and leaves in `open` those whose label may change, counted from
  /// the first. Returns what the others add to the inertia at most.
  double move(RowRange rows, std::span<const std::int32_t> labels, std::vector<std::int32_t>& open) {
    open.resize(rows.size());
    return closed(kernels_.move_bounds(task(rows, labels, open),
                                       {drift_.of.data(), drift_.largest, drift_.second}, rows.size()),
                  open);
  }

  /// The distance of every open sample from its own centroid, as its upper bound; whose label is proved by it
  /// is open no more. Returns what these add to the inertia at most.
  double tighten(RowRange rows, const Assignment<T>& step, std::vector<std::int32_t>& open) {
    const MatrixView<const T> x = problem_.samples, c = step.centroids;
    return closed(
        kernels_.tighten_bounds(task(rows, step.labels, open),
                                {x.row_data(rows.begin), x.row_stride(), open.size(), open.data()},
                                {c.data(), c.row_stride(), c.cols(), rounding_.factor(), rounding_.floor()}),
        open);
  }

 private:
  kernels::BoundsTask<T> task(RowRange rows, std::span<const std::int32_t> labels,
                              std::vector<std::int32_t>& open) {
    const T* weights = problem_.sample_weights.data();
    return {.labels = labels.data() + rows.begin,
            .upper = upper_.data() + rows.begin,
            .lower = lower_.data() + rows.begin,
            .weights = weights != nullptr ? weights + rows.begin : nullptr,
            .separation = separation_.data(),
            .open = open.data()};
  }
  static double closed(const kernels::BoundsResult& result, std::vector<std::int32_t>& open) {
    open.resize(result.n_open);
    return result.inertia_bound * (1 + 0x1p-40);
  }

  const Problem<T>& problem_;
  const kernels::Kernels<T>& kernels_;
  Rounding<T> rounding_;
  std::vector<T> upper_, lower_;  ///< n
  std::size_t block_rows_;
  std::vector<T> separation_;  ///< k
  Drift<T> drift_;             ///< k
};

}  // namespace omnimeans::algorithms
