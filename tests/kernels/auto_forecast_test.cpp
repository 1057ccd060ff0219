// SPDX-License-Identifier: MIT
// What auto foretells: where it asks, what its models say, and what it takes where samples have structure.
#include "backends/auto_forecast.hpp"

#include <gtest/gtest.h>
#include <algorithm>
#include <cstddef>
#include <set>
#include <string_view>

#include "backends/auto_plan.hpp"
#include "datasets/datasets.hpp"
#include "kernels/unread_problem.hpp"
#include "omnimeans/isa.hpp"

namespace {

using omnimeans::Isa;
using omnimeans::algorithms::Forecast;
using omnimeans::algorithms::NearShares;

Isa best_isa() {
  return omnimeans::usable_isas().back();
}

TEST(AutoForecast, OneOrTwoFeaturesNeedClustersSamplesAndSteps) {
  using omnimeans::algorithms::few_features_suit_trees;
  for (const bool fast : {true, false}) {
    EXPECT_TRUE(few_features_suit_trees(5000, 1, 8, 0, fast));
    EXPECT_FALSE(few_features_suit_trees(50'000, 1, 7, 0, fast));
    EXPECT_FALSE(few_features_suit_trees(4999, 1, 15, 0, fast));
    EXPECT_TRUE(few_features_suit_trees(4999, 1, 16, 0, fast));
    EXPECT_FALSE(few_features_suit_trees(4999, 2, 99, 0, fast));
    EXPECT_TRUE(few_features_suit_trees(4999, 2, 100, 0, fast));
    EXPECT_TRUE(few_features_suit_trees(1500, 1, 16, 0, fast));
    EXPECT_FALSE(few_features_suit_trees(1499, 1, 16, 0, fast));
    EXPECT_TRUE(few_features_suit_trees(16 * 500, 2, 500, 0, fast));
    EXPECT_FALSE(few_features_suit_trees(16 * 500 - 1, 2, 500, 0, fast));
    EXPECT_TRUE(few_features_suit_trees(5000, 1, 16, 14, fast));
    EXPECT_FALSE(few_features_suit_trees(5000, 1, 16, 13, fast));
    EXPECT_FALSE(few_features_suit_trees(50'000, 1, 1000, 3, fast));
    EXPECT_TRUE(few_features_suit_trees(50'000, 2, 8, 0, fast));
    EXPECT_FALSE(few_features_suit_trees(1'000'000, 3, 500, 0, fast));
    EXPECT_EQ(few_features_suit_trees(49'999, 2, 8, 0, fast), !fast);
  }
  EXPECT_TRUE(few_features_suit_trees(49'999, 2, 32, 0, true));
  EXPECT_FALSE(few_features_suit_trees(49'999, 2, 31, 0, true));
}

template <class T>
Forecast forecast(std::size_t n, std::size_t d, std::size_t k, std::size_t steps = 0, NearShares shares = {},
                  Isa isa = best_isa()) {
  const auto of = problem(unread<T>(n, d), isa, k, steps);
  const Forecast said = omnimeans::algorithms::forecast_for(of, shares);
  if (said.tree != Forecast::nothing || said.blocks != Forecast::nothing) {
    EXPECT_TRUE(omnimeans::algorithms::asks_for_near_pairs(of));
  }
  return said;
}
template <class T>
bool tree(std::size_t n, std::size_t d, std::size_t k, std::size_t steps = 0) {
  return forecast<T>(n, d, k, steps).tree != Forecast::nothing;
}
template <class T>
bool blocks(std::size_t n, std::size_t d, std::size_t k, std::size_t steps = 0, Isa isa = best_isa()) {
  return forecast<T>(n, d, k, steps, {}, isa).blocks != Forecast::nothing;
}

TEST(AutoForecast, IsMadeOfSizesThatWereMeasured) {
  const auto least = omnimeans::algorithms::least_ordered;
  EXPECT_TRUE(tree<float>(20'000, 2, 20));
  EXPECT_FALSE(tree<float>(1'000'000, 1, 20));
  EXPECT_TRUE(tree<float>(20'000, 10, 20));
  EXPECT_FALSE(tree<float>(20'000, 11, 20));
  EXPECT_FALSE(blocks<float>(20'000, 2, 20));
  EXPECT_TRUE(blocks<float>(20'000, 3, 20));
  EXPECT_TRUE(blocks<float>(20'000, 128, 20));
  EXPECT_FALSE(blocks<float>(20'000, 129, 20));
  for (const Isa isa : omnimeans::usable_isas())
    EXPECT_EQ(blocks<double>(20'000, 256, 20, 0, isa), isa == Isa::avx512) << to_string(isa);
  EXPECT_FALSE(blocks<double>(20'000, 257, 20));
  for (const bool boxes : {true, false}) {
    const auto asked = [&](std::size_t n, std::size_t k, std::size_t steps = 0) {
      return boxes ? tree<double>(n, 8, k, steps) : blocks<double>(n, 8, k, steps);
    };
    EXPECT_TRUE(asked(20'000, 8));
    EXPECT_FALSE(asked(20'000, 7));
    EXPECT_TRUE(asked(20'000, 20, 8));
    EXPECT_FALSE(asked(20'000, 20, 7));
    EXPECT_TRUE(asked(least, least / 16));
    EXPECT_FALSE(asked(least - 1, least / 16 - 1));
    EXPECT_TRUE(asked(16 * 1000, 1000));
    EXPECT_FALSE(asked(16 * 1000 - 1, 1000));
    EXPECT_TRUE(asked(10'417, 8));
    EXPECT_FALSE(asked(10'416, 8)) << "so short a step";
  }
}

TEST(AutoForecast, EightBitsAreForetoldWithVnni) {
  for (const Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(to_string(isa));
    const auto asks = [&](std::size_t n, std::size_t d, std::size_t k) {
      return omnimeans::algorithms::int8_is_foretold(problem(unread<float>(n, d), isa, k));
    };
    const bool vnni = has_fast_integers<float>(isa) && !has_tiles<float>(isa);
    EXPECT_EQ(asks(5001, 20, 32), vnni);
    EXPECT_FALSE(asks(5000, 20, 32));
    EXPECT_FALSE(asks(5001, 19, 32));
    EXPECT_FALSE(asks(5001, 20, 31));
    EXPECT_EQ(asks(8000, 20, 500), vnni);
    EXPECT_FALSE(asks(7999, 20, 500));
    const auto dense = [&](std::size_t n, std::size_t d, std::size_t k, NearShares shares) {
      return omnimeans::algorithms::plan_for(problem(unread<float>(n, d), isa, k), shares).dense.name;
    };
    if (!vnni) continue;
    EXPECT_EQ(dense(20'000, 32, 500, {0.9, 1}), "int8");
    EXPECT_EQ(dense(20'000, 32, 500, {0.05, 0.05}), "gap") << "few are around: gaps last";
    EXPECT_EQ(dense(20'000, 32, 64, {0.9, 1}), "gap");
    EXPECT_EQ(dense(50'000, 384, 59, {0.9, 1}), "int8");
    // 0.40 and 0.78 are foretold.
    const auto in_steps = [&](std::size_t k, std::size_t steps) {
      const auto of = problem(unread<float>(20'000, 32), isa, k, steps);
      return omnimeans::algorithms::plan_for(of, {0.9, 1}).dense.name;
    };
    EXPECT_EQ(in_steps(300, 8), "int8");
    EXPECT_EQ(in_steps(300, 7), "gap");
    EXPECT_EQ(in_steps(800, 7), "int8");
  }
}

TEST(AutoForecast, MoreIsGainedTheFewerAreAround) {
  const auto said = [](double around) { return forecast<float>(50'000, 8, 200, 25, {0.02, around}); };
  EXPECT_GT(said(0.05).tree, said(0.06).tree);
  EXPECT_GT(said(0.05).blocks, said(0.06).blocks);
  EXPECT_LT(said(0.05).int8, 0) << "never of so few features";
  const auto of_many = [](double around) { return forecast<float>(50'000, 40, 200, 25, {0.02, around}); };
  EXPECT_GT(of_many(0.05).blocks, of_many(0.06).blocks);
  EXPECT_EQ(of_many(0.05).tree, Forecast::nothing);
}

TEST(AutoForecast, SizesBeyondCountAsTheLastOnesMeasured) {
  const auto equal = [](const Forecast& a, const Forecast& b) {
    return a.tree == b.tree && a.blocks == b.blocks && a.int8 == b.int8;
  };
  for (const std::size_t d : {8, 24}) {
    EXPECT_TRUE(equal(forecast<float>(500'000, d, 100), forecast<float>(5'000'000, d, 100)));
    EXPECT_FALSE(equal(forecast<float>(400'000, d, 100), forecast<float>(500'000, d, 100)));
    EXPECT_TRUE(equal(forecast<float>(50'000, d, 900), forecast<float>(50'000, d, 2000)));
    EXPECT_TRUE(equal(forecast<float>(50'000, d, 100, 60), forecast<float>(50'000, d, 100, 1000)));
    EXPECT_TRUE(equal(forecast<float>(50'000, d, 100, 60), forecast<float>(50'000, d, 100, 0)));
    EXPECT_FALSE(equal(forecast<float>(50'000, d, 100, 25), forecast<float>(50'000, d, 100, 60)));
  }
}

TEST(AutoForecast, ThePlanBeginsWithTheFastest) {
  for (const Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(to_string(isa));
    std::set<std::string_view> taken;
    for (const double around : {0.02, 0.1, 0.4, 1.0}) {
      for (const double near : {around / 8, around / 2}) {
        for (const std::size_t d : {3, 6, 10, 11, 40, 96}) {
          const auto of = problem(unread<float>(60'000, d), isa, 300, 25);
          const auto plan = omnimeans::algorithms::plan_for(of, {near, around});
          const double tree = plan.forecast.tree, blocks = plan.forecast.blocks;
          if (plan.first.name == "kdtree") {
            EXPECT_GT(tree, std::max(blocks, 0.0)) << near << ' ' << around << ' ' << d;
          } else if (plan.first.name == "blockbounds") {
            EXPECT_GT(blocks, std::max({tree, plan.forecast.int8, 0.0})) << near << ' ' << around << ' ' << d;
          } else {
            EXPECT_EQ(plan.first.name, plan.dense.name);
            EXPECT_LE(std::max(tree, blocks),
                      plan.dense.name == "int8" ? std::max(plan.forecast.int8, 0.2) : 0)
                << near << ' ' << around << ' ' << d;
          }
          taken.insert(plan.first.name);
        }
      }
    }
    for (const char* name : {"kdtree", "blockbounds", "gap"}) EXPECT_EQ(taken.count(name), 1) << name;
  }
  const auto few = problem(unread<float>(1000, 3), best_isa(), 50);
  EXPECT_FALSE(omnimeans::algorithms::asks_for_near_pairs(few)) << "and nothing is foretold";
  EXPECT_EQ(omnimeans::algorithms::plan_for(few, {}).first.name, "gap");
}

TEST(AutoForecast, NothingGoesBeforeAPrefix) {
  // All samples on two lines: one direction.
  omnimeans::Matrix<float> points(20'000, 128);
  for (std::size_t i = 0; i < points.rows(); ++i) {
    for (std::size_t t = 0; t < 128; ++t)
      points(i, t) = static_cast<float>(i * 7919 % 20'000) * (t % 2 == 0 ? 1 : 2);
  }
  for (const Isa isa : omnimeans::usable_isas()) {
    const auto of = problem<float>(points.view(), isa, 1000, 25);
    const auto plan = omnimeans::algorithms::plan_for(of, {0.01, 0.02});
    EXPECT_GT(plan.forecast.blocks, 0);
    if (plan.dense.name != "prefix") continue;
    if (has_fast_integers<float>(isa)) {
      EXPECT_EQ(plan.first.name, "prefix") << to_string(isa);
    }
  }
  if (has_fast_integers<float>(best_isa())) {
    const auto of = problem<float>(points.view(), best_isa(), 1000, 25);
    EXPECT_EQ(omnimeans::algorithms::plan_for(of, {0.01, 0.02}).first.name, "prefix");
  }
}

/// Each is faster than any other of these three where it was measured, most by 1.4 times or more.
TEST(AutoForecast, StructureIsFoundInSamples) {
  const auto check = [](const char* kind, std::size_t n, std::size_t d, std::size_t k, const char* expected) {
    const auto points = omnimeans::datasets::generate<float>(
        kind, {.n_samples = n, .n_features = d, .n_clusters = k, .seed = 1});
    for (const Isa isa : omnimeans::usable_isas()) {
      const auto of = problem<float>(points.view(), isa, k, 25);
      const auto plan = omnimeans::algorithms::plan_for(of, omnimeans::algorithms::near_shares_if_asked(of));
      EXPECT_EQ(plan.first.name, expected) << kind << ' ' << d << ' ' << to_string(isa);
    }
  };
  check("images", 20'000, 4, 20, "kdtree");
  check("lattice", 60'000, 4, 180, "kdtree");
  check("lattice", 75'000, 5, 160, "kdtree");
  check("images", 20'000, 10, 470, "blockbounds");
  check("pixels", 60'000, 20, 230, "blockbounds");
  check("images", 120'000, 14, 124, "blockbounds");
  check("uniform", 30'000, 10, 16, "gap");
  check("blobs", 50'000, 24, 32, "gap");
  check("anisotropic", 70'000, 6, 12, "gap");
}

}  // namespace
