// SPDX-License-Identifier: MIT
// Backends that begin a run from guessed labels, those of the seeding or any others: the results are the
// bits of naive, and where clusters are apart most distances are spared.
#include <gtest/gtest.h>
#include <array>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include "core/compare.hpp"
#include "core/data.hpp"
#include "core/oracle.hpp"
#include "omnimeans/backend.hpp"

namespace {

using omnimeans::Init;
using omnimeans::Matrix;

constexpr const char* beginners[] = {"hamerly", "exponion", "annulus"};

template <class T>
class GuessedLabels : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(GuessedLabels, Types);

struct Case {
  std::string name;
  std::size_t groups, n_clusters;
  double spread;
  bool whole;  ///< coordinates rounded: duplicates and ties, fewer places than clusters
};

const Case cases[] = {{"apart", 128, 128, 0.02, false},
                      {"overlapping", 20, 128, 3, false},
                      {"few places", 40, 128, 0.01, true},
                      {"ties", 400, 128, 2, true}};

template <class T>
Matrix<T> samples_of(const Case& c, std::size_t n_features = 4) {
  Matrix<T> samples = blobs<T>(2200, n_features, c.groups, 11, c.spread);
  for (std::size_t i = 0; c.whole && i < samples.rows(); ++i) {
    for (T& value : samples.row(i)) value = std::round(value / 2);
  }
  return samples;
}

template <class T>
std::vector<T> some_weights(std::size_t n) {
  Random random(5);
  std::vector<T> weights(n);
  for (T& w : weights) w = random.chance(3) ? T(0) : static_cast<T>(random.uniform(0.1, 4));
  return weights;
}

TYPED_TEST(GuessedLabels, OfTheSeedingGiveTheBitsOfNaive) {
  using T = TypeParam;
  std::vector<std::string> backends{"auto"};  // the others: contract_test
  for (int again = 0; again < 4; ++again) backends.insert(backends.end(), beginners, std::end(beginners));
  for (const Case& c : cases) {
    const Matrix<T> samples = samples_of<T>(c);
    for (const std::vector<T>& weights : {std::vector<T>(), some_weights<T>(samples.rows())}) {
      for (const std::size_t max_iter : {1u, 8u}) {
        omnimeans::Options options{.n_clusters = c.n_clusters, .max_iter = max_iter, .backend = "naive"};
        options.n_init = max_iter == 8 ? 2 : 1;
        const omnimeans::Result<T> naive = omnimeans::fit(samples, options, {weights});
        const std::vector<omnimeans::Isa> isas = omnimeans::usable_isas();
        std::size_t turn = max_iter;
        for (const std::string& backend : backends) {
          options.backend = backend;
          options.threads = std::array{1, 2, 3, 7}[++turn % 4];
          options.isa = omnimeans::to_string(isas[turn / 4 % isas.size()]);
          EXPECT_TRUE(same_result(omnimeans::fit(samples, options, {weights}), naive))
              << c.name << ", " << backend << ", " << options.threads << " threads, " << options.isa;
        }
      }
    }
  }
}

TYPED_TEST(GuessedLabels, SpareDistancesWhereClustersAreApart) {
  using T = TypeParam;
  const Matrix<T> samples = samples_of<T>(cases[0]);
  for (const char* backend : beginners) {
    const omnimeans::Result<T> seeded =
        omnimeans::fit(samples, {.n_clusters = cases[0].n_clusters, .max_iter = 5, .backend = backend});
    ASSERT_GE(seeded.history.size(), 2u);
    EXPECT_EQ(seeded.history[0].backend, "seeding");
    EXPECT_LT(seeded.history[1].distances_computed, samples.rows() * cases[0].n_clusters * 3 / 4) << backend;
  }
}

template <class T>
void expect_no_trust(const Case& c, std::size_t n_features, std::span<const char* const> names) {
  const Matrix<T> samples = samples_of<T>(c, n_features);
  std::vector<std::size_t> rows;
  for (std::size_t j = 0; j < c.n_clusters; ++j) rows.push_back(j * 31 % samples.rows());
  const Matrix<T> centroids = take(samples, rows);
  const std::vector<std::int32_t> right = oracle::labels<T>(samples, centroids);
  const double inertia = oracle::inertia<T>(samples, centroids, right, {});
  Random random(3);
  for (const std::size_t one_wrong_in : {1u, 100u}) {
    for (const char* name : names) {
      const omnimeans::BackendEntry& entry = omnimeans::find_backend(name);
      for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
        const auto backend = entry.make<T>(
            {.samples = samples, .sample_weights = {}, .n_clusters = c.n_clusters, .threads = 2, .isa = isa});
        std::vector<std::int32_t> labels = right;
        for (std::int32_t& label : labels) {
          if (random.chance(one_wrong_in)) label = static_cast<std::int32_t>(random.below(c.n_clusters));
        }
        const omnimeans::AssignmentStats stats =
            backend->assign({.centroids = centroids, .drift = {}, .labels = labels, .guessed = true});
        EXPECT_TRUE(same_labels(labels, right)) << c.name << ", " << entry.info.name;
        EXPECT_GE(stats.inertia_bound, inertia * (1 - 2200 * 0x1p-52)) << c.name << ", " << entry.info.name;
      }
    }
  }
}

TYPED_TEST(GuessedLabels, AreNeverTrusted) {
  for (const Case& c : cases) {
    expect_no_trust<TypeParam>(c, 4, beginners);
    expect_no_trust<TypeParam>(c, 20, std::array{"int8"});
    expect_no_trust<TypeParam>(c, 70, std::array{"prefix"});
  }
}

}  // namespace
