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

/// A thousand corners of a cube, n_groups of them far apart, the others near one of those. In many features
/// all corners are equally far from each other.
template <class T>
Matrix<T> corners(std::size_t d, std::size_t n_groups) {
  Random random(7);
  Matrix<T> samples(1000, d);
  for (std::size_t i = 0; i < samples.rows(); ++i) {
    for (std::size_t t = 0; t < d; ++t) {
      const T value = random.below(2) == 0 ? T(-1) : T(1);
      samples(i, t) = i < n_groups ? 8 * value : samples(i % n_groups, t) + value;
    }
  }
  return samples;
}

TEST(AutoPlan, NearPairs) {
  using omnimeans::algorithms::near_share;
  const Isa isa = omnimeans::usable_isas().back();
  const auto share = [&](const Matrix<float>& samples, std::size_t k) {
    return near_share(problem<float>(samples.view(), isa, k));
  };
  EXPECT_EQ(share(corners<float>(1000, 1000), 64), 1);
  EXPECT_NEAR(share(corners<float>(1000, 40), 128), 1.0 / 40, 0.01) << "those of the own group";
  EXPECT_EQ(share(Matrix<float>(1000, 3), 10), 1) << "all samples are the same one";
}

template <class T>
void check_at_once(Isa isa) {
  const auto pay = [&](const Matrix<T>& samples, std::size_t k, std::size_t steps = 0) {
    return omnimeans::algorithms::bytes_pay_at_once(problem<T>(samples.view(), isa, k, steps));
  };
  const bool slow = sizeof(T) != sizeof(float) || !omnimeans::kernels::has_fast_int16(isa);
  const bool eight_bits = omnimeans::int8_kernels_for(problem(unread<T>(1000, 100), isa, 640)) != nullptr;
  const Matrix<T> narrow = corners<T>(100, 40), some = corners<T>(100, 4), wide = corners<T>(1000, 1000);
  EXPECT_FALSE(pay(narrow, 639));
  EXPECT_EQ(pay(some, 640), slow);
  EXPECT_FALSE(pay(some, 639));
  EXPECT_EQ(pay(wide, 128), slow);
  EXPECT_FALSE(pay(wide, 127));
  EXPECT_EQ(pay(some, 640, 8), slow);
  EXPECT_EQ(pay(some, 640, 7), slow && !eight_bits);
  EXPECT_EQ(pay(some, 640, 3), slow && !eight_bits);
  EXPECT_FALSE(pay(some, 640, 2));
  EXPECT_FALSE(pay(corners<T>(99, 40), 700));
  EXPECT_FALSE(pay(corners<T>(1100, 40), 63));
  EXPECT_FALSE(omnimeans::algorithms::bytes_pay_at_once(problem(unread<T>(999, 100), isa, 640)));
}

template <class T>
void check_narrow(Isa isa) {
  const auto pay = [&](const Matrix<T>& samples, std::size_t k, Held held) {
    return omnimeans::algorithms::bytes_pay(problem<T>(samples.view(), isa, k), held);
  };
  const bool slow = sizeof(T) != sizeof(float) || !omnimeans::kernels::has_fast_int16(isa);
  const Matrix<T> narrow = corners<T>(100, 40), some = corners<T>(100, 4);
  EXPECT_EQ(pay(narrow, 480, Held::less), slow);
  EXPECT_EQ(pay(narrow, 480, Held::most), slow);
  EXPECT_FALSE(pay(narrow, 480, Held::nearly_all)) << "prefix is better";
  EXPECT_FALSE(pay(narrow, 479, Held::less));
  EXPECT_FALSE(pay(some, 600, Held::less));
}

TEST(AutoPlan, BytesPayWithoutFastIntegersWhereFewPairsAreNear) {
  for (const Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(to_string(isa));
    check_narrow<float>(isa);
    check_narrow<double>(isa);
  }
}

TEST(AutoPlan, BytesPayAtOnceWithoutFastIntegersUnlessAllPairsAreNear) {
  for (const Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(to_string(isa));
    check_at_once<float>(isa);
    check_at_once<double>(isa);
  }
}

TEST(AutoPlan, WhatFewDirectionsHoldDecidesBesideEightBits) {
  for (const Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(to_string(isa));
    const auto pay = [&](std::size_t k, Held held) {
      return omnimeans::algorithms::bytes_pay(problem(unread<float>(1000, 64), isa, k), held);
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
