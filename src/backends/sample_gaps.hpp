// SPDX-License-Identifier: MIT
// One number a sample that is read and not written while its label stays (kernels/bounds-inl.hpp).
//
//   u_i >= |x_i - c_a(i)|, l_i <= |x_i - c_j| for every j != a(i), when the sample was labelled, in step s
//   p_j(t) = the sum over the steps up to t of c_j's drift and the largest drift of another centroid
//   g_i = l_i - u_i + p_a(i)(s)
//   a(i) stays in step t if g_i > p_a(i)(t), for u_i may have grown, and l_i shrunk, by the difference.
//
// These are Hamerly's bounds (bounds.hpp), which move every step; here the k values p_j move instead.
// Rounding: p up, g down. In T, g is as coarse as p is large; that costs samples labelled for nothing, never
// a label.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "aligned_buffer.hpp"
#include "backends/bounds.hpp"
#include "dense_engine.hpp"
#include "kernels/kernels.hpp"
#include "omnimeans/backend.hpp"
#include "parallel.hpp"
#include "rounding.hpp"

namespace omnimeans::algorithms {

template <class T>
class SampleGaps {
 public:
  SampleGaps(const Problem<T>& problem, const kernels::Kernels<T>& kernels)
      : kernels_(kernels),
        weights_(problem.sample_weights),
        gaps_(AlignedBuffer<T>::for_overwrite(problem.samples.rows())),
        path_(problem.n_clusters),
        path_up_(problem.n_clusters),
        path_down_(problem.n_clusters),
        block_rows_(listed_block_rows(problem)) {}

  /// Beside the engine.
  static double bytes_needed(const Problem<T>& problem) {
    const double n = static_cast<double>(problem.samples.rows()), k = static_cast<double>(problem.n_clusters);
    // Those of a block's listed samples.
    const double listed = std::min(n, static_cast<double>(largest_listed_rows)) * problem.threads;
    return (n + 3 * k + listed) * sizeof(T) + k * sizeof(double) + listed_bytes(problem);
  }

  std::size_t block_rows() const { return block_rows_; }

  /// All samples are about to be labelled.
  void begin() {
    std::ranges::fill(path_, 0.0);
    std::ranges::fill(path_up_, T(0));
    std::ranges::fill(path_down_, T(0));
  }

  /// The centroids have moved. False if by so much that nothing can be said any more: begin() is next.
  bool take_drift(std::span<const double> drift) {
    drift_.take(drift);
    bool finite = true;
    for (std::size_t j = 0; j < path_.size(); ++j) {
      const double step = static_cast<double>(drift_.of[j]) + static_cast<double>(drift_.others(j));
      path_[j] = (path_[j] + step) * (1 + 0x1p-51);  // three roundings: not below the sum
      path_up_[j] = round_up<T>(path_[j]);
      path_down_[j] = round_down<T>(path_[j]);
      finite = finite && std::isfinite(path_up_[j]);
    }
    return finite;
  }

  Labelling<T> labelling(std::span<std::int32_t> labels, LabelObserver* observer) {
    return {.weights = weights_,
            .labels = labels,
            .gaps = {gaps_.data(), gaps_.size()},
            .path = path_down_,
            .observer = observer};
  }

  /// Leaves in `open` the samples of `rows` whose label may change, counted from the first.
  void find_open(RowRange rows, std::span<const std::int32_t> labels, std::vector<std::int32_t>& open) const {
    open.resize(rows.size());
    open.resize(kernels_.open_gaps(gaps_.data() + rows.begin, labels.data() + rows.begin, path_up_.data(),
                                   rows.size(), open.data()));
  }

  T gap(std::size_t i) const { return gaps_[i]; }
  double path(std::size_t j) const { return path_[j]; }

 private:
  const kernels::Kernels<T>& kernels_;
  std::span<const T> weights_;
  AlignedBuffer<T> gaps_;               ///< n
  std::vector<double> path_;            ///< k
  std::vector<T> path_up_, path_down_;  ///< k: rounded
  Drift<T> drift_;                      ///< k
  std::size_t block_rows_;
};

}  // namespace omnimeans::algorithms
