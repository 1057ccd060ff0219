// SPDX-License-Identifier: MIT
// The update step hears of labels in several ways: all of them afterwards, or, in the pass that finds them,
// pieces, listed ones, and moved samples with their values. Whatever the way, in every step anew, sums are
// those of all samples added at once, and it counts the labels that changed.
#include "centroid_update.hpp"

#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "core/compare.hpp"
#include "core/random.hpp"

namespace {

using omnimeans::Matrix;

enum Way { afterwards, pieces, listed, moved, moved_and_others, moved_from_unknown, n_ways };

constexpr std::size_t stride = 32;  ///< samples told at a time

template <class T>
struct Told {
  Told(const Matrix<T>& x, std::span<const T> sample_weights, std::size_t n_clusters, int n_threads)
      : samples(x), k(n_clusters), threads(n_threads), weights(sample_weights), absmax(x.cols()) {
    for (std::size_t i = 0; i < x.rows(); ++i) {
      for (std::size_t t = 0; t < x.cols(); ++t) absmax[t] = std::max(absmax[t], std::abs(x(i, t)));
    }
  }
  omnimeans::CentroidUpdate<T> update() const {
    return {samples.view(), weights, absmax, k, omnimeans::default_isa(), threads};
  }

  const Matrix<T>& samples;
  std::size_t k;
  int threads;
  std::span<const T> weights;
  std::vector<T> absmax;
};

/// Tells of samples [begin, end), of which `before` are the labels so far.
template <class T>
void tell(const Told<T>& problem, Way way, omnimeans::LabelObserver& observer, std::size_t begin,
          std::size_t end, std::span<const std::int32_t> before, std::span<const std::int32_t> labels,
          int thread) {
  if (way == pieces) return observer.labelled(begin, end, thread);
  std::vector<std::int32_t> changed, now(stride), then(stride);
  std::vector<std::uint32_t> index(stride);
  std::vector<T> values(stride * problem.samples.cols());
  std::uint64_t rows = 0;
  for (std::size_t i = begin; i < end; ++i) {
    const std::size_t r = i - begin;
    index[r] = static_cast<std::uint32_t>(i);
    now[r] = labels[i];
    then[r] = before[i];
    for (std::size_t t = 0; t < problem.samples.cols(); ++t) values[t * stride + r] = problem.samples(i, t);
    if (before[i] != labels[i] || way == moved_and_others) rows |= std::uint64_t{1} << r;
    if (before[i] != labels[i]) changed.push_back(static_cast<std::int32_t>(r));
  }
  if (way == listed) return observer.labelled_some(begin, changed, thread);
  const omnimeans::MovedSamples<T> samples{.values = values.data(),
                                           .stride = stride,
                                           .rows = rows,
                                           .index = index.data(),
                                           .labels = now.data(),
                                           .before = way == moved_from_unknown ? nullptr : then.data()};
  if (rows != 0) observer.moved(samples, thread);
}

template <class T>
void check(Random& random, bool weighted) {
  const std::size_t n = 1 + random.below(700), d = 1 + random.below(20), k = 1 + random.below(12);
  const int threads = random.one_of({1, 2, 3, 7});
  Matrix<T> samples(n, d);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t t = 0; t < d; ++t) samples(i, t) = static_cast<T>(random.normal());
  }
  std::vector<T> weights(weighted ? n : 0);
  for (T& w : weights) w = static_cast<T>(random.below(4)) / 2;
  const Told<T> problem(samples, weights, k, threads);
  omnimeans::CentroidUpdate<T> update = problem.update();
  std::vector<std::int32_t> before(n, -1), labels(n);
  for (auto& label : labels) label = static_cast<std::int32_t>(random.below(k));
  Matrix<T> means(k, d);
  for (std::size_t step = 0; step < 8; ++step) {
    const Way way = static_cast<Way>(random.below(n_ways));
    SCOPED_TRACE("n " + std::to_string(n) + ", d " + std::to_string(d) + ", k " + std::to_string(k) +
                 ", step " + std::to_string(step) + ", way " + std::to_string(way));
    std::size_t changed = 0;
    for (std::size_t i = 0; i < n; ++i)
      changed += before[i] != labels[i] && (weights.empty() || weights[i] > 0);
    omnimeans::LabelObserver* observer = update.observe(labels);
    ASSERT_NE(observer, nullptr);
    for (std::size_t i = 0; i < n && way != afterwards; i += stride)
      tell(problem, way, *observer, i, std::min(n, i + stride), before, labels,
           static_cast<int>(random.below(static_cast<std::size_t>(threads))));
    EXPECT_EQ(way == afterwards ? update.accumulate(labels) : update.accumulate_observed(), changed);
    omnimeans::CentroidUpdate<T> at_once = problem.update();
    at_once.accumulate(labels);
    EXPECT_TRUE(std::ranges::equal(update.counts(), at_once.counts()));
    Matrix<T> expected = means;
    update.write_means(means);
    at_once.write_means(expected);
    EXPECT_TRUE(same_matrix<T>(means.view(), expected.view()));
    before = labels;
    for (auto& label : labels) {
      if (random.chance(step % 2 == 0 ? 3 : 30)) label = static_cast<std::int32_t>(random.below(k));
    }
  }
}

TEST(CentroidUpdate, IsTheSameHoweverItHears) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const bool weighted = random.chance(3);
    random.chance(2) ? check<float>(random, weighted) : check<double>(random, weighted);
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
