// SPDX-License-Identifier: MIT
// What can be asked of a fit. Meant for designated initialisers: fit(X, {.n_clusters = 100, .seed = 7}).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "omnimeans/matrix_view.hpp"
#include "omnimeans/result.hpp"

namespace omnimeans {

/// How the first centroids are found where none are given; seeding_methods() tells more of each.
enum class Init {
  random,                     ///< distinct samples, drawn with probability proportional to their weight
  kmeans_plus_plus,           ///< D^2 sampling (Arthur & Vassilvitskii 2007), drawn in batches
  kmeans_plus_plus_textbook,  ///< the same law, one pass over the samples a centre: what others are measured
                              ///< by
  kmeans_plus_plus_greedy,    ///< the best of 2 + ln k draws for every centre, as scikit-learn
  kmeans_parallel,            ///< k-means|| (Bahmani et al. 2012)
  afk_mc2,                    ///< Markov chains in place of D^2 sampling (Bachem et al. 2016)
  farthest_first,             ///< always the sample farthest from those chosen (Gonzalez 1985)
};

/// What happens to a cluster that no sample of positive weight is nearest to.
enum class EmptyClusterPolicy {
  relocate,  ///< to the samples farthest from their centroids, as scikit-learn; stays where every distance is
             ///< zero
  keep,      ///< the centroid stays where it is
  error,     ///< throws EmptyCluster
};

/// Told after every iteration.
struct Progress {
  std::size_t run = 0;  ///< from 0
  std::size_t n_init = 1;
  std::size_t max_iter = 0;
  const IterationStats& iteration;
};

/// Told while first centroids are drawn, after each pass over the samples or group of draws.
struct SeedingProgress {
  std::size_t run = 0;  ///< from 0
  std::size_t n_clusters = 0;
  std::size_t n_chosen = 0;
  std::size_t passes = 0;  ///< over the samples, so far
};

struct Options {
  std::size_t n_clusters = 8;
  Init init = Init::kmeans_plus_plus;  ///< not used where FitInputs::initial_centroids are given
  std::size_t n_init = 1;  ///< runs from different seeds; the lowest inertia wins, then the lowest run
  std::size_t max_iter = 300;
  double tol =
      1e-4;  ///< relative to the mean feature variance, as scikit-learn; 0: stop only at a fixed point
  std::uint64_t seed = 0;        ///< the same seed gives the same bits on any machine
  int threads = 0;               ///< 0: as many as OpenMP would use
  std::string backend = "auto";  ///< a name of backends(), or "auto"
  std::string isa = {};          ///< a name of usable_isas(); empty: default_isa()
  EmptyClusterPolicy empty_clusters = EmptyClusterPolicy::relocate;
  std::uint64_t memory_limit_bytes = 0;  ///< working memory of the seeding, then of the backend; 0: half of
                                         ///< the physical memory
  std::function<bool(const Progress&)> progress = {};  ///< called after each iteration; false cancels
  std::function<bool(const SeedingProgress&)> seeding_progress = {};  ///< called while seeding; false cancels
  /// Looked at after each iteration, and as often while seeding. A fit that ends while it seeds draws what is
  /// missing at random, labels the samples and returns that, with n_iter = 0.
  std::optional<std::chrono::steady_clock::time_point> deadline = {};
  std::stop_token stop = {};  ///< likewise
};

/// Optional data of a fit; what is left empty is not used.
template <class T>
struct FitInputs {
  /// n_samples, >= 0, not all zero; 0 means absent. A positive one below 2^-61 of their sum counts as that.
  std::span<const T> sample_weights = {};
  MatrixView<const T> initial_centroids = {};  ///< n_clusters x n_features
};

}  // namespace omnimeans
