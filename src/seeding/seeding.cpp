// SPDX-License-Identifier: MIT
#include "omnimeans/seeding.hpp"

#include <algorithm>
#include <chrono>

#include "labelling.hpp"
#include "memory.hpp"
#include "parallel.hpp"
#include "seeding/methods.hpp"
#include "seeding/seeding_internal.hpp"
#include "validate.hpp"

namespace omnimeans {
namespace seeding {

template <class T>
void within_memory(const Task<T>& task, double bytes) {
  if (bytes > static_cast<double>(task.memory_limit_bytes)) {
    throw MemoryLimitExceeded("seeding needs " + std::to_string(static_cast<std::uint64_t>(bytes)) +
                              " bytes, memory_limit_bytes = " + std::to_string(task.memory_limit_bytes) +
                              "; raise the limit, use init = random, or give initial_centroids");
  }
}

template <class T>
Seeds<T> seed_validated(MatrixView<const T> samples, std::span<const T> weights,
                        const SeedingOptions& options, Isa isa) {
  using Clock = std::chrono::steady_clock;
  Task<T> task{.samples = samples,
               .weights = weights,
               .n_clusters = options.n_clusters,
               .isa = isa,
               .kernels = kernels::kernels_for<T>(isa),
               .threads = resolve_threads(options.threads),
               .memory_limit_bytes =
                   options.memory_limit_bytes != 0 ? options.memory_limit_bytes : default_memory_limit(),
               .rng = CounterRng(options.seed, options.run),
               .interrupt =
                   [&options](const SeedingProgress& progress) {
                     return (options.progress && !options.progress(progress)) ||
                            options.stop.stop_requested() ||
                            (options.deadline && Clock::now() >= *options.deadline);
                   },
               .run = options.run,
               .with_labels = options.with_labels};
  Seeds<T> seeds;
  seeds.indices = method<T>(options.init)(task);
  seeds.centroids = Matrix<T>(options.n_clusters, samples.cols());
  for (std::size_t j = 0; j < seeds.indices.size(); ++j) {
    std::ranges::copy(samples.row(seeds.indices[j]), seeds.centroids.row(j).begin());
  }
  seeds.labels = std::move(task.labels);
  seeds.inertia = task.inertia;
  seeds.distances_computed = task.distances_computed;
  seeds.candidates = task.candidates;
  seeds.passes = task.passes;
  seeds.interrupted = task.interrupted;
  return seeds;
}

template void within_memory(const Task<float>&, double);
template void within_memory(const Task<double>&, double);
template Seeds<float> seed_validated(MatrixView<const float>, std::span<const float>, const SeedingOptions&,
                                     Isa);
template Seeds<double> seed_validated(MatrixView<const double>, std::span<const double>,
                                      const SeedingOptions&, Isa);

}  // namespace seeding

namespace {

template <class T>
Seeds<T> validate_and_seed(MatrixView<const T> samples, const SeedingOptions& options,
                           std::span<const T> weights) {
  check_threads(options.threads);
  find_seeding_method(options.init);
  const Isa isa = find_isa(options.isa);
  const int threads = resolve_threads(options.threads);
  check_shape(samples, "X");
  check_weights(weights, samples.rows());
  check_n_clusters(options.n_clusters, samples.rows(), weights);
  check_weighted_range<T>(check_values(samples, "X", isa, threads, weights), weights);
  Seeds<T> seeds = seeding::seed_validated(samples, weights, options, isa);
  if (options.with_labels && seeds.labels.empty()) {
    seeds.labels.resize(samples.rows());
    seeds.distances_computed +=
        label_samples<T>(samples, seeds.centroids, isa, threads, seeds.labels).distances_computed;
    ++seeds.passes;
    seeds.inertia = canonical_inertia<T>(samples, weights, seeds.centroids, seeds.labels, isa, threads);
  }
  return seeds;
}

}  // namespace

Seeds<float> seed_centroids(MatrixView<const float> samples, const SeedingOptions& options,
                            std::span<const float> sample_weights) {
  return validate_and_seed(samples, options, sample_weights);
}

Seeds<double> seed_centroids(MatrixView<const double> samples, const SeedingOptions& options,
                             std::span<const double> sample_weights) {
  return validate_and_seed(samples, options, sample_weights);
}

}  // namespace omnimeans
