// SPDX-License-Identifier: MIT
// The trials of exhaustive search on a slice: what is timed, and what is not.
#include "backends/dense_costs.hpp"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "core/data.hpp"

namespace {

using omnimeans::algorithms::slice_rows;
using omnimeans::algorithms::slice_seconds;
using omnimeans::algorithms::worth_timing;

omnimeans::Problem<float> problem_of(const omnimeans::Matrix<float>& points, std::size_t k, int threads) {
  return {.samples = points.view(),
          .sample_weights = {},
          .n_clusters = k,
          .threads = threads,
          .isa = omnimeans::default_isa(),
          .memory_limit_bytes = 0};
}

TEST(DenseCosts, EverySearchIsTimedOnAnyNumberOfSamples) {
  for (const std::size_t n : {std::size_t{40}, slice_rows, 3 * slice_rows + 1}) {
    const auto points = blobs<float>(n, 33, 4, 1);
    for (const char* name : {"simd", "int16", "int8", "gap"}) {
      const double seconds = slice_seconds(problem_of(points, 40, 2), name);
      EXPECT_TRUE(std::isfinite(seconds) && seconds > 0) << name << ", n " << n;
    }
  }
}

TEST(DenseCosts, WhatDoesNotFitTheMemoryLimitTakesForEver) {
  const auto points = blobs<float>(5000, 8, 4, 1);
  auto problem = problem_of(points, 10, 1);
  problem.memory_limit_bytes = 1;
  EXPECT_TRUE(std::isinf(slice_seconds(problem, "simd")));
}

TEST(DenseCosts, TrialsAreForFitsThatAreLongForAllThreads) {
  const auto points = blobs<float>(40 * slice_rows, 2, 4, 1);
  EXPECT_TRUE(worth_timing(problem_of(points, 10, 1)));
  EXPECT_FALSE(worth_timing(problem_of(points, 10, 2)));
}

}  // namespace
