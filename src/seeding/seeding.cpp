// SPDX-License-Identifier: MIT
#include "omnimeans/seeding.hpp"

#include <algorithm>

#include "parallel.hpp"
#include "seeding/methods.hpp"
#include "seeding/seeding_internal.hpp"
#include "validate.hpp"

namespace omnimeans {
namespace seeding {

template <class T>
Seeds<T> seed_validated(MatrixView<const T> samples, std::span<const T> weights,
                        const SeedingOptions& options, Isa isa) {
  Task<T> task{samples,
               weights,
               options.n_clusters,
               kernels::kernels_for<T>(isa),
               resolve_threads(options.threads),
               CounterRng(options.seed, options.run)};
  Seeds<T> seeds;
  switch (options.init) {
    case Init::random:
      seeds.indices = random(task);
      break;
    case Init::kmeans_plus_plus:
      seeds.indices = kmeans_plus_plus(task);
      break;
  }
  seeds.centroids = Matrix<T>(options.n_clusters, samples.cols());
  for (std::size_t j = 0; j < seeds.indices.size(); ++j) {
    std::ranges::copy(samples.row(seeds.indices[j]), seeds.centroids.row(j).begin());
  }
  seeds.distances_computed = task.distances_computed;
  return seeds;
}

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
  check_init(options.init);
  const Isa isa = find_isa(options.isa);
  check_shape(samples, "X");
  check_weights(weights, samples.rows());
  check_n_clusters(options.n_clusters, samples.rows(), weights);
  check_values(samples, "X", isa, resolve_threads(options.threads));
  return seeding::seed_validated(samples, weights, options, isa);
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
