// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "omnimeans/export.h"
#include "omnimeans/matrix_view.hpp"
#include "omnimeans/options.hpp"

namespace omnimeans {

struct SeedingOptions {
  std::size_t n_clusters = 8;
  Init init = Init::kmeans_plus_plus;
  std::uint64_t seed = 0;
  std::size_t run = 0;  ///< which restart; each draws from a stream of its own
  int threads = 0;
  std::string isa = {};
};

template <class T>
struct Seeds {
  Matrix<T> centroids;               ///< n_clusters x n_features: copies of samples
  std::vector<std::size_t> indices;  ///< n_clusters: which samples they are, in the order drawn
  std::uint64_t distances_computed = 0;
};

/// Draws n_clusters different samples as first centroids. A sample of zero weight is never drawn, nor one
/// equal to another already drawn while a different one is left. The same seed gives the same draws on any
/// machine. Throws InvalidArgument, ShapeMismatch, NonFiniteValue, UnsupportedIsa.
OMNIMEANS_API Seeds<float> seed_centroids(MatrixView<const float> samples, const SeedingOptions& options,
                                          std::span<const float> sample_weights = {});
OMNIMEANS_API Seeds<double> seed_centroids(MatrixView<const double> samples, const SeedingOptions& options,
                                           std::span<const double> sample_weights = {});

}  // namespace omnimeans
