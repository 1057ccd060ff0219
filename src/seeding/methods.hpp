// SPDX-License-Identifier: MIT
// The seeding methods: each picks n_clusters sample indices. What they get has been validated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/kernels.hpp"
#include "omnimeans/matrix_view.hpp"
#include "rng.hpp"

namespace omnimeans::seeding {

template <class T>
struct Task {
  MatrixView<const T> samples;
  std::span<const T> weights;
  std::size_t n_clusters;
  const kernels::Kernels<T>& kernels;
  int threads;
  CounterRng rng;
  std::uint64_t distances_computed = 0;

  double weight(std::size_t i) const { return weights.empty() ? 1.0 : static_cast<double>(weights[i]); }
};

template <class T>
std::vector<std::size_t> random(Task<T>& task);

template <class T>
std::vector<std::size_t> kmeans_plus_plus(Task<T>& task);

/// Adds samples that are not in `chosen` until it has n_clusters: drawn by weight without replacement, those
/// equal to a chosen one only when no other is left.
template <class T>
void fill_at_random(Task<T>& task, std::vector<std::size_t>& chosen);

}  // namespace omnimeans::seeding
