// SPDX-License-Identifier: MIT
// Which exhaustive search is the fastest here: two of them are timed on a slice of the samples, for about a
// fortieth of what ten steps of the fit take. Their ratio is a matter of the CPU, of d and k, and
// (for the integers, which leave some samples to be re-ranked) of the data, so no table of thresholds knows
// it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <new>
#include <span>
#include <string_view>
#include <vector>

#include "kernels/int16.hpp"
#include "omnimeans/backend.hpp"
#include "omnimeans/error.hpp"

namespace omnimeans::algorithms {

/// Whether products of integers are twice as fast as those of floats: VNNI.
template <class T>
bool has_fast_integers(const Problem<T>& problem) {
  return sizeof(T) == sizeof(float) && kernels::has_fast_int16(problem.isa);
}

/// Multiply-adds of exhaustive search a sample, or what takes as long: finding the lowest of the scores takes
/// as long as four features.
template <class T>
double work_per_sample(const Problem<T>& problem) {
  return static_cast<double>(problem.n_clusters) * (static_cast<double>(problem.samples.cols()) + 4);
}

/// Samples a slice: their search takes several times as long as packing the centroids for it.
inline constexpr std::size_t slice_rows = 2040;

/// Whether ten steps of all threads are long against two backends' five slices on one thread.
template <class T>
bool worth_timing(const Problem<T>& problem) {
  return problem.samples.rows() >= 40 * slice_rows * static_cast<std::size_t>(std::max(problem.threads, 1));
}

/// Seconds of one thread for a slice in the middle, k samples being the centroids, others in every other
/// step, so that all are packed anew, and labels being right, as they nearly are in most steps; infinite
/// where not even that fits the memory limit. The first two steps, which also round samples and find those
/// labels, do not count.
template <class T>
double slice_seconds(const Problem<T>& problem, std::string_view backend) {
  using Clock = std::chrono::steady_clock;
  const MatrixView<const T>& x = problem.samples;
  const std::size_t n = x.rows(), k = problem.n_clusters, rows = std::min(n, slice_rows);
  Problem<T> slice = problem;
  slice.samples = {x.row_data((n - rows) / 2), rows, x.cols(), x.row_stride()};
  slice.sample_weights = {};
  slice.threads = 1;
  const auto centroids = [&](int step) {
    const std::size_t apart = n / k, first = apart > 1 ? static_cast<std::size_t>(step % 2) : 0;
    return MatrixView<const T>(x.row_data(first), k, x.cols(), apart * x.row_stride());
  };
  std::vector<std::int32_t> labels[2] = {std::vector<std::int32_t>(rows), std::vector<std::int32_t>(rows)};
  double least = std::numeric_limits<double>::infinity();
  try {
    const auto made = find_backend(backend).make(slice);
    const std::vector<double> drift(k, std::numeric_limits<double>::infinity());
    constexpr int steps = 5;
    for (int step = 0; step < steps; ++step) {
      const auto start = Clock::now();
      made->assign({.centroids = centroids(step),
                    .drift = step < 2 ? std::span<const double>() : drift,
                    .labels = labels[step % 2]});
      const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
      if (step >= 2) least = std::min(least, seconds);
    }
  } catch (const MemoryLimitExceeded&) {
  } catch (const std::bad_alloc&) {
  }
  return least;
}

}  // namespace omnimeans::algorithms
