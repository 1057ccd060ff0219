// SPDX-License-Identifier: MIT
// Seeding: the same draws everywhere, different samples, no absent ones, and the probabilities of the papers.
#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "core/compare.hpp"
#include "core/data.hpp"
#include "core/oracle.hpp"

namespace {

using omnimeans::Init;
using omnimeans::Matrix;
using omnimeans::SeedingOptions;
using omnimeans::Seeds;

std::vector<Init> all_methods() {
  std::vector<Init> all;
  for (const omnimeans::SeedingMethod& method : omnimeans::seeding_methods()) all.push_back(method.init);
  return all;
}

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
  for (const Init init : all_methods()) {
    for (const std::vector<T>& weights : {std::vector<T>(), some_weights<T>(5000)}) {
      SeedingOptions options{.n_clusters = 40, .init = init, .seed = 12, .threads = 1, .isa = "scalar"};
      const Seeds<T> reference = omnimeans::seed_centroids(samples, options, weights);
      for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
        for (const int threads : {1, 2, 3, 4, 7}) {
          options.threads = threads;
          options.isa = omnimeans::to_string(isa);
          const Seeds<T> seeds = omnimeans::seed_centroids(samples, options, weights);
          EXPECT_EQ(seeds.indices, reference.indices) << options.isa << ", " << threads << " threads";
          EXPECT_TRUE(same_matrix(seeds.centroids, reference.centroids));
          EXPECT_EQ(seeds.candidates, reference.candidates);
          EXPECT_EQ(seeds.passes, reference.passes);
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
  for (const Init init : all_methods()) {
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
  for (const Init init : all_methods()) {
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

TYPED_TEST(Seeding, LabelsAreTheCanonicalOnes) {
  using T = TypeParam;
  // Once with many samples at the same place and exactly between two others.
  Matrix<T> ties = blobs<T>(2000, 2, 10, 8);
  for (std::size_t i = 0; i < ties.rows(); ++i) {
    for (T& value : ties.row(i)) value = std::floor(value / 4);
  }
  for (const Matrix<T>& samples : {blobs<T>(3000, 17, 20, 4), ties}) {
    for (const std::vector<T>& weights : {std::vector<T>(), some_weights<T>(samples.rows())}) {
      for (const Init init : all_methods()) {
        SCOPED_TRACE(omnimeans::find_seeding_method(init).name);
        SeedingOptions options{.n_clusters = 25, .init = init, .seed = 3, .with_labels = true};
        const Seeds<T> seeds = omnimeans::seed_centroids(samples, options, weights);
        EXPECT_TRUE(same_labels(seeds.labels, oracle::labels<T>(samples, seeds.centroids)));
        EXPECT_EQ(seeds.inertia, oracle::inertia<T>(samples, seeds.centroids, seeds.labels, weights));
        options.with_labels = false;
        const Seeds<T> without = omnimeans::seed_centroids(samples, options, weights);
        EXPECT_EQ(without.indices, seeds.indices) << "labels change no draw";
        EXPECT_TRUE(without.labels.empty());
      }
    }
  }
}

TYPED_TEST(Seeding, CountsPassesAndDistances) {
  using T = TypeParam;
  const Matrix<T> samples = blobs<T>(4000, 9, 50, 9);
  const auto seed = [&](Init init) {
    return omnimeans::seed_centroids(samples, {.n_clusters = 100, .init = init, .with_labels = true});
  };
  constexpr std::uint64_t pairs = 4000u * 100u;
  const Seeds<T> textbook = seed(Init::kmeans_plus_plus_textbook);
  EXPECT_EQ(textbook.passes, 100u);
  EXPECT_EQ(textbook.distances_computed, pairs);
  EXPECT_EQ(textbook.candidates, 100u);
  const Seeds<T> batched = seed(Init::kmeans_plus_plus);
  EXPECT_GE(batched.passes, 2u);
  EXPECT_LE(batched.passes, 20u);
  EXPECT_GE(batched.distances_computed, pairs) << "the last pass has labelled the samples";
  EXPECT_LE(batched.distances_computed, pairs + 2 * batched.passes * 4000u) << "and little more";
  EXPECT_GE(batched.candidates, 100u);
  const Seeds<T> greedy = seed(Init::kmeans_plus_plus_greedy);
  EXPECT_GE(greedy.candidates, 99u * 6u) << "2 + floor(ln 100) trials a centre";
  EXPECT_LT(greedy.passes, 100u);
  EXPECT_EQ(seed(Init::afk_mc2).passes, 2u);
  EXPECT_EQ(seed(Init::kmeans_parallel).passes, 7u);
  EXPECT_EQ(seed(Init::random).passes, 1u) << "of the labels";
  EXPECT_EQ(seed(Init::random).distances_computed >= pairs, true);
}

TYPED_TEST(Seeding, FarthestFirstIsFarthest) {
  using T = TypeParam;
  const Matrix<T> samples = blobs<T>(700, 3, 12, 5);
  const std::vector<T> weights = some_weights<T>(700);
  for (std::uint64_t number = 0; number < 5; ++number) {
    const Seeds<T> seeds = omnimeans::seed_centroids(
        samples, {.n_clusters = 60, .init = Init::farthest_first, .seed = number}, weights);
    std::vector<double> nearest(700, std::numeric_limits<double>::infinity());
    std::size_t expected = seeds.indices[0];
    for (const std::size_t index : seeds.indices) {
      ASSERT_EQ(index, expected);
      for (std::size_t i = 0; i < 700; ++i) {
        nearest[i] =
            weights[i] > 0
                ? std::min(nearest[i], oracle::distance(samples.row(i).data(), samples.row(index).data(), 3))
                : 0;
      }
      expected = static_cast<std::size_t>(std::max_element(nearest.begin(), nearest.end()) - nearest.begin());
    }
  }
}

TYPED_TEST(Seeding, GreedyTakesTheBestOfItsTrials) {
  using T = TypeParam;
  // Forty groups and forty centres: greedy misses fewer of them.
  const Matrix<T> samples = blobs<T>(4000, 5, 40, 6, 0.2);
  double greedy = 0, plain = 0;
  for (std::uint64_t number = 0; number < 10; ++number) {
    SeedingOptions options{.n_clusters = 40, .seed = number, .with_labels = true};
    plain += omnimeans::seed_centroids(samples, options).inertia;
    options.init = Init::kmeans_plus_plus_greedy;
    greedy += omnimeans::seed_centroids(samples, options).inertia;
  }
  EXPECT_LT(greedy, 0.7 * plain);
}

TEST(SeedingOptions, AreChecked) {
  const Matrix<double> samples = blobs<double>(100, 2, 5, 9);
  for (const Init init : all_methods()) {
    if (init == Init::random) continue;
    EXPECT_THROW(
        omnimeans::seed_centroids(samples, {.n_clusters = 5, .init = init, .memory_limit_bytes = 100}),
        omnimeans::MemoryLimitExceeded);
  }
  EXPECT_THROW(omnimeans::seed_centroids(samples, {.n_clusters = 5, .init = static_cast<Init>(99)}),
               omnimeans::InvalidArgument);
  EXPECT_THROW(omnimeans::find_seeding_method("kmeans"), omnimeans::InvalidArgument);
  for (const omnimeans::SeedingMethod& method : omnimeans::seeding_methods())
    EXPECT_EQ(&omnimeans::find_seeding_method(method.name), &method);
  EXPECT_EQ(omnimeans::seeding_methods().front().init, omnimeans::Options().init)
      << "the default comes first";
}

TEST(SeedingLabels, SpareTheFirstAssignment) {
  const Matrix<float> samples = blobs<float>(3000, 12, 20, 5, 3);
  for (const Init init : {Init::kmeans_plus_plus, Init::kmeans_plus_plus_greedy, Init::farthest_first}) {
    for (const std::size_t max_iter : {1u, 2u, 50u}) {
      omnimeans::Options options{.n_clusters = 30, .init = init, .max_iter = max_iter, .backend = "naive"};
      const omnimeans::Result<float> plain = omnimeans::fit(samples, options);
      EXPECT_EQ(plain.history[0].backend, "naive");
      const Seeds<float> seeds =
          omnimeans::seed_centroids(samples, {.n_clusters = 30, .init = init, .with_labels = true});
      for (const std::string& backend : exact_backends()) {
        options.backend = backend;
        const omnimeans::Result<float> result = omnimeans::fit(samples, options);
        EXPECT_TRUE(same_result(result, plain)) << backend;
        EXPECT_EQ(result.backend, backend);
        if (!omnimeans::find_backend(backend).info.vectorised) continue;
        EXPECT_EQ(result.history[0].backend, "seeding");
        EXPECT_EQ(result.history[0].distances_computed, 0u);
        EXPECT_TRUE(result.history[0].inertia_is_exact);
        EXPECT_EQ(result.history[0].inertia_bound, seeds.inertia);
      }
    }
  }
}

}  // namespace
