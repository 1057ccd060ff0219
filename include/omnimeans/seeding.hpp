// SPDX-License-Identifier: MIT
// Seeding on its own: fit() does the same before its first iteration.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "omnimeans/export.h"
#include "omnimeans/matrix_view.hpp"
#include "omnimeans/options.hpp"

namespace omnimeans {

/// What users read about a way to seed: the program's help, the benchmarks and the report come from here.
struct SeedingMethod {
  Init init;
  std::string_view name;  ///< of `omnimeans fit --init`
  std::string_view memory;
  std::string_view use_when;
  std::string_view avoid_when;
  std::string_view reference;
};

/// Every method, the default first.
OMNIMEANS_API std::span<const SeedingMethod> seeding_methods();

/// The method of that name. Throws InvalidArgument, listing the names.
OMNIMEANS_API const SeedingMethod& find_seeding_method(std::string_view name);

/// The method behind an Init. Throws InvalidArgument if there is none.
OMNIMEANS_API const SeedingMethod& find_seeding_method(Init init);

struct SeedingOptions {
  std::size_t n_clusters = 8;
  Init init = Init::kmeans_plus_plus;
  std::uint64_t seed = 0;
  std::size_t run = 0;  ///< which restart; each draws from a stream of its own
  int threads = 0;
  std::string isa = {};
  bool with_labels = false;              ///< fill Seeds::labels; most methods know them when they are done
  std::uint64_t memory_limit_bytes = 0;  ///< working memory; 0: half of the physical memory
  /// Looked at after each pass over the samples, or each group of draws: see Seeds::interrupted.
  std::optional<std::chrono::steady_clock::time_point> deadline = {};
  std::stop_token stop = {};
  std::function<bool(const SeedingProgress&)> progress = {};  ///< called then, too; false cancels
};

template <class T>
struct Seeds {
  Matrix<T> centroids;                   ///< n_clusters x n_features: copies of samples
  std::vector<std::size_t> indices;      ///< n_clusters: which samples they are, in the order drawn
  std::vector<std::int32_t> labels;      ///< n_samples: predict(samples, centroids), where asked for
  double inertia = 0;                    ///< of those labels: sum_i w_i D(x_i, c_label(i))
  std::uint64_t distances_computed = 0;  ///< in tiles, single ones, and of candidates
  std::uint64_t candidates = 0;          ///< samples drawn to be accepted or not
  std::size_t passes = 0;                ///< over all samples
  /// The deadline or a cancellation cut the method short; the seeds still missing were drawn at random.
  bool interrupted = false;
};

/// Draws n_clusters different samples as first centroids. A sample of zero weight is never drawn, nor one
/// equal to another already drawn while a different one is left. The same seed gives the same draws on any
/// machine. Throws InvalidArgument, ShapeMismatch, NonFiniteValue, UnsupportedIsa, MemoryLimitExceeded.
OMNIMEANS_API Seeds<float> seed_centroids(MatrixView<const float> samples, const SeedingOptions& options,
                                          std::span<const float> sample_weights = {});
OMNIMEANS_API Seeds<double> seed_centroids(MatrixView<const double> samples, const SeedingOptions& options,
                                           std::span<const double> sample_weights = {});

}  // namespace omnimeans
