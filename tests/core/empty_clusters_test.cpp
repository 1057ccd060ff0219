// SPDX-License-Identifier: MIT
// Clusters that lose their samples, and problems at the edge: k = n, k = 1, n = 1, all samples equal, fewer
// distinct samples than clusters. Finite, bounded, the same for every backend.
#include <gtest/gtest.h>
#include <cmath>
#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "core/compare.hpp"
#include "core/data.hpp"
#include "core/oracle.hpp"

namespace {

using omnimeans::EmptyClusterPolicy;
using omnimeans::FitInputs;
using omnimeans::Matrix;
using omnimeans::Options;
using omnimeans::Result;
using omnimeans::StopReason;

template <class T>
class EmptyClusters : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(EmptyClusters, Types);

/// Calls check(options) with every exact backend, on 1 and 3 threads.
void for_each_backend(Options options, const std::function<void(const Options&)>& check) {
  for (const std::string& backend : exact_backends()) {
    for (const int threads : {1, 3}) {
      SCOPED_TRACE(backend + ", " + std::to_string(threads) + " threads");
      options.backend = backend;
      options.threads = threads;
      check(options);
    }
  }
}

template <class T>
void expect_sane(const Matrix<T>& samples, const Result<T>& result) {
  for (std::size_t j = 0; j < result.centroids.rows(); ++j) {
    for (const T value : result.centroids.row(j)) EXPECT_TRUE(std::isfinite(value)) << "centroid " << j;
  }
  EXPECT_TRUE(std::isfinite(result.inertia));
  EXPECT_GE(result.inertia, 0);
  EXPECT_TRUE(same_labels(result.labels, oracle::labels<T>(samples, result.centroids)));
  EXPECT_EQ(result.n_nonempty, (std::set<std::int32_t>(result.labels.begin(), result.labels.end()).size()));
}

TYPED_TEST(EmptyClusters, RelocateTakesTheFarthestSample) {
  using T = TypeParam;
  // Centroid 2 starts where no sample is nearest; the farthest sample from its centroid is the one at 40.
  const Matrix<T> samples = matrix<T>(1, {0, 1, 2, 10, 11, 40}), start = matrix<T>(1, {1, 10, 1000});
  for_each_backend({.n_clusters = 3, .max_iter = 1, .tol = 0}, [&](Options options) {
    const Result<T> one = omnimeans::fit(samples, options, {.initial_centroids = start.view()});
    EXPECT_EQ(one.history[0].empty_clusters, 1u);
    EXPECT_TRUE(same_matrix(one.centroids, matrix<T>(1, {1, 10.5, 40})));
    EXPECT_EQ(one.n_nonempty, 3u);
    options.max_iter = 50;
    const Result<T> all = omnimeans::fit(samples, options, {.initial_centroids = start.view()});
    EXPECT_EQ(all.stop_reason, StopReason::converged);
    EXPECT_TRUE(same_matrix(all.centroids, one.centroids));
    expect_sane(samples, all);
  });
}

TYPED_TEST(EmptyClusters, RelocateTakesSeveralFarthestFirst) {
  using T = TypeParam;
  const Matrix<T> samples = matrix<T>(1, {0, 0, 0, 0, 50, 70}), start = matrix<T>(1, {0, 900, 901});
  for_each_backend({.n_clusters = 3, .max_iter = 1, .tol = 0}, [&](const Options& options) {
    const Result<T> result = omnimeans::fit(samples, options, {.initial_centroids = start.view()});
    EXPECT_EQ(result.history[0].empty_clusters, 2u);
    EXPECT_TRUE(same_matrix(result.centroids, matrix<T>(1, {0, 70, 50})));
    EXPECT_EQ(result.inertia, 0);
  });
}

TYPED_TEST(EmptyClusters, RelocateLooksBeyondManyEqualSamples) {
  using T = TypeParam;
  // The farthest samples are copies of one, in a part of the samples or everywhere among them.
  constexpr std::size_t n = 20000;
  for (const std::size_t apart : {std::size_t{1}, std::size_t{20}}) {
    Matrix<T> samples(n, 1);
    for (std::size_t i = 0; i < n; ++i) samples(i, 0) = static_cast<T>(i % 8) / 8;
    for (std::size_t i = 0; i < n && i < 2500 * apart; i += apart) samples(i, 0) = 100;
    samples(5003, 0) = 51;
    samples(9007, 0) = samples(9009, 0) = 90;
    samples(19999, 0) = 50;
    const Matrix<T> start = matrix<T>(1, {0, 900, 901, 902, 903});
    for_each_backend({.n_clusters = 5, .max_iter = 1, .tol = 0}, [&](const Options& options) {
      const Result<T> result = omnimeans::fit(samples, options, {.initial_centroids = start.view()});
      EXPECT_EQ(result.history[0].empty_clusters, 4u);
      for (std::size_t j = 1; j < 5; ++j)
        EXPECT_EQ(result.centroids(j, 0), (std::vector<T>{0, 100, 90, 51, 50})[j]) << j;
    });
  }
}

TYPED_TEST(EmptyClusters, RelocateNeverTakesASampleAtDistanceZero) {
  using T = TypeParam;
  // Every sample sits on a centroid: nothing to relocate to, and the fit ends.
  const Matrix<T> samples = matrix<T>(1, {0, 0, 5, 5}), start = matrix<T>(1, {0, 5, 99, 77});
  for_each_backend({.n_clusters = 4, .tol = 0}, [&](const Options& options) {
    const Result<T> result = omnimeans::fit(samples, options, {.initial_centroids = start.view()});
    EXPECT_TRUE(same_matrix(result.centroids, start));
    EXPECT_EQ(result.stop_reason, StopReason::converged);
    EXPECT_EQ(result.n_iter, 2u);
    EXPECT_EQ(result.n_nonempty, 2u);
    EXPECT_EQ(result.inertia, 0);
    for (const auto& step : result.history) EXPECT_EQ(step.empty_clusters, 2u);
  });
}

TYPED_TEST(EmptyClusters, RelocateNeverTakesASampleWithoutWeight) {
  using T = TypeParam;
  const Matrix<T> samples = matrix<T>(1, {0, 1, 7, 500}), start = matrix<T>(1, {0, 9000});
  const std::vector<T> weights{1, 1, 1, 0};
  for_each_backend({.n_clusters = 2, .max_iter = 1, .tol = 0}, [&](const Options& options) {
    const Result<T> result =
        omnimeans::fit(samples, options, {.sample_weights = weights, .initial_centroids = start.view()});
    EXPECT_TRUE(same_matrix(result.centroids, matrix<T>(1, {0.5, 7})));
  });
}

TYPED_TEST(EmptyClusters, KeepLeavesTheCentroidWhereItIs) {
  using T = TypeParam;
  const Matrix<T> samples = matrix<T>(1, {0, 1, 2, 10, 11, 40}), start = matrix<T>(1, {1, 10, 1000});
  for_each_backend(
      {.n_clusters = 3, .tol = 0, .empty_clusters = EmptyClusterPolicy::keep}, [&](const Options& options) {
        const Result<T> result = omnimeans::fit(samples, options, {.initial_centroids = start.view()});
        EXPECT_EQ(result.centroids(2, 0), T(1000));
        EXPECT_EQ(result.n_nonempty, 2u);
        EXPECT_EQ(result.stop_reason, StopReason::converged);
        expect_sane(samples, result);
      });
}

TYPED_TEST(EmptyClusters, ErrorThrows) {
  using T = TypeParam;
  const Matrix<T> samples = matrix<T>(1, {0, 1, 2, 10, 11, 40}), start = matrix<T>(1, {1, 10, 1000});
  for_each_backend(
      {.n_clusters = 3, .tol = 0, .empty_clusters = EmptyClusterPolicy::error}, [&](const Options& options) {
        EXPECT_THROW(omnimeans::fit(samples, options, {.initial_centroids = start.view()}),
                     omnimeans::EmptyCluster);
        const Matrix<T> good = matrix<T>(1, {1, 10, 39});
        EXPECT_EQ(omnimeans::fit(samples, options, {.initial_centroids = good.view()}).n_nonempty, 3u);
      });
}

TYPED_TEST(EmptyClusters, FewerDistinctSamplesThanClusters) {
  using T = TypeParam;
  Matrix<T> samples(30, 3);
  for (std::size_t i = 0; i < samples.rows(); ++i) {
    for (std::size_t t = 0; t < 3; ++t)
      samples(i, t) = static_cast<T>(0.1 * static_cast<double>((i % 4) * (t + 1)));
  }
  for (const omnimeans::Init init : {omnimeans::Init::random, omnimeans::Init::kmeans_plus_plus}) {
    for_each_backend({.n_clusters = 9, .init = init, .tol = 0, .seed = 4}, [&](const Options& options) {
      const Result<T> result = omnimeans::fit(samples, options);
      EXPECT_EQ(result.n_nonempty, 4u) << "each distinct sample is a cluster";
      EXPECT_EQ(result.inertia, 0);
      EXPECT_EQ(result.stop_reason, StopReason::converged);
      EXPECT_LE(result.n_iter, 3u);
      expect_sane(samples, result);
    });
  }
}

TYPED_TEST(EmptyClusters, DuplicatesSettle) {
  using T = TypeParam;
  // Copies of one value, in numbers whose means tempt rounding; one centroid too many, which ends as near as
  // the other.
  for (std::size_t copies = 2; copies <= 40; ++copies) {
    const Matrix<T> samples = matrix<T>(1, std::vector<double>(copies, 0.1)), start = matrix<T>(1, {0, 5});
    for_each_backend({.n_clusters = 2, .tol = 0}, [&](const Options& options) {
      const Result<T> result = omnimeans::fit(samples, options, {.initial_centroids = start.view()});
      EXPECT_EQ(result.stop_reason, StopReason::converged) << copies;
      EXPECT_EQ(result.inertia, 0) << copies;
      EXPECT_LE(result.n_iter, 3u) << copies;
      expect_sane(samples, result);
    });
  }
}

TYPED_TEST(EmptyClusters, AllSamplesEqual) {
  using T = TypeParam;
  Matrix<T> samples(50, 5);
  for (std::size_t i = 0; i < samples.rows(); ++i) {
    for (T& value : samples.row(i)) value = T(0.1);
  }
  for (const std::size_t k : {std::size_t{1}, std::size_t{7}, std::size_t{50}}) {
    for_each_backend({.n_clusters = k, .seed = 1}, [&](const Options& options) {
      const Result<T> result = omnimeans::fit(samples, options);
      EXPECT_EQ(result.n_nonempty, 1u);
      EXPECT_EQ(result.inertia, 0) << "the mean of equal samples is that sample";
      EXPECT_LE(result.n_iter, 2u);
      expect_sane(samples, result);
    });
  }
}

TYPED_TEST(EmptyClusters, AsManyClustersAsSamples) {
  using T = TypeParam;
  const Matrix<T> samples = blobs<T>(60, 4, 3, 8);
  for (const omnimeans::Init init : {omnimeans::Init::random, omnimeans::Init::kmeans_plus_plus}) {
    for_each_backend({.n_clusters = 60, .init = init}, [&](const Options& options) {
      const Result<T> result = omnimeans::fit(samples, options);
      EXPECT_EQ(result.n_nonempty, 60u);
      EXPECT_EQ(result.inertia, 0);
      expect_sane(samples, result);
    });
  }
}

TYPED_TEST(EmptyClusters, OneCluster) {
  using T = TypeParam;
  const Matrix<T> samples = matrix<T>(2, {1, 2, 3, 4, 5, 9});
  for_each_backend({.n_clusters = 1}, [&](const Options& options) {
    const Result<T> result = omnimeans::fit(samples, options);
    EXPECT_TRUE(same_matrix(result.centroids, matrix<T>(2, {3, 5})));
    EXPECT_EQ(result.inertia, 4 + 9 + 0 + 1 + 4 + 16);
    expect_sane(samples, result);
  });
}

TYPED_TEST(EmptyClusters, OneSample) {
  using T = TypeParam;
  const Matrix<T> samples = matrix<T>(3, {0.1, -7, 1e20});
  for_each_backend({.n_clusters = 1}, [&](const Options& options) {
    const Result<T> result = omnimeans::fit(samples, options);
    EXPECT_TRUE(same_matrix(result.centroids, samples));
    EXPECT_EQ(result.inertia, 0);
    EXPECT_EQ(result.n_nonempty, 1u);
  });
}

}  // namespace
