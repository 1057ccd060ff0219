// SPDX-License-Identifier: MIT
// What a fit returns, its history included.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "omnimeans/export.h"
#include "omnimeans/isa.hpp"
#include "omnimeans/matrix_view.hpp"

namespace omnimeans {

/// Why the iteration ended.
enum class StopReason {
  converged,  ///< no label changed, no empty cluster was refilled, no centroid moved
  tolerance,  ///< sum_j |c_j' - c_j|^2 <= tol * mean feature variance
  max_iter,   ///< Options::max_iter iterations were done
  deadline,   ///< Options::deadline passed
  cancelled,  ///< a progress callback returned false, or Options::stop was requested
};

/// "converged", "tolerance", "max_iter", "deadline", "cancelled".
OMNIMEANS_API std::string_view to_string(StopReason reason) noexcept;

/// One iteration: the assignment step with C_t, then the update step to C_{t+1}.
struct IterationStats {
  std::size_t iteration = 0;  ///< 0 for the first
  double inertia_bound =
      0;  ///< upper bound of sum_i w_i D(x_i, c_label(i)), with C_t; exact where `inertia_is_exact`
  bool inertia_is_exact = false;  ///< ... up to the rounding of the sum
  std::size_t labels_changed =
      0;  ///< samples of positive weight whose label differs from the iteration before
  std::size_t empty_clusters = 0;        ///< clusters without a sample after the assignment step
  double centroid_shift = 0;             ///< sum_j |c_j' - c_j|^2
  std::uint64_t distances_computed = 0;  ///< sample-to-centroid and centroid-to-centroid, dense or single
  std::uint64_t reranked =
      0;  ///< samples that the fast kernel could not prove and the canonical rule decided
  double assignment_seconds = 0;
  double update_seconds = 0;
  std::string_view backend = {};  ///< that labelled the samples: "auto" may change it; "seeding" in the first
                                  ///< iteration where the labels came with the first centroids
  std::string reason = {};  ///< why "auto" took it, or keeps it, in the iteration where it does; else empty
};

template <class T>
struct Result {
  Matrix<T> centroids;               ///< n_clusters x n_features
  std::vector<std::int32_t> labels;  ///< n_samples; always equal to predict(samples, centroids)
  double inertia = 0;                ///< sum_i w_i D(x_i, c_label(i)), canonical, with the returned centroids
  std::size_t n_iter = 0;            ///< iterations done (assignment + update)
  StopReason stop_reason = StopReason::max_iter;
  std::size_t n_nonempty = 0;  ///< clusters that own a sample; < n_clusters where samples repeat too often
  std::size_t run = 0;         ///< which of the n_init runs this is, from 0
  std::vector<IterationStats> history;  ///< one entry an iteration of this run

  std::string backend;    ///< the backend that ran; with "auto" the last one
  Isa isa = Isa::scalar;  ///< the kernels that ran
  int threads = 1;        ///< the threads that it might use
  /// Over the iterations of this run and the final labelling. With "auto", and in long steps of "gap", the
  /// clock decides when distances are skipped, so that this may differ from run to run; no label does.
  /// With AMX, how many "int8" and "prefix" leave out also depends on the threads and the features, which
  /// set the length of a block.
  std::uint64_t distances_computed = 0;
  std::uint64_t reranked = 0;
  std::uint64_t backend_bytes = 0;            ///< the backend's working memory at its peak
  std::uint64_t seed_distances_computed = 0;  ///< by the seeding of this run, its labels for the first
                                              ///< iteration included
  std::size_t seed_passes = 0;                ///< of the seeding over the samples
  double seed_seconds = 0;                    ///< all runs
  double fit_seconds = 0;  ///< assignment and update steps of all runs, the final labelling included
};

}  // namespace omnimeans
