// SPDX-License-Identifier: MIT
// The kernels over pairs, and move_row, against guard pages. Bytes and moved rows are those of plain loops,
// by ==. Byte bounds are never above the exact value, and near it; scores keep within the error bound that
// the margin of the dense engine is made from.
#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "core/compare.hpp"
#include "core/oracle.hpp"
#include "kernels/guarded.hpp"
#include "kernels/packing.hpp"
#include "kernels/shapes.hpp"

namespace {

using omnimeans::kernels::byte_lanes;
using omnimeans::kernels::Kernels;

/// 1 to 70 and larger, around the lengths of vectors.
std::vector<std::size_t> lengths() {
  std::vector<std::size_t> all;
  for (std::size_t n = 1; n <= 70; ++n) all.push_back(n);
  for (const std::size_t n : {127, 128, 129, 255, 256, 257, 300, 1023, 1025}) all.push_back(n);
  return all;
}

template <class T>
class GuardedPairs : public testing::Test {
 protected:
  /// Calls body(kernels, n, place): every length against the guards, a few at every distance from them.
  template <class Body>
  static void sweep(std::size_t step, Body&& body) {
    for (const auto* table : usable_tables()) {
      SCOPED_TRACE(std::string(omnimeans::to_string(table->isa)));
      for (const std::size_t n : lengths()) {
        for (const Placement place : edges()) body(table->of<T>(), n, place);
      }
      for (const std::size_t n : {1, 5, 33}) {
        for (const Placement place : all_gaps(step)) body(table->of<T>(), n, place);
      }
    }
  }
};

using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(GuardedPairs, Types);

/// Bounds, drifts and one upper bound, of a kind: any bytes, extremes, or each bound next to its threshold.
struct Bytes {
  std::vector<std::uint8_t> bounds, drift;
  std::uint8_t upper = 0;

  Bytes(std::size_t n, std::size_t kind, Random& random) : bounds(n), drift(n) {
    const auto extreme = [&] {
      return static_cast<std::uint8_t>(random.one_of({0, 1, 2, 127, 128, 129, 253, 254, 255}));
    };
    const auto any = [&] { return static_cast<std::uint8_t>(random.below(256)); };
    upper = kind == 1 ? extreme() : kind == 2 ? static_cast<std::uint8_t>(random.below(64)) : any();
    for (std::size_t j = 0; j < n; ++j) {
      drift[j] = kind == 1 ? extreme() : any();
      const int near = std::min(255, drift[j] + upper) + static_cast<int>(random.below(3)) - 1;
      bounds[j] = kind == 1   ? extreme()
                  : kind == 2 ? static_cast<std::uint8_t>(std::clamp(near, 0, 255))
                              : any();
    }
  }

  std::vector<std::int32_t> open() const {
    std::vector<std::int32_t> result;
    for (std::size_t j = 0; j < bounds.size(); ++j) {
      const int sum = int{drift[j]} + int{upper};
      if (int{bounds[j]} < (sum > 255 ? 255 : sum)) result.push_back(static_cast<std::int32_t>(j));
    }
    return result;
  }
};

TYPED_TEST(GuardedPairs, OpenPairsAreThoseBelowTheSaturatedSum) {
  this->sweep(1, [](const Kernels<TypeParam>& kernels, std::size_t rows, Placement place) {
    const std::size_t n = std::min<std::size_t>(rows, 40) * byte_lanes;
    for (const std::size_t kind : {0, 1, 2}) {
      Random random(rows * 10 + kind);
      const Bytes bytes(n, kind, random);
      Guarded<std::uint8_t> bounds(bytes.bounds, place), drift(bytes.drift, place);
      const std::vector<std::int32_t> expected = bytes.open();
      Guarded<std::int32_t> out(n + 16, place);
      const std::vector<std::int32_t> before = out.values();
      if (!expected.empty()) {
        const std::size_t fewer = random.below(expected.size());
        ASSERT_GT(kernels.open_pairs(bounds.data(), drift.data(), bytes.upper, n, fewer, out.data()), fewer);
      }
      const std::size_t most = expected.size() + random.one_of({0, 1, 1000});
      const std::size_t count =
          kernels.open_pairs(bounds.data(), drift.data(), bytes.upper, n, most, out.data());
      ASSERT_EQ(std::vector<std::int32_t>(out.data(), out.data() + count), expected) << "n " << n;
      const std::vector<std::int32_t> after = out.values();
      const auto beyond = static_cast<std::ptrdiff_t>(count + 16);
      ASSERT_TRUE(std::equal(after.begin() + beyond, after.end(), before.begin() + beyond))
          << "more than 16 entries beyond the count were written";
      ASSERT_TRUE(out.intact() && bounds.intact() && drift.intact());
    }
  });
}

/// All sums of two bytes, those that saturate among them, each with the bounds around it.
TYPED_TEST(GuardedPairs, EverySumOfTwoBytes) {
  for (const auto* table : usable_tables()) {
    const Kernels<TypeParam>& kernels = table->of<TypeParam>();
    for (int upper = 0; upper < 256; ++upper) {
      std::vector<std::uint8_t> bounds, drift;
      std::size_t expected = 0;
      for (int moved = 0; moved < 256; ++moved) {
        const int sum = std::min(255, upper + moved);
        for (const int bound : {sum - 1, sum, 254, 255}) {
          bounds.push_back(static_cast<std::uint8_t>(std::max(0, bound)));
          drift.push_back(static_cast<std::uint8_t>(moved));
          expected += int{bounds.back()} < sum;
        }
      }
      const auto v = static_cast<std::uint8_t>(upper);
      std::vector<std::int32_t> out(bounds.size() + 16);
      ASSERT_EQ(kernels.open_pairs(bounds.data(), drift.data(), v, bounds.size(), expected, out.data()),
                expected);
    }
  }
}

TYPED_TEST(GuardedPairs, LowerBytesSaturatesAtZero) {
  this->sweep(1, [](const Kernels<TypeParam>& kernels, std::size_t rows, Placement place) {
    const std::size_t n = std::min<std::size_t>(rows, 40) * byte_lanes;
    for (const std::size_t kind : {0, 1, 2}) {
      Random random(rows * 10 + kind);
      const Bytes bytes(n, kind, random);
      Guarded<std::uint8_t> bounds(bytes.bounds, place), drift(bytes.drift, place);
      kernels.lower_bytes(bounds.data(), drift.data(), n);
      std::vector<std::uint8_t> expected(n);
      for (std::size_t j = 0; j < n; ++j) {
        expected[j] = static_cast<std::uint8_t>(std::max(0, int{bytes.bounds[j]} - int{bytes.drift[j]}));
      }
      ASSERT_EQ(bounds.values(), expected) << "n " << n;
      ASSERT_EQ(drift.values(), bytes.drift);
      ASSERT_TRUE(bounds.intact() && drift.intact());
    }
  });
}

/// One sample's scores and what byte_bounds makes bytes of. Callers take 4 epsilon off the factor for the
/// kernel's roundings, and so does the test.
template <class T>
struct ByteTask {
  std::vector<T> scores, drift;
  T base = 0;
  double factor = 1;
  T shift = 0;
  static constexpr double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  omnimeans::kernels::ByteTerms<T> terms() const {
    return {base, static_cast<T>(factor * (1 - 4 * eps)), static_cast<T>(shift * T(1 + 4 * eps))};
  }
};

template <class T>
ByteTask<T> byte_task(std::size_t n, Random& random) {
  ByteTask<T> task;
  const double scale = random.one_of({1e-14, 1e-3, 1.0, 1e6, 1e15});
  // The largest root is 10 to 1000 bytes' worth: from far below 254 to far above.
  task.factor =
      static_cast<double>(static_cast<T>(random.one_of({10.0, 200.0, 1000.0}) / std::sqrt(9 * scale)));
  task.base = static_cast<T>(random.uniform(0, 5) * scale);
  task.shift = static_cast<T>(random.one_of({0.0, 0.0, 5.0, 60.0}));
  task.scores = random_values<T>(random, n, -2 * scale, 2 * scale);
  task.drift = random_values<T>(random, n, 0, random.one_of({0.0, 0.1, 1.0}) * std::sqrt(scale));
  constexpr T largest = std::numeric_limits<T>::max();
  for (T& score : task.scores) {
    if (!random.chance(12)) continue;
    score = random.one_of<T>({T(0), -T(0), -task.base / 2, std::nextafter(-task.base / 2, largest),
                              largest / 4, -largest / 4, largest, std::numeric_limits<T>::infinity(),
                              -std::numeric_limits<T>::infinity(), std::numeric_limits<T>::quiet_NaN(),
                              std::numeric_limits<T>::denorm_min()});
  }
  return task;
}

/// factor * (sqrt(2 score + base) + drift) - shift, no less than 0 and no more than 254; how far rounding may
/// be below it.
template <class T>
long double exact_bound(const ByteTask<T>& task, std::size_t j) {
  const T score = task.scores[j];
  long double root = 0;
  if (!std::isnan(score)) {
    if (std::isinf(score)) {
      root = score > 0 ? std::numeric_limits<long double>::infinity() : 0;
    } else {
      const oracle::Quad squared = 2 * oracle::Quad(score) + oracle::Quad(task.base);
      root = squared > 0 ? std::sqrt(static_cast<long double>(squared)) : 0;
    }
  }
  const long double exact =
      static_cast<long double>(task.factor) * (root + static_cast<long double>(task.drift[j]));
  return std::clamp<long double>(exact - static_cast<long double>(task.shift), 0, 254);
}
/// A bound may be so much smaller, and less than 1.
template <class T>
long double slack(const ByteTask<T>& task, long double exact) {
  return (exact + static_cast<long double>(task.shift)) * 0x1p-9L;
}

TYPED_TEST(GuardedPairs, ByteBoundsAreBelowTheExactOnesAndNear) {
  using T = TypeParam;
  std::size_t between = 0, total = 0;
  this->sweep(sizeof(T), [&](const Kernels<T>& kernels, std::size_t n, Placement place) {
    for (std::size_t round = 0; round < 6; ++round) {
      Random random(n * 10 + round);
      const ByteTask<T> task = byte_task<T>(n, random);
      Guarded<T> scores(task.scores, place), drift(task.drift, place);
      Guarded<std::uint8_t> out(n, place);
      kernels.byte_bounds(scores.data(), drift.data(), n, task.terms(), out.data());
      for (std::size_t j = 0; j < n; ++j) {
        const long double exact = exact_bound(task, j);
        const auto byte = static_cast<long double>(out.data()[j]);
        ASSERT_LE(byte, std::floor(exact)) << "n " << n << ", j " << j << ", score " << task.scores[j];
        ASSERT_GT(byte, exact - slack(task, exact) - 1)
            << "n " << n << ", j " << j << ", score " << task.scores[j];
        between += byte > 0 && byte < 254;
        ++total;
      }
      ASSERT_TRUE(out.intact());
    }
  });
  EXPECT_GT(between, total / 4) << "most bounds must not be the extremes";
}

/// The bounds of some pairs alone are the bytes of all, and the other bytes stay as they were.
TYPED_TEST(GuardedPairs, ListedByteBoundsAreThoseOfAllPairs) {
  using T = TypeParam;
  this->sweep(sizeof(T), [&](const Kernels<T>& kernels, std::size_t n, Placement place) {
    Random random(n);
    const ByteTask<T> task = byte_task<T>(n, random);
    std::vector<std::uint8_t> all(n);
    kernels.byte_bounds(task.scores.data(), task.drift.data(), n, task.terms(), all.data());
    std::vector<std::int32_t> listed;
    std::vector<T> some;
    for (std::size_t j = 0; j < n; ++j) {
      if (j + 1 < n && random.chance(2)) continue;
      listed.push_back(static_cast<std::int32_t>(j));
      some.push_back(task.scores[j]);
    }
    Guarded<T> scores(some, place), drift(task.drift, place);
    Guarded<std::int32_t> index(listed, place);
    Guarded<std::uint8_t> bounds(std::vector<std::uint8_t>(n, 255), place);
    kernels.listed_byte_bounds(scores.data(), drift.data(), index.data(), listed.size(), task.terms(),
                               bounds.data());
    for (std::size_t j = 0; j < n; ++j) {
      const bool is_listed = std::binary_search(listed.begin(), listed.end(), static_cast<std::int32_t>(j));
      ASSERT_EQ(bounds.data()[j], is_listed ? all[j] : 255) << "n " << n << ", j " << j;
    }
    ASSERT_TRUE(bounds.intact() && index.intact() && scores.intact() && drift.intact());
  });
}

/// Where the exact value is an integer or just below one, a bound that is rounded up would show.
TYPED_TEST(GuardedPairs, ByteBoundsNextToIntegersAreNotAbove) {
  using T = TypeParam;
  for (const auto* table : usable_tables()) {
    SCOPED_TRACE(std::string(omnimeans::to_string(table->isa)));
    for (const double quantum : {1.0, 0.7, 1e-9, 3e7}) {
      ByteTask<T> task;
      task.factor = static_cast<double>(static_cast<T>(1 / quantum));
      for (int b = 1; b <= 254; ++b) {
        const double root = b * quantum;
        T score = static_cast<T>(root * root / 2);
        for (int steps = 0; steps < 3; ++steps) score = std::nextafter(score, T(0));
        for (int steps = 0; steps < 6;
             ++steps, score = std::nextafter(score, std::numeric_limits<T>::max())) {
          task.scores.push_back(score);
          task.drift.push_back(0);
          // The same as a drift alone.
          task.scores.push_back(T(0));
          task.drift.push_back(
              std::nextafter(static_cast<T>(root), steps % 2 == 0 ? T(0) : static_cast<T>(root)));
        }
      }
      const std::size_t n = task.scores.size();
      std::vector<std::uint8_t> out(n);
      table->of<T>().byte_bounds(task.scores.data(), task.drift.data(), n, task.terms(), out.data());
      for (std::size_t j = 0; j < n; ++j) {
        const long double exact = exact_bound(task, j);
        ASSERT_LE(static_cast<long double>(out[j]), std::floor(exact)) << "exact " << exact;
        ASSERT_GT(static_cast<long double>(out[j]), exact - slack(task, exact) - 1);
      }
    }
  }
}

TYPED_TEST(GuardedPairs, ListedScoresKeepWithinTheErrorBound) {
  using T = TypeParam;
  for (const auto* table : usable_tables()) {
    const Kernels<T>& kernels = table->of<T>();
    SCOPED_TRACE(std::string(omnimeans::to_string(table->isa)));
    std::vector<std::size_t> features = lengths();
    // Beyond the longest chain of the widest vectors.
    for (const std::size_t d : {2048, 2049, 2100, 4111}) features.push_back(d);
    for (const std::size_t d : features) {
      for (const Placement place : edges()) {
        Random random(d);
        const std::size_t lanes = kernels.lanes, padded = (d + lanes - 1) / lanes * lanes;
        const std::size_t stride = padded + random.below(3), k = 1 + random.below(40);
        std::vector<T> sample = random_values<T>(random, padded), matrix((k - 1) * stride + padded);
        std::fill(sample.begin() + static_cast<std::ptrdiff_t>(d), sample.end(), T(0));
        // Beyond a row's padding lies what must not be read into a score.
        std::fill(matrix.begin(), matrix.end(), std::numeric_limits<T>::quiet_NaN());
        for (std::size_t j = 0; j < k; ++j) {
          for (std::size_t t = 0; t < padded; ++t)
            matrix[j * stride + t] = t < d ? static_cast<T>(random.uniform(-4, 4)) : T(0);
        }
        Guarded<T> x(sample, place), rows(matrix, place),
            half_norms(random_values<T>(random, k, 0, 9), place);
        for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{3},
                                        std::size_t{4}, std::size_t{5}, 6 + random.below(30)}) {
          std::vector<std::int32_t> some(count);
          for (std::int32_t& j : some) j = static_cast<std::int32_t>(random.below(k));
          if (count > 0) some.back() = static_cast<std::int32_t>(k - 1);
          Guarded<std::int32_t> index(some, place);
          Guarded<T> out(count, place);
          kernels.listed_scores(x.data(), rows.data(), stride, half_norms.data(), index.data(), count, padded,
                                out.data());
          for (std::size_t i = 0; i < count; ++i) {
            const auto j = static_cast<std::size_t>(some[i]);
            oracle::Quad exact = half_norms.data()[j];
            double sum = std::abs(static_cast<double>(half_norms.data()[j]));
            for (std::size_t t = 0; t < d; ++t) {
              const oracle::Quad product = oracle::Quad(sample[t]) * oracle::Quad(matrix[j * stride + t]);
              exact -= product;
              sum += std::abs(static_cast<double>(product));
            }
            const double chain = static_cast<double>(omnimeans::kernels::dense_chain),
                         n = static_cast<double>(d);
            const double bound = gamma_of<T>(std::min(n, chain) + std::ceil(n / chain) + 8) * sum;
            const double error = static_cast<double>(oracle::Quad(out.data()[i]) - exact);
            ASSERT_LE(std::abs(error), bound) << "d " << d << ", count " << count << ", i " << i;
          }
          ASSERT_TRUE(out.intact());
        }
      }
    }
  }
}

/// Of each sample `d` values and no more are read, up to the guard.
TYPED_TEST(GuardedPairs, PairedScoresAreThoseOfTheListedOnes) {
  using T = TypeParam;
  for (const auto* table : usable_tables()) {
    const Kernels<T>& kernels = table->of<T>();
    SCOPED_TRACE(std::string(omnimeans::to_string(table->isa)));
    std::vector<std::size_t> features = lengths();
    for (const std::size_t d : {2048, 2049, 4111}) features.push_back(d);
    for (const std::size_t d : features) {
      for (const Placement place : edges()) {
        Random random(d);
        const std::size_t lanes = kernels.lanes, padded = (d + lanes - 1) / lanes * lanes, k = 7, n = 5;
        std::vector<T> matrix(k * padded, T(0));
        for (std::size_t j = 0; j < k; ++j) {
          for (std::size_t t = 0; t < d; ++t) matrix[j * padded + t] = static_cast<T>(random.uniform(-4, 4));
        }
        Guarded<T> rows(matrix, place), half_norms(random_values<T>(random, k, 0, 9), place);
        std::vector<std::unique_ptr<Guarded<T>>> samples;
        for (std::size_t i = 0; i < n; ++i)
          samples.push_back(std::make_unique<Guarded<T>>(random_values<T>(random, d), place));
        for (std::size_t count = 0; count <= 9; ++count) {
          std::vector<std::int32_t> some(count);
          std::vector<const T*> of(count);
          for (std::size_t p = 0; p < count; ++p) {
            some[p] = static_cast<std::int32_t>(random.below(k));
            of[p] = samples[random.below(n)]->data();
          }
          Guarded<std::int32_t> index(some, place);
          Guarded<const T*> x(of, place);
          Guarded<T> out(count, place);
          kernels.paired_scores(x.data(), d, rows.data(), padded, half_norms.data(), index.data(), count,
                                padded, out.data());
          ASSERT_TRUE(out.intact());
          for (std::size_t p = 0; p < count; ++p) {
            std::vector<T> sample(padded, T(0));
            std::copy_n(of[p], d, sample.begin());
            // Of two, for one alone is added in another order.
            const std::int32_t twice[] = {some[p], some[p]};
            T expected[2];
            kernels.listed_scores(sample.data(), rows.data(), padded, half_norms.data(), twice, 2, padded,
                                  expected);
            ASSERT_PRED2(same_bits<T>, out.data()[p], expected[0]) << "d " << d << ", count " << count;
          }
        }
      }
    }
  }
}

TYPED_TEST(GuardedPairs, MoveRow) {
  using T = TypeParam;
  this->sweep(sizeof(T), [](const Kernels<T>& kernels, std::size_t d, Placement place) {
    Random random(d);
    Guarded<T> x(random_values<T>(random, d), place), offset(random_values<T>(random, d), place);
    x.data()[random.below(d)] =
        random.one_of<T>({T(0), -T(0), std::numeric_limits<T>::denorm_min(), std::numeric_limits<T>::max()});
    for (const T scale : {T(1), T(0x1p-90), T(0x1p90), T(0.3)}) {
      Guarded<T> moved(d, place), copied(d, place);
      kernels.move_row(x.data(), offset.data(), scale, d, moved.data());
      kernels.move_row(x.data(), nullptr, scale, d, copied.data());
      for (std::size_t t = 0; t < d; ++t) {
        const T difference = x.data()[t] - offset.data()[t];
        ASSERT_PRED2(same_bits<T>, moved.data()[t], difference * scale) << "d " << d << ", t " << t;
        ASSERT_PRED2(same_bits<T>, copied.data()[t], x.data()[t]) << "d " << d << ", t " << t;
      }
      ASSERT_TRUE(moved.intact() && copied.intact());
    }
  });
}

}  // namespace
