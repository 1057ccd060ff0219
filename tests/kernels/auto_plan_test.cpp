// SPDX-License-Identifier: MIT
// Where auto takes bytes from the first step on: both sides of every limit, for each instruction set.
#include "backends/auto_plan.hpp"

#include <gtest/gtest.h>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/int16.hpp"
#include "omnimeans/isa.hpp"

namespace {

using omnimeans::Isa;
using omnimeans::Problem;
using omnimeans::algorithms::Held;

/// A problem whose samples nobody reads.
template <class T>
Problem<T> problem(Isa isa, std::size_t n, std::size_t d, std::size_t k, std::size_t most_steps = 0) {
  static const T none = 0;
  Problem<T> p;
  p.samples = {&none, n, d, d};
  p.n_clusters = k;
  p.isa = isa;
  p.most_steps = most_steps;
  return p;
}

template <class T>
void check_any_data(Isa isa) {
  const auto pay = [&](std::size_t n, std::size_t d, std::size_t k, std::size_t steps = 0) {
    return omnimeans::algorithms::bytes_pay_for_any_data(problem<T>(isa, n, d, k, steps));
  };
  const bool slow = sizeof(T) != sizeof(float) || !omnimeans::kernels::has_fast_int16(isa);
  const bool eight_bits = omnimeans::int8_kernels_for(problem<T>(isa, 1000, 100, 640)) != nullptr;
  EXPECT_EQ(pay(1000, 100, 640), slow);
  EXPECT_EQ(pay(1000, 1000, 64), slow);
  EXPECT_EQ(pay(1000, 100, 640, 8), slow);
  EXPECT_EQ(pay(1000, 100, 640, 7), slow && !eight_bits);
  EXPECT_EQ(pay(1000, 100, 640, 3), slow && !eight_bits);
  EXPECT_FALSE(pay(1000, 100, 640, 2));
  EXPECT_FALSE(pay(999, 100, 640));
  EXPECT_FALSE(pay(1000, 100, 639));
  EXPECT_FALSE(pay(1000, 99, 700));
  EXPECT_FALSE(pay(1000, 1100, 63));
}

TEST(AutoPlan, BytesPayForAnyDataWithoutFastIntegers) {
  for (const Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(to_string(isa));
    check_any_data<float>(isa);
    check_any_data<double>(isa);
  }
}

TEST(AutoPlan, WhatFewDirectionsHoldDecidesBesideEightBits) {
  for (const Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(to_string(isa));
    // Too few features for the rule of any data.
    const auto pay = [&](std::size_t k, Held held) {
      return omnimeans::algorithms::bytes_pay(problem<float>(isa, 1000, 64, k), held);
    };
    const bool eight_bits = omnimeans::int8_kernels_for(problem<float>(isa, 1000, 64, 2000)) != nullptr;
    EXPECT_EQ(pay(2000, Held::less), eight_bits);
    EXPECT_FALSE(pay(1999, Held::less));
    EXPECT_EQ(pay(1500, Held::most), eight_bits);
    EXPECT_FALSE(pay(1499, Held::most));
    EXPECT_FALSE(pay(4000, Held::nearly_all));
  }
}

}  // namespace
