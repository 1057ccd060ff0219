// SPDX-License-Identifier: MIT
// When auto takes boxes of samples: both sides of every limit, and structure that is there.
#include "backends/auto_trees.hpp"

#include <gtest/gtest.h>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "backends/auto_plan.hpp"
#include "datasets/datasets.hpp"
#include "kernels/unread_problem.hpp"
#include "omnimeans/isa.hpp"

namespace {

using omnimeans::Isa;

TEST(AutoTrees, TreesNeedClustersSamplesAndSteps) {
  using omnimeans::algorithms::tree_pays;
  for (const bool fast : {true, false}) {
    EXPECT_TRUE(tree_pays(5000, 1, 8, 0, fast));
    EXPECT_FALSE(tree_pays(4999, 1, 15, 0, fast));
    EXPECT_TRUE(tree_pays(4999, 1, 16, 0, fast));
    EXPECT_FALSE(tree_pays(4999, 2, 99, 0, fast));
    EXPECT_TRUE(tree_pays(4999, 2, 100, 0, fast));
    EXPECT_FALSE(tree_pays(4999, 3, 100, 0, fast));
    EXPECT_TRUE(tree_pays(1500, 1, 16, 0, fast));
    EXPECT_FALSE(tree_pays(1499, 1, 16, 0, fast));
    EXPECT_FALSE(tree_pays(16 * 100 - 1, 2, 100, 0, fast));
    EXPECT_FALSE(tree_pays(5000, 1, 7, 0, fast));
    EXPECT_TRUE(tree_pays(5000, 1, 16, 14, fast));
    EXPECT_FALSE(tree_pays(5000, 1, 16, 13, fast));
    EXPECT_FALSE(tree_pays(50'000, 1, 1000, 3, fast));
    EXPECT_FALSE(tree_pays(32 * 2000 - 1, 3, 2000, 0, fast));
    EXPECT_TRUE(tree_pays(1 << 18, 5, 1 << 10, 0, fast));
    EXPECT_FALSE(tree_pays((1 << 18) - 1, 5, 1 << 10, 0, fast));
    EXPECT_TRUE(tree_pays(850'000, 6, 192, 0, fast));
    EXPECT_FALSE(tree_pays(850'000, 6, 191, 0, fast));
    EXPECT_FALSE(tree_pays(1 << 24, 7, 5000, 0, fast));
    EXPECT_FALSE(tree_pays(10'000'000, 4, 100, 3, fast)) << "the tree alone takes as long";
    EXPECT_TRUE(tree_pays(100'000, 4, 100, 0, fast));
    EXPECT_FALSE(tree_pays(99'999, 4, 100, 0, fast));
    EXPECT_FALSE(tree_pays(100'000, 4, 100, 24, fast));
  }
  EXPECT_TRUE(tree_pays(200'000, 3, 16, 0, true));
  EXPECT_FALSE(tree_pays(200'000, 3, 15, 0, true));
  EXPECT_TRUE(tree_pays(50'000, 3, 40, 0, true));
  EXPECT_FALSE(tree_pays(199'999, 3, 39, 0, true));
  EXPECT_TRUE(tree_pays(50'000, 2, 8, 0, true));
  EXPECT_TRUE(tree_pays(49'999, 2, 32, 0, true));
  EXPECT_FALSE(tree_pays(49'999, 2, 31, 0, true));
  EXPECT_TRUE(tree_pays(15'000, 3, 80, 0, true));
  EXPECT_FALSE(tree_pays(15'000, 3, 79, 0, true));
  EXPECT_TRUE(tree_pays(300'000, 4, 48, 0, true));
  EXPECT_FALSE(tree_pays(300'000, 4, 47, 0, true));
  EXPECT_TRUE(tree_pays(49'999, 3, 80, 0, true));
  EXPECT_FALSE(tree_pays(49'999, 3, 79, 0, true));
  EXPECT_TRUE(tree_pays(14'999, 3, 96, 0, true));
  EXPECT_FALSE(tree_pays(14'999, 3, 95, 0, true));
  EXPECT_TRUE(tree_pays(49'999, 3, 8, 0, false));
}

TEST(AutoTrees, TreesGoBeforeBlocks) {
  const auto of = problem(unread<double>(160'000, 4), omnimeans::usable_isas().back(), 100);
  EXPECT_TRUE(omnimeans::algorithms::blocks_pay(of));
  EXPECT_EQ(omnimeans::algorithms::plan_for(of, 1).first.name, "kdtree");
  // Of equal values, too.
  const auto equal = problem(unread<float>(20'000, 8), omnimeans::usable_isas().back(), 320);
  EXPECT_TRUE(omnimeans::algorithms::blocks_pay(equal));
  EXPECT_EQ(omnimeans::algorithms::plan_for(equal, 1, 0.4).first.name, "kdtree");
}

/// The share of near pairs of samples that fill so many directions evenly, among at least 128 clusters.
double near_of(double directions) {
  return std::pow(1.2, directions) / 128;
}

TEST(AutoTrees, TreesPayByStructureWhereFewClustersAreNear) {
  const Isa isa = omnimeans::usable_isas().back();
  const auto pay = [&](std::size_t n, std::size_t d, std::size_t k, double near, std::size_t steps = 0) {
    const auto of = problem(unread<float>(n, d), isa, k, steps);
    EXPECT_TRUE(!omnimeans::algorithms::tree_pays_by_structure(of, near) ||
                omnimeans::algorithms::asks_for_near_pairs(of));
    return omnimeans::algorithms::tree_pays_by_structure(of, near);
  };
  const double line = near_of(1) * 2;  // of 64 others
  EXPECT_TRUE(pay(20'000, 4, 64, line));
  EXPECT_TRUE(pay(20'000, 4, 64, line, 12));
  EXPECT_FALSE(pay(20'000, 4, 64, line, 11));
  EXPECT_TRUE(pay(20'000, 4, 60, line));
  EXPECT_FALSE(pay(20'000, 4, 59, line));
  EXPECT_TRUE(pay(9766, 4, 64, line));
  EXPECT_FALSE(pay(9765, 4, 64, line)) << "so short a step";
  EXPECT_TRUE(pay(20'000, 5, 75, line));
  EXPECT_FALSE(pay(20'000, 3, 75, line));
  EXPECT_FALSE(pay(20'000, 6, 90, near_of(1) * 128.0 / 90));
  EXPECT_FALSE(pay(20'000, 4, 200, near_of(1))) << "blocks pay";
  EXPECT_TRUE(pay(20'000, 4, 200, near_of(1), 14)) << "too few steps for those";
  EXPECT_TRUE(pay(5000, 4, 126, near_of(1), 14));
  EXPECT_FALSE(pay(4999, 4, 126, near_of(1), 14));
  EXPECT_TRUE(pay(6400, 4, 200, near_of(1), 14));
  EXPECT_FALSE(pay(6399, 4, 200, near_of(1), 14));
  EXPECT_FALSE(pay(20'000, 4, 64, 1)) << "nothing can be said";
  for (const std::size_t d : {4, 5}) {
    const std::size_t k = 15 * d;
    const double of_k = 128 / static_cast<double>(k);
    EXPECT_TRUE(pay(20'000, d, k, near_of(2.79) * of_k)) << d;
    EXPECT_FALSE(pay(20'000, d, k, near_of(2.81) * of_k)) << d;
  }
}

TEST(AutoTrees, TreesPayOfEqualValues) {
  const Isa isa = omnimeans::usable_isas().back();
  const auto pay = [&](std::size_t n, std::size_t d, std::size_t k, double equal, std::size_t steps = 0) {
    const auto of = problem(unread<float>(n, d), isa, k, steps);
    const bool pays = omnimeans::algorithms::tree_pays_of_equal_values(of, equal);
    if (pays) {
      EXPECT_EQ(omnimeans::algorithms::plan_for(of, 1, equal).first.name, "kdtree");
    }
    return pays;
  };
  EXPECT_TRUE(pay(50'000, 8, 16, 0.4));
  EXPECT_FALSE(pay(50'000, 8, 16, 0.39));
  EXPECT_FALSE(pay(50'000, 8, 15, 1));
  EXPECT_TRUE(pay(50'000, 4, 8, 1));
  EXPECT_FALSE(pay(50'000, 4, 7, 1));
  EXPECT_TRUE(pay(50'000, 10, 100, 1));
  EXPECT_FALSE(pay(50'000, 11, 100, 1));
  EXPECT_TRUE(pay(50'000, 2, 8, 1, 8));
  EXPECT_FALSE(pay(50'000, 2, 7, 1, 8));
  EXPECT_FALSE(pay(50'000, 1, 16, 1, 8));
  EXPECT_TRUE(pay(50'000, 8, 16, 1, 8));
  EXPECT_FALSE(pay(50'000, 8, 16, 1, 7));
  EXPECT_TRUE(pay(5000, 8, 17, 1));
  EXPECT_FALSE(pay(4999, 8, 17, 1));
  EXPECT_FALSE(pay(5000, 8, 16, 1)) << "so short a step";
  EXPECT_TRUE(pay(32 * 200, 8, 200, 1));
  EXPECT_FALSE(pay(32 * 200 - 1, 8, 200, 1));
  EXPECT_FALSE(pay(300'000, 4, 100, 1)) << "they pay whatever the samples";
}

TEST(AutoTrees, EqualValuesAreFound) {
  omnimeans::Matrix<float> points(5000, 3);
  for (std::size_t i = 0; i < points.rows(); ++i) {
    for (std::size_t t = 0; t < 3; ++t) points(i, t) = static_cast<float>(i * 3 + t);
  }
  const auto share = [&] {
    return omnimeans::algorithms::equal_values_share(
        problem<float>(points.view(), omnimeans::usable_isas().back(), 16, 0));
  };
  EXPECT_EQ(share(), 0);
  for (std::size_t i = 0; i < points.rows(); ++i) points(i, 0) = 1;  // of three
  EXPECT_EQ(share(), 1.0 / 3);
  for (std::size_t i = 0; i < points.rows(); ++i) {
    for (std::size_t t = 0; t < 3; ++t) points(i, t) = static_cast<float>(i * 7919 % 4);
  }
  EXPECT_NEAR(share(), 0.25, 0.05);
  for (std::size_t i = 0; i < points.rows(); ++i) {
    for (std::size_t t = 0; t < 3; ++t) points(i, t) = 1;
  }
  EXPECT_EQ(share(), 1);
  // Of rows apart, in double; of one alone; and where nobody asks.
  std::vector<double> apart(5000 * 5, std::numeric_limits<double>::quiet_NaN());
  for (std::size_t i = 0; i < 5000; ++i) {
    for (std::size_t t = 0; t < 3; ++t) apart[i * 5 + t] = static_cast<double>(i * 7919 % 4);
  }
  const omnimeans::MatrixView<const double> view(apart.data(), 5000, 3, 5);
  EXPECT_NEAR(omnimeans::algorithms::equal_values_share(problem<double>(view, omnimeans::Isa::scalar, 16, 0)),
              0.25, 0.05);
  const omnimeans::Matrix<float> one(1, 3);
  EXPECT_EQ(
      omnimeans::algorithms::equal_values_share(problem<float>(one.view(), omnimeans::Isa::scalar, 1, 0)), 0);
  EXPECT_EQ(omnimeans::algorithms::equal_values_if_asked(
                problem(unread<float>(4999, 8), omnimeans::Isa::scalar, 100)),
            0);
}

TEST(AutoTrees, StructureIsFoundInSamples) {
  const auto first = [](const char* kind, std::size_t d, std::size_t k) {
    const auto points = omnimeans::datasets::generate<float>(
        kind, {.n_samples = 20'000, .n_features = d, .n_clusters = k, .seed = 1});
    const auto of = problem<float>(points.view(), omnimeans::usable_isas().back(), k, 0);
    return omnimeans::algorithms::plan_for(of, omnimeans::algorithms::near_share_if_asked(of),
                                           omnimeans::algorithms::equal_values_if_asked(of))
        .first.name;
  };
  EXPECT_EQ(first("images", 4, 20), "kdtree");
  EXPECT_EQ(first("images", 6, 130), "kdtree");
  EXPECT_EQ(first("lattice", 5, 75), "kdtree");
  for (const char* kind : {"uniform", "blobs"}) {
    SCOPED_TRACE(kind);
    EXPECT_NE(first(kind, 5, 75), "kdtree");
    EXPECT_NE(first(kind, 6, 130), "kdtree");
    EXPECT_NE(first(kind, 8, 130), "kdtree");
  }
}

}  // namespace
