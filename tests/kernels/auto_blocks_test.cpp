// SPDX-License-Identifier: MIT
// When auto takes bounds of blocks, at once or on trial: both sides of every limit, for each instruction set.
#include "backends/auto_blocks.hpp"

#include <gtest/gtest.h>
#include <cstddef>

#include "backends/auto_plan.hpp"
#include "kernels/unread_problem.hpp"
#include "omnimeans/isa.hpp"

namespace {

using omnimeans::Isa;

template <class T>
void check_blocks(Isa isa) {
  const auto pay = [&](std::size_t n, std::size_t d, std::size_t k, std::size_t steps) {
    return omnimeans::algorithms::blocks_pay(problem(unread<T>(n, d), isa, k, steps));
  };
  const auto* int16 = omnimeans::int16_pays(problem(unread<T>(50'000, 8), isa, 448))
                          ? omnimeans::kernels::int16_kernels(isa)
                          : nullptr;
  const bool vnni = int16 != nullptr && int16->rate >= 2, wide = isa == Isa::avx512;
  const std::size_t least = 8 * (int16 == nullptr ? 20 : vnni && wide ? 29 : 25);
  EXPECT_TRUE(pay(50'000, 8, least, 0));
  EXPECT_TRUE(pay(50'000, 8, least, 15));
  EXPECT_FALSE(pay(50'000, 8, least, 14));
  EXPECT_FALSE(pay(50'000, 8, least - 1, 0));
  EXPECT_TRUE(pay(20'000, 8, least, 0));
  const std::size_t of_few = !vnni ? least : wide ? 256 : 264;
  EXPECT_TRUE(pay(19'999, 8, of_few, 0));
  EXPECT_FALSE(pay(19'999, 8, of_few - 1, 0));
  const std::size_t of_many = vnni && wide ? 160 : least;
  EXPECT_TRUE(pay(100'000, 8, of_many, 0));
  EXPECT_FALSE(pay(100'000, 8, of_many - 1, 0));
  EXPECT_FALSE(pay(99'999, 8, least - 1, 0));
  const std::size_t of_four = vnni && wide ? 132 : least / 2;
  for (const std::size_t n : {50'000, 200'000}) {
    EXPECT_TRUE(pay(n, 4, of_four, 0));
    EXPECT_FALSE(pay(n, 4, of_four - 1, 0));
  }
  const std::size_t of_three = !has_fast_integers<T>(isa) ? 60 : wide ? 120 : 99;
  EXPECT_TRUE(pay(50'000, 3, of_three, 0));
  EXPECT_FALSE(pay(50'000, 3, of_three - 1, 0));
  EXPECT_FALSE(pay(16 * 1000 - 1, 8, 1000, 0));
  EXPECT_FALSE(pay(50'000, 17, 2000, 0));
  EXPECT_FALSE(pay(50'000, 2, 2000, 0));
}

TEST(AutoBlocks, BlocksPayFromSoManyClustersAFeatureOn) {
  for (const Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(to_string(isa));
    check_blocks<float>(isa);
    check_blocks<double>(isa);
  }
}

TEST(AutoBlocks, BlocksPayByStructureWhereFewPairsAreNear) {
  const Isa isa = omnimeans::usable_isas().back();
  const auto pay = [&](std::size_t n, std::size_t d, std::size_t k, double near, std::size_t steps = 0) {
    const auto of = problem(unread<float>(n, d), isa, k, steps);
    EXPECT_TRUE(!omnimeans::algorithms::blocks_pay_by_structure(of, near) ||
                omnimeans::algorithms::asks_for_near_pairs(of));
    return omnimeans::algorithms::blocks_pay_by_structure(of, near);
  };
  EXPECT_TRUE(pay(7000, 20, 250, 0.0559));
  EXPECT_FALSE(pay(7000, 20, 250, 0.0561));
  EXPECT_FALSE(pay(7000, 20, 249, 0.0401));
  EXPECT_TRUE(pay(7000, 20, 249, 0.0399));
  EXPECT_TRUE(pay(50'000, 20, 150, 0.0399));
  EXPECT_FALSE(pay(50'000, 20, 149, 0.0201));
  EXPECT_TRUE(pay(50'000, 20, 149, 0.0199));
  EXPECT_TRUE(pay(50'000, 16, 149, 1.0 / 128)) << "nothing but the nearest itself is near";
  EXPECT_FALSE(pay(50'000, 15, 149, 1.0 / 128));
  EXPECT_TRUE(pay(50'000, 8, 150, 0.0159));
  EXPECT_EQ(pay(50'000, 7, 150, 0.0139), isa == Isa::avx512) << "by clusters a feature";
  EXPECT_TRUE(pay(7000, 20, 250, 0, 20));
  EXPECT_FALSE(pay(7000, 20, 250, 0, 19));
  EXPECT_FALSE(pay(6999, 20, 250, 0));
  EXPECT_FALSE(pay(16 * 500 - 1, 20, 500, 0));
  EXPECT_TRUE(pay(16 * 500, 20, 500, 0));
  EXPECT_FALSE(pay(50'000, 20, 127, 0));
  EXPECT_TRUE(pay(50'000, 20, 128, 0));
  EXPECT_FALSE(pay(50'000, 5, 250, 0));
  const std::size_t a_feature = isa == Isa::avx512 ? 20 : 22;
  EXPECT_TRUE(pay(50'000, 7, 7 * a_feature, 0.0195));
  EXPECT_FALSE(pay(50'000, 7, 7 * a_feature, 0.0197));
  EXPECT_FALSE(pay(50'000, 7, 7 * a_feature - 1, 0.01));
  EXPECT_TRUE(pay(50'000, 10, 10 * a_feature, 0.0279));
  EXPECT_FALSE(pay(50'000, 10, 10 * a_feature - 1, 0.0279));
  EXPECT_TRUE(pay(50'000, 64, 250, 0));
  EXPECT_FALSE(pay(50'000, 65, 250, 0));
  EXPECT_TRUE(pay(50'000, 55, 250, 0.025));
  EXPECT_TRUE(pay(50'000, 56, 250, 0.0249));
  EXPECT_EQ(pay(50'000, 56, 250, 0.025), !has_tiles<float>(isa));
  const auto in_double = [&](std::size_t d) {
    return omnimeans::algorithms::blocks_pay_by_structure(problem(unread<double>(50'000, d), isa, 250), 0);
  };
  EXPECT_EQ(in_double(65), isa == Isa::avx512);
  EXPECT_EQ(in_double(256), isa == Isa::avx512);
  EXPECT_FALSE(in_double(257));
  EXPECT_FALSE(pay(7000, 16, 142, 0)) << "so short a step";
  EXPECT_TRUE(pay(7000, 16, 143, 0));
}

TEST(AutoBlocks, BlocksGetATrialBesideGapWhereBytesOrNoneWouldTakeLonger) {
  for (const Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(to_string(isa));
    const auto bounded = [&]<class T>(T, std::size_t n, std::size_t d, std::size_t k, std::size_t steps) {
      const auto plan = omnimeans::algorithms::plan_for(problem(unread<T>(n, d), isa, k, steps), 0.9);
      return plan.dense.name == "gap" ? plan.bounded.name : "another dense one";
    };
    constexpr float f = 0;
    constexpr double g = 0;
    const bool vnni = has_fast_integers<float>(isa),
               eight_bits =
                   omnimeans::int8_kernels_for(problem(unread<float>(1000, 64), isa, 640)) != nullptr;
    // Instead of bytes.
    const bool wide = isa == Isa::avx512;
    EXPECT_EQ(bounded(g, 20'000, 96, 125, 0), wide ? "gap" : "blockbounds");
    EXPECT_EQ(bounded(g, 20'000, 97, 125, 0), wide ? "gap" : "bytebounds");
    EXPECT_EQ(bounded(g, 20'000, 96, 125, 25), wide ? "gap" : "blockbounds");
    EXPECT_EQ(bounded(g, 20'000, 47, 250, 0), "gap");
    EXPECT_EQ(bounded(g, 20'000, 97, 248, 0), "bytebounds");
    EXPECT_EQ(bounded(g, 20'000, 48, 250, 0), "blockbounds");
    EXPECT_EQ(bounded(g, 20'000, 256, 250, 25), wide ? "blockbounds" : "bytebounds");
    EXPECT_EQ(bounded(g, 20'000, 257, 250, 0), "bytebounds");
    EXPECT_EQ(bounded(g, 5999, 64, 375, 0), "bytebounds") << "few samples of a cluster";
    EXPECT_EQ(bounded(g, 6000, 64, 375, 0), "blockbounds");
    EXPECT_EQ(bounded(g, 4999, 96, 250, 0), "bytebounds");
    EXPECT_EQ(bounded(g, 5000, 96, 250, 0), "blockbounds");
    if (eight_bits && !vnni) {
      EXPECT_EQ(bounded(f, 20'000, 47, 600, 25), "blockbounds");
    }
    const auto beside_int8 = [&](std::size_t n, std::size_t d, std::size_t k, std::size_t steps) {
      const auto plan = omnimeans::algorithms::plan_for(problem(unread<float>(n, d), isa, k, steps), 0.9);
      return plan.dense.name == "int8" ? plan.bounded.name : "another dense one";
    };
    if (vnni && !has_tiles<float>(isa)) {
      EXPECT_EQ(beside_int8(20'000, 64, 400, 40), "blockbounds");
      EXPECT_EQ(beside_int8(20'000, 64, 400, 39), "bytebounds");
      EXPECT_EQ(beside_int8(20'000, 65, 400, 40), "bytebounds");
      EXPECT_EQ(beside_int8(50'000, 31, 400, 40), "blockbounds");
      EXPECT_EQ(beside_int8(50'000, 31, 400, 39), "gap");
      EXPECT_EQ(beside_int8(49'999, 31, 400, 40), "gap");
      EXPECT_EQ(beside_int8(50'000, 32, 400, 40), "gap");
      EXPECT_EQ(beside_int8(50'000, 30, 334, 40), "blockbounds");
    }
    if (eight_bits && !vnni) {
      EXPECT_EQ(bounded(f, 20'000, 48, 500, 0), "blockbounds");
      EXPECT_EQ(bounded(f, 20'000, 49, 500, 0), "bytebounds");
    }
    if (has_tiles<float>(isa)) {
      EXPECT_EQ(beside_int8(20'000, 48, 500, 0), "blockbounds");
      EXPECT_EQ(beside_int8(20'000, 48, 500, 40), "blockbounds");
      EXPECT_EQ(beside_int8(20'000, 48, 500, 39), "bytebounds");
      EXPECT_EQ(beside_int8(20'000, 64, 500, 0), "blockbounds");
      EXPECT_EQ(beside_int8(20'000, 65, 500, 0), "bytebounds");
      EXPECT_EQ(beside_int8(7999, 64, 500, 0), "bytebounds");
      EXPECT_EQ(beside_int8(20'000, 32, 750, 0), "blockbounds");
      EXPECT_EQ(beside_int8(20'000, 32, 749, 0), "gap");
    }
    // Instead of none.
    EXPECT_EQ(bounded(f, 20'000, 24, 250, 0), "blockbounds");
    EXPECT_EQ(bounded(f, 20'000, 24, 250, 40), "blockbounds");
    EXPECT_EQ(bounded(f, 20'000, 24, 250, 39), "gap");
    EXPECT_EQ(bounded(f, 20'000, 24, 249, 0), "gap");
    EXPECT_EQ(bounded(f, 20'000, 25, 249, 0), "gap");
    EXPECT_EQ(bounded(f, 20'000, 16, 380, 0), "gap");
    EXPECT_EQ(bounded(f, 4999, 23, 300, 0), "gap");
  }
}

TEST(AutoBlocks, BytesGiveWayToBlocksInDoubleWith512Bits) {
  const auto at_once = [](Isa isa, std::size_t n, std::size_t d, std::size_t k, double near,
                          std::size_t steps = 0) {
    return omnimeans::algorithms::bytes_pay_at_once(problem(unread<double>(n, d), isa, k, steps), near);
  };
  for (const Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(to_string(isa));
    const bool wide = isa == Isa::avx512;
    EXPECT_EQ(at_once(isa, 5000, 256, 250, 0.94), !wide);
    EXPECT_TRUE(at_once(isa, 4999, 256, 250, 0.94));
    EXPECT_TRUE(at_once(isa, 5000, 257, 250, 0.94));
    EXPECT_TRUE(at_once(isa, 5000, 260, 249, 0.94));
    EXPECT_EQ(at_once(isa, 5000, 256, 250, 0.94, 20), !wide);
    EXPECT_TRUE(at_once(isa, 5000, 256, 250, 0.94, 19));
    const auto few_near = [&](std::size_t steps) {
      return omnimeans::algorithms::bytes_pay(problem(unread<double>(5000, 200), isa, 250, steps),
                                              omnimeans::algorithms::Held::less, 0.11);
    };
    EXPECT_EQ(few_near(0), !wide);
    EXPECT_TRUE(few_near(19));
  }
}

}  // namespace
