// SPDX-License-Identifier: MIT
// The skeleton backend of examples/ keeps the contract: driven as fit() drives a backend, on the contract
// test's problems. Whoever copies it starts from something that is right.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/compare.hpp"
#include "core/oracle.hpp"
#include "core/problems.hpp"

namespace omnimeans::algorithms {
const BackendEntry& skeleton();  // examples/skeleton_backend.cpp
}

namespace {

using omnimeans::AssignmentStats;
using omnimeans::Matrix;

template <class T>
class SkeletonBackend : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(SkeletonBackend, Types);

TYPED_TEST(SkeletonBackend, WritesTheCanonicalLabels) {
  using T = TypeParam;
  for (std::uint64_t index = 0; index < 200; ++index) {
    const TestProblem<T> problem = make_problem<T>(index, 1e6);
    SCOPED_TRACE(problem.describe());
    std::vector<AssignmentStats> first_stats;
    for (const int threads : {1, 2, 3, 7}) {
      const std::size_t k = problem.options.n_clusters;
      const std::unique_ptr<omnimeans::Backend<T>> backend =
          omnimeans::algorithms::skeleton().make<T>({.samples = problem.samples(),
                                                     .sample_weights = problem.weights,
                                                     .n_clusters = k,
                                                     .threads = threads});
      std::vector<std::int32_t> labels(problem.n, -1);
      std::vector<double> drift;
      // Three steps, with centroids that move: rows of the samples, one further each time.
      for (std::size_t step = 0; step < 3; ++step) {
        Matrix<T> centroids(k, problem.d);
        for (std::size_t j = 0; j < k; ++j) {
          std::ranges::copy(problem.samples().row((j + step) % problem.n), centroids.row(j).begin());
        }
        const AssignmentStats stats =
            backend->assign({.centroids = centroids, .drift = drift, .labels = labels});
        ASSERT_TRUE(same_labels(labels, oracle::labels<T>(problem.samples(), centroids)));
        ASSERT_TRUE(same_labels(labels, omnimeans::predict(problem.samples(), centroids)));
        EXPECT_EQ(stats.distances_computed, problem.n * k);
        EXPECT_TRUE(stats.inertia_is_exact);
        const double inertia = oracle::inertia<T>(problem.samples(), centroids, labels, problem.weights);
        EXPECT_NEAR(stats.inertia_bound, inertia, 3000 * 0x1p-53 * inertia)
            << "another order of the same sum";
        if (threads == 1) first_stats.push_back(stats);
        EXPECT_EQ(stats.inertia_bound, first_stats[step].inertia_bound) << "threads do not show";
        drift.assign(k, std::numeric_limits<double>::infinity());
      }
    }
  }
}

TYPED_TEST(SkeletonBackend, KeepsTheMemoryLimit) {
  using T = TypeParam;
  const Matrix<T> samples(5000, 2);
  const omnimeans::BackendEntry& entry = omnimeans::algorithms::skeleton();
  const std::uint64_t needed =
      entry.make<T>({.samples = samples, .sample_weights = {}, .n_clusters = 3})->bytes();
  ASSERT_GT(needed, 1u);
  EXPECT_NO_THROW(entry.make<T>(
      {.samples = samples, .sample_weights = {}, .n_clusters = 3, .memory_limit_bytes = needed}));
  EXPECT_THROW(
      entry.make<T>(
          {.samples = samples, .sample_weights = {}, .n_clusters = 3, .memory_limit_bytes = needed - 1}),
      omnimeans::MemoryLimitExceeded);
}

TEST(SkeletonEntry, SaysWhatUsersRead) {
  const omnimeans::BackendInfo& info = omnimeans::algorithms::skeleton().info;
  EXPECT_EQ(info.name, "skeleton");
  EXPECT_TRUE(info.exact);
  for (const std::string_view text : {info.memory, info.use_when, info.avoid_when, info.reference}) {
    EXPECT_FALSE(text.empty());
  }
}

}  // namespace
