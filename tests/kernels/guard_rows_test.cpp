// SPDX-License-Identifier: MIT
// The row kernels against guard pages, at every alignment: no byte beside a buffer is read or written, and
// the results are those of plain loops, by ==. (The squared norm is summed in any order: within its
// rounding-error bound.)
#include <gtest/gtest.h>
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "canonical.hpp"
#include "core/oracle.hpp"
#include "kernels/guarded.hpp"
#include "kernels/packing.hpp"
#include "kernels/shapes.hpp"

namespace {

using omnimeans::kernels::Kernels;

template <class T>
class GuardedRows : public testing::Test {
 protected:
  /// Calls body(kernels, n, d, place) for every table, shape and placement.
  template <class Body>
  static void sweep(Body&& body) {
    sweep_kernels<T>([&](const Kernels<T>& kernels, const Shape& shape, Placement place) {
      body(kernels, shape.n, shape.d, place);
    });
  }
};

using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(GuardedRows, Types);

TYPED_TEST(GuardedRows, CanonicalDistances) {
  using T = TypeParam;
  this->sweep([](const Kernels<T>& kernels, std::size_t n, std::size_t d, Placement place) {
    Random random(n * 1000 + d);
    const std::size_t stride = d + n % 3;
    Guarded<T> x(random_values<T>(random, d), place), rows(random_rows<T>(random, n, d, stride), place);
    std::vector<std::int32_t> some(n / 2 + 1);
    for (std::int32_t& i : some) i = static_cast<std::int32_t>(random.below(n));
    Guarded<std::int32_t> index(some, place);
    Guarded<double> all_out(n, place), some_out(some.size(), place);
    kernels.canonical_distances(x.data(), rows.data(), stride, nullptr, n, d, all_out.data());
    kernels.canonical_distances(x.data(), rows.data(), stride, index.data(), some.size(), d, some_out.data());
    for (std::size_t i = 0; i < n; ++i) {
      ASSERT_EQ(all_out.data()[i], omnimeans::canonical_distance(x.data(), rows.data() + i * stride, d));
    }
    for (std::size_t i = 0; i < some.size(); ++i) {
      ASSERT_EQ(some_out.data()[i], all_out.data()[some[i]]) << "n " << n << ", d " << d;
    }
    ASSERT_TRUE(all_out.intact() && some_out.intact());
  });
}

TYPED_TEST(GuardedRows, CanonicalOwn) {
  using T = TypeParam;
  this->sweep([](const Kernels<T>& kernels, std::size_t n, std::size_t d, Placement place) {
    Random random(n * 1000 + d);
    const std::size_t stride = d + n % 3, k = 1 + n / 4;
    Guarded<T> rows(random_rows<T>(random, n, d, stride), place);
    Guarded<T> centroids(random_rows<T>(random, k, d, stride), place);
    std::vector<std::int32_t> own(n);
    for (std::int32_t& j : own) j = static_cast<std::int32_t>(random.below(k));
    Guarded<std::int32_t> labels(own, place);
    Guarded<double> out(n, place);
    kernels.canonical_own({rows.data(), stride, n}, {centroids.data(), stride, k}, labels.data(), d,
                          out.data());
    for (std::size_t i = 0; i < n; ++i) {
      const T* centroid = centroids.data() + static_cast<std::size_t>(own[i]) * stride;
      ASSERT_EQ(out.data()[i], omnimeans::canonical_distance(rows.data() + i * stride, centroid, d));
    }
    ASSERT_TRUE(out.intact());
  });
}

TYPED_TEST(GuardedRows, SquaredDistances) {
  using T = TypeParam;
  this->sweep([](const Kernels<T>& kernels, std::size_t n, std::size_t d, Placement place) {
    Random random(n * 1000 + d + 1);
    const std::size_t stride = d + n % 3;
    Guarded<T> x(random_values<T>(random, d), place), rows(random_rows<T>(random, n, d, stride), place);
    std::vector<std::int32_t> some(n / 2 + 1);
    for (std::int32_t& i : some) i = static_cast<std::int32_t>(random.below(n));
    Guarded<std::int32_t> index(some, place);
    Guarded<T> all_out(n, place), some_out(some.size(), place);
    kernels.squared_distances(x.data(), rows.data(), stride, nullptr, n, d, all_out.data());
    kernels.squared_distances(x.data(), rows.data(), stride, index.data(), some.size(), d, some_out.data());
    for (std::size_t i = 0; i < n; ++i) {
      oracle::Quad exact = 0;
      for (std::size_t t = 0; t < d; ++t) {
        const oracle::Quad difference = oracle::Quad(x.data()[t]) - oracle::Quad(rows.data()[i * stride + t]);
        exact += difference * difference;
      }
      const double error = static_cast<double>(oracle::Quad(all_out.data()[i]) - exact);
      ASSERT_LE(std::abs(error), gamma_of<T>(static_cast<double>(d) + 4) * static_cast<double>(exact));
    }
    for (std::size_t i = 0; i < some.size(); ++i) {
      ASSERT_EQ(some_out.data()[i], all_out.data()[some[i]]) << "n " << n << ", d " << d;
    }
    ASSERT_TRUE(all_out.intact() && some_out.intact());
  });
}

TYPED_TEST(GuardedRows, SquaredNorm) {
  using T = TypeParam;
  this->sweep([](const Kernels<T>& kernels, std::size_t, std::size_t d, Placement place) {
    Random random(d);
    Guarded<T> x(random_values<T>(random, d), place);
    oracle::Quad exact = 0;
    for (std::size_t t = 0; t < d; ++t) exact += oracle::Quad(x.data()[t]) * oracle::Quad(x.data()[t]);
    const oracle::Quad error = oracle::Quad(kernels.squared_norm(x.data(), d)) - exact;
    const double bound = gamma_of<T>(static_cast<double>(d) + 1) * static_cast<double>(exact);
    ASSERT_LE(std::abs(static_cast<double>(error)), bound) << "d " << d;
  });
}

TYPED_TEST(GuardedRows, NearLowest) {
  using T = TypeParam;
  this->sweep([](const Kernels<T>& kernels, std::size_t n, std::size_t d, Placement place) {
    Random random(n * 1000 + d);
    std::vector<T> numbers(n);
    for (T& value : numbers) value = static_cast<T>(random.below(9));  // so that many are near
    if (n % 5 == 0) numbers[random.below(n)] = std::numeric_limits<T>::infinity();
    Guarded<T> values(numbers, place);
    Guarded<std::int32_t> out(n, place);
    for (const T margin : {T(0), T(2.5)}) {
      const T threshold = *std::min_element(numbers.begin(), numbers.end()) + margin;
      std::vector<std::int32_t> expected;
      for (std::size_t j = 0; j < n; ++j) {
        if (!(numbers[j] > threshold)) expected.push_back(static_cast<std::int32_t>(j));
      }
      const std::size_t count = kernels.near_lowest(values.data(), n, margin, out.data());
      ASSERT_EQ(std::vector<std::int32_t>(out.data(), out.data() + count), expected) << "n " << n;
    }
    // A NaN is listed, and hides nothing that is near.
    const std::size_t at = random.below(n);
    values.data()[at] = std::numeric_limits<T>::quiet_NaN();
    const std::size_t count = kernels.near_lowest(values.data(), n, T(0), out.data());
    T lowest = std::numeric_limits<T>::infinity();
    for (std::size_t j = 0; j < n; ++j) lowest = j != at && numbers[j] < lowest ? numbers[j] : lowest;
    for (std::size_t j = 0; j < n; ++j) {
      if (j != at && numbers[j] != lowest) continue;
      ASSERT_TRUE(std::binary_search(out.data(), out.data() + count, static_cast<std::int32_t>(j)));
    }
    ASSERT_TRUE(out.intact());
  });
}

/// 2 s is exact, so one rounding each of the sum, the root and the product: the same bits fused or not.
TYPED_TEST(GuardedRows, LowerDistances) {
  using T = TypeParam;
  this->sweep([](const Kernels<T>& kernels, std::size_t n, std::size_t d, Placement place) {
    Random random(n * 1000 + d);
    std::vector<T> numbers = random_values<T>(random, n);
    if (n % 4 == 0) numbers[random.below(n)] = std::numeric_limits<T>::quiet_NaN();
    Guarded<T> scores(numbers, place), out(n, place);
    const T base = T(3.7), factor = T(0.99);
    kernels.lower_distances(scores.data(), n, base, factor, out.data());
    for (std::size_t j = 0; j < n; ++j) {
      const T squared = T(2) * numbers[j] + base;
      const T expected = squared > 0 ? factor * std::sqrt(squared) : T(0);
      ASSERT_EQ(out.data()[j], expected) << "n " << n << ", j " << j;
    }
    ASSERT_TRUE(out.intact());
  });
}

TYPED_TEST(GuardedRows, OpenCandidates) {
  using T = TypeParam;
  this->sweep([](const Kernels<T>& kernels, std::size_t n, std::size_t d, Placement place) {
    Random random(n * 1000 + d);
    std::vector<T> a(n), b(n), c(n);
    for (std::vector<T>* values : {&a, &b, &c}) {
      for (T& value : *values) value = static_cast<T>(random.below(7));
    }
    if (n % 3 == 0) a[random.below(n)] = std::numeric_limits<T>::quiet_NaN();
    Guarded<T> bound(a, place), drift(b, place), separation(c, place);
    Guarded<std::int32_t> out(n, place);
    const T upper = 3;
    std::vector<std::int32_t> expected;
    for (std::size_t j = 0; j < n; ++j) {
      if (!(a[j] - b[j] > upper) && !(c[j] > upper)) expected.push_back(static_cast<std::int32_t>(j));
    }
    const std::size_t count =
        kernels.open_candidates(bound.data(), drift.data(), separation.data(), upper, n, out.data());
    ASSERT_EQ(std::vector<std::int32_t>(out.data(), out.data() + count), expected) << "n " << n;
    ASSERT_TRUE(out.intact());
  });
}

TYPED_TEST(GuardedRows, AddAndSubtractRow) {
  using T = TypeParam;
  this->sweep([](const Kernels<T>& kernels, std::size_t n, std::size_t d, Placement place) {
    Random random(n * 1000 + d);
    Guarded<T> x(random_values<T>(random, d), place);
    Guarded<double> magic(random_values<double>(random, d, 1e9, 1e12), place);
    std::vector<std::uint64_t> start(d), expected(d);
    for (std::uint64_t& sum : start) sum = random.bits();
    Guarded<std::uint64_t> sums(start, place);
    kernels.add_row(x.data(), magic.data(), d, sums.data());
    for (std::size_t t = 0; t < d; ++t) {
      expected[t] = start[t] + std::bit_cast<std::uint64_t>(double(x.data()[t]) + magic.data()[t]);
    }
    ASSERT_EQ(sums.values(), expected) << "d " << d;
    kernels.subtract_row(x.data(), magic.data(), d, sums.data());
    ASSERT_EQ(sums.values(), start) << "d " << d;
    ASSERT_TRUE(sums.intact());
  });
}

TYPED_TEST(GuardedRows, ColumnAbsmax) {
  using T = TypeParam;
  this->sweep([](const Kernels<T>& kernels, std::size_t n, std::size_t d, Placement place) {
    Random random(n * 1000 + d);
    const std::size_t stride = d + n % 3;
    Guarded<T> rows(random_rows<T>(random, n, d, stride), place);
    const std::vector<T> start = random_values<T>(random, d, 0, 4);
    Guarded<T> absmax(start, place);
    std::vector<T> expected = start;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t t = 0; t < d; ++t)
        expected[t] = std::max(expected[t], std::abs(rows.data()[i * stride + t]));
    }
    ASSERT_TRUE(kernels.column_absmax({rows.data(), stride, n}, d, absmax.data()));
    ASSERT_EQ(absmax.values(), expected) << "n " << n << ", d " << d;
    T& spoilt = rows.data()[random.below(n) * stride + random.below(d)];
    for (const T bad : {std::numeric_limits<T>::quiet_NaN(), -std::numeric_limits<T>::infinity()}) {
      spoilt = bad;
      ASSERT_FALSE(kernels.column_absmax({rows.data(), stride, n}, d, absmax.data())) << bad;
    }
    ASSERT_TRUE(absmax.intact());
  });
}

}  // namespace
