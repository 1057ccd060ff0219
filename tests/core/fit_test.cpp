// SPDX-License-Identifier: MIT
// The rest of fit(): restarts, memory limit, history, what Result says, concurrent callers.
#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "core/compare.hpp"
#include "core/data.hpp"
#include "core/oracle.hpp"

namespace {

using omnimeans::Init;
using omnimeans::IterationStats;
using omnimeans::Matrix;
using omnimeans::MatrixView;
using omnimeans::Options;
using omnimeans::Result;
using omnimeans::StopReason;

TEST(Fit, BestRunWinsThenTheFirst) {
  const Matrix<double> samples = blobs<double>(600, 3, 12, 4, 2);
  for (const Init init : {Init::random, Init::kmeans_plus_plus}) {
    const std::size_t n_init = 6;
    std::vector<Result<double>> runs;
    for (std::size_t run = 0; run < n_init; ++run) {
      const auto seeds =
          omnimeans::seed_centroids(samples, {.n_clusters = 12, .init = init, .seed = 9, .run = run});
      runs.push_back(
          omnimeans::fit(samples, {.n_clusters = 12}, {.initial_centroids = seeds.centroids.view()}));
    }
    const auto best = std::min_element(runs.begin(), runs.end(), [](const auto& a, const auto& b) {
      return a.inertia < b.inertia;  // the first of the lowest
    });
    const Result<double> result =
        omnimeans::fit(samples, {.n_clusters = 12, .init = init, .n_init = n_init, .seed = 9});
    EXPECT_EQ(result.run, static_cast<std::size_t>(best - runs.begin()));
    EXPECT_EQ(result.inertia, best->inertia);
    EXPECT_TRUE(same_matrix(result.centroids, best->centroids));
    EXPECT_TRUE(same_labels(result.labels, best->labels));
    EXPECT_EQ(result.n_iter, best->n_iter);
    EXPECT_EQ(result.history.size(), best->n_iter);
    EXPECT_GT(std::max_element(runs.begin(), runs.end(),
                               [](const auto& a, const auto& b) { return a.inertia < b.inertia; })
                  ->inertia,
              best->inertia)
        << "runs differ, or the choice shows nothing";
  }
}

TEST(Fit, EqualRunsGoToTheFirst) {
  const Matrix<double> samples = matrix<double>(1, {0, 0, 0, 10, 10, 10});
  const Result<double> result = omnimeans::fit(samples, {.n_clusters = 2, .n_init = 8});
  EXPECT_EQ(result.inertia, 0);
  EXPECT_EQ(result.run, 0u);
}

TEST(Fit, SameSeedSameBitsOtherSeedOtherStart) {
  const Matrix<float> samples = blobs<float>(500, 6, 10, 2, 4);
  const Options options{.n_clusters = 25, .max_iter = 1, .seed = 1};
  Options other = options;
  other.seed = 2;
  const Result<float> result = omnimeans::fit(samples, options);
  EXPECT_TRUE(same_result(result, omnimeans::fit(samples, options)));
  EXPECT_FALSE(same_matrix(result.centroids, omnimeans::fit(samples, other).centroids));
}

TEST(Fit, StridedViewEqualsItsCopy) {
  const Matrix<float> wide = blobs<float>(400, 23, 8, 3, 2);
  for (const std::size_t first : {0, 1, 5}) {
    const MatrixView<const float> view(wide.data() + first, 400, 13, 23);
    Matrix<float> copy(400, 13);
    for (std::size_t i = 0; i < 400; ++i) std::copy_n(view.row_data(i), 13, copy.row(i).begin());
    for (const std::string& backend : exact_backends()) {
      const Options options{.n_clusters = 9, .backend = backend};
      EXPECT_TRUE(same_result(omnimeans::fit(view, options), omnimeans::fit(copy, options))) << backend;
    }
  }
}

TEST(Fit, ResultSaysWhatRan) {
  const Matrix<float> samples = blobs<float>(2000, 16, 10, 2, 4);
  for (const omnimeans::BackendEntry& entry : omnimeans::backends()) {
    Options options{.n_clusters = 30, .max_iter = 10, .threads = 2, .backend = std::string(entry.info.name)};
    std::size_t calls = 0;
    options.progress = [&](const omnimeans::Progress&) { return ++calls, true; };
    const Result<float> result = omnimeans::fit(samples, options);
    SCOPED_TRACE(entry.info.name);
    EXPECT_EQ(result.backend, entry.info.name);
    EXPECT_EQ(result.isa, entry.info.vectorised ? omnimeans::default_isa() : omnimeans::Isa::scalar);
    EXPECT_EQ(result.threads, entry.info.threaded ? 2 : 1);
    EXPECT_EQ(result.centroids.rows(), 30u);
    EXPECT_EQ(result.centroids.cols(), 16u);
    EXPECT_EQ(result.labels.size(), 2000u);
    EXPECT_EQ(calls, result.n_iter);
    EXPECT_EQ(result.history.size(), result.n_iter);
    std::uint64_t distances = 0, reranked = 0;
    double seconds = 0;
    for (const IterationStats& step : result.history) {
      EXPECT_EQ(step.iteration, static_cast<std::size_t>(&step - result.history.data()));
      EXPECT_EQ(step.distances_computed == 0, step.backend == "seeding") << "labels that came with the seeds";
      EXPECT_LE(step.reranked, 2000u);
      EXPECT_GE(step.assignment_seconds, 0);
      EXPECT_GE(step.update_seconds, 0);
      distances += step.distances_computed;
      reranked += step.reranked;
      seconds += step.assignment_seconds + step.update_seconds;
    }
    EXPECT_EQ(result.history.front().backend == "seeding", entry.info.exact && entry.info.vectorised);
    EXPECT_GE(result.history.front().distances_computed + result.seed_distances_computed, 2000u * 30u)
        << "the first step knows nothing yet";
    EXPECT_GE(result.distances_computed, distances);
    EXPECT_GE(result.reranked, reranked);
    EXPECT_GE(result.fit_seconds, 0.999 * seconds);
    EXPECT_GE(result.seed_seconds, 0);
  }
}

TEST(Fit, BackendsOfIntegersSayWhereTheyHaveNone) {
  const auto reason = []<class T>(T, const char* backend) {
    const Matrix<T> samples = blobs<T>(500, 16, 10, 2, 4);
    const Result<T> result = omnimeans::fit(
        samples, {.n_clusters = 10, .init = omnimeans::Init::random, .max_iter = 5, .backend = backend});
    for (std::size_t step = 1; step < result.history.size(); ++step)
      EXPECT_TRUE(result.history[step].reason.empty()) << "once is enough";
    return std::string(result.history.front().reason);
  };
  for (const char* backend : {"int16", "int8", "prefix"})
    EXPECT_TRUE(reason(0.0, backend).starts_with("it is simd here")) << backend;
  EXPECT_EQ(reason(0.0, "simd"), "");
  EXPECT_EQ(reason(0.0f, "gap"), "");
}

TEST(Fit, AutoPicksAnExactBackend) {
  for (const std::size_t n : {std::size_t{1}, std::size_t{50}, std::size_t{5000}}) {
    const Matrix<float> samples = blobs<float>(n, 8, 10, 2, 4);
    const std::size_t k = std::min<std::size_t>(n, 64);
    const Result<float> result = omnimeans::fit(samples, {.n_clusters = k});
    EXPECT_NE(result.backend, "auto");
    EXPECT_TRUE(omnimeans::find_backend(result.backend).info.exact) << result.backend;
    EXPECT_TRUE(same_result(result, omnimeans::fit(samples, {.n_clusters = k, .backend = "naive"})));
  }
}

TEST(Fit, InertiaBoundsHoldAndExactOnesFall) {
  const Matrix<double> samples = blobs<double>(1500, 5, 15, 6, 4);
  const auto start = omnimeans::seed_centroids(samples, {.n_clusters = 15, .init = Init::random, .seed = 2});
  for (const std::string& backend : exact_backends()) {
    SCOPED_TRACE(backend);
    const Result<double> result = omnimeans::fit(samples, {.n_clusters = 15, .tol = 0, .backend = backend},
                                                 {.initial_centroids = start.centroids.view()});
    Matrix<double> centroids = start.centroids;
    double last_exact = -1;
    for (const IterationStats& step : result.history) {
      const double inertia =
          oracle::inertia<double>(samples, centroids, oracle::labels<double>(samples, centroids), {});
      // 1500 additions of positive terms, in whatever order: relative error below 1500 * 2^-53.
      const double rounding = 1500 * 0x1p-53 * inertia;
      EXPECT_GE(step.inertia_bound, inertia - rounding) << step.iteration;
      if (step.inertia_is_exact) {
        EXPECT_NEAR(step.inertia_bound, inertia, 2 * rounding) << step.iteration;
        if (last_exact >= 0) {
          EXPECT_LE(step.inertia_bound, last_exact + 2 * rounding) << step.iteration;
        }
        last_exact = step.inertia_bound;
      }
      centroids = omnimeans::fit(samples, {.n_clusters = 15, .max_iter = 1, .tol = 0, .backend = "naive"},
                                 {.initial_centroids = centroids.view()})
                      .centroids;
    }
    EXPECT_TRUE(same_matrix(centroids, result.centroids));
    EXPECT_LE(result.inertia, result.history.front().inertia_bound);
  }
  EXPECT_TRUE(
      omnimeans::fit(samples, {.n_clusters = 15, .backend = "naive"}).history.front().inertia_is_exact);
}

/// The same in float, of rows that come eight at a time with some left over, over several blocks, with gaps,
/// with weights.
TEST(Fit, InertiaBoundsHoldForRowsOfEveryLayout) {
  for (const std::size_t gap : {0, 3}) {
    for (const bool weighted : {false, true}) {
      const std::size_t n = 4613, d = 3, k = 9;
      Random random(n + gap);
      Matrix<float> wide(n, d + gap);
      std::vector<float> weights(weighted ? n : 0);
      for (std::size_t i = 0; i < n; ++i) {
        for (float& value : wide.row(i))
          value = static_cast<float>(random.normal() + static_cast<double>(i % 9));
      }
      for (float& w : weights) w = static_cast<float>(random.below(4)) / 2;
      const MatrixView<const float> samples(wide.data(), n, d, d + gap);
      Matrix<float> centroids(k, d);
      for (std::size_t j = 0; j < k; ++j) std::ranges::copy(samples.row(j), centroids.row(j).begin());
      for (const char* backend : {"simd", "gap", "kdtree", "blockbounds"}) {
        SCOPED_TRACE(std::string(backend) + ", gap " + std::to_string(gap) + (weighted ? ", weights" : ""));
        const auto result =
            omnimeans::fit(samples, {.n_clusters = k, .max_iter = 6, .tol = 0, .backend = backend},
                           {.sample_weights = weights, .initial_centroids = centroids.view()});
        Matrix<float> c = centroids;
        for (const IterationStats& step : result.history) {
          const auto labels = oracle::labels<float>(samples, c);
          const double inertia = oracle::inertia<float>(samples, c, labels, std::span<const float>(weights));
          EXPECT_GE(step.inertia_bound, inertia * (1 - 5000 * 0x1p-53)) << step.iteration;
          EXPECT_LE(step.inertia_bound, inertia * 1.001) << step.iteration;
          c = omnimeans::fit(samples, {.n_clusters = k, .max_iter = 1, .tol = 0, .backend = "naive"},
                             {.sample_weights = weights, .initial_centroids = c.view()})
                  .centroids;
        }
      }
    }
  }
}

/// Where a backend knows no inertia, fit() has it from the sums, as near as the first step's was.
template <class T>
void check_inertia_from_sums(const std::string& backend, double offset, bool weighted, std::size_t d = 3) {
  Matrix<T> samples = blobs<T>(4000, d, 12, 7, 3);
  Random random(3);
  std::vector<T> weights;
  for (std::size_t i = 0; i < samples.rows(); ++i) {
    for (T& value : samples.row(i)) value += static_cast<T>(offset);
    if (weighted) weights.push_back(static_cast<T>(random.below(5)) / 4);
  }
  const auto start =
      omnimeans::seed_centroids(samples.view(), {.n_clusters = 12, .init = Init::random, .seed = 2});
  std::vector<Matrix<T>> centroids{start.centroids};
  const auto result =
      omnimeans::fit(samples.view(), {.n_clusters = 12, .max_iter = 15, .tol = 0, .backend = backend},
                     {.sample_weights = weights, .initial_centroids = start.centroids.view()});
  ASSERT_GT(result.n_iter, 5u);
  double first_excess = 0;
  for (const IterationStats& step : result.history) {
    const Matrix<T>& c = centroids.back();
    const double inertia =
        oracle::inertia<T>(samples, c, oracle::labels<T>(samples, c), std::span<const T>(weights));
    const double rounding = 4000 * 0x1p-52 * inertia;
    EXPECT_TRUE(std::isfinite(step.inertia_bound)) << step.iteration;
    EXPECT_GE(step.inertia_bound, inertia - rounding) << step.iteration;
    if (step.iteration == 0) first_excess = step.inertia_bound - inertia;
    // What weights in quanta may do at 10,000 times the spread: 8 d offset^2 n 2^-48 against n d.
    EXPECT_LE(step.inertia_bound - inertia, 1.01 * first_excess + 1e-4 * inertia) << step.iteration;
    centroids.push_back(omnimeans::fit(samples.view(),
                                       {.n_clusters = 12, .max_iter = 1, .tol = 0, .backend = "naive"},
                                       {.sample_weights = weights, .initial_centroids = c.view()})
                            .centroids);
  }
}

TEST(Fit, InertiaFromSumsHoldsWhereABackendKnowsNone) {
  for (const double offset : {0.0, 100.0, 30000.0}) {
    for (const bool weighted : {false, true}) {
      SCOPED_TRACE(std::to_string(offset) + (weighted ? ", weighted" : ""));
      for (const std::string backend : {"gap", "kdtree"}) {  // told once, and never
        check_inertia_from_sums<float>(backend, offset, weighted);
        check_inertia_from_sums<double>(backend, offset, weighted);
      }
      for (const std::string backend : {"int8", "prefix"}) {
        check_inertia_from_sums<float>(backend, offset, weighted, 40);
      }
    }
  }
}

/// Of a cluster that no sample joins or leaves the mean is not found again, and of one that also lay still
/// the inertia is not: means are those of steps on their own, and the bound does not fall behind. One
/// centroid is far off, and is given a sample.
template <class T>
void check_clusters_that_lie_still(bool weighted) {
  constexpr std::size_t k = 100, d = 330;  // sums too large to be observed
  const Matrix<T> samples = blobs<T>(1500, d, 3, 5);
  Random random(4);
  std::vector<T> weights;
  for (std::size_t i = 0; weighted && i < samples.rows(); ++i)
    weights.push_back(static_cast<T>(random.below(5)) / 4);
  Matrix<T> centroids =
      omnimeans::seed_centroids(samples.view(), {.n_clusters = k, .init = Init::random, .seed = 4}).centroids;
  std::ranges::fill(centroids.row(7), T(1000));
  const auto result = omnimeans::fit(
      samples.view(), {.n_clusters = k, .max_iter = 40, .tol = 0, .threads = 2, .backend = "gap"},
      {.sample_weights = weights, .initial_centroids = centroids.view()});
  std::size_t partly = 0, empty = 0;  // steps in which some clusters lay still, and with an empty cluster
  double first_excess = 0;
  for (const IterationStats& step : result.history) {
    const auto alone =
        omnimeans::fit(samples.view(), {.n_clusters = k, .max_iter = 1, .tol = 0, .backend = "naive"},
                       {.sample_weights = weights, .initial_centroids = centroids.view()});
    const double inertia = alone.history.front().inertia_bound;
    if (step.iteration == 0) first_excess = step.inertia_bound - inertia;
    EXPECT_GE(step.inertia_bound, inertia * (1 - 0x1p-40)) << step.iteration;
    // Weights are in quanta, which the centroid far off makes dear.
    const double slack = (weighted ? 1e-8 : 1e-9) * inertia;
    EXPECT_LE(step.inertia_bound - inertia, 1.01 * first_excess + slack) << step.iteration;
    std::size_t still = 0;
    for (std::size_t j = 0; j < k; ++j) still += std::ranges::equal(alone.centroids.row(j), centroids.row(j));
    partly += 0 < still && still < k;
    empty += step.empty_clusters > 0;
    centroids = alone.centroids;
  }
  EXPECT_EQ(result.centroids, centroids);
  EXPECT_GE(partly, 2u);
  EXPECT_GE(empty, 1u);
}

TEST(Fit, WhatIsKnownOfClustersThatLieStillIsRight) {
  for (const bool weighted : {false, true}) {
    SCOPED_TRACE(weighted ? "weighted" : "without weights");
    check_clusters_that_lie_still<float>(weighted);
    check_clusters_that_lie_still<double>(weighted);
  }
}

/// Values near 1, and in one feature one that is `far` away: the other clusters' means must not feel it.
template <class T>
void expect_means_beside_an_outlier(double far, bool weighted, const std::string& isa) {
  const std::size_t n = 12'000, d = 5, k = 7;  // values enough for several threads
  Random random(11);
  Matrix<T> samples(n, d);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t t = 0; t < d; ++t)
      samples(i, t) = static_cast<T>(static_cast<double>(i % 6) + 0.1 * random.normal());
  }
  samples(1234, 2) = static_cast<T>(far);
  std::vector<T> weights(weighted ? n : 0);
  for (T& w : weights) w = static_cast<T>(1 + random.below(3));
  Matrix<T> first(k, d);
  for (std::size_t j = 0; j < k; ++j) std::ranges::copy(samples.row(j < 6 ? j : 1234), first.row(j).begin());

  Result<T> expected;
  for (const char* backend : {"naive", "simd", "gap", "kdtree", "blockbounds", "elkan", "textbook"}) {
    for (const int threads : {1, 3}) {
      Options options;
      options.n_clusters = k;
      options.backend = backend;
      options.isa = isa;
      options.threads = threads;
      options.tol = 0;
      const Result<T> result =
          fit(samples.view(), options, {.sample_weights = weights, .initial_centroids = first});
      if (expected.labels.empty()) expected = result;
      EXPECT_TRUE(same_matrix(expected.centroids, result.centroids))
          << backend << ", " << threads << " threads";
      EXPECT_TRUE(same_labels(expected.labels, result.labels)) << backend << ", " << threads << " threads";
    }
  }
  std::vector<double> total(k);
  std::vector<oracle::Quad> sums(k * d);
  for (std::size_t i = 0; i < n; ++i) {
    const auto j = static_cast<std::size_t>(expected.labels[i]);
    const double w = weighted ? static_cast<double>(weights[i]) : 1;
    total[j] += w;
    for (std::size_t t = 0; t < d; ++t) sums[j * d + t] += w * static_cast<double>(samples(i, t));
  }
  for (std::size_t j = 0; j < k; ++j) {
    ASSERT_GT(total[j], 0);
    for (std::size_t t = 0; t < d; ++t) {
      const auto mean = static_cast<double>(sums[j * d + t] / total[j]);
      EXPECT_NEAR(expected.centroids(j, t), mean, 4 * std::abs(mean) * std::numeric_limits<T>::epsilon())
          << "cluster " << j << ", feature " << t;
    }
  }
}

TEST(Fit, AFarOutlierLeavesTheOtherMeansRight) {
  for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(to_string(isa));
    const std::string name(to_string(isa));
    for (const bool weighted : {false, true}) {
      // From 1e5 on too many values are no multiples of the first word's quantum.
      for (const double far : {1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e10, 1e15, 1e18})
        expect_means_beside_an_outlier<float>(far, weighted, name);
      expect_means_beside_an_outlier<double>(1e10, weighted, name);
    }
  }
}

TEST(Fit, MemoryLimitIsKept) {
  const Matrix<float> samples = blobs<float>(3000, 4, 10, 6);
  const Options plain{.n_clusters = 100, .init = Init::random, .max_iter = 3};
  std::size_t refused = 0;
  for (const std::string& backend : exact_backends()) {
    SCOPED_TRACE(backend);
    Options options = plain;
    options.backend = backend;
    const Result<float> free = omnimeans::fit(samples, options);
    options.memory_limit_bytes = std::max<std::uint64_t>(free.backend_bytes, 1);
    EXPECT_TRUE(same_result(omnimeans::fit(samples, options), free)) << "what it needs is enough";
    for (const std::uint64_t limit : {std::uint64_t{1}, free.backend_bytes / 2, free.backend_bytes - 1}) {
      if (limit == 0 || limit >= free.backend_bytes) continue;
      options.memory_limit_bytes = limit;
      try {
        EXPECT_LE(omnimeans::fit(samples, options).backend_bytes, limit) << "ran, so it kept the limit";
      } catch (const omnimeans::MemoryLimitExceeded&) {
        ++refused;
      }
    }
  }
  EXPECT_GE(refused, 1u) << "elkan keeps bounds";
  const Result<float> elkan =
      omnimeans::fit(samples, {.n_clusters = 100, .init = Init::random, .max_iter = 3, .backend = "elkan"});
  EXPECT_GE(elkan.backend_bytes, 3000u * 100u * sizeof(float));
  Options options = plain;
  options.memory_limit_bytes = elkan.backend_bytes / 8;
  const Result<float> chosen = omnimeans::fit(samples, options);
  EXPECT_LE(chosen.backend_bytes, options.memory_limit_bytes) << "auto picks one that fits";
  EXPECT_TRUE(same_result(chosen, elkan));
}

TEST(Fit, ConcurrentCallersGetTheSameBits) {
  const Matrix<float> samples = blobs<float>(1200, 9, 10, 2, 4);
  for (const std::string& backend : exact_backends()) {
    const Options options{.n_clusters = 20, .threads = 2, .backend = backend};
    const Result<float> alone = omnimeans::fit(samples, options);
    std::vector<Result<float>> together(4);
    {
      std::vector<std::jthread> callers;
      for (Result<float>& result : together) {
        callers.emplace_back([&] { result = omnimeans::fit(samples, options); });
      }
    }
    for (const Result<float>& result : together) EXPECT_TRUE(same_result(alone, result)) << backend;
  }
}

TEST(Fit, LooksAtTheDataOnly) {
  const Matrix<double> samples = blobs<double>(300, 6, 5, 1);
  const std::vector<double> weights(300, 0.5);
  const Matrix<double> start = take(samples, {1, 2, 3, 4, 5});
  const Matrix<double> samples_before = samples, start_before = start;
  const std::vector<double> weights_before = weights;
  omnimeans::fit(samples, {.n_clusters = 5}, {.sample_weights = weights, .initial_centroids = start.view()});
  EXPECT_EQ(samples, samples_before);
  EXPECT_EQ(start, start_before);
  EXPECT_EQ(weights, weights_before);
}

}  // namespace
