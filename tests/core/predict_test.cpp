// SPDX-License-Identifier: MIT
// predict, transform and inertia against the oracle: every instruction set, several thread counts, every tail
// of the number of features, ties.
#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/compare.hpp"
#include "core/data.hpp"
#include "core/oracle.hpp"
#include "core/problems.hpp"

namespace {

using omnimeans::Matrix;
using omnimeans::MatrixView;
using omnimeans::PredictOptions;

template <class T>
class Predict : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Predict, Types);

/// Samples drawn as centroids, with a repeated one: exact ties at distance zero and elsewhere.
template <class T>
Matrix<T> some_centroids(const TestProblem<T>& problem) {
  Matrix<T> centroids(problem.options.n_clusters + 1, problem.d);
  for (std::size_t j = 0; j < centroids.rows(); ++j) {
    const auto sample = problem.samples().row(j * 7919 % problem.n);
    std::copy(sample.begin(), sample.end(), centroids.row(j).begin());
  }
  return centroids;
}

TYPED_TEST(Predict, AgreesWithTheOracle) {
  using T = TypeParam;
  for (std::uint64_t index = 0; index < 150; ++index) {
    const TestProblem<T> problem = make_problem<T>(index, 1e6);
    SCOPED_TRACE(problem.describe());
    const Matrix<T> centroids = some_centroids(problem);
    const std::vector<std::int32_t> labels = oracle::labels<T>(problem.samples(), centroids.view());
    const double inertia = oracle::inertia<T>(problem.samples(), centroids, labels, problem.weights);
    for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
      const PredictOptions options{.threads = static_cast<int>(1 + index % 3),
                                   .isa = std::string(to_string(isa))};
      SCOPED_TRACE(options.isa);
      ASSERT_TRUE(same_labels(omnimeans::predict(problem.samples(), centroids, options), labels));
      ASSERT_EQ(omnimeans::inertia(problem.samples(), centroids, labels, problem.weights, options), inertia);
    }
  }
}

/// Sizes for which auto takes eight bits: more samples than are rounded at a time, and fewer than centroids.
/// A sample is its own centroid in each part, and two centroids are the same.
TEST(PredictInParts, AgreesWithScalarKernels) {
  struct Sizes {
    std::size_t n, d, k;
  };
  for (const auto [n, d, k] : {Sizes{4100, 4200, 100}, Sizes{1000, 96, 1500}}) {
    SCOPED_TRACE(n);
    const Matrix<float> samples = blobs<float>(n, d, 30, 5), others = blobs<float>(k, d, 30, 6);
    Matrix<float> centroids(k, d);
    for (std::size_t j = 0; j < k; ++j)
      std::ranges::copy(j == 7      ? samples.row(n - 1)
                        : j < k / 2 ? samples.row(j)
                                    : others.row(j),
                        centroids.row(j).begin());
    std::ranges::copy(centroids.row(7), centroids.row(50).begin());
    const auto expected = omnimeans::predict(samples, centroids, {.threads = 2, .isa = "scalar"});
    EXPECT_EQ(expected[n - 1], 7);
    for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
      for (const int threads : {1, 3}) {
        SCOPED_TRACE(to_string(isa));
        ASSERT_TRUE(same_labels(
            omnimeans::predict(samples, centroids, {.threads = threads, .isa = std::string(to_string(isa))}),
            expected));
      }
    }
  }
}

TYPED_TEST(Predict, TransformIsTheRootOfTheCanonicalDistance) {
  using T = TypeParam;
  for (std::uint64_t index = 0; index < 60; ++index) {
    const TestProblem<T> problem = make_problem<T>(index, 3e5);
    SCOPED_TRACE(problem.describe());
    const Matrix<T> centroids = some_centroids(problem);
    Matrix<T> expected(problem.n, centroids.rows());
    for (std::size_t i = 0; i < problem.n; ++i) {
      for (std::size_t j = 0; j < centroids.rows(); ++j) {
        const T* sample = problem.samples().row_data(i);
        expected(i, j) =
            static_cast<T>(std::sqrt(oracle::distance(sample, centroids.row(j).data(), problem.d)));
      }
    }
    for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
      const PredictOptions options{.threads = static_cast<int>(1 + index % 3),
                                   .isa = std::string(to_string(isa))};
      ASSERT_TRUE(same_matrix(omnimeans::transform(problem.samples(), centroids, options), expected))
          << options.isa;
    }
  }
}

TYPED_TEST(Predict, EveryTail) {
  using T = TypeParam;
  for (std::size_t d = 1; d <= 70; ++d) {
    const Matrix<T> samples = blobs<T>(67, d, 4, d, 3), centroids = blobs<T>(1 + d % 37, d, 4, d + 1000, 3);
    const std::vector<std::int32_t> labels = oracle::labels<T>(samples, centroids);
    for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
      const PredictOptions options{.threads = 2, .isa = std::string(to_string(isa))};
      ASSERT_TRUE(same_labels(omnimeans::predict(samples, centroids, options), labels))
          << options.isa << ", d " << d;
    }
  }
}

TYPED_TEST(Predict, TiesGoToTheLowest) {
  using T = TypeParam;
  // 0 is as far from -1 as from 1; the lowest index wins whichever side it is on.
  const Matrix<T> samples = matrix<T>(1, {0, 4, -4});
  EXPECT_EQ(omnimeans::predict(samples, matrix<T>(1, {1, -1, 1})), (std::vector<std::int32_t>{0, 0, 1}));
  EXPECT_EQ(omnimeans::predict(samples, matrix<T>(1, {-1, 1, -1})), (std::vector<std::int32_t>{0, 1, 0}));
  // All corners of a cube are equally far from its centre.
  Matrix<T> corners(256, 8);
  for (std::size_t j = 0; j < 256; ++j) {
    for (std::size_t t = 0; t < 8; ++t) corners(j, t) = (j >> t & 1) ? T(0.3) : T(-0.3);
  }
  for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
    EXPECT_EQ(omnimeans::predict(Matrix<T>(1, 8), corners, {.isa = std::string(to_string(isa))})[0], 0);
  }
}

TYPED_TEST(Predict, DecidesByTheLastBit) {
  using T = TypeParam;
  // Two centroids one ulp apart, far from the origin: an expanded |x|^2 - 2xc + |c|^2 sees nothing of it.
  const T base = T(100000);
  const T next = std::nextafter(base, T(200000));
  for (const std::size_t d : {std::size_t{1}, std::size_t{16}, std::size_t{100}}) {
    Matrix<T> samples(2, d), centroids(2, d);
    for (std::size_t t = 0; t < d; ++t) {
      centroids(0, t) = next;
      centroids(1, t) = samples(0, t) = base;
      samples(1, t) = T(200000);
    }
    for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
      const auto labels = omnimeans::predict(samples, centroids, {.isa = std::string(to_string(isa))});
      EXPECT_EQ(labels, oracle::labels<T>(samples, centroids)) << to_string(isa);
      EXPECT_EQ(labels[0], 1) << to_string(isa);
      EXPECT_EQ(labels[1], 0) << to_string(isa);
    }
  }
}

TYPED_TEST(Predict, StridedViews) {
  using T = TypeParam;
  const Matrix<T> wide = blobs<T>(90, 21, 5, 1), wide_centroids = blobs<T>(12, 19, 5, 2);
  const MatrixView<const T> samples(wide.data() + 3, 90, 10, 21),
      centroids(wide_centroids.data() + 2, 12, 10, 19);
  for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
    const PredictOptions options{.isa = std::string(to_string(isa))};
    const auto labels = omnimeans::predict(samples, centroids, options);
    EXPECT_TRUE(same_labels(labels, oracle::labels<T>(samples, centroids)));
    EXPECT_EQ(omnimeans::inertia(samples, centroids, labels, {}, options),
              oracle::inertia<T>(samples, centroids, labels, {}));
  }
}

}  // namespace
