// SPDX-License-Identifier: MIT
// Seeding: every method draws by the law of its paper, weights included. The laws are worked out from the
// papers' text for a few samples; on more of them the accelerated k-means++ is compared with the textbook
// one.
#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/chi_square.hpp"
#include "core/compare.hpp"
#include "core/data.hpp"

namespace {

using omnimeans::Init;
using omnimeans::Matrix;

// A draw is the ordered list of indices; its exact probability is a product of ratios.

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
  // AFK-MC2 approaches this law: on five samples its 200 links leave no difference that a test could see.
  for (const Init init : {Init::kmeans_plus_plus, Init::kmeans_plus_plus_textbook, Init::afk_mc2}) {
    for (const std::vector<double>& weights : {ones, sample_weights}) {
      const auto counts = counts_of(init, 3, weights, draws);
      EXPECT_GT(chi_square_p(counts, exact_probabilities(5, 3, plus_plus_law(weights, 2))), significance);
      EXPECT_LT(chi_square_p(counts, exact_probabilities(5, 3, plus_plus_law(weights, 1.7))), significance)
          << "a planted bias is caught";
      EXPECT_LT(chi_square_p(counts, exact_probabilities(5, 3, random_law(weights))), significance);
    }
  }
}

/// D^2 of every position to the nearest one drawn.
std::vector<double> squared_distances(const std::vector<std::size_t>& drawn) {
  std::vector<double> squared;
  for (const double position : positions) {
    double nearest = 1e300;
    for (const std::size_t j : drawn) nearest = std::min(nearest, std::pow(position - positions[j], 2));
    squared.push_back(nearest);
  }
  return squared;
}

/// Greedy k-means++: after the first, the best of `trials` independent draws by w D^2.
Law greedy_law(const std::vector<double>& weights, std::size_t trials) {
  return [weights, trials](const std::vector<std::size_t>& drawn) {
    if (drawn.empty()) return weights;
    const std::size_t n = weights.size();
    const std::vector<double> squared = squared_distances(drawn);
    std::vector<double> probability(n), gain(n, 0), best(n, 0);
    double total = 0;
    for (std::size_t i = 0; i < n; ++i) total += probability[i] = weights[i] * squared[i];
    for (std::size_t y = 0; y < n; ++y) {
      probability[y] /= total;
      for (std::size_t i = 0; i < n; ++i)
        gain[y] += weights[i] * std::max(0.0, squared[i] - std::pow(positions[i] - positions[y], 2));
    }
    // The largest gain of L draws is at most g with probability P(gain <= g)^L; of equals the first counts,
    // which any of them is as likely as it is drawn.
    for (std::size_t y = 0; y < n; ++y) {
      double below = 0, equal = 0;
      for (std::size_t i = 0; i < n; ++i) {
        if (gain[i] < gain[y]) below += probability[i];
        if (gain[i] == gain[y]) equal += probability[i];
      }
      if (equal == 0) continue;
      const double l = static_cast<double>(trials);
      best[y] = (std::pow(below + equal, l) - std::pow(below, l)) * probability[y] / equal;
    }
    return best;
  };
}

TEST(SeedingLaw, GreedyKMeansPlusPlus) {
  const std::vector<double> ones(5, 1.0);
  for (const std::vector<double>& weights : {ones, sample_weights}) {
    const auto counts = counts_of(Init::kmeans_plus_plus_greedy, 3, weights, draws);
    EXPECT_GT(chi_square_p(counts, exact_probabilities(5, 3, greedy_law(weights, 3))), significance)
        << "2 + floor(ln 3) trials";
    EXPECT_LT(chi_square_p(counts, exact_probabilities(5, 3, greedy_law(weights, 2))), significance)
        << "a trial less is noticed";
    EXPECT_LT(chi_square_p(counts, exact_probabilities(5, 3, plus_plus_law(weights, 2))), significance);
  }
}

/// k-means|| for k = 2: the probability of each set of candidates (as bits) after five rounds with l = 1,
/// then greedy k-means++ among them, weighted by the weight of the samples nearest to each; where only one is
/// left, D^2 sampling from the samples.
std::vector<double> scalable_probabilities(const std::vector<double>& weights) {
  const std::size_t n = weights.size(), sets = std::size_t{1} << n;
  const auto members = [&](std::size_t set) {
    std::vector<std::size_t> list;
    for (std::size_t i = 0; i < n; ++i) {
      if ((set >> i & 1) != 0) list.push_back(i);
    }
    return list;
  };
  double weight_sum = 0;
  for (const double w : weights) weight_sum += w;
  std::vector<double> probability(sets, 0);
  for (std::size_t i = 0; i < n; ++i) probability[std::size_t{1} << i] = weights[i] / weight_sum;
  for (int round = 0; round < 5; ++round) {
    std::vector<double> next(sets, 0);
    for (std::size_t set = 1; set < sets; ++set) {
      if (probability[set] == 0) continue;
      const std::vector<double> squared = squared_distances(members(set));
      double phi = 0;
      for (std::size_t i = 0; i < n; ++i) phi += weights[i] * squared[i];
      for (std::size_t joined = 0; joined < sets; ++joined) {
        double p = probability[set];
        for (std::size_t i = 0; i < n; ++i) {
          const double join = phi > 0 ? std::min(1.0, weights[i] * squared[i] / phi) : 0;
          p *= (joined >> i & 1) != 0 ? join : 1 - join;
        }
        next[set | joined] += p;
      }
    }
    probability = next;
  }
  std::vector<double> result(n * n, 0);
  for (std::size_t set = 1; set < sets; ++set) {
    if (probability[set] == 0) continue;
    const std::vector<std::size_t> candidates = members(set);
    std::vector<double> shares(n, 0);
    for (std::size_t i = 0; i < n; ++i) {
      std::size_t nearest = candidates[0];
      for (const std::size_t c : candidates) {
        if (std::abs(positions[i] - positions[c]) < std::abs(positions[i] - positions[nearest])) nearest = c;
      }
      shares[nearest] += weights[i];
    }
    // 2 + floor(ln 2) trials.
    const Law law = candidates.size() > 1 ? greedy_law(shares, 2) : plus_plus_law(weights, 2);
    for (std::size_t first = 0; first < n; ++first) {
      if (shares[first] == 0) continue;
      const std::vector<double> second = law({first});
      double total = 0;
      for (const double p : second) total += p;
      for (std::size_t j = 0; j < n; ++j)
        result[first * n + j] += probability[set] * shares[first] / weight_sum * second[j] / total;
    }
  }
  return result;
}

TEST(SeedingLaw, ScalableKMeansPlusPlus) {
  const std::vector<double> ones(5, 1.0);
  for (const std::vector<double>& weights : {ones, sample_weights}) {
    const auto counts = counts_of(Init::kmeans_parallel, 2, weights, draws);
    EXPECT_GT(chi_square_p(counts, scalable_probabilities(weights)), significance);
    EXPECT_LT(chi_square_p(counts, exact_probabilities(5, 2, plus_plus_law(weights, 2))), significance);
  }
}

/// Samples enough for batches, refreshes and groups of candidates: which sample is the last of twelve?
TEST(SeedingLaw, BatchesDrawAsTheTextbookDoes) {
  const Matrix<double> samples = blobs<double>(60, 2, 6, 4, 0.7);
  std::vector<double> weights(60);
  Random random(31);
  for (double& w : weights) w = random.uniform(0.2, 3);
  constexpr std::size_t times = 15000;
  const auto last_of = [&](Init init, std::uint64_t first_seed) {
    std::vector<std::size_t> counts(60);
    for (std::uint64_t seed = first_seed; seed < first_seed + times; ++seed) {
      ++counts[omnimeans::seed_centroids(
                   samples, {.n_clusters = 12, .init = init, .seed = seed, .threads = 1}, weights)
                   .indices.back()];
    }
    return counts;
  };
  const auto textbook = last_of(Init::kmeans_plus_plus_textbook, 0);
  EXPECT_GT(two_sample_p(last_of(Init::kmeans_plus_plus, 0), textbook), significance);
  EXPECT_GT(two_sample_p(last_of(Init::kmeans_plus_plus_textbook, times), textbook), significance);
  EXPECT_LT(two_sample_p(last_of(Init::kmeans_plus_plus_greedy, 0), textbook), significance)
      << "another law is told from it";
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
