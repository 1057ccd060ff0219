// SPDX-License-Identifier: MIT
// The update step hears of labels in several ways: all of them afterwards, or, in the pass that finds them,
// pieces, listed ones, and moved samples with their values. Whatever the way, in every step anew, sums are
// those of all samples added at once, and it counts the labels that changed.
#include "centroid_update.hpp"

#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "core/compare.hpp"
#include "core/random.hpp"
#include "parallel.hpp"

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

/// `n` samples of `d` features: from 50,000 values on several threads tell at once.
template <class T>
void check(std::size_t n, std::size_t d, std::size_t k, bool weighted, Random& random) {
  const int threads = random.one_of({1, 2, 3, 7});
  Matrix<T> samples(n, d);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t t = 0; t < d; ++t) samples(i, t) = static_cast<T>(random.normal());
  }
  if (random.chance(3)) samples(random.below(n), random.below(d)) = T(1e15);  // float takes two words
  std::vector<T> weights(weighted ? n : 0);
  for (T& w : weights) w = static_cast<T>(random.below(4)) / 2;
  const Told<T> problem(samples, weights, k, threads);
  omnimeans::CentroidUpdate<T> update = problem.update();
  std::vector<std::int32_t> before(n, -1), labels(n);
  const auto choose = [&](std::size_t one_in) {
    for (auto& label : labels) {
      if (random.chance(one_in)) label = static_cast<std::int32_t>(random.below(k));
    }
  };
  choose(1);
  Matrix<T> means(k, d);
  // Of labels that the backend keeps only accumulate() may know.
  const bool kept = random.chance(3);
  const std::vector<std::int32_t> absent(n, -7);
  bool samples_moved = false;
  for (std::size_t step = 0; step < 8; ++step) {
    // The last two of them: ways mixed in one step; some told of, then all afterwards.
    std::size_t way = random.below(n_ways + 2);
    // As in fits: labels of a start and of a first step may be given at once, then samples move.
    if (kept)
      way = step < 2 && !samples_moved && random.chance(2) ? afterwards
                                                           : random.one_of({moved, moved_and_others});
    samples_moved |= way != afterwards;
    SCOPED_TRACE("n " + std::to_string(n) + ", d " + std::to_string(d) + ", k " + std::to_string(k) + ", " +
                 std::to_string(threads) + " threads, step " + std::to_string(step) + ", way " +
                 std::to_string(way));
    std::size_t changed = 0;
    for (std::size_t i = 0; i < n; ++i)
      changed += before[i] != labels[i] && (weights.empty() || weights[i] > 0);
    omnimeans::LabelObserver* observer = update.observe(kept ? absent : labels, kept);
    const bool some = way == n_ways + 1, all_told = observer != nullptr && way != afterwards && !some;
    if (observer != nullptr && way != afterwards) {
      const std::size_t seed = random.below(1000);
      omnimeans::parallel_blocks(threads, (n + stride - 1) / stride, [&](std::size_t block, int thread) {
        if (some && (block + seed) % 3 == 0) return;
        const Way of_block = way < n_ways ? static_cast<Way>(way)
                                          : static_cast<Way>(pieces + (block * 7 + seed) % (n_ways - pieces));
        tell(problem, of_block, *observer, block * stride, std::min(n, (block + 1) * stride), before, labels,
             thread);
      });
    }
    EXPECT_EQ(all_told ? update.accumulate_observed() : update.accumulate(labels), changed);
    omnimeans::CentroidUpdate<T> at_once = problem.update();
    at_once.accumulate(labels);
    EXPECT_TRUE(std::ranges::equal(update.counts(), at_once.counts()));
    Matrix<T> expected = means;
    update.write_means(means);
    at_once.write_means(expected);
    EXPECT_TRUE(same_matrix<T>(means.view(), expected.view()));
    before = labels;
    choose(step == 3 ? 1 : step % 2 == 0 ? 3 : 30);
  }
}

TEST(CentroidUpdate, IsTheSameHoweverItHears) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const bool weighted = random.chance(3), large = random.chance(4);
    const std::size_t d = 1 + random.below(20), k = 1 + random.below(12);
    const std::size_t n = 1 + random.below(700) + (large ? 50'000 / d : 0);
    if (random.chance(2)) {
      check<float>(n, d, k, weighted, random);
    } else {
      check<double>(n, d, k, weighted, random);
    }
    if (testing::Test::HasFailure()) return;
  }
}

/// Sums above a quarter of a MiB are not told of; those above a MiB are made a cluster at a time.
TEST(CentroidUpdate, LargeSumsAreTheSameHoweverItHears) {
  Random random(1);
  for (const std::size_t k : {500, 1100, 1500}) {
    for (int repetition = 0; repetition < 4; ++repetition) {
      check<float>(3000, 100, k, false, random);
      check<double>(3000, 60, k, repetition % 2 == 1, random);
    }
  }
}

}  // namespace
