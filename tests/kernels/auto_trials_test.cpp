// SPDX-License-Identifier: MIT
// When auto gives bounds a try: both sides of every limit, for each instruction set.
#include "backends/auto_trials.hpp"

#include <gtest/gtest.h>
#include <cstddef>
#include <string_view>

#include "kernels/unread_problem.hpp"

namespace {

using omnimeans::Isa;
using omnimeans::algorithms::never;
using omnimeans::algorithms::Plan;

Plan plan(std::string_view dense, std::string_view bounded) {
  return {.first = {}, .dense = {dense, ""}, .bounded = {bounded, ""}};
}

TEST(AutoTrials, AreEarlyWhereBoundsLastOrDistancesAreDear) {
  for (const Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(to_string(isa));
    const auto early = [&](std::size_t d, std::string_view dense, std::string_view bounded, double near) {
      return omnimeans::algorithms::early_trial(problem(unread<float>(1000, d), isa, 640),
                                                plan(dense, bounded), near);
    };
    EXPECT_TRUE(early(100, "int8", "bytebounds", 0.59));
    EXPECT_EQ(early(99, "int8", "bytebounds", 0.59), !has_fast_integers<float>(isa));
    EXPECT_TRUE(early(200, "int8", "bytebounds", 0.59));
    EXPECT_EQ(early(200, "int8", "bytebounds", 0.6), !has_fast_integers<float>(isa));
    EXPECT_FALSE(early(200, "prefix", "bytebounds", 0.1));
    EXPECT_FALSE(early(200, "int8", "gap", 0.1));
  }
}

TEST(AutoTrials, DoNotComeWhereEightBitsLeaveOutWhatLiesStill) {
  for (const Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(to_string(isa));
    const bool vnni = has_fast_integers<float>(isa);
    const auto rest = [&](std::size_t d, std::string_view dense, std::string_view bounded, double left_out) {
      return omnimeans::algorithms::rest_beats_bounds(problem(unread<float>(20'000, d), isa, 500),
                                                      plan(dense, bounded), left_out);
    };
    EXPECT_EQ(rest(100, "int8", "bytebounds", 126), vnni);
    EXPECT_FALSE(rest(100, "int8", "bytebounds", 125));
    EXPECT_FALSE(rest(100, "int8", "bytebounds", -3));
    EXPECT_EQ(rest(784, "int8", "bytebounds", 400), vnni);
    EXPECT_FALSE(rest(100, "prefix", "bytebounds", 400));
    EXPECT_FALSE(rest(100, "int8", "gap", 400));
  }
}

TEST(AutoTrials, NeverComeWhereTilesLeaveBoundsNothing) {
  for (const Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(to_string(isa));
    const bool tiles = has_tiles<float>(isa);
    const auto nothing = [&](std::size_t n, std::size_t d, std::size_t k, double near,
                             std::string_view bounded) {
      return omnimeans::algorithms::tiles_beat_bounds(problem(unread<float>(n, d), isa, k),
                                                      plan("int8", bounded), near);
    };
    for (const std::string_view bounded : {"gap", "bytebounds"}) {
      EXPECT_FALSE(nothing(10'000, 199, 350, 0.64, bounded));
      EXPECT_EQ(nothing(10'000, 199, 350, 0.65, bounded), tiles);
      EXPECT_FALSE(nothing(10'000, 200, 350, 0.94, bounded));
      EXPECT_EQ(nothing(10'000, 200, 350, 0.95, bounded), tiles);
      EXPECT_FALSE(nothing(10'000, 99, 350, 1, bounded)) << "nobody asked";
      EXPECT_FALSE(nothing(999, 100, 350, 1, bounded)) << "likewise";
      EXPECT_EQ(nothing(1000, 100, 350, 1, bounded), tiles);
    }
    EXPECT_EQ(nothing(100'001, 127, 500, 0.64, "bytebounds"), tiles);
    EXPECT_FALSE(nothing(100'001, 127, 500, 0.64, "gap"));
    EXPECT_FALSE(nothing(100'001, 128, 500, 0.64, "bytebounds"));
    EXPECT_EQ(nothing(10'000, 63, 500, 1, "bytebounds"), tiles);
    EXPECT_FALSE(nothing(10'000, 63, 500, 1, "gap"));
    EXPECT_FALSE(nothing(100'000, 64, 500, 1, "bytebounds"));
    EXPECT_EQ(nothing(100'001, 64, 500, 1, "bytebounds"), tiles);
    EXPECT_FALSE(omnimeans::algorithms::tiles_beat_bounds(problem(unread<float>(10'000, 100), isa, 350),
                                                          plan("prefix", "bytebounds"), 1));
  }
}

TEST(AutoTrials, AreLateBesideEightBitsOfFewSamplesAndMostlyBesideFastOnes) {
  for (const Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(to_string(isa));
    const bool tiles = has_tiles<float>(isa), vnni = has_fast_integers<float>(isa);
    const auto late = [&](std::size_t n, std::size_t d, std::size_t k, std::string_view dense,
                          std::string_view bounded, double near) {
      return omnimeans::algorithms::late_trial(problem(unread<float>(n, d), isa, k), plan(dense, bounded),
                                               near);
    };
    EXPECT_EQ(late(10'000, 200, 99, "int8", "gap", 0.5), vnni);
    EXPECT_FALSE(late(10'001, 200, 99, "int8", "gap", 0.5));
    EXPECT_EQ(late(10'001, 200, 100, "int8", "gap", 0.5), tiles);
    EXPECT_FALSE(late(1000, 200, 300, "gap", "bytebounds", 0.5));
    EXPECT_FALSE(late(1000, 64, 600, "int8", "blockbounds", 0.5));
    EXPECT_EQ(late(100'000, 500, 599, "int8", "bytebounds", 0.12), vnni);
    EXPECT_EQ(late(100'000, 500, 600, "int8", "bytebounds", 0.12), tiles);
    EXPECT_EQ(late(100'000, 499, 500, "int8", "bytebounds", 0.11), vnni);
    EXPECT_FALSE(late(100'000, 500, 500, "int8", "bytebounds", 0.11));
    EXPECT_EQ(late(2000, 500, 199, "int8", "bytebounds", 0.11), vnni);
    EXPECT_FALSE(late(2000, 500, 200, "int8", "bytebounds", 0.11));
    EXPECT_FALSE(late(2001, 500, 199, "int8", "bytebounds", 0.11));
  }
}

TEST(AutoTrials, TheFirstComesInStepTenUnlessARuleSaysOtherwise) {
  for (const Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(to_string(isa));
    const bool tiles = has_tiles<float>(isa), vnni = has_fast_integers<float>(isa);
    const auto first = [&](std::size_t n, std::size_t d, std::size_t k, const Plan& plan, double near,
                           std::size_t most_steps = 0) {
      return omnimeans::algorithms::first_trial(problem(unread<float>(n, d), isa, k, most_steps), plan, near);
    };
    EXPECT_EQ(first(20'000, 100, 99, plan("int8", "gap"), 0.5), 10u);
    EXPECT_EQ(first(10'000, 100, 320, plan("int8", "gap"), 0.5), vnni ? 22u : 10u);
    EXPECT_EQ(first(20'000, 300, 320, plan("int8", "bytebounds"), 0.5), vnni ? 22u : 6u);
    EXPECT_EQ(first(20'000, 300, 320, plan("int8", "bytebounds"), 0.5, 32), vnni ? 22u : 6u);
    EXPECT_EQ(first(20'000, 300, 320, plan("int8", "bytebounds"), 0.5, 31), vnni ? never : 6u);
    EXPECT_EQ(first(20'000, 500, 600, plan("int8", "bytebounds"), 0.5), tiles ? 22u : 6u);
    EXPECT_EQ(first(20'000, 500, 600, plan("int8", "bytebounds"), 0.6), tiles ? 22u : vnni ? 10u : 6u);
    EXPECT_EQ(first(20'000, 300, 320, plan("prefix", "bytebounds"), 0.5), 10u);
    EXPECT_EQ(first(20'000, 300, 320, plan("prefix", "prefix"), 0.5), never);
    EXPECT_EQ(first(20'000, 300, 320, plan("int8", "bytebounds"), 0.96), tiles ? never : vnni ? 22u : 6u);
    EXPECT_EQ(first(20'000, 300, 320, plan("int8", "int8"), 0.5), never);
    EXPECT_EQ(first(20'000, 96, 100, plan("int8", "blockbounds"), 0.5), 10u);
    EXPECT_EQ(first(499, 96, 100, plan("int8", "blockbounds"), 0.5), never) << "so short a step";
  }
}

TEST(AutoTrials, ComeInStepThreeWhereEightBitsProveLittle) {
  for (const Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(to_string(isa));
    const auto early = [&](std::size_t n, std::string_view dense, std::string_view bounded, double again) {
      return omnimeans::algorithms::bounds_pay_early(problem(unread<float>(n, 100), isa, 200),
                                                     plan(dense, bounded), again);
    };
    for (const std::string_view bounded : {"gap", "bytebounds"}) {
      EXPECT_EQ(early(5001, "int8", bounded, 2.51), has_fast_integers<float>(isa));
      EXPECT_FALSE(early(5001, "int8", bounded, 2.5));
      EXPECT_FALSE(early(5000, "int8", bounded, 3));
      EXPECT_FALSE(early(5001, "gap", bounded, 3));
    }
    EXPECT_FALSE(early(5001, "int8", "blockbounds", 3));
    const auto few_clusters = [&](std::size_t k, double again) {
      return omnimeans::algorithms::bounds_pay_early(problem(unread<float>(6000, 400), isa, k),
                                                     plan("int8", "gap"), again);
    };
    EXPECT_EQ(few_clusters(48, 1.01), has_fast_integers<float>(isa));
    EXPECT_FALSE(few_clusters(49, 2.5));
    const auto which = [&](std::size_t k, std::string_view bounded) {
      return omnimeans::algorithms::early_bounds(problem(unread<float>(6000, 100), isa, k),
                                                 plan("int8", bounded))
          .name;
    };
    EXPECT_EQ(which(299, "bytebounds"), "gap");
    EXPECT_EQ(which(300, "bytebounds"), "bytebounds");

    // Blocks go before both where they are foretold to be about as fast as gaps.
    auto with_blocks = plan("int8", "bytebounds");
    const auto sets = problem(unread<float>(10'000, 100), isa, 200);
    const auto small = problem(unread<float>(9'999, 100), isa, 200);
    for (const double log_speed : {-0.3, -0.1, 0.1}) {
      with_blocks.forecast.blocks = log_speed;
      EXPECT_EQ(omnimeans::algorithms::early_bounds(sets, with_blocks).name,
                log_speed > -0.2 ? "blockbounds" : "gap");
      EXPECT_EQ(omnimeans::algorithms::bounds_pay_early(sets, with_blocks, 2.1),
                log_speed > 0 && has_fast_integers<float>(isa));
      EXPECT_FALSE(omnimeans::algorithms::bounds_pay_early(sets, with_blocks, 2));
      EXPECT_EQ(omnimeans::algorithms::early_bounds(small, with_blocks).name, "gap");
      EXPECT_FALSE(omnimeans::algorithms::bounds_pay_early(small, with_blocks, 2.5));
    }
  }
}

}  // namespace
