// SPDX-License-Identifier: MIT
// Seeding: the same draws everywhere, different samples, no absent ones, and the probabilities of the papers.
#include <gtest/gtest.h>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "core/chi_square.hpp"
#include "core/compare.hpp"
#include "core/data.hpp"
#include "core/oracle.hpp"

namespace {

using omnimeans::Init;
using omnimeans::Matrix;
using omnimeans::SeedingOptions;
using omnimeans::Seeds;

constexpr Init methods[] = {Init::random, Init::kmeans_plus_plus};

template <class T>
class Seeding : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Seeding, Types);

template <class T>
std::vector<T> some_weights(std::size_t n) {
  Random random(77);
  std::vector<T> weights(n);
  for (T& w : weights) w = random.chance(3) ? T(0) : static_cast<T>(random.uniform(0.01, 5));
  return weights;
}

TYPED_TEST(Seeding, DependsOnTheSeedAlone) {
  using T = TypeParam;
  const Matrix<T> samples = blobs<T>(5000, 11, 20, 6, 3);
  for (const Init init : methods) {
    for (const std::vector<T>& weights : {std::vector<T>(), some_weights<T>(5000)}) {
      SeedingOptions options{.n_clusters = 40, .init = init, .seed = 12, .threads = 1, .isa = "scalar"};
      const Seeds<T> reference = omnimeans::seed_centroids(samples, options, weights);
      for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
        for (const int threads : {1, 2, 3, 7}) {
          options.threads = threads;
          options.isa = omnimeans::to_string(isa);
          const Seeds<T> seeds = omnimeans::seed_centroids(samples, options, weights);
          EXPECT_EQ(seeds.indices, reference.indices) << options.isa << ", " << threads << " threads";
          EXPECT_TRUE(same_matrix(seeds.centroids, reference.centroids));
        }
      }
      options.seed = 13;
      EXPECT_NE(omnimeans::seed_centroids(samples, options, weights).indices, reference.indices);
      options.seed = 12;
      options.run = 1;
      EXPECT_NE(omnimeans::seed_centroids(samples, options, weights).indices, reference.indices);
    }
  }
}

TYPED_TEST(Seeding, DrawsDifferentSamplesThatCount) {
  using T = TypeParam;
  const Matrix<T> samples = blobs<T>(60, 3, 5, 9);
  const std::vector<T> weights = some_weights<T>(60);
  const auto positive =
      static_cast<std::size_t>(std::count_if(weights.begin(), weights.end(), [](T w) { return w > 0; }));
  for (const Init init : methods) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
      const std::size_t k = 1 + seed % positive;
      const Seeds<T> seeds =
          omnimeans::seed_centroids(samples, {.n_clusters = k, .init = init, .seed = seed}, weights);
      ASSERT_EQ(seeds.indices.size(), k);
      EXPECT_EQ((std::set<std::size_t>(seeds.indices.begin(), seeds.indices.end()).size()), k);
      for (const std::size_t index : seeds.indices) EXPECT_GT(weights.at(index), 0) << index;
      EXPECT_TRUE(same_matrix(seeds.centroids, take(samples, seeds.indices)));
    }
  }
}

TYPED_TEST(Seeding, PrefersADifferentValue) {
  using T = TypeParam;
  // Six values among 90 samples, one of them in 80: six seeds are the six values, a seventh repeats one.
  Matrix<T> samples(90, 2);
  for (std::size_t i = 0; i < 90; ++i) samples(i, 1) = static_cast<T>(i < 80 ? 0 : i % 5 + 1);
  for (const Init init : methods) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      const Seeds<T> six = omnimeans::seed_centroids(samples, {.n_clusters = 6, .init = init, .seed = seed});
      std::set<T> values;
      for (std::size_t j = 0; j < 6; ++j) values.insert(six.centroids(j, 1));
      EXPECT_EQ(values.size(), 6u) << seed;
      const Seeds<T> nine = omnimeans::seed_centroids(samples, {.n_clusters = 9, .init = init, .seed = seed});
      EXPECT_EQ((std::set<std::size_t>(nine.indices.begin(), nine.indices.end()).size()), 9u);
    }
  }
}

TYPED_TEST(Seeding, CountsDistances) {
  using T = TypeParam;
  const Matrix<T> samples = blobs<T>(500, 3, 5, 9);
  const SeedingOptions options{.n_clusters = 10};
  EXPECT_GE(omnimeans::seed_centroids(samples, options).distances_computed, 9u * 490u);
}

// The laws. A draw is the ordered list of indices; its exact probability is a product of ratios.

using Law =
    std::function<std::vector<double>(const std::vector<std::size_t>& drawn)>;  ///< weights of the next draw

/// Probabilities of all ordered draws of k of n, in lexicographic order of (i_1, ..., i_k) in base n.
std::vector<double> exact_probabilities(std::size_t n, std::size_t k, const Law& law) {
  std::size_t size = 1;
  for (std::size_t j = 0; j < k; ++j) size *= n;
  std::vector<double> probabilities(size);
  std::vector<std::size_t> drawn;
  const std::function<void(double, std::size_t)> visit = [&](double probability, std::size_t code) {
    if (drawn.size() == k) {
      probabilities[code] = probability;
      return;
    }
    const std::vector<double> weights = law(drawn);
    double total = 0;
    for (const double w : weights) total += w;
    for (std::size_t i = 0; i < n; ++i) {
      if (weights[i] == 0) continue;
      drawn.push_back(i);
      visit(probability * weights[i] / total, code * n + i);
      drawn.pop_back();
    }
  };
  visit(1, 0);
  return probabilities;
}

const std::vector<double> positions{0, 1, 3, 7, 7.5};
const std::vector<double> sample_weights{1, 2, 0.5, 1.5, 0};

Law random_law(const std::vector<double>& weights) {
  return [weights](const std::vector<std::size_t>& drawn) {
    std::vector<double> next = weights;
    for (const std::size_t i : drawn) next[i] = 0;
    return next;
  };
}

Law plus_plus_law(const std::vector<double>& weights, double power) {
  return [weights, power](const std::vector<std::size_t>& drawn) {
    std::vector<double> next = weights;
    if (drawn.empty()) return next;
    for (std::size_t i = 0; i < next.size(); ++i) {
      double nearest = 1e300;
      for (const std::size_t j : drawn) nearest = std::min(nearest, std::abs(positions[i] - positions[j]));
      next[i] *= std::pow(nearest, power);
    }
    return next;
  };
}

std::vector<std::size_t> counts_of(Init init, std::size_t k, const std::vector<double>& weights,
                                   std::size_t times) {
  const std::size_t n = positions.size();
  const Matrix<double> samples = matrix<double>(1, positions);
  std::size_t size = 1;
  for (std::size_t j = 0; j < k; ++j) size *= n;
  std::vector<std::size_t> counts(size);
  for (std::uint64_t seed = 0; seed < times; ++seed) {
    const auto seeds = omnimeans::seed_centroids(
        samples, {.n_clusters = k, .init = init, .seed = seed, .threads = 1}, weights);
    std::size_t code = 0;
    for (const std::size_t i : seeds.indices) code = code * n + i;
    ++counts.at(code);
  }
  return counts;
}

constexpr double significance = 1e-6;
constexpr std::size_t draws = 20000;

TEST(SeedingLaw, Random) {
  const std::vector<double> ones(5, 1.0);
  for (const std::vector<double>& weights : {ones, sample_weights}) {
    const auto counts = counts_of(Init::random, 3, weights, draws);
    EXPECT_GT(chi_square_p(counts, exact_probabilities(5, 3, random_law(weights))), significance);
    const std::vector<double> biased{1.2, 2, 0.5, 1.5, 0.5};
    EXPECT_LT(chi_square_p(counts, exact_probabilities(5, 3, random_law(biased))), significance)
        << "a planted bias is caught";
  }
}

TEST(SeedingLaw, KMeansPlusPlus) {
  const std::vector<double> ones(5, 1.0);
  for (const std::vector<double>& weights : {ones, sample_weights}) {
    const auto counts = counts_of(Init::kmeans_plus_plus, 3, weights, draws);
    EXPECT_GT(chi_square_p(counts, exact_probabilities(5, 3, plus_plus_law(weights, 2))), significance);
    EXPECT_LT(chi_square_p(counts, exact_probabilities(5, 3, plus_plus_law(weights, 1.7))), significance)
        << "a planted bias is caught";
    EXPECT_LT(chi_square_p(counts, exact_probabilities(5, 3, random_law(weights))), significance);
  }
}

TEST(SeedingLaw, RestartsAreDrawnByTheSameLaw) {
  std::vector<std::size_t> counts(25);
  const Matrix<double> samples = matrix<double>(1, positions);
  for (std::size_t run = 0; run < draws; ++run) {
    const auto seeds =
        omnimeans::seed_centroids(samples, {.n_clusters = 2, .seed = 5, .run = run, .threads = 1});
    ++counts.at(seeds.indices[0] * 5 + seeds.indices[1]);
  }
  EXPECT_GT(chi_square_p(counts, exact_probabilities(5, 2, plus_plus_law(std::vector<double>(5, 1.0), 2))),
            significance);
}

TEST(SeedingLaw, TheTestKnowsItsTail) {
  // Tables: P(chi2_1 > 3.841459) = 0.05, P(chi2_10 > 29.58830) = 0.001, P(chi2_4 > 0.7107230) = 0.95.
  EXPECT_NEAR(gamma_q(0.5, 3.841459 / 2), 0.05, 1e-6);
  EXPECT_NEAR(gamma_q(5, 29.58830 / 2), 0.001, 1e-7);
  EXPECT_NEAR(gamma_q(2, 0.7107230 / 2), 0.95, 1e-6);
}

}  // namespace
