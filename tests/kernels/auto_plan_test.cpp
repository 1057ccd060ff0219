// SPDX-License-Identifier: MIT
// What auto plans: both sides of every limit, for each instruction set.
#include "backends/auto_plan.hpp"

#include <gtest/gtest.h>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/data.hpp"
#include "kernels/unread_problem.hpp"
#include "omnimeans/isa.hpp"

namespace {

using omnimeans::Isa;
using omnimeans::Matrix;
using omnimeans::Problem;
using omnimeans::algorithms::Held;

/// Corners of a cube, n_groups of them far apart, the others near one of those. In many features all corners
/// are equally far from each other.
Matrix<float> corners(std::size_t n, std::size_t d, std::size_t n_groups) {
  Random random(7);
  Matrix<float> samples(n, d);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t t = 0; t < d; ++t) {
      const float value = random.below(2) == 0 ? -1.0f : 1.0f;
      samples(i, t) = i < n_groups ? 8 * value : samples(i % n_groups, t) + value;
    }
  }
  return samples;
}

TEST(AutoPlan, NearPairs) {
  const Isa isa = omnimeans::usable_isas().back();
  const auto share = [&](const Matrix<float>& samples, std::size_t k) {
    return omnimeans::algorithms::near_shares(problem<float>(samples.view(), isa, k)).near;
  };
  EXPECT_EQ(share(corners(1000, 1000, 1000), 64), 1);
  EXPECT_NEAR(share(corners(1000, 100, 37), 128), 1.0 / 37, 0.01) << "those of the own group";
  EXPECT_NEAR(share(corners(9000, 100, 37), 200), 1.0 / 37, 0.01);
  EXPECT_EQ(share(Matrix<float>(1000, 3), 10), 1) << "all samples are the same one";
  EXPECT_EQ(share(Matrix<float>(1, 3), 1), 1);
}

template <class T>
bool pay_at_once(Isa isa, std::size_t n, std::size_t d, std::size_t k, double near, std::size_t steps = 0) {
  return omnimeans::algorithms::bytes_pay_at_once(problem(unread<T>(n, d), isa, k, steps), near);
}

template <class T>
void check_at_once(Isa isa) {
  const bool eight_bits = omnimeans::int8_kernels_for(problem(unread<T>(1000, 100), isa, 640)) != nullptr;
  EXPECT_TRUE(pay_at_once<T>(isa, 1000, 100, 640, 0.94));
  EXPECT_TRUE(pay_at_once<T>(isa, 1000, 1000, 64, 0.94));
  EXPECT_FALSE(pay_at_once<T>(isa, 1000, 1000, 127, 0.95));
  EXPECT_TRUE(pay_at_once<T>(isa, 1000, 1000, 128, 1));
  EXPECT_TRUE(pay_at_once<T>(isa, 1000, 100, 640, 0, 8));
  EXPECT_EQ(pay_at_once<T>(isa, 1000, 100, 640, 0, 7), !eight_bits);
  EXPECT_EQ(pay_at_once<T>(isa, 1000, 100, 640, 0, 3), !eight_bits);
  EXPECT_FALSE(pay_at_once<T>(isa, 1000, 100, 640, 0, 2));
  EXPECT_FALSE(pay_at_once<T>(isa, 999, 100, 640, 0));
  EXPECT_FALSE(pay_at_once<T>(isa, 1000, 100, 639, 0));
  EXPECT_FALSE(pay_at_once<T>(isa, 1000, 99, 700, 0));
  EXPECT_FALSE(pay_at_once<T>(isa, 1000, 1100, 63, 0));
}

template <class T>
void check_near_pairs(Isa isa, bool bytes) {
  const auto pay = [&](std::size_t k, Held held, double near) {
    return omnimeans::algorithms::bytes_pay(problem(unread<T>(1000, 100), isa, k), held, near);
  };
  EXPECT_EQ(pay(480, Held::less, 0.11), bytes);
  EXPECT_EQ(pay(480, Held::most, 0.11), bytes);
  EXPECT_FALSE(pay(480, Held::nearly_all, 0.11)) << "prefix is better";
  EXPECT_FALSE(pay(479, Held::less, 0.11));
  EXPECT_FALSE(pay(480, Held::less, 0.12));
}

TEST(AutoPlan, BytesPayEarlierWhereFewerPairsAreNear) {
  for (const Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(to_string(isa));
    if (has_fast_integers<float>(isa)) {
      EXPECT_FALSE(pay_at_once<float>(isa, 100'000, 1000, 1000, 0.5)) << "eight bits first";
    } else {
      check_at_once<float>(isa);
    }
    check_at_once<double>(isa);
    check_near_pairs<float>(isa, !has_fast_integers<float>(isa));
    check_near_pairs<double>(isa, true);
  }
}

TEST(AutoPlan, EightBitsPayFromFewerOnInTilesAndOfFewSamples) {
  using omnimeans::algorithms::least_in_eight_bits;
  struct Limit {
    std::size_t n, in_tiles, with_vnni, with_avx2;
  };
  const auto check = [](std::size_t d, std::size_t k, const Limit& limit) {
    SCOPED_TRACE(testing::Message() << "n " << limit.n << ", d " << d << ", k " << k);
    EXPECT_EQ(least_in_eight_bits(limit.n, d, k, true, true).values, limit.in_tiles);
    EXPECT_EQ(least_in_eight_bits(limit.n, d, k, false, true).values, limit.with_vnni);
    EXPECT_EQ(least_in_eight_bits(limit.n, d, k, false, false).values, limit.with_avx2);
  };
  for (const Limit& limit :
       {Limit{2000, 4000, 4000, 32'000}, Limit{2001, 6000, 6000, 32'000}, Limit{5000, 6000, 6000, 32'000},
        Limit{5001, 10'000, 16'000, 32'000}, Limit{10'000, 10'000, 16'000, 32'000},
        Limit{10'001, 12'000, 16'000, 32'000}, Limit{1'000'000, 12'000, 16'000, 32'000}})
    check(127, 127, limit);
  for (const Limit& limit :
       {Limit{2000, 4000, 4000, 8000}, Limit{2001, 6000, 6000, 8000}, Limit{5000, 6000, 6000, 8000},
        Limit{5001, 8000, 16'000, 32'000}, Limit{10'000, 8000, 16'000, 32'000},
        Limit{10'001, 12'000, 16'000, 32'000}, Limit{1'000'000, 12'000, 16'000, 32'000}})
    check(128, 127, limit);
  for (const Limit& limit : {Limit{5000, 6000, 6000, 32'000}, Limit{5001, 7500, 10'000, 32'000},
                             Limit{10'000, 7500, 10'000, 32'000}, Limit{10'001, 8000, 10'000, 32'000},
                             Limit{1'000'000, 8000, 10'000, 32'000}})
    check(95, 128, limit);
  // Clusters and features.
  const auto least = [](std::size_t n, std::size_t k, bool tiles, bool vnni) {
    const auto limit = least_in_eight_bits(n, 500, k, tiles, vnni);
    return std::pair(limit.features, limit.clusters);
  };
  using Pair = std::pair<std::size_t, std::size_t>;
  EXPECT_EQ(least(10'000, 64, true, true), Pair(32, 16));
  EXPECT_EQ(least(10'001, 64, true, true), Pair(32, 48));
  EXPECT_EQ(least(2000, 63, false, true), Pair(24, 16));
  EXPECT_EQ(least(5000, 63, false, true), Pair(24, 32));
  EXPECT_EQ(least(5001, 127, false, true), Pair(96, 64));
  EXPECT_EQ(least(5001, 128, false, true), Pair(20, 128));
  EXPECT_EQ(least(5000, 64, false, false), Pair(128, 32));
  EXPECT_EQ(least(5001, 64, false, false), Pair(96, 64));
  // And what this CPU has: features, and each limit's two sides.
  for (const Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(to_string(isa));
    const bool tiles = has_tiles<float>(isa), vnni = has_fast_integers<float>(isa);
    const bool eight_bits =
        omnimeans::int8_kernels_for(problem(unread<float>(1000, 100), isa, 320)) != nullptr;
    const auto pay = [&](std::size_t n, std::size_t d, std::size_t k) {
      return omnimeans::algorithms::better_in_eight_bits(problem(unread<float>(n, d), isa, k), false);
    };
    const auto steps = [&](std::size_t n, std::size_t d, std::size_t k, std::size_t most) {
      return omnimeans::algorithms::better_in_eight_bits(problem(unread<float>(n, d), isa, k, most), false);
    };
    EXPECT_EQ(steps(10'001, 40, 299, 8), tiles || vnni);
    EXPECT_EQ(steps(10'001, 40, 299, 7), tiles);
    EXPECT_EQ(steps(10'001, 40, 300, 7), tiles || vnni);
    EXPECT_EQ(steps(10'000, 40, 299, 7), tiles || vnni);
    EXPECT_EQ(pay(5000, 48, 1000), tiles || vnni);
    EXPECT_EQ(pay(5000, 47, 1000), vnni && !tiles);
    EXPECT_FALSE(pay(5000, 23, 1000));
    for (const std::size_t n : {10'000, 10'001, 50'000}) {
      EXPECT_EQ(pay(n, 32, 1000), tiles || vnni);
      EXPECT_EQ(pay(n, 31, 1000), vnni && !tiles);
      EXPECT_FALSE(pay(n, 19, 1000));
    }
    for (const std::size_t n : {2000, 10'000, 10'001, 50'000}) {
      SCOPED_TRACE(n);
      EXPECT_EQ(pay(n, 64, 1000), tiles || vnni);
      EXPECT_EQ(pay(n, 96, 1000), eight_bits);
      const std::size_t fewest = least_in_eight_bits(n, 2000, 16, tiles, vnni).clusters;
      EXPECT_EQ(pay(n, 2000, fewest), eight_bits);
      EXPECT_FALSE(pay(n, 2000, fewest - 1));
      for (const std::size_t d : {250, 50}) {  // fewer clusters than 128, and more
        const auto limit = least_in_eight_bits(n, d, 12'000 / d, tiles, vnni);
        const std::size_t k = limit.values / d;
        if (k < limit.clusters || d < limit.features || k * d != limit.values) continue;
        EXPECT_EQ(pay(n, d, k), eight_bits) << k;
        EXPECT_FALSE(pay(n, d, k - 1)) << k;
      }
    }
  }
}

TEST(AutoPlan, OfAStepOrTwoEightBitsNeedMore) {
  for (const Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(to_string(isa));
    const bool vnni = has_fast_integers<float>(isa);
    const auto choice = [&](std::size_t d, std::size_t k, std::size_t steps) {
      return omnimeans::algorithms::plan_for(problem(unread<float>(2000, d), isa, k, steps), {}).first.name;
    };
    for (const std::size_t steps : {1, 2}) {
      EXPECT_EQ(choice(125, 64, steps) == "int8", vnni);
      EXPECT_NE(choice(124, 64, steps), "int8");
      EXPECT_NE(choice(200, 63, steps), "int8");
      EXPECT_EQ(choice(31, 64, steps), "simd");
      EXPECT_EQ(choice(32, 64, steps),
                omnimeans::int16_kernels_for(problem(unread<float>(2000, 32), isa, 64)) != nullptr ? "int16"
                                                                                                   : "simd");
    }
    EXPECT_EQ(choice(124, 64, 3) == "int8", vnni);
  }
}

TEST(AutoPlan, NobodyLooksForDirectionsWhereManyPairsAreNear) {
  // One direction holds everything; whoever is told that many pairs are near does not ask.
  Matrix<float> line(20000, 128);
  for (std::size_t i = 0; i < line.rows(); ++i) line(i, 5) = static_cast<float>(i);
  const auto held = [&](double near) {
    return omnimeans::algorithms::held_by_few(
        problem<float>(line.view(), omnimeans::usable_isas().back(), 600), near);
  };
  const bool eight_bits = omnimeans::int8_kernels_for(
                              problem<float>(line.view(), omnimeans::usable_isas().back(), 600)) != nullptr;
  EXPECT_EQ(held(0.3), eight_bits ? Held::nearly_all : Held::less);
  EXPECT_EQ(held(0.31), Held::less);
}

TEST(AutoPlan, FewPairsHaveToBeManyToAskForDirections) {
  // One direction holds everything.
  Matrix<float> line(4000, 256);
  for (std::size_t i = 0; i < line.rows(); ++i) line(i, 5) = static_cast<float>(i);
  for (const Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(to_string(isa));
    const auto held = [&](std::size_t k, double near, std::size_t steps = 0) {
      return omnimeans::algorithms::held_by_few(problem<float>(line.view(), isa, k, steps), near);
    };
    const bool tiles = has_tiles<float>(isa);
    const Held found = has_fast_integers<float>(isa) ? Held::nearly_all : Held::less;
    const std::size_t least = tiles ? 1465 : 250;
    EXPECT_EQ(held(least, 0.11), found);
    EXPECT_EQ(held(least, 0.11, 8), found);
    EXPECT_EQ(held(least - 1, 0.11), Held::less);
    if (!tiles) {
      EXPECT_EQ(held(250, 0.11, 7), Held::less);
      EXPECT_EQ(held(250, 0.12), Held::less);
    }
  }
}

TEST(AutoPlan, HalfTheDirectionsMustHoldNearlyAllOrAllOfThemWhereTheySaveEnough) {
  // Some directions alike and noise in the others: of 128 features a prefix has 60 axes, half of it 28.
  Matrix<float> points(20'000, 128);
  const auto fill = [&](std::size_t n_directions, double noise) {
    Random random(3);
    for (std::size_t i = 0; i < points.rows(); ++i) {
      for (std::size_t t = 0; t < 128; ++t)
        points(i, t) = static_cast<float>((t < n_directions ? 1 : noise) * random.normal());
    }
  };
  const auto check = [&](std::size_t n_directions, double noise, Held by_half, Held by_all) {
    fill(n_directions, noise);
    for (const Isa isa : omnimeans::usable_isas()) {
      SCOPED_TRACE(testing::Message() << to_string(isa) << ", " << n_directions << " directions, " << noise);
      const auto held = [&](std::size_t k) {
        return omnimeans::algorithms::held_by_few(problem<float>(points.view(), isa, k), 0.11);
      };
      if (omnimeans::int8_kernels_for(problem<float>(points.view(), isa, 600)) == nullptr) {
        EXPECT_EQ(held(1000), Held::less);
        continue;
      }
      // k 64 over 64 128, in units of 10,000 over 20,000.
      const std::size_t least = has_tiles<float>(isa) ? 960 : 192;
      // In tiles, of less than 256 features, 1 % at most.
      const bool too_long = has_tiles<float>(isa) && by_all == Held::nearly_all && noise > 0;
      EXPECT_EQ(held(has_fast_integers<float>(isa) ? least : 250), too_long ? Held::most : by_all);
      if (has_fast_integers<float>(isa)) {
        EXPECT_EQ(held(least - 1), by_half);
      }
    }
  };
  check(20, 0, Held::nearly_all, Held::nearly_all);
  check(20, 0.07, Held::most, Held::nearly_all);  // 2.4 % and 1.6 % are in the tails
  check(20, 0.115, Held::less, Held::most);       // 6 % and 4 %, of 512 samples less
  check(20, 0.3, Held::less, Held::less);
  check(50, 0, Held::less, Held::nearly_all);
}

TEST(AutoPlan, StepsOfMicrosecondsAreSimds) {
  const Isa isa = omnimeans::usable_isas().back();
  const auto plan = [&](std::size_t n) {
    return omnimeans::algorithms::plan_for(problem(unread<float>(n, 16), isa, 4), {});
  };
  EXPECT_EQ(plan(2499).first.name, "simd");
  EXPECT_EQ(plan(2499).bounded.name, "simd");
  EXPECT_EQ(plan(2500).first.name, "gap");
}

TEST(AutoPlan, OfFewSamplesRoundingTheCentroidsIsTooMuch) {
  for (const Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(to_string(isa));
    const auto first = [&](std::size_t n, std::size_t d, std::size_t k) {
      return omnimeans::algorithms::plan_for(problem(unread<float>(n, d), isa, k), {}).first.name;
    };
    const bool vnni = has_fast_integers<float>(isa);
    EXPECT_EQ(first(1249, 32, 32), vnni ? "simd" : "gap");
    EXPECT_EQ(first(1250, 32, 32), "gap");
    const bool early = vnni && !has_tiles<float>(isa);
    EXPECT_EQ(first(1249, 32, 124), vnni ? "simd" : "gap");
    EXPECT_EQ(first(1249, 31, 128), vnni ? "simd" : "gap");
    EXPECT_EQ(first(1249, 32, 129), early ? "int8" : "gap");
    EXPECT_EQ(first(1249, 23, 129), "gap");
    EXPECT_EQ(first(1249, 32, 15), "gap") << "in float";
    EXPECT_EQ(first(1249, 64, 64), vnni ? "int8" : "gap");
    EXPECT_EQ(first(40, 256, 16), "simd") << "next to nothing, even in eight bits";
  }
}

TEST(AutoPlan, SixteenBitsNeedSixFeaturesBesideTwoUnitsOfFloat) {
  for (const Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(to_string(isa));
    const auto pays = [&](std::size_t d) {
      return omnimeans::int16_pays(problem(unread<float>(50'000, d), isa, 100));
    };
    const bool any = omnimeans::kernels::int16_kernels(isa) != nullptr;
    EXPECT_FALSE(pays(3));
    EXPECT_EQ(pays(4), any && !omnimeans::kernels::has_two_float_units(isa));
    EXPECT_EQ(pays(5), any && !omnimeans::kernels::has_two_float_units(isa));
    EXPECT_EQ(pays(6), any);
    EXPECT_TRUE(!omnimeans::kernels::has_two_float_units(isa) || isa == Isa::avx512);
  }
}

TEST(AutoPlan, TrialsOfBytesBeginEarlierInDouble) {
  const auto bounded = [](const auto& of) {
    return omnimeans::algorithms::plan_for(of, {.near = 0.5}).bounded.name;
  };
  const Isa isa = omnimeans::usable_isas().back();
  const std::size_t least = isa == Isa::avx512 ? 200 : 100;
  EXPECT_EQ(bounded(problem(unread<double>(1000, 120), isa, least)), "bytebounds");
  EXPECT_EQ(bounded(problem(unread<double>(1000, 120), isa, least - 1)), "gap");
  EXPECT_EQ(bounded(problem(unread<float>(1000, 120), isa, 100)), "gap");
}

TEST(AutoPlan, WhatFewDirectionsHoldDecidesBesideEightBits) {
  for (const Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(to_string(isa));
    const auto pay = [&](std::size_t k, Held held) {
      return omnimeans::algorithms::bytes_pay(problem(unread<float>(1000, 64), isa, k), held, 0.5);
    };
    const bool eight_bits =
        omnimeans::int8_kernels_for(problem(unread<float>(1000, 64), isa, 2000)) != nullptr;
    const bool bytes = eight_bits && !has_fast_integers<float>(isa);
    EXPECT_EQ(pay(2000, Held::less), bytes);
    EXPECT_FALSE(pay(1999, Held::less));
    EXPECT_EQ(pay(1500, Held::most), bytes);
    EXPECT_FALSE(pay(1499, Held::most));
    EXPECT_FALSE(pay(4000, Held::nearly_all));
  }
}

}  // namespace
