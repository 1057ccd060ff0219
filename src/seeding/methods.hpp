// SPDX-License-Identifier: MIT
// The seeding methods: each picks n_clusters sample indices. What they get has been validated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "kernels/kernels.hpp"
#include "omnimeans/matrix_view.hpp"
#include "omnimeans/seeding.hpp"
#include "rng.hpp"

namespace omnimeans::seeding {

/// What a method is given, and what it counts.
template <class T>
struct Task {
  MatrixView<const T> samples;
  std::span<const T> weights;
  std::size_t n_clusters;
  Isa isa;
  const kernels::Kernels<T>& kernels;
  int threads;
  std::uint64_t memory_limit_bytes;
  CounterRng rng;
  std::function<bool(const SeedingProgress&)> interrupt;  ///< true: choose no more
  std::size_t run = 0;
  bool with_labels = false;  ///< wanted if they come for little

  std::vector<std::int32_t> labels = {};  ///< canonical ones of the seeds, if the method has them; else empty
  double inertia = 0;
  std::uint64_t distances_computed = 0, candidates = 0;
  std::size_t passes = 0;
  bool interrupted = false;

  double weight(std::size_t i) const { return weights.empty() ? 1.0 : static_cast<double>(weights[i]); }
  /// Asked after each pass over the samples or group of draws.
  bool stop(std::size_t n_chosen) {
    return interrupted = interrupt && interrupt({run, n_clusters, n_chosen, passes});
  }
};

/// Throws MemoryLimitExceeded if `bytes` are more than the task may use.
template <class T>
void within_memory(const Task<T>& task, double bytes);

template <class T>
using Method = std::vector<std::size_t> (*)(Task<T>&);

/// From the list in registry.cpp.
template <class T>
Method<T> method(Init init);

template <class T>
std::vector<std::size_t> random(Task<T>& task);
template <class T>
std::vector<std::size_t> kmeans_plus_plus(Task<T>& task);
template <class T>
std::vector<std::size_t> kmeans_plus_plus_textbook(Task<T>& task);
template <class T>
std::vector<std::size_t> kmeans_plus_plus_greedy(Task<T>& task);
template <class T>
std::vector<std::size_t> kmeans_parallel(Task<T>& task);
template <class T>
std::vector<std::size_t> afk_mc2(Task<T>& task);
template <class T>
std::vector<std::size_t> farthest_first(Task<T>& task);

/// Goes on from `chosen` by D^2 sampling.
template <class T>
void complete_by_squared_distance(Task<T>& task, std::vector<std::size_t>& chosen);

/// Adds samples that are not in `chosen` until it has n_clusters: drawn by weight without replacement, those
/// equal to a chosen one only when no other is left.
template <class T>
void fill_at_random(Task<T>& task, std::vector<std::size_t>& chosen);

}  // namespace omnimeans::seeding
