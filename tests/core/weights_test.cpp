// SPDX-License-Identifier: MIT
// Sample weights: w is w repetitions, zero is absence, and a common factor is nothing.
#include <gtest/gtest.h>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "core/compare.hpp"
#include "core/data.hpp"
#include "core/oracle.hpp"

namespace {

using omnimeans::Matrix;
using omnimeans::Options;
using omnimeans::Result;

template <class T>
class Weights : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Weights, Types);

/// Every exact backend, from the same given start.
template <class T>
std::vector<Result<T>> fit_all(const Matrix<T>& samples, const std::vector<T>& weights,
                               const Matrix<T>& start) {
  std::vector<Result<T>> results;
  for (const std::string& backend : exact_backends()) {
    const Options options{.n_clusters = start.rows(), .tol = 0, .threads = 2, .backend = backend};
    results.push_back(
        omnimeans::fit(samples, options, {.sample_weights = weights, .initial_centroids = start.view()}));
  }
  return results;
}

TYPED_TEST(Weights, OfOnesAreNoWeights) {
  using T = TypeParam;
  const Matrix<T> samples = blobs<T>(400, 5, 6, 1, 3), start = take(samples, {0, 1, 2, 3, 4, 5});
  const std::vector<Result<T>> plain = fit_all<T>(samples, {}, start),
                               ones = fit_all<T>(samples, std::vector<T>(samples.rows(), 1), start);
  for (std::size_t b = 0; b < plain.size(); ++b)
    EXPECT_TRUE(same_result(plain[b], ones[b])) << plain[b].backend;
}

TYPED_TEST(Weights, OfZeroDoNotCountInTheTolerance) {
  using T = TypeParam;
  const Matrix<T> present = blobs<T>(600, 4, 5, 9, 3);
  std::vector<std::size_t> order(present.rows() + 1, 0);
  for (std::size_t i = 0; i < present.rows(); ++i) order[i + 1] = i;
  Matrix<T> samples = take(present, order);
  for (T& value : samples.row(0)) value = T(1e10);  // the first sample, absent
  std::vector<T> weights(samples.rows(), 1);
  weights[0] = 0;
  const Matrix<T> start = take(present, {0, 1, 2, 3, 4});
  const Options options{.n_clusters = 5, .tol = 1e-3};
  const Result<T> with =
      omnimeans::fit(samples, options, {.sample_weights = weights, .initial_centroids = start.view()});
  const Result<T> without = omnimeans::fit(present, options, {.initial_centroids = start.view()});
  EXPECT_EQ(with.n_iter, without.n_iter);
  EXPECT_EQ(with.stop_reason, without.stop_reason);
  EXPECT_TRUE(same_matrix(with.centroids, without.centroids));
}

TYPED_TEST(Weights, AreRepetitions) {
  using T = TypeParam;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    const Matrix<T> samples = blobs<T>(200, 1 + random.below(20), 5, seed, 4);
    std::vector<T> weights(samples.rows());
    std::vector<std::size_t> repeated;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const std::size_t times = random.below(5);
      weights[i] = static_cast<T>(times);
      repeated.insert(repeated.end(), times, i);
    }
    const Matrix<T> long_samples = take(samples, repeated),
                    start = take(long_samples, {0, 20, 40, 60, 80, 100});
    const std::vector<Result<T>> weighted = fit_all(samples, weights, start),
                                 longer = fit_all<T>(long_samples, {}, start);
    for (std::size_t b = 0; b < weighted.size(); ++b) {
      SCOPED_TRACE(weighted[b].backend + ", seed " + std::to_string(seed));
      EXPECT_TRUE(same_matrix(weighted[b].centroids, longer[b].centroids));
      EXPECT_EQ(weighted[b].n_iter, longer[b].n_iter);
      EXPECT_EQ(weighted[b].stop_reason, longer[b].stop_reason);
      for (std::size_t r = 0; r < repeated.size(); ++r) {
        ASSERT_EQ(longer[b].labels[r], weighted[b].labels[repeated[r]]) << r;
      }
      // The same terms in another order: each addition rounds by at most 2^-53 of the total.
      EXPECT_NEAR(weighted[b].inertia, longer[b].inertia, 2 * 0x1p-53 * 1000 * longer[b].inertia);
    }
  }
}

/// Whether float takes a second word for its sums depends on how many values are tiny: by weight.
TYPED_TEST(Weights, OfTinyValuesAreRepetitionsToo) {
  using T = TypeParam;
  for (const std::size_t times : {1, 2, 3, 4, 5, 6, 1000}) {
    SCOPED_TRACE(times);
    Matrix<T> samples(301, 1);
    for (std::size_t i = 0; i < 301; ++i) samples(i, 0) = T(1) + static_cast<T>(i % 7) / 8;
    samples(150, 0) = T(1e-12);
    std::vector<T> weights(301, T(1));
    weights[150] = static_cast<T>(times);
    std::vector<std::size_t> repeated(301);
    std::iota(repeated.begin(), repeated.end(), std::size_t{0});
    repeated.insert(repeated.begin() + 150, times - 1, std::size_t{150});
    const Matrix<T> start = take(samples, {150, 1, 5});
    EXPECT_TRUE(same_matrix(fit_all(samples, weights, start)[0].centroids,
                            fit_all<T>(take(samples, repeated), {}, start)[0].centroids));

    // As many as are absent beside those that are there.
    std::vector<std::size_t> with_absent;
    std::vector<T> zeros;
    for (const std::size_t i : repeated) {
      with_absent.insert(with_absent.end(), 9, i < 150 ? i : 0);
      zeros.insert(zeros.end(), 8, T(0));
      with_absent.back() = i;
      zeros.push_back(T(1));
    }
    EXPECT_TRUE(same_matrix(fit_all(take(samples, with_absent), zeros, start)[0].centroids,
                            fit_all<T>(take(samples, repeated), {}, start)[0].centroids));
  }
}

TYPED_TEST(Weights, OfZeroAreAbsence) {
  using T = TypeParam;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    Matrix<T> samples = blobs<T>(300, 1 + random.below(20), 5, seed, 4);
    std::vector<T> weights(samples.rows()), left_weights;
    std::vector<std::size_t> left;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      weights[i] = random.chance(3) ? T(0) : static_cast<T>(random.uniform(0.1, 3));
      if (weights[i] == 0) {
        for (T& value : samples.row(i)) value *= T(100);  // would move any centroid that saw it
        continue;
      }
      left.push_back(i);
      left_weights.push_back(weights[i]);
    }
    const Matrix<T> rest = take(samples, left), start = take(rest, {0, 20, 40, 60, 80, 100});
    const std::vector<Result<T>> with = fit_all(samples, weights, start),
                                 without = fit_all(rest, left_weights, start);
    for (std::size_t b = 0; b < with.size(); ++b) {
      SCOPED_TRACE(with[b].backend + ", seed " + std::to_string(seed));
      EXPECT_TRUE(same_matrix(with[b].centroids, without[b].centroids));
      EXPECT_EQ(with[b].n_iter, without[b].n_iter);
      EXPECT_EQ(with[b].n_nonempty, without[b].n_nonempty);
      for (std::size_t t = 0; t < with[b].n_iter; ++t) {
        EXPECT_EQ(with[b].history[t].labels_changed, without[b].history[t].labels_changed);
      }
      for (std::size_t r = 0; r < left.size(); ++r)
        ASSERT_EQ(without[b].labels[r], with[b].labels[left[r]]) << r;
      EXPECT_TRUE(same_labels(with[b].labels, oracle::labels<T>(samples, with[b].centroids)))
          << "absent samples are labelled all the same";
    }
  }
}

TYPED_TEST(Weights, ScaledByAPowerOfTwoScaleTheInertiaOnly) {
  using T = TypeParam;
  const Matrix<T> samples = blobs<T>(500, 7, 6, 2, 4), start = take(samples, {0, 1, 2, 3, 4, 5});
  Random random(3);
  std::vector<T> weights(samples.rows());
  for (T& w : weights) w = static_cast<T>(random.uniform());
  std::vector<T> scaled = weights;
  for (T& w : scaled) w *= T(0x1p20);
  const std::vector<Result<T>> one = fit_all(samples, weights, start),
                               other = fit_all(samples, scaled, start);
  for (std::size_t b = 0; b < one.size(); ++b) {
    EXPECT_TRUE(same_matrix(one[b].centroids, other[b].centroids)) << one[b].backend;
    EXPECT_TRUE(same_labels(one[b].labels, other[b].labels)) << one[b].backend;
    EXPECT_EQ(one[b].inertia * 0x1p20, other[b].inertia) << one[b].backend;
  }
}

TYPED_TEST(Weights, OfAnyScaleGiveACluster) {
  using T = TypeParam;
  // A cluster of one sample is that sample, however little it weighs beside the others.
  const Matrix<T> samples = matrix<T>(2, {0.1, 0, 0.3, 0, 70.1, 0.7}), start = matrix<T>(2, {0, 0, 70, 0});
  for (const double small : {1e-3, 1e-12, 1e-20, 1e-30}) {
    for (const double large : {1.0, 1e6, 1e15}) {
      const std::vector<T> weights{static_cast<T>(large), static_cast<T>(large), static_cast<T>(small)};
      for (const Result<T>& result : fit_all(samples, weights, start)) {
        EXPECT_TRUE(same_matrix(take(result.centroids, {1}), take(samples, {2})))
            << result.backend << ", weights " << large << " and " << small;
      }
    }
  }
}

TYPED_TEST(Weights, LargeOnesAreRepetitionsToo) {
  using T = TypeParam;
  // Values of many magnitudes, so that whatever rounding the sums do shows.
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    Random random(seed);
    Matrix<T> samples(12, 6);
    for (std::size_t i = 0; i < samples.rows(); ++i) {
      for (T& value : samples.row(i))
        value = static_cast<T>(random.normal() * std::pow(10, -random.uniform(0, 18)));
    }
    std::vector<T> weights(samples.rows());
    std::vector<std::size_t> repeated;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const std::size_t times = 1 + random.below(300);
      weights[i] = static_cast<T>(times);
      repeated.insert(repeated.end(), times, i);
    }
    const Matrix<T> long_samples = take(samples, repeated), start = take(samples, {0, 1, 2});
    const std::vector<Result<T>> weighted = fit_all(samples, weights, start),
                                 longer = fit_all<T>(long_samples, {}, start);
    for (std::size_t b = 0; b < weighted.size(); ++b) {
      EXPECT_TRUE(same_matrix(weighted[b].centroids, longer[b].centroids))
          << weighted[b].backend << ", " << seed;
    }
  }
}

TYPED_TEST(Weights, PullACentroid) {
  using T = TypeParam;
  const Matrix<T> samples = matrix<T>(1, {0, 1, 100}), start = matrix<T>(1, {0, 100});
  const std::vector<T> weights{3, 1, 5};
  for (const Result<T>& result : fit_all(samples, weights, start)) {
    EXPECT_EQ(result.centroids(0, 0), T(0.25)) << result.backend;
    EXPECT_EQ(result.centroids(1, 0), T(100)) << result.backend;
    EXPECT_EQ(result.inertia, 3 * 0.0625 + 0.5625) << result.backend;
  }
}

}  // namespace
