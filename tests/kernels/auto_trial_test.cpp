// SPDX-License-Identifier: MIT
// What auto goes back to after a trial has missed the steps of the trial: it must not believe what it knew
// before. Driven by hand, for which trial fails is a matter of the clock: centroids at rest make gap's steps
// nearly free, then they jump while bytes are on trial.
#include <gtest/gtest.h>
#include <cstdint>
#include <string>
#include <vector>

#include "backends/auto.hpp"
#include "core/compare.hpp"
#include "core/oracle.hpp"
#include "core/walks.hpp"
#include "kernels/int16.hpp"
#include "kernels/int8.hpp"
#include "omnimeans/fit.hpp"

namespace {

using omnimeans::Matrix;

/// k samples from `first` on.
Matrix<float> some_of(const Matrix<float>& samples, std::size_t first, std::size_t k) {
  Matrix<float> some(k, samples.cols());
  for (std::size_t j = 0; j < k; ++j) {
    for (std::size_t t = 0; t < samples.cols(); ++t) some(j, t) = samples(first + j, t);
  }
  return some;
}

TEST(AutoTrial, WhatWasKeptAsideBeginsAnew) {
  constexpr std::size_t n = 2400, d = 23, k = 1100;  // so few samples: below 24 features no eight bits
  const omnimeans::Isa isa = omnimeans::usable_isas().back();
  const std::size_t first_trial = omnimeans::kernels::has_fast_int16(isa) ? 10 : 6;
  Random random(1);
  Walk<float> walk;
  walk.samples = Matrix<float>(n, d);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t t = 0; t < d; ++t) walk.samples(i, t) = static_cast<float>(random.normal());
  }
  walk.centroids.assign(first_trial, some_of(walk.samples, 0, k));
  for (const std::size_t first : {600, 1300, 1300}) walk.centroids.push_back(some_of(walk.samples, first, k));
  for (std::size_t step = 0; step < 6; ++step) walk.centroids.push_back(moved(walk, 5, random));

  const auto backend = omnimeans::algorithms::automatic().make<float>(problem_of(walk, 2, isa));
  std::vector<std::int32_t> labels(n, -1), expected;
  std::string ran;
  for (std::size_t step = 0; step < walk.centroids.size(); ++step) {
    const Matrix<float>& centroids = walk.centroids[step];
    std::vector<double> drift;
    if (step > 0) drift = drift_of(centroids, walk.centroids[step - 1]);
    if (step == 0 || centroids != walk.centroids[step - 1])
      expected = oracle::labels<float>(walk.samples.view(), centroids.view());
    const auto stats = backend->assign({.centroids = centroids.view(), .drift = drift, .labels = labels});
    ran += std::string(stats.backend) + " ";
    ASSERT_EQ(labels, expected) << "step " << step << ", of " << ran;
  }
  // Without products of bytes so few pairs get no trial.
  if (omnimeans::kernels::int8_kernels(isa) == nullptr) GTEST_SKIP();
  EXPECT_NE(ran.find("bytebounds gap"), std::string::npos) << ran;
}

/// Who labelled in which step of 20, at most.
std::vector<std::string> backends_over(std::size_t n, float large) {
  // One large feature: eight bits of a row say little of the others, which tell its clusters apart.
  Random random(2);
  Matrix<float> points(n, 64);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t t = 0; t < 64; ++t) points(i, t) = static_cast<float>(random.normal());
    points(i, 0) = i % 2 == 0 ? large : -large;
  }
  omnimeans::Options options;
  options.n_clusters = 256;
  options.init = omnimeans::Init::random;
  options.max_iter = 20;
  options.tol = 0;
  options.threads = 2;
  const auto result = omnimeans::fit(points.view(), options);
  options.backend = "simd";
  EXPECT_TRUE(same_result(result, omnimeans::fit(points.view(), options)));
  std::vector<std::string> backends;
  for (const auto& step : result.history) backends.emplace_back(step.backend);
  return backends;
}

TEST(AutoTrial, ManyCandidatesOfEightBitsGiveGapsAnEarlyOne) {
  const omnimeans::Isa isa = omnimeans::default_isa();
  const bool eight_bits =
      omnimeans::kernels::has_fast_int16(isa) && omnimeans::kernels::int8_kernels(isa) != nullptr;
  const auto many = backends_over(6000, 300);
  ASSERT_GT(many.size(), 3u);
  EXPECT_EQ(many[2], eight_bits ? "int8" : "gap");
  EXPECT_EQ(many[3], "gap");
  for (const auto& few : {backends_over(6000, 3), backends_over(4000, 300)}) {
    ASSERT_GT(few.size(), 10u);
    EXPECT_EQ(few[3], eight_bits ? "int8" : "gap");
    EXPECT_EQ(few[10], eight_bits ? "int8" : "gap") << "late, of few samples";
  }
}

}  // namespace
