// SPDX-License-Identifier: MIT
// Whether auto (auto.cpp) takes bounds of blocks (blockbounds.cpp) later, on trial, or before bytes: rules.
// Whether it begins with them is foretold (auto_forecast.hpp).
#pragma once

#include <cstddef>

#include "backends/auto_forecast.hpp"
#include "backends/dense_costs.hpp"
#include "omnimeans/backend.hpp"

namespace omnimeans::algorithms {

/// Whether what bounds of blocks begin with comes back before the fit ends.
template <class T>
bool has_time_for_blocks(const Problem<T>& problem) {
  return problem.most_steps == 0 || problem.most_steps >= 20;
}

/// Whether blocks get a trial beside gap, rather than bytes or none. Xeon with AMX, with and without its
/// tiles, seconds of a fit with bytes on trial over one with blocks, in step 10: d = 24 to 80, k d = 24,000
/// to 40,000, 25 steps 1.02 to 1.6, 60 steps 1.02 to 1.8; with AVX2 d = 32 to 48 1.04 to 1.14, d = 64 and 80
/// 0.9 to 1.3. Fewer clusters times features had no trial, and with one: k >= 10 d from 6,000 on 60 and 120
/// steps 1.05 to 1.5 times as fast, 25 steps 0.85 to 1.1; below, and of fewer clusters or features, 0.7
/// to 1.05.
///
/// In double with 512 bits bytes are made and scanned no faster, but distances are: over bytes on trial d =
/// 24 to 96 k = 300 to 1000 1.05 to 2.8, over bytes from the start d = 100 to 256 k = 300 to 512 0.85 to 1.5;
/// fewer clusters 0.8 to 1.2, k = 128 without any trial up to 1.3 times as fast as with one of bytes.
template <class T>
bool blocks_may_pay_later(const Problem<T>& problem, bool bytes_may_come) {
  const std::size_t n = problem.samples.rows(), d = problem.samples.cols(), k = problem.n_clusters;
  if (n < 5000 || n < 16 * k || d <= 16) return false;
  if (has_wide_doubles(problem)) return d <= 256 && k >= 250 && k * d >= 12'000;
  if (bytes_may_come) return d <= (has_fast_integers(problem) || sizeof(T) == sizeof(double) ? 96 : 48);
  return d <= 48 && k >= 10 * d && k * d >= 6000 && (problem.most_steps == 0 || problem.most_steps >= 40);
}

/// Whether they do so, or are foretold to come first, where else bytes would come first: in double with 512
/// bits, and where there is time for them. blockbounds over bytebounds, 25 and 60 steps: d = 64 to 256 k =
/// 400 and 512 1.05 to 3 times as fast, d = 500 k = 256 0.8 to 1.1; with AVX2 d = 64 and 100 1.0 to 1.5, d =
/// 150 to 256 0.7 to 1.0.
template <class T>
bool blocks_go_before_bytes(const Problem<T>& problem) {
  return has_wide_doubles(problem) && has_time_for_blocks(problem) && blocks_may_pay_later(problem, true);
}

}  // namespace omnimeans::algorithms
