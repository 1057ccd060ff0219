// SPDX-License-Identifier: MIT
// Where auto takes bytes from the first step on: both sides of every limit, for each instruction set.
#include "backends/auto_plan.hpp"

#include <gtest/gtest.h>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/data.hpp"
#include "kernels/int16.hpp"
#include "omnimeans/isa.hpp"

namespace {

using omnimeans::Isa;
using omnimeans::Matrix;
using omnimeans::MatrixView;
using omnimeans::Problem;
using omnimeans::algorithms::Held;

template <class T>
Problem<T> problem(const MatrixView<const T>& samples, Isa isa, std::size_t k, std::size_t most_steps = 0) {
  Problem<T> p;
  p.samples = samples;
  p.n_clusters = k;
  p.isa = isa;
  p.most_steps = most_steps;
  return p;
}

/// Samples that nobody reads.
template <class T>
MatrixView<const T> unread(std::size_t n, std::size_t d) {
  static const T none = 0;
  return {&none, n, d, d};
}

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
    return omnimeans::algorithms::near_share(problem<float>(samples.view(), isa, k));
  };
  EXPECT_EQ(share(corners(1000, 1000, 1000), 64), 1);
  EXPECT_NEAR(share(corners(1000, 100, 37), 128), 1.0 / 37, 0.01) << "those of the own group";
  EXPECT_NEAR(share(corners(9000, 100, 37), 200), 1.0 / 37, 0.01);
  EXPECT_EQ(share(Matrix<float>(1000, 3), 10), 1) << "all samples are the same one";
  EXPECT_EQ(share(Matrix<float>(1, 3), 1), 1);
}

template <class T>
void check_at_once(Isa isa) {
  const auto pay = [&](std::size_t n, std::size_t d, std::size_t k, double near, std::size_t steps = 0) {
    return omnimeans::algorithms::bytes_pay_at_once(problem(unread<T>(n, d), isa, k, steps), near);
  };
  const bool slow = sizeof(T) != sizeof(float) || !omnimeans::kernels::has_fast_int16(isa);
  const bool eight_bits = omnimeans::int8_kernels_for(problem(unread<T>(1000, 100), isa, 640)) != nullptr;
  EXPECT_EQ(pay(1000, 100, 640, 0.94), slow);
  EXPECT_EQ(pay(1000, 1000, 64, 0.94), slow);
  EXPECT_FALSE(pay(1000, 1000, 127, 0.95));
  EXPECT_EQ(pay(1000, 1000, 128, 1), slow);
  EXPECT_EQ(pay(1000, 100, 640, 0, 8), slow);
  EXPECT_EQ(pay(1000, 100, 640, 0, 7), slow && !eight_bits);
  EXPECT_EQ(pay(1000, 100, 640, 0, 3), slow && !eight_bits);
  EXPECT_FALSE(pay(1000, 100, 640, 0, 2));
  EXPECT_FALSE(pay(999, 100, 640, 0));
  EXPECT_FALSE(pay(1000, 100, 639, 0));
  EXPECT_FALSE(pay(1000, 99, 700, 0));
  EXPECT_FALSE(pay(1000, 1100, 63, 0));
}

template <class T>
void check_near_pairs(Isa isa) {
  const auto pay = [&](std::size_t k, Held held, double near) {
    return omnimeans::algorithms::bytes_pay(problem(unread<T>(1000, 100), isa, k), held, near);
  };
  const bool slow = sizeof(T) != sizeof(float) || !omnimeans::kernels::has_fast_int16(isa);
  EXPECT_EQ(pay(480, Held::less, 0.11), slow);
  EXPECT_EQ(pay(480, Held::most, 0.11), slow);
  EXPECT_FALSE(pay(480, Held::nearly_all, 0.11)) << "prefix is better";
  EXPECT_FALSE(pay(479, Held::less, 0.11));
  EXPECT_FALSE(pay(480, Held::less, 0.12));
}

TEST(AutoPlan, BytesPayWithoutFastIntegersWhereFewPairsAreNear) {
  for (const Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(to_string(isa));
    check_at_once<float>(isa);
    check_at_once<double>(isa);
    check_near_pairs<float>(isa);
    check_near_pairs<double>(isa);
  }
}

TEST(AutoPlan, NobodyLooksForDirectionsWhereAllPairsAreNear) {
  // One direction holds everything; whoever is told that all pairs are near does not ask.
  Matrix<float> line(20000, 128);
  for (std::size_t i = 0; i < line.rows(); ++i) line(i, 5) = static_cast<float>(i);
  const auto held = [&](double near) {
    return omnimeans::algorithms::held_by_few(
        problem<float>(line.view(), omnimeans::usable_isas().back(), 256), near);
  };
  const bool eight_bits = omnimeans::int8_kernels_for(
                              problem<float>(line.view(), omnimeans::usable_isas().back(), 256)) != nullptr;
  EXPECT_EQ(held(0.9), eight_bits ? Held::nearly_all : Held::less);
  EXPECT_EQ(held(0.91), Held::less);
}

TEST(AutoPlan, TrialsOfBytesBeginEarlierInDouble) {
  const auto bounded = [](const auto& of) { return omnimeans::algorithms::plan_for(of, 0.5).bounded.name; };
  const Isa isa = omnimeans::usable_isas().back();
  EXPECT_EQ(bounded(problem(unread<double>(1000, 120), isa, 100)), "bytebounds");
  EXPECT_EQ(bounded(problem(unread<double>(1000, 120), isa, 99)), "gap");
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
    EXPECT_EQ(pay(2000, Held::less), eight_bits);
    EXPECT_FALSE(pay(1999, Held::less));
    EXPECT_EQ(pay(1500, Held::most), eight_bits);
    EXPECT_FALSE(pay(1499, Held::most));
    EXPECT_FALSE(pay(4000, Held::nearly_all));
  }
}

}  // namespace
