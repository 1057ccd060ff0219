// SPDX-License-Identifier: MIT
// What eight bits leave out for lying still (int8_moved.hpp) is nearest to nobody, and what is left is listed
// as find_near() says; told that nothing moves they are wrong.
#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "core/oracle.hpp"
#include "core/random.hpp"
#include "core/walks.hpp"
#include "int8_filter.hpp"
#include "kernels/int8_kernels.hpp"
#include "omnimeans/omnimeans.hpp"

namespace {

using omnimeans::DenseEngine;
using omnimeans::Int8Filter;
using omnimeans::Matrix;

/// Of equal centroids the lowest, as in the canonical rule.
std::vector<std::int32_t> nearest_of(const Matrix<float>& samples, const Matrix<float>& centroids) {
  const std::size_t n = samples.rows(), d = samples.cols(), k = centroids.rows();
  std::vector<std::int32_t> labels(n);
  std::vector<double> distance(k);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < k; ++j) {
      distance[j] = 0;
      for (std::size_t t = 0; t < d; ++t) {
        const double difference = double{samples(i, t)} - double{centroids(j, t)};
        distance[j] += difference * difference;
      }
    }
    labels[i] = static_cast<std::int32_t>(std::ranges::min_element(distance) - distance.begin());
  }
  return labels;
}

/// Centroids of two steps, of which every fifth moves, onto a sample or a little; samples, and the centroid
/// that is nearest in each step.
struct TwoSteps {
  Matrix<float> samples, before, after;
  std::vector<double> drift;
  std::vector<std::int32_t> own, nearest;
};
TwoSteps two_steps(std::size_t n, std::size_t d, std::size_t k, std::uint64_t seed) {
  Random random(seed);
  TwoSteps steps{
      Matrix<float>(n, d), Matrix<float>(k, d), Matrix<float>(k, d), std::vector<double>(k), {}, {}};
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t t = 0; t < d; ++t)
      steps.samples(i, t) = static_cast<float>(random.normal() + (t % 9 == i % 9 ? 3 : 0));
  }
  for (std::size_t j = 0; j < k; ++j) {
    const std::size_t from = random.below(n), to = random.below(n);
    const float way = j % 5 != 0 ? 0 : j % 2 == 0 ? 1 : 0.1f;
    oracle::Quad squared = 0;
    for (std::size_t t = 0; t < d; ++t) {
      steps.before(j, t) = steps.samples(from, t);
      steps.after(j, t) = steps.before(j, t) + way * (steps.samples(to, t) - steps.before(j, t));
      const oracle::Quad moved = oracle::Quad(steps.after(j, t)) - oracle::Quad(steps.before(j, t));
      squared += moved * moved;
    }
    steps.drift[j] = std::sqrt(static_cast<double>(squared)) * (1 + 1e-9);
  }
  steps.own = nearest_of(steps.samples, steps.before);
  steps.nearest = nearest_of(steps.samples, steps.after);
  return steps;
}

/// How many rows of find_near() do not have their nearest centroid among what is near, told `drift`; and how
/// many pairs it compared.
struct LeftOut {
  std::size_t missed = 0;
  std::uint64_t compared = 0;
};
void find_left_out(const TwoSteps& steps, std::span<const double> drift, omnimeans::Isa isa,
                   const omnimeans::kernels::Int8Kernels& kernels, int threads, LeftOut& out) {
  using omnimeans::kernels::Int8Found;
  const std::size_t n = steps.samples.rows(), d = steps.samples.cols(), k = steps.before.rows();
  DenseEngine<float> engine(steps.samples.view(), k, isa, threads);
  Int8Filter filter(engine, kernels, n, d, k, threads, Int8Filter::Rows::whole);
  Int8Filter::Scratch scratch;
  for (const auto* centroids : {&steps.before, &steps.after}) {
    engine.set_centroids(centroids->view());
    engine.pack_rows();
    filter.set_centroids();
    if (centroids == &steps.before) {
      engine.find_norms({0, n});
      filter.load({0, n}, scratch);
    }
  }
  filter.labels_are_of_step_before(drift);
  ASSERT_TRUE(filter.find_near({0, n}, steps.own, scratch));
  const auto& near = scratch.near;
  out.compared = near.n_compared;
  std::vector<std::vector<std::int32_t>> found(n);
  std::size_t listed = 0;
  for (std::size_t p = 0; p < near.n_pairs; ++p) {
    auto& of_row = found[static_cast<std::size_t>(near.pair_row[p])];
    if (of_row.empty()) {
      ASSERT_EQ(near.listed[listed++], near.pair_row[p]);
    }
    ASSERT_TRUE(of_row.empty() ||
                (near.pair_row[p - 1] == near.pair_row[p] && of_row.back() < near.pair_centroid[p]));
    of_row.push_back(near.pair_centroid[p]);
  }
  ASSERT_EQ(listed, near.n_listed);
  std::vector<float> x(engine.padded_features());
  out.missed = 0;
  for (std::size_t i = 0; i < n; ++i) {
    ASSERT_EQ(found[i].empty(), near.found[i] != Int8Found::listed) << "i " << i;
    if (near.found[i] == Int8Found::own) found[i] = {steps.own[i]};
    if (near.found[i] == Int8Found::many) {
      const auto some = filter.near_candidates(i, i, steps.own[i], engine.sample(i, x.data()), scratch);
      found[i].assign(some.begin(), some.end());
    }
    if (near.found[i] != Int8Found::many) {
      ASSERT_TRUE(std::ranges::binary_search(found[i], steps.own[i])) << "i " << i;
    }
    for (const std::int32_t j : found[i]) ASSERT_TRUE(j >= 0 && j < static_cast<std::int32_t>(k));
    out.missed += !std::ranges::binary_search(found[i], steps.nearest[i]);
    ASSERT_GE(
        oracle::Quad(engine.upper_squared(i, scratch.least[i], filter.least_error(i))),
        squared_distance(steps.samples.row(i), steps.after.row(static_cast<std::size_t>(steps.own[i]))));
  }
}

TEST(Int8Moved, CentroidsThatLieStillAreLeftOutWhereOthersCannotBeNearer) {
  std::vector<TwoSteps> all;
  for (const std::size_t n : {40, 224, 300}) {
    for (const std::size_t d : {16, 64, 100, 200}) {
      for (const std::size_t k : {49, 80, 200}) all.push_back(two_steps(n, d, k, n + d + k));
    }
  }
  all.push_back(two_steps(300, 200, 400, 1));
  for_all_kernels([&](omnimeans::Isa isa, const omnimeans::kernels::Int8Kernels& kernels) {
    for (const TwoSteps& steps : all) {
      const std::size_t n = steps.samples.rows(), k = steps.before.rows();
      SCOPED_TRACE("n " + std::to_string(n) + ", d " + std::to_string(steps.samples.cols()) + ", k " +
                   std::to_string(k));
      LeftOut out;
      // Of the last ones several threads share the moved centroids.
      const int threads = k > 300 ? 3 : 1;
      ASSERT_NO_FATAL_FAILURE(find_left_out(steps, steps.drift, isa, kernels, threads, out));
      EXPECT_EQ(out.missed, 0u);
      EXPECT_LE(out.compared, n * k);
      if (n > 100 && k > 100) {
        EXPECT_LT(out.compared, n * k * 9 / 10);
      }
      // Told that nothing has moved it believes that.
      const std::vector<double> none(k);
      ASSERT_NO_FATAL_FAILURE(find_left_out(steps, none, isa, kernels, threads, out));
      EXPECT_EQ(out.compared, n);
      EXPECT_GT(out.missed, 0u);
    }
  });
}

/// Centroids of many steps, in each of which some move, most of them a little; and which is nearest.
struct ManySteps {
  Matrix<float> samples;
  std::vector<Matrix<float>> centroids;
  std::vector<std::vector<double>> drift;  // what counts is where it is not 0
  std::vector<std::vector<std::int32_t>> nearest;
};
ManySteps many_steps(std::size_t n, std::size_t d, std::size_t k) {
  Random random(d);
  ManySteps steps{Matrix<float>(n, d), {}, {}, {}};
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t t = 0; t < d; ++t)
      steps.samples(i, t) = static_cast<float>(random.normal() + (t % 9 == i % 9 ? 2 : 0));
  }
  Matrix<float> centroids(k, d);
  for (std::size_t j = 0; j < k; ++j) std::ranges::copy(steps.samples.row(j), centroids.row(j).begin());
  for (int step = 0; step < 12; ++step) {
    std::vector<double> drift(k);
    for (std::size_t j = 0; j < k && step > 0; ++j) {
      if (!random.chance(4)) continue;
      const std::size_t to = random.below(n);
      const float way = random.chance(3) ? 0.5f : 0.02f;
      for (std::size_t t = 0; t < d; ++t) centroids(j, t) += way * (steps.samples(to, t) - centroids(j, t));
      drift[j] = 1;
    }
    steps.nearest.push_back(nearest_of(steps.samples, centroids));
    steps.centroids.push_back(centroids);
    steps.drift.push_back(drift);
  }
  return steps;
}

/// What find_near() makes of them where it is told what the scores of those near are, or is not. Of all
/// steps: how many rows do not have their nearest centroid among what is near; rows whose own centroid has
/// moved that are compared with moved ones alone; and rows that are compared with all.
struct Remembered {
  std::size_t missed = 0, with_moved = 0, with_all = 0;
};
void remember(const ManySteps& steps, omnimeans::Isa isa, const omnimeans::kernels::Int8Kernels& kernels,
              bool told_of_others, Remembered& out) {
  using omnimeans::kernels::Int8Found;
  const std::size_t n = steps.samples.rows(), d = steps.samples.cols(), k = steps.centroids[0].rows();
  DenseEngine<float> engine(steps.samples.view(), k, isa, 1);
  Int8Filter filter(engine, kernels, n, d, k, 1, Int8Filter::Rows::whole);
  Int8Filter::Scratch scratch;
  // Another that is never told what has moved.
  Int8Filter untold(engine, kernels, n, d, k, 1, Int8Filter::Rows::whole);
  Int8Filter::Scratch of_untold;
  std::vector<float> x(engine.padded_features());
  std::vector<std::int32_t> own;
  for (std::size_t step = 0; step < steps.centroids.size(); ++step) {
    engine.set_centroids(steps.centroids[step].view());
    engine.pack_rows();
    filter.set_centroids();
    untold.set_centroids();
    if (step == 0) {
      engine.find_norms({0, n});
      filter.load({0, n}, scratch);
      untold.load({0, n}, of_untold);
    } else if (step != 10) {  // after a step of which nothing is told nothing is remembered
      filter.labels_are_of_step_before(steps.drift[step]);
    }
    const auto& nearest = steps.nearest[step];
    if (step == 0 || step == 7) {  // of which nothing is remembered
      filter.find_candidates({0, n}, scratch);
      own = nearest;
      continue;
    }
    EXPECT_EQ(filter.looks_farther(), step != 10) << "a quarter moves in step " << step;
    ASSERT_TRUE(filter.find_near({0, n}, own, scratch));
    ASSERT_TRUE(untold.find_near({0, n}, own, of_untold));
    const auto& near = scratch.near;
    std::size_t pair = 0;
    for (std::size_t i = 0; i < n; ++i) {
      ASSERT_EQ(scratch.least[i], of_untold.least[i]) << "the bound of its own centroid, step " << step;
      out.with_all += near.in_parts && near.with_moved[i] == 0;
      out.with_moved += near.in_parts && near.with_moved[i] != 0 &&
                        steps.drift[step][static_cast<std::size_t>(own[i])] != 0;
      out.missed += near.found[i] == Int8Found::own && own[i] != nearest[i];
      if (near.found[i] == Int8Found::many) {
        const auto some = filter.near_candidates(i, i, own[i], engine.sample(i, x.data()), scratch);
        out.missed += std::ranges::count(some, nearest[i]) == 0;
        filter.forget_others(i);
      }
      if (near.found[i] != Int8Found::listed) continue;
      // Rows with all stand behind the others.
      for (pair = 0; pair < near.n_pairs && near.pair_row[pair] != static_cast<std::int32_t>(i);) ++pair;
      float others = std::numeric_limits<float>::infinity(), score;
      bool there = false;
      for (; pair < near.n_pairs && near.pair_row[pair] == static_cast<std::int32_t>(i); ++pair) {
        const std::int32_t j = near.pair_centroid[pair];
        there |= j == nearest[i];
        engine.listed_scores(engine.sample(i, x.data()), {&j, 1}, &score);
        if (j != nearest[i]) others = std::min(others, score);
      }
      out.missed += !there;
      if (told_of_others) filter.others_are_above(i, others - engine.reach_of(i));
    }
    own = nearest;
  }
}

TEST(Int8Moved, WhatIsRememberedOfOthersHoldsUntilTheyMove) {
  std::vector<ManySteps> all;
  for (const std::size_t d : {20, 64, 130}) all.push_back(many_steps(400, d, 200));
  for_all_kernels([&](omnimeans::Isa isa, const omnimeans::kernels::Int8Kernels& kernels) {
    std::size_t missed = 0;
    for (const ManySteps& steps : all) {
      SCOPED_TRACE("d " + std::to_string(steps.samples.cols()));
      Remembered right, not_told;
      ASSERT_NO_FATAL_FAILURE(remember(steps, isa, kernels, true, right));
      EXPECT_EQ(right.missed, 0u);
      EXPECT_GT(right.with_moved, 50u);
      EXPECT_GT(right.with_all, 50u);
      ASSERT_NO_FATAL_FAILURE(remember(steps, isa, kernels, false, not_told));
      missed += not_told.missed;
    }
    EXPECT_GT(missed, 0u) << "those near were remembered as far";
  });
}

/// Of all steps of a walk: how many labels are not the oracle's, drifts being multiplied by `factor`, and how
/// many pairs were left out.
struct Walked {
  std::size_t wrong = 0;
  std::uint64_t left_out = 0;
};
Walked walk_with(const Walk<float>& walk, omnimeans::Isa isa, double factor) {
  const auto backend = omnimeans::find_backend("int8").make<float>(problem_of(walk, 1, isa));
  const std::uint64_t pairs = std::uint64_t{walk.samples.rows()} * walk.centroids.front().rows();
  std::vector<std::int32_t> labels(walk.samples.rows(), -1);
  Walked walked;
  for (std::size_t step = 0; step < walk.centroids.size(); ++step) {
    std::vector<double> drift = step == 0 ? std::vector<double>() : walk.drifts[step - 1];
    for (double& value : drift) value *= factor;
    const auto stats = backend->assign({walk.centroids[step].view(), drift, labels});
    EXPECT_GE(stats.distances_computed + stats.left_out, pairs);
    walked.left_out += stats.left_out;
    for (std::size_t i = 0; i < labels.size(); ++i) walked.wrong += labels[i] != walk.labels[step][i];
  }
  return walked;
}

TEST(Int8Moved, TheBackendLeavesOutWhatLiesStill) {
  for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
    const bool in_eight_bits = omnimeans::kernels::int8_kernels(isa) != nullptr;
    std::size_t left_out = 0, caught = 0;
    for (std::size_t number = 0; number < 20; ++number) {
      const Walk<float> path = walk<float>(number, true);
      const Walked right = walk_with(path, isa, 1), nothing_moves = walk_with(path, isa, 0);
      EXPECT_EQ(right.wrong, 0u) << path.name;
      left_out += right.left_out > 0;
      caught += nothing_moves.wrong > 0;
    }
    EXPECT_EQ(left_out > 5, in_eight_bits) << to_string(isa) << ": " << left_out;
    EXPECT_EQ(caught > 5, in_eight_bits) << to_string(isa) << ": " << caught;
    if (!in_eight_bits) {
      EXPECT_EQ(left_out + caught, 0u) << to_string(isa);
    }
  }
}

}  // namespace
