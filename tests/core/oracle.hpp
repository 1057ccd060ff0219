// SPDX-License-Identifier: MIT
// The oracle: K-means in its own words, from the text of the contract and not from the library. Nothing here
// includes src/, nobody optimises it, and results are compared with it by ==.
//
//   D(x, c)   eight partial sums p_l of (double(x_t) - double(c_t))^2 over t = l mod 8, t increasing; then
//   the tree
//             q_i = p_i + p_{i+4}, r_i = q_i + q_{i+2}, D = r_0 + r_1. In double, without contraction.
//   label     argmin_j D(x, c_j), the lowest j where several are equal.
//   inertia   w_i * D_i summed in order within blocks of 1024 samples, then the block totals in order.
//   mean      in quadruple precision: 113 bits hold every product w * x exactly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "omnimeans/matrix_view.hpp"

namespace oracle {

using omnimeans::MatrixView;

#ifdef __SIZEOF_FLOAT128__
__extension__ typedef __float128 Quad;
#else
using Quad = long double;  // 113 bits on the 64-bit ARM machines that lack the type above
#endif

/// The canonical squared distance.
template <class T>
double distance(const T* x, const T* c, std::size_t d) {
  double p[8] = {0, 0, 0, 0, 0, 0, 0, 0};
  for (std::size_t t = 0; t < d; ++t) {
    const double difference = static_cast<double>(x[t]) - static_cast<double>(c[t]);
    const double square = difference * difference;
    p[t % 8] = p[t % 8] + square;
  }
  double q[4], r[2];
  for (int i = 0; i < 4; ++i) q[i] = p[i] + p[i + 4];
  for (int i = 0; i < 2; ++i) r[i] = q[i] + q[i + 2];
  return r[0] + r[1];
}

/// The canonical label of one sample.
template <class T>
std::int32_t label(const T* x, MatrixView<const T> centroids) {
  std::int32_t best = 0;
  double best_distance = distance(x, centroids.row_data(0), centroids.cols());
  for (std::size_t j = 1; j < centroids.rows(); ++j) {
    const double candidate = distance(x, centroids.row_data(j), centroids.cols());
    if (candidate < best_distance) {
      best_distance = candidate;
      best = static_cast<std::int32_t>(j);
    }
  }
  return best;
}

template <class T>
std::vector<std::int32_t> labels(MatrixView<const T> samples, MatrixView<const T> centroids) {
  std::vector<std::int32_t> result(samples.rows());
  for (std::size_t i = 0; i < samples.rows(); ++i) result[i] = label(samples.row_data(i), centroids);
  return result;
}

/// A weight of 1 where no weights are given.
template <class T>
double weight(std::span<const T> weights, std::size_t i) {
  return weights.empty() ? 1.0 : static_cast<double>(weights[i]);
}

template <class T>
double inertia(MatrixView<const T> samples, MatrixView<const T> centroids,
               std::span<const std::int32_t> labels, std::span<const T> weights) {
  double total = 0;
  for (std::size_t begin = 0; begin < samples.rows(); begin += 1024) {
    double block = 0;
    for (std::size_t i = begin; i < samples.rows() && i < begin + 1024; ++i) {
      const T* centroid = centroids.row_data(static_cast<std::size_t>(labels[i]));
      const double term = weight(weights, i) * distance(samples.row_data(i), centroid, samples.cols());
      block = block + term;
    }
    total = total + block;
  }
  return total;
}

/// What one cluster weighs, and the weighted sums of its samples.
struct ClusterSums {
  Quad weight = 0;
  std::vector<Quad> sums;
};

/// Sums of all clusters; `owners[i]` is the cluster that sample i counts for.
template <class T>
std::vector<ClusterSums> cluster_sums(MatrixView<const T> samples, std::span<const T> weights,
                                      std::span<const std::int32_t> owners, std::size_t n_clusters) {
  std::vector<ClusterSums> clusters(n_clusters, ClusterSums{0, std::vector<Quad>(samples.cols(), 0)});
  for (std::size_t i = 0; i < samples.rows(); ++i) {
    const Quad w = weight(weights, i);
    ClusterSums& cluster = clusters[static_cast<std::size_t>(owners[i])];
    cluster.weight += w;
    for (std::size_t t = 0; t < samples.cols(); ++t) cluster.sums[t] += w * static_cast<Quad>(samples(i, t));
  }
  return clusters;
}

/// Clusters that own a sample of positive weight.
template <class T>
std::size_t n_nonempty(std::span<const std::int32_t> labels, std::span<const T> weights,
                       std::size_t n_clusters) {
  std::vector<char> owns(n_clusters, 0);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (weight(weights, i) > 0) owns[static_cast<std::size_t>(labels[i])] = 1;
  }
  std::size_t count = 0;
  for (const char o : owns) count += o != 0;
  return count;
}

}  // namespace oracle
