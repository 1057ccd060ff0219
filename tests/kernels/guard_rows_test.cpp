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
    const std::size_t stride = d + n % 3, k = 1 + n / 4, centroid_stride = d + (n + 1) % 3;
    Guarded<T> rows(random_rows<T>(random, n, d, stride), place);
    Guarded<T> centroids(random_rows<T>(random, k, d, centroid_stride), place);
    std::vector<std::int32_t> own(n);
    for (std::int32_t& j : own) j = static_cast<std::int32_t>(random.below(k));
    Guarded<std::int32_t> labels(own, place);
    Guarded<double> out(n, place);
    kernels.canonical_own({rows.data(), stride, n}, {centroids.data(), centroid_stride, k}, labels.data(), d,
                          out.data());
    for (std::size_t i = 0; i < n; ++i) {
      const T* centroid = centroids.data() + static_cast<std::size_t>(own[i]) * centroid_stride;
      ASSERT_EQ(out.data()[i], omnimeans::canonical_distance(rows.data() + i * stride, centroid, d));
    }
    ASSERT_TRUE(out.intact());
  });
}

/// Zeros of either sign, the smallest and the largest values, infinities and equal ones: all bits of a
/// distance, of few features and of a chunk.
TYPED_TEST(GuardedRows, CanonicalDistancesOfSpecialValues) {
  using T = TypeParam;
  using limits = std::numeric_limits<T>;
  const T special[] = {T(0), -T(0), T(1), limits::denorm_min(), -limits::max(), limits::infinity(), T(0.1)};
  Random random(8);
  for (const auto* table : usable_tables()) {
    for (std::size_t d = 1; d <= 9; ++d) {
      for (int trial = 0; trial < 200; ++trial) {
        std::vector<T> x(d), c(d);
        for (std::size_t t = 0; t < d; ++t) {
          x[t] = special[random.below(std::size(special))];
          c[t] = special[random.below(std::size(special))];
        }
        const double right = omnimeans::canonical_distance(x.data(), c.data(), d);
        double out;
        table->template of<T>().canonical_distances(x.data(), c.data(), d, nullptr, 1, d, &out);
        ASSERT_TRUE(std::isnan(right)
                        ? std::isnan(out)
                        : std::bit_cast<std::uint64_t>(out) == std::bit_cast<std::uint64_t>(right))
            << "d " << d << ": " << out << ", not " << right;
      }
    }
  }
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

/// The bits are those of the formula, and as near to the mean as is said.
TYPED_TEST(GuardedRows, Means) {
  using T = TypeParam;
  this->sweep([](const Kernels<T>& kernels, std::size_t n, std::size_t d, Placement place) {
    Random random(n * 1000 + d);
    const auto count = static_cast<std::int64_t>(random.one_of<std::size_t>({1, n, 3 * n + 1, 1'000'000}));
    std::vector<double> magics(d), quanta(d), expected(d);
    std::vector<std::int64_t> totals(d);
    std::vector<std::uint64_t> all(d);
    for (std::size_t t = 0; t < d; ++t) {
      quanta[t] = std::ldexp(1.0, static_cast<int>(random.below(200)) - 150);
      magics[t] = 1.5 * std::ldexp(quanta[t], 52);
      totals[t] = static_cast<std::int64_t>(random.bits()) >> (1 + random.below(60));
      all[t] = static_cast<std::uint64_t>(totals[t]) +
               static_cast<std::uint64_t>(count) * std::bit_cast<std::uint64_t>(magics[t]);
      expected[t] = static_cast<double>(totals[t]) * quanta[t] * (1 / static_cast<double>(count));
    }
    const Guarded<double> magic(magics, place), quantum(quanta, place);
    const Guarded<std::uint64_t> sums(all, place);
    Guarded<double> means(d, place);
    kernels.means(sums.data(), magic.data(), quantum.data(), count, d, means.data());
    ASSERT_EQ(means.values(), expected) << "d " << d << ", count " << count;
    for (std::size_t t = 0; t < d; ++t) {
      const auto exact = static_cast<long double>(totals[t]) * static_cast<long double>(quanta[t]) /
                         static_cast<long double>(count);
      ASSERT_LE(std::abs(static_cast<long double>(means.data()[t]) - exact), std::abs(exact) * 0x1p-51L);
    }
    ASSERT_TRUE(means.intact());
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

/// Rows without gaps: features come round in the vectors of a run of rows, the last rows are seen alone.
TYPED_TEST(GuardedRows, ColumnAbsmaxOfRowsWithoutGaps) {
  using T = TypeParam;
  const auto check = [](const Kernels<T>& kernels, std::size_t n, std::size_t d, Placement place) {
    Random random(n * 1000 + d);
    Guarded<T> rows(random_rows<T>(random, n, d, d), place);
    std::vector<T> absmax = random_values<T>(random, d, 0, 2), expected = absmax;
    for (std::size_t v = 0; v < n * d; ++v)
      expected[v % d] = std::max(expected[v % d], std::abs(rows.data()[v]));
    ASSERT_TRUE(kernels.column_absmax({rows.data(), d, n}, d, absmax.data()));
    ASSERT_EQ(absmax, expected);
    for (const std::size_t v : {std::size_t{0}, n / 2 * d, random.below(n * d), n * d - 1}) {
      const T good = rows.data()[v];
      for (const T bad : {std::numeric_limits<T>::quiet_NaN(), std::numeric_limits<T>::infinity()}) {
        rows.data()[v] = bad;
        ASSERT_FALSE(kernels.column_absmax({rows.data(), d, n}, d, absmax.data())) << bad << " at " << v;
      }
      rows.data()[v] = good;
    }
  };
  for (const auto* table : usable_tables()) {
    for (const std::size_t d : {1, 2, 3, 4, 5, 7, 8, 10, 17, 33, 63, 64, 65, 67}) {
      for (std::size_t n = 1; n <= 70; n += d <= 8 ? 1 : 7) {
        for (const Placement place : edges()) {
          SCOPED_TRACE(std::string(omnimeans::to_string(table->isa)) + ", n " + std::to_string(n) + ", d " +
                       std::to_string(d));
          check(table->template of<T>(), n, d, place);
          if (testing::Test::HasFatalFailure()) return;
        }
      }
    }
  }
}

}  // namespace
