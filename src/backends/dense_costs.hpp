// SPDX-License-Identifier: MIT
// Which exhaustive search is the fastest here: simd, int16 and int8 are timed on a slice of the samples, for
// less than a hundredth of what the fit will take. Their ratio is a matter of the CPU, of d and k, and (for
// the integers, which leave some samples to be re-ranked) of the data, so no table of thresholds knows it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <new>
#include <span>
#include <string_view>
#include <vector>

#include "omnimeans/backend.hpp"
#include "omnimeans/error.hpp"

namespace omnimeans::algorithms {

/// Multiply-adds of exhaustive search a sample, or what takes as long: finding the lowest of the scores takes
/// as long as four features.
template <class T>
double work_per_sample(const Problem<T>& problem) {
  return static_cast<double>(problem.n_clusters) * (static_cast<double>(problem.samples.cols()) + 4);
}

/// Samples a slice: a fraction of a millisecond's.
template <class T>
std::size_t slice_rows(const Problem<T>& problem) {
  return static_cast<std::size_t>(std::clamp(1.6e7 / work_per_sample(problem), 240.0, 4080.0));
}

/// Whether a fit of some ten steps is long against the trials.
template <class T>
bool worth_timing(const Problem<T>& problem) {
  return problem.samples.rows() >= 40 * slice_rows(problem);
}

/// Seconds of one thread for a slice in the middle, k samples being the centroids; infinite where the backend
/// does not fit the memory limit. The first step, which also rounds samples, does not count.
template <class T>
double slice_seconds(const Problem<T>& problem, std::string_view backend) {
  using Clock = std::chrono::steady_clock;
  const MatrixView<const T>& x = problem.samples;
  const std::size_t n = x.rows(), k = problem.n_clusters, rows = std::min(n, slice_rows(problem));
  Problem<T> slice = problem;
  slice.samples = {x.row_data((n - rows) / 2), rows, x.cols(), x.row_stride()};
  slice.sample_weights = {};
  slice.threads = 1;
  const MatrixView<const T> centroids{x.data(), k, x.cols(), n / k * x.row_stride()};
  std::vector<std::int32_t> labels(rows, 0);
  double least = std::numeric_limits<double>::infinity();
  try {
    const auto made = find_backend(backend).make(slice);
    const std::vector<double> drift(k, std::numeric_limits<double>::infinity());
    constexpr int steps = 4;
    for (int step = 0; step < steps; ++step) {
      const auto start = Clock::now();
      made->assign(
          {.centroids = centroids, .drift = step == 0 ? std::span<const double>() : drift, .labels = labels});
      const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
      if (step > 0) least = std::min(least, seconds);
    }
  } catch (const MemoryLimitExceeded&) {
  } catch (const std::bad_alloc&) {
  }
  return least;
}

}  // namespace omnimeans::algorithms
