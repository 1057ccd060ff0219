// SPDX-License-Identifier: MIT
// The dense engine: labels and bounds of all samples, and of those that are listed, over offsets, scales,
// ties and tails, for every instruction set and thread count.
#include "dense_engine.hpp"

#include <atomic>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/oracle.hpp"
#include "core/random.hpp"
#include "kernels/int16.hpp"

namespace {

using omnimeans::Matrix;
using omnimeans::MatrixView;

template <class T>
struct Points {
  Matrix<T> samples, centroids;
};

/// With ties some centroids are duplicates of others.
template <class T>
Points<T> points(std::size_t n, std::size_t d, std::size_t k, double offset, double scale, std::uint64_t seed,
                 bool ties = true) {
  Random random(seed);
  Points<T> p{Matrix<T>(n, d), Matrix<T>(k, d)};
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t t = 0; t < d; ++t)
      p.samples(i, t) = static_cast<T>(scale * (offset + random.uniform(-1, 1)));
  }
  for (std::size_t j = 0; j < k; ++j) {
    const std::size_t from = ties && j % 5 == 4 ? j - 1 : n;
    for (std::size_t t = 0; t < d; ++t) {
      p.centroids(j, t) =
          from < j ? p.centroids(from, t) : static_cast<T>(scale * (offset + random.uniform(-1, 1)));
    }
  }
  return p;
}

template <class T>
void check_bounds(const Points<T>& p, std::size_t i, std::int32_t label, T upper, T lower) {
  using oracle::Quad;
  const auto distance = [&](std::size_t j) {
    Quad sum = 0;
    for (std::size_t t = 0; t < p.samples.cols(); ++t) {
      const Quad difference = static_cast<Quad>(p.samples(i, t)) - static_cast<Quad>(p.centroids(j, t));
      sum += difference * difference;
    }
    return sum;
  };
  const Quad high = static_cast<Quad>(upper), low = static_cast<Quad>(lower);
  ASSERT_TRUE(high >= 0 && high * high >= distance(static_cast<std::size_t>(label)))
      << "upper of sample " << i;
  for (std::size_t j = 0; j < p.centroids.rows(); ++j) {
    if (j == static_cast<std::size_t>(label)) continue;
    ASSERT_TRUE(low >= 0 && low * low <= distance(j)) << "lower of sample " << i << ", centroid " << j;
  }
}

template <class T>
class DenseEngineTest : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(DenseEngineTest, Types);

struct Tightness {
  double tight = 0, checked = 0, reranked = 0;
};

/// All samples, then every third one anew: labels by ==, bounds in quadruple precision.
template <class T>
void check_engine(const Points<T>& p, const std::vector<std::int32_t>& expected, omnimeans::Isa isa,
                  const omnimeans::kernels::Int16Kernels* int16, Tightness& tightness) {
  const std::size_t n = p.samples.rows(), k = p.centroids.rows();
  for (const int threads : {1, 3}) {
    SCOPED_TRACE(std::string(to_string(isa)) + (int16 != nullptr ? " in sixteen bits" : "") + ", threads " +
                 std::to_string(threads) + ", n " + std::to_string(n) + ", d " +
                 std::to_string(p.samples.cols()) + ", k " + std::to_string(k));
    omnimeans::DenseEngine<T> engine(p.samples.view(), k, isa, threads, int16);
    engine.set_centroids(p.centroids.view());
    std::vector<std::int32_t> labels(n, -1);
    std::vector<T> upper(n), lower(n);
    tightness.reranked += static_cast<double>(
        engine.assign({.weights = {}, .labels = labels, .upper = upper, .lower = lower}).reranked);
    ASSERT_EQ(labels, expected);
    for (std::size_t i = 0; i < n; ++i) {
      check_bounds(p, i, labels[i], upper[i], lower[i]);
      tightness.tight += k > 1 && upper[i] > 0 && lower[i] >= T(0.99) * upper[i];
      ++tightness.checked;
    }

    // The others are left alone.
    std::vector<std::int32_t> some(n, -7);
    std::vector<T> some_upper(n, T(-1)), some_lower(n, T(-1));
    engine.assign_listed({.weights = {}, .labels = some, .upper = some_upper, .lower = some_lower}, 100,
                         [](omnimeans::RowRange rows, auto& scratch) {
                           for (std::size_t i = rows.begin; i < rows.end; ++i) {
                             if (i % 3 == 1)
                               scratch.listed.push_back(static_cast<std::int32_t>(i - rows.begin));
                           }
                         });
    for (std::size_t i = 0; i < n; ++i) {
      ASSERT_EQ(some[i], i % 3 == 1 ? expected[i] : -7);
      if (i % 3 == 1 && int16 != nullptr) {  // where many were open, float has taken over
        check_bounds(p, i, some[i], some_upper[i], some_lower[i]);
        continue;
      }
      ASSERT_EQ(some_upper[i], i % 3 == 1 ? upper[i] : T(-1));
      ASSERT_EQ(some_lower[i], i % 3 == 1 ? lower[i] : T(-1));
    }
  }
}

TYPED_TEST(DenseEngineTest, LabelsAndBoundsOfAllAndOfListedSamples) {
  using T = TypeParam;
  std::uint64_t seed = 0;
  for (const double scale : {1e-18, 1.0, 1e17}) {
    Tightness tightness;
    for (const double offset : {0.0, 3.0, 1e4}) {
      for (const std::size_t d : {1, 2, 3, 5, 16, 65, 130, 257}) {
        ++seed;
        SCOPED_TRACE("scale " + std::to_string(scale) + ", offset " + std::to_string(offset));
        const Points<T> p = points<T>(60 + seed * 31 % 200, d, 1 + seed * 7 % 40, offset, scale, seed);
        const auto expected = oracle::labels<T>(p.samples.view(), p.centroids.view());
        for (const omnimeans::Isa isa : omnimeans::usable_isas())
          check_engine<T>(p, expected, isa, nullptr, tightness);
      }
    }
    EXPECT_GT(tightness.tight, 0.9 * tightness.checked * 0.5)
        << "bounds must be worth having, scale " << scale;
  }
}

TEST(DenseEngine, LabelsAndBoundsInSixteenBits) {
  std::uint64_t seed = 1000;
  Tightness tightness;
  for (const double scale : {1e-18, 1.0, 1e17}) {
    for (const double offset : {0.0, 1e3}) {
      for (const std::size_t d : {1, 2, 3, 7, 16, 33, 130, 300}) {
        ++seed;
        SCOPED_TRACE("scale " + std::to_string(scale) + ", offset " + std::to_string(offset));
        const std::size_t n = 60 + seed * 31 % 120, k = 1 + seed * 7 % 40;
        for (const bool ties : {false, true}) {
          const Points<float> p = points<float>(n, d, k, offset, scale, seed, ties);
          const auto expected = oracle::labels<float>(p.samples.view(), p.centroids.view());
          check_engine<float>(p, expected, omnimeans::Isa::scalar, &omnimeans::kernels::plain_int16_kernels(),
                              tightness);
          for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
            if (const auto* int16 = omnimeans::kernels::int16_kernels(isa); int16 != nullptr)
              check_engine<float>(p, expected, isa, int16, tightness);
          }
        }
      }
    }
  }
  EXPECT_GT(tightness.tight, 0.9 * tightness.checked * 0.5) << "bounds must be worth having";
  EXPECT_LT(tightness.reranked, 0.2 * tightness.checked) << "half of the data has ties";
}

/// The plain kernels, counting blocks.
std::atomic<int> blocks_in_int16{0};
void counting_nearest(const omnimeans::kernels::NearestTask<float>& task) {
  ++blocks_in_int16;
  omnimeans::kernels::plain_int16_kernels().nearest(task);
}

/// Samples and, for a while, centroids far longer than the unit of sixteen bits is made for.
TEST(DenseEngine, WhatSixteenBitsCannotHoldIsReRankedOrLeftToFloat) {
  const std::size_t n = 2600, d = 5, k = 9;
  Points<float> p = points<float>(n, d, k, 0, 1, 77, false);
  p.samples(5, 2) = 1e3f;
  p.samples(1300, 0) = -1e18f;
  for (float& x : p.samples.row(2599)) x = 3e4f;
  Matrix<float> far = p.centroids;
  far(4, 1) = 500;
  omnimeans::kernels::Int16Kernels counting = omnimeans::kernels::plain_int16_kernels();
  counting.nearest = counting_nearest;
  const auto all = [](omnimeans::RowRange rows, auto& scratch) {
    for (std::size_t r = 0; r < rows.size(); r += 2) scratch.listed.push_back(static_cast<std::int32_t>(r));
  };
  for (const int threads : {1, 3}) {
    omnimeans::DenseEngine<float> engine(p.samples.view(), k, omnimeans::Isa::scalar, threads, &counting);
    for (const bool listed : {false, true, false, true}) {
      for (const bool normal : {true, false, true}) {
        SCOPED_TRACE(std::string(listed ? "listed" : "all") + (normal ? "" : ", a centroid far away"));
        const Matrix<float>& centroids = normal ? p.centroids : far;
        const auto expected = oracle::labels<float>(p.samples.view(), centroids.view());
        engine.set_centroids(centroids.view());
        std::vector<std::int32_t> labels = expected;
        for (std::size_t i = 0; i < n; ++i) labels[i] = listed && i % 2 != 0 ? labels[i] : -1;
        std::vector<float> upper(n), lower(n);
        const omnimeans::Labelling<float> out{
            .weights = {}, .labels = labels, .upper = upper, .lower = lower};
        blocks_in_int16 = 0;
        const auto stats = listed ? engine.assign_listed(out, 100, all) : engine.assign(out);
        EXPECT_EQ(blocks_in_int16 > 0, normal);
        EXPECT_LT(stats.reranked, normal ? n / 20 : n);
        ASSERT_EQ(labels, expected);
        const Points<float> now{p.samples, centroids};
        for (std::size_t i = 0; i < n; i += 2) check_bounds(now, i, labels[i], upper[i], lower[i]);
      }
    }
  }
}

}  // namespace
