// SPDX-License-Identifier: MIT
// Whole fits by backends that put samples in an order of their own, large enough for several threads: the
// update step is told of moved samples as they have them at hand, in that order, and from labels that the
// seeding knew or nobody did.
#include <gtest/gtest.h>
#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "core/compare.hpp"
#include "core/data.hpp"
#include "core/random.hpp"
#include "omnimeans/omnimeans.hpp"

namespace {

using omnimeans::Init;

template <class T>
class OrderedFit : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(OrderedFit, Types);

TYPED_TEST(OrderedFit, GivesTheBitsOfNaiveForAnyThreadsWeightsAndStart) {
  using T = TypeParam;
  constexpr std::size_t n = 20000, k = 80;  // with fewer auto makes no tree
  const omnimeans::Matrix<T> points = blobs<T>(n, 2, 9, 5);
  Random random(3);
  std::vector<T> some_weights(n);
  for (T& w : some_weights) w = static_cast<T>(random.below(3));
  // Two starts that no sample is near: clusters that are empty get samples.
  omnimeans::Matrix<T> far(k, 2);
  for (std::size_t j = 0; j < k; ++j) {
    for (std::size_t t = 0; t < 2; ++t) far(j, t) = j < 2 ? T(1000) + static_cast<T>(j) : points(7 * j, t);
  }
  for (const bool weighted : {false, true}) {
    for (const int start : {0, 1, 2}) {
      omnimeans::Options options{.n_clusters = k};
      options.max_iter = 12;
      options.n_init = start == 2 ? 1 : 2;
      options.tol = 0;
      options.seed = 4;
      options.init = start == 0 ? Init::random : Init::kmeans_plus_plus;
      omnimeans::FitInputs<T> inputs;
      if (weighted) inputs.sample_weights = some_weights;
      if (start == 2) inputs.initial_centroids = far;
      const auto run = [&](const std::string& backend, int threads) {
        options.backend = backend;
        options.threads = threads;
        return omnimeans::fit(points.view(), options, inputs);
      };
      const auto expected = run("naive", 1);
      for (const std::string backend : {"kdtree", "blockbounds", "auto"}) {
        for (const int threads : {1, 2, 3, 4, 7}) {
          const auto result = run(backend, threads);
          EXPECT_TRUE(same_result(result, expected))
              << backend << ", weights " << weighted << ", start " << start << ", threads " << threads;
          EXPECT_EQ(result.backend, backend == "auto" ? "kdtree" : backend);
        }
      }
    }
  }
}

/// More features than a row is read by a few instructions of, more clusters than a vector has, values that
/// are scaled before they are squared.
TYPED_TEST(OrderedFit, GivesTheBitsOfNaiveInMoreFeatures) {
  using T = TypeParam;
  constexpr std::size_t n = 5003, k = 230;
  for (const double unit : {1.0, sizeof(T) == sizeof(float) ? 1e15 : 1e140}) {
    omnimeans::Matrix<T> points = blobs<T>(n, 7, 60, 2);
    for (std::size_t v = 0; v < n * 7; ++v)
      points.data()[v] = static_cast<T>(static_cast<double>(points.data()[v]) * unit);
    omnimeans::Options options{.n_clusters = k};
    options.max_iter = 12;
    options.tol = 0;
    options.init = Init::random;
    const auto run = [&](const std::string& backend, int threads) {
      options.backend = backend;
      options.threads = threads;
      return omnimeans::fit(points.view(), options);
    };
    const auto expected = run("simd", 1);
    for (const std::string backend : {"kdtree", "blockbounds"}) {
      for (const int threads : {1, 2, 4, 7})
        EXPECT_TRUE(same_result(run(backend, threads), expected)) << backend << ", threads " << threads;
    }
  }
}

/// The samples that are looked at to choose the ranges of keys may tell little of the others.
TYPED_TEST(OrderedFit, RangesThatAreFarOffCostNoLabel) {
  using T = TypeParam;
  constexpr std::size_t n = 9000, k = 10;
  const double huge = sizeof(T) == sizeof(float) ? 1e16 : 1e100;
  for (const double unit : {1.0, 1e-18}) {
    Random random(8);
    omnimeans::Matrix<T> points(n, 2);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t t = 0; t < 2; ++t)
        points(i, t) = static_cast<T>(unit * (static_cast<double>(random.below(5)) + random.normal() / 8));
    }
    // Off the grid of those that are looked at.
    for (const std::size_t i : {17, 4444, 8999}) points(i, i % 2) = static_cast<T>(huge);
    const auto run = [&](const std::string& backend) {
      omnimeans::Options options{.n_clusters = k};
      options.init = Init::random;
      options.max_iter = 6;
      options.tol = 0;
      options.seed = 2;
      options.threads = 3;
      options.backend = backend;
      return omnimeans::fit(points.view(), options);
    };
    for (const std::string backend : {"kdtree", "blockbounds"})
      EXPECT_TRUE(same_result(run(backend), run("naive"))) << backend << ", unit " << unit;
  }
}

/// Counts how often it is told of a sample, and looks whether what it is told is so.
template <class T>
struct Listener final : omnimeans::LabelObserver {
  void labelled(std::size_t, std::size_t, int) override { ++wrong; }  // without the label before
  void moved(const omnimeans::MovedSamples<T>& of, int) override {
    for (std::uint64_t rows = of.rows; rows != 0; rows &= rows - 1) {
      const auto r = static_cast<std::size_t>(std::countr_zero(rows));
      const std::size_t i = of.index[r];
      ++told[i];
      wrong += of.before[r] != before[i] || of.labels[r] == before[i];
      for (std::size_t t = 0; t < samples.cols(); ++t)
        wrong += of.values[t * of.stride + r] != samples.row_data(i)[t];
      now[i] = of.labels[r];
    }
  }
  omnimeans::MatrixView<const T> samples;
  std::vector<std::int32_t> before, now, told;
  std::atomic<std::size_t> wrong{0};
};

/// The same steps with labels written and with labels kept: the latter are not touched, and the same when
/// they are asked for.
TYPED_TEST(OrderedFit, KeptLabelsAreThoseThatWouldBeWritten) {
  using T = TypeParam;
  constexpr std::size_t n = 20011, k = 24;
  const omnimeans::Matrix<T> points = blobs<T>(n, 2, 9, 5);
  std::size_t n_keeping = 0;
  for (const auto& entry : omnimeans::backends()) {
    for (const int threads : {1, 3}) {
      SCOPED_TRACE(std::string(entry.info.name) + ", threads " + std::to_string(threads));
      omnimeans::Problem<T> problem;
      problem.samples = points.view();
      problem.n_clusters = k;
      problem.threads = threads;
      problem.isa = omnimeans::default_isa();
      const auto writes = entry.make<T>(problem), keeps = entry.make<T>(problem);
      if (!keeps->keeps_labels()) break;
      ++n_keeping;
      std::vector<std::int32_t> labels(n, -1), untouched(n, -5), asked(n, -6);
      omnimeans::Matrix<T> centroids(k, 2);
      std::vector<double> drift;
      for (int step = 0; step < 5; ++step) {
        for (std::size_t j = 0; j < k; ++j) {
          for (std::size_t t = 0; t < 2; ++t)
            centroids(j, t) = points(700 * j, t) + static_cast<T>(0.25 * step);
        }
        Listener<T> listener;
        listener.samples = points.view();
        listener.before = listener.now = labels;
        listener.told.assign(n, 0);
        writes->assign({.centroids = centroids.view(), .drift = drift, .labels = labels});
        const auto stats = keeps->assign({.centroids = centroids.view(),
                                          .drift = drift,
                                          .labels = untouched,
                                          .keep_labels = true,
                                          .observer = &listener});
        EXPECT_EQ(untouched, std::vector<std::int32_t>(n, -5));
        keeps->write_labels(asked);
        EXPECT_EQ(asked, labels) << "step " << step;
        ASSERT_TRUE(stats.observed || step == 0);
        if (stats.observed) {
          EXPECT_EQ(listener.now, labels) << "step " << step;
          EXPECT_EQ(listener.wrong, 0u) << "step " << step;
          EXPECT_LE(*std::ranges::max_element(listener.told), 1) << "step " << step;
        }
        drift.assign(k, 0.25 * std::sqrt(2.0) * 1.001);
      }
    }
  }
  EXPECT_GT(n_keeping, 0u);
}

}  // namespace
