// SPDX-License-Identifier: MIT
// When auto takes bounds of blocks on trial, or before bytes: both sides of every limit, for each instruction
// set.
#include "backends/auto_blocks.hpp"

#include <gtest/gtest.h>
#include <cstddef>

#include "backends/auto_plan.hpp"
#include "kernels/unread_problem.hpp"
#include "omnimeans/isa.hpp"

namespace {

using omnimeans::Isa;

TEST(AutoBlocks, BlocksGetATrialBesideGapWhereBytesOrNoneWouldTakeLonger) {
  for (const Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(to_string(isa));
    const auto bounded = [&]<class T>(T, std::size_t n, std::size_t d, std::size_t k, std::size_t steps) {
      // So few around that gap goes before eight bits.
      const auto plan =
          omnimeans::algorithms::plan_for(problem(unread<T>(n, d), isa, k, steps), {0.35, 0.35});
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
      const auto plan =
          omnimeans::algorithms::plan_for(problem(unread<float>(n, d), isa, k, steps), {0.9, 1});
      return plan.dense.name == "int8" ? plan.bounded.name : "another dense one";
    };
    if (vnni && !has_tiles<float>(isa)) {
      for (const std::size_t steps : {0, 39, 40}) {
        EXPECT_EQ(beside_int8(20'000, 64, 400, steps), "bytebounds") << "where blocks pay they begin";
        EXPECT_EQ(beside_int8(50'000, 31, 400, steps), "gap");
      }
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
