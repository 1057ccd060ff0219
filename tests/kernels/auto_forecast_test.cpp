// SPDX-License-Identifier: MIT
// What auto foretells: where it asks, what its models say, and what it takes where samples have structure.
#include "backends/auto_forecast.hpp"

#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <cstddef>
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
    const auto dense = [&](std::size_t n, std::size_t d, std::size_t k, NearShares shares) {
      return omnimeans::algorithms::plan_for(problem(unread<float>(n, d), isa, k), shares).dense.name;
    };
    if (!vnni) continue;
    EXPECT_EQ(dense(20'000, 32, 500, {0.9, 1}), "int8");
    EXPECT_EQ(dense(20'000, 32, 500, {0.35, 0.05}), "gap") << "few are around: gaps last";
    EXPECT_EQ(dense(20'000, 32, 64, {0.9, 1}), "gap");
    EXPECT_EQ(dense(50'000, 384, 59, {0.9, 1}), "int8");
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

TEST(AutoForecast, NothingIsNeverTaken) {
  EXPECT_LT(Forecast{}.tree, 0);
  const auto of = problem(unread<float>(1000, 3), best_isa(), 50);
  EXPECT_FALSE(omnimeans::algorithms::asks_for_near_pairs(of));
  EXPECT_EQ(omnimeans::algorithms::plan_for(of, {}).first.name,
            omnimeans::algorithms::plan_for(of, {}).dense.name);
}

TEST(AutoForecast, ThePlanBeginsWithTheFastest) {
  for (const Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(to_string(isa));
    for (const double near : {0.4, 0.6}) {  // nobody reads samples then
      for (const double around : {0.02, 0.1, 0.4, 1.0}) {
        for (const std::size_t d : {3, 6, 10, 11, 40, 96}) {
          const auto of = problem(unread<float>(60'000, d), isa, 300, 25);
          const auto plan = omnimeans::algorithms::plan_for(of, {near, around});
          const double int8 = plan.dense.name == "int8" ? std::max(plan.forecast.int8, 0.0) : 0;
          const double most = std::max({int8, plan.forecast.blocks, plan.forecast.tree});
          const std::string_view expected = most == plan.forecast.tree     ? "kdtree"
                                            : most == plan.forecast.blocks ? "blockbounds"
                                                                           : plan.dense.name;
          EXPECT_EQ(plan.first.name, expected) << near << ' ' << around << ' ' << d;
        }
      }
    }
  }
}

/// Each by 1.4 times or more faster than any other of these three where it was measured.
TEST(AutoForecast, StructureIsFoundInSamples) {
  const auto first = [](const char* kind, std::size_t n, std::size_t d, std::size_t k) {
    const auto points = omnimeans::datasets::generate<float>(
        kind, {.n_samples = n, .n_features = d, .n_clusters = k, .seed = 1});
    const auto of = problem<float>(points.view(), best_isa(), k, 25);
    return omnimeans::algorithms::plan_for(of, omnimeans::algorithms::near_shares_if_asked(of)).first.name;
  };
  EXPECT_EQ(first("images", 20'000, 4, 20), "kdtree");
  EXPECT_EQ(first("lattice", 60'000, 4, 180), "kdtree");
  EXPECT_EQ(first("lattice", 75'000, 5, 160), "kdtree");
  EXPECT_EQ(first("images", 20'000, 8, 470), "blockbounds");
  EXPECT_EQ(first("pixels", 60'000, 20, 230), "blockbounds");
  EXPECT_EQ(first("images", 120'000, 14, 124), "blockbounds");
  EXPECT_EQ(first("uniform", 30'000, 8, 40), "gap");
  EXPECT_EQ(first("blobs", 50'000, 24, 60), "gap");
  EXPECT_EQ(first("anisotropic", 70'000, 4, 22), "gap");
}

}  // namespace
