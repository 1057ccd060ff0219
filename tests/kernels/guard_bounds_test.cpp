// SPDX-License-Identifier: MIT
// The kernels that move and tighten bounds and find gaps, against guard pages: no byte beside a buffer is
// read or written, the rows they list are those of plain loops, and bounds are those of plain loops or hold
// in 113 bits.
#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/oracle.hpp"
#include "kernels/guarded.hpp"
#include "kernels/packing.hpp"
#include "kernels/shapes.hpp"

namespace {

using omnimeans::kernels::BoundsResult;
using omnimeans::kernels::BoundsTask;
using omnimeans::kernels::Kernels;

/// A block of samples with bounds in small whole numbers, so that many are equal, and one NaN.
template <class T>
struct Block {
  Shape shape;
  bool weighted;
  std::vector<std::int32_t> labels;
  std::vector<T> upper, lower, weights, drift, separation;
  T largest = 0, second = 0;

  Block(Shape s, Random& random) : shape(s), weighted(random.chance(2)) {
    const auto whole = [&random](std::size_t below) { return static_cast<T>(random.below(below)); };
    for (std::size_t r = 0; r < s.n; ++r) {
      labels.push_back(static_cast<std::int32_t>(random.below(s.k)));
      upper.push_back(whole(8));
      lower.push_back(whole(8));
      weights.push_back(whole(3));
    }
    if (s.n % 3 == 0) upper[random.below(s.n)] = std::numeric_limits<T>::quiet_NaN();
    if (s.n % 4 == 0) weights[random.below(s.n)] = 0;
    for (std::size_t j = 0; j < s.k; ++j) {
      drift.push_back(whole(4));
      separation.push_back(whole(5));
      second = std::max(second, std::min(largest, drift.back()));
      largest = std::max(largest, drift.back());
    }
  }
};

/// The same block between guard pages.
template <class T>
struct GuardedBlock {
  Guarded<std::int32_t> labels, open;
  Guarded<T> upper, lower, weights, drift, separation;
  bool weighted;

  GuardedBlock(const Block<T>& b, const std::vector<std::int32_t>& listed, Placement place)
      : labels(b.labels, place),
        open(listed, place),
        upper(b.upper, place),
        lower(b.lower, place),
        weights(b.weights, place),
        drift(b.drift, place),
        separation(b.separation, place),
        weighted(b.weighted) {}

  BoundsTask<T> task() {
    return {labels.data(),     upper.data(), lower.data(), weighted ? weights.data() : nullptr,
            separation.data(), open.data()};
  }
  bool intact() const {
    return labels.intact() && open.intact() && upper.intact() && lower.intact() && weights.intact() &&
           drift.intact() && separation.intact();
  }
};

/// Checks which of `rows` are open now and what the others weigh, by the bounds as they stand.
template <class T>
void check_open(const Block<T>& b, GuardedBlock<T>& g, const std::vector<std::int32_t>& rows,
                const BoundsResult& result) {
  std::vector<std::int32_t> expected;
  double inertia = 0;
  for (const std::int32_t row : rows) {
    const auto r = static_cast<std::size_t>(row);
    const T u = g.upper.data()[r];
    if (u < g.lower.data()[r] || u < b.separation[static_cast<std::size_t>(b.labels[r])]) {
      inertia += (b.weighted ? static_cast<double>(b.weights[r]) : 1.0) * static_cast<double>(u) *
                 static_cast<double>(u);
    } else {
      expected.push_back(row);
    }
  }
  ASSERT_EQ(std::vector<std::int32_t>(g.open.data(), g.open.data() + result.n_open), expected);
  // Each term is rounded twice, and there are as many additions as rows.
  const double rounding = gamma_of<double>(static_cast<double>(rows.size()) + 2) * inertia;
  ASSERT_NEAR(result.inertia_bound, inertia, 2 * rounding);
  ASSERT_TRUE(g.intact());
}

template <class T>
class GuardedBounds : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(GuardedBounds, Types);

TYPED_TEST(GuardedBounds, Move) {
  using T = TypeParam;
  sweep_kernels<T>([](const Kernels<T>& kernels, const Shape& shape, Placement place) {
    Random random(shape.n * 1000 + shape.k);
    const Block<T> b(shape, random);
    GuardedBlock<T> g(b, std::vector<std::int32_t>(shape.n), place);
    const BoundsResult result = kernels.move_bounds(g.task(), {g.drift.data(), b.largest, b.second}, shape.n);
    constexpr T eps = std::numeric_limits<T>::epsilon();
    std::vector<std::int32_t> rows;
    for (std::size_t r = 0; r < shape.n; ++r) {
      const auto label = static_cast<std::size_t>(b.labels[r]);
      T others = 0;
      for (std::size_t j = 0; j < shape.k; ++j) others = j == label ? others : std::max(others, b.drift[j]);
      const T u = (b.upper[r] + b.drift[label]) * (1 + 4 * eps), l = (b.lower[r] - others) * (1 - 4 * eps);
      ASSERT_TRUE(std::isnan(b.upper[r]) ? std::isnan(g.upper.data()[r]) : g.upper.data()[r] == u) << r;
      ASSERT_EQ(g.lower.data()[r], l > 0 ? l : T(0)) << r;
      rows.push_back(static_cast<std::int32_t>(r));
    }
    ASSERT_NO_FATAL_FAILURE(check_open(b, g, rows, result));
  });
}

TYPED_TEST(GuardedBounds, OpenGaps) {
  using T = TypeParam;
  std::size_t rows = 0, open_rows = 0;
  sweep_kernels<T>([&](const Kernels<T>& kernels, const Shape& shape, Placement place) {
    Random random(shape.n * 1000 + shape.k);
    const Block<T> b(shape, random);
    Guarded<T> path(b.drift, place), gaps(b.lower, place);
    Guarded<std::int32_t> labels(b.labels, place), open(std::vector<std::int32_t>(shape.n), place);
    // Some of every kind: above, equal, below, and none at all.
    for (std::size_t r = 0; r < shape.n; ++r) {
      if (random.chance(4)) gaps.data()[r] = b.drift[static_cast<std::size_t>(b.labels[r])];
      if (random.chance(8)) gaps.data()[r] = -std::numeric_limits<T>::infinity();
      if (random.chance(8)) gaps.data()[r] = std::numeric_limits<T>::quiet_NaN();
    }
    const std::size_t n_open =
        kernels.open_gaps(gaps.data(), labels.data(), path.data(), shape.n, open.data());
    std::vector<std::int32_t> expected;
    for (std::size_t r = 0; r < shape.n; ++r) {
      if (!(gaps.data()[r] > b.drift[static_cast<std::size_t>(b.labels[r])]))
        expected.push_back(static_cast<std::int32_t>(r));
    }
    ASSERT_EQ(std::vector<std::int32_t>(open.data(), open.data() + n_open), expected);
    ASSERT_TRUE(path.intact() && labels.intact() && gaps.intact() && open.intact());
    rows += shape.n;
    open_rows += n_open;
  });
  EXPECT_GT(open_rows, rows / 4);
  EXPECT_LT(open_rows, 3 * rows / 4);
}

TYPED_TEST(GuardedBounds, Tighten) {
  using T = TypeParam;
  sweep_kernels<T>([](const Kernels<T>& kernels, const Shape& shape, Placement place) {
    const auto [n, d, k] = shape;
    Random random(n * 1000 + d);
    const Block<T> b(shape, random);
    std::vector<std::int32_t> listed;
    for (std::size_t r = 0; r < n; ++r) {
      if (r % 3 != 1) listed.push_back(static_cast<std::int32_t>(r));
    }
    const std::size_t stride = d + n % 3;
    Guarded<T> x(random_rows<T>(random, n, d, stride), place), c(random_values<T>(random, k * d), place);
    GuardedBlock<T> g(b, listed, place);
    const double gamma = gamma_of<T>(static_cast<double>(d) + 8);
    const T factor = static_cast<T>(1 + gamma), floor = std::numeric_limits<T>::min();
    const BoundsResult result = kernels.tighten_bounds(
        g.task(), {x.data(), stride, listed.size(), g.open.data()}, {c.data(), d, d, factor, floor});
    for (std::size_t r = 0; r < n; ++r) {
      const T u = g.upper.data()[r];
      if (r % 3 == 1) {
        ASSERT_TRUE(u == b.upper[r] || std::isnan(b.upper[r])) << "a row that was not listed";
        continue;
      }
      oracle::Quad squared = 0;
      for (std::size_t t = 0; t < d; ++t) {
        const T centroid = c.data()[static_cast<std::size_t>(b.labels[r]) * d + t];
        const oracle::Quad difference = oracle::Quad(x.data()[r * stride + t]) - oracle::Quad(centroid);
        squared += difference * difference;
      }
      const double distance = std::sqrt(static_cast<double>(squared));
      ASSERT_GE(static_cast<double>(u), distance) << r;
      ASSERT_LE(static_cast<double>(u), distance * (1 + 3 * gamma) + 2 * static_cast<double>(floor)) << r;
    }
    ASSERT_NO_FATAL_FAILURE(check_open(b, g, listed, result));
  });
}

}  // namespace
