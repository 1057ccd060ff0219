// SPDX-License-Identifier: MIT
// The error bound of scores in eight bits: for every pair the score is within error(i) of the exact one of
// the engine's moved values; and the bound is not so wide that a wrong one would go unnoticed.
#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/oracle.hpp"
#include "core/random.hpp"
#include "int8_filter.hpp"

namespace {

using omnimeans::DenseEngine;
using omnimeans::Int8Filter;
using omnimeans::Matrix;

struct Points {
  std::string kind;
  Matrix<float> samples, centroids;
};

/// Samples around an offset; centroids alike, every third a sample, every fifth the one before. `whole`:
/// small integers, of which eight bits lose nothing.
Points points(std::size_t n, std::size_t d, std::size_t k, double offset, double scale, bool whole,
              std::uint64_t seed) {
  Random random(seed);
  Points p{"offset " + std::to_string(offset) + ", scale " + std::to_string(std::log10(scale)) +
               (whole ? ", whole" : ""),
           Matrix<float>(n, d), Matrix<float>(k, d)};
  const auto value = [&] {
    const double noise = whole ? static_cast<double>(random.below(9)) - 4 : random.normal();
    return static_cast<float>(scale * (offset + noise));
  };
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t t = 0; t < d; ++t) p.samples(i, t) = value();
    if (whole) p.samples(i, 0) = static_cast<float>(scale * (offset + 127));
  }
  for (std::size_t j = 0; j < k; ++j) {
    const std::size_t sample = random.below(n);
    for (std::size_t t = 0; t < d; ++t)
      p.centroids(j, t) = j % 5 == 4 ? p.centroids(j - 1, t) : j % 3 == 2 ? p.samples(sample, t) : value();
  }
  return p;
}

std::vector<Points> all_points() {
  std::vector<Points> all;
  std::uint64_t seed = 0;
  for (const double scale : {1e-30, 1e-18, 1.0, 1e15}) {
    for (const double offset : {0.0, 3.0, 1e4}) {
      for (const std::size_t d : {1, 2, 3, 4, 5, 16, 17, 63, 64, 65, 130, 257}) {
        ++seed;
        all.push_back(points(20 + seed * 31 % 60, d, 1 + seed * 7 % 50, offset, scale, seed % 4 == 0, seed));
      }
    }
  }
  return all;
}

/// Of the scores of all pairs, by tiles and by pairs: how many are off by more than the bound, and by more
/// than an eighth of it.
struct Violations {
  std::size_t of_tiles = 0, of_pairs = 0, eighth_of_tiles = 0, eighth_of_pairs = 0;
};

void count_violations(const Points& p, omnimeans::Isa isa, const omnimeans::kernels::Int8Kernels& kernels,
                      int threads, Violations& found) {
  const std::size_t n = p.samples.rows(), d = p.samples.cols(), k = p.centroids.rows();
  DenseEngine<float> engine(p.samples.view(), k, isa, threads);
  engine.set_centroids(p.centroids.view());
  engine.pack_rows();
  engine.find_norms({0, n});
  Int8Filter filter(engine, kernels, n, d, k, threads);
  filter.set_centroids();
  std::vector<float> x(engine.padded_features());
  for (std::size_t i = 0; i < n; ++i) filter.load(i, engine.sample(i, x.data()));

  // Every second sample and the last, counted from the second.
  std::vector<std::int32_t> listed;
  for (std::size_t i = 1; i < n; ++i) {
    if (i % 2 == 0 || i + 1 == n) listed.push_back(static_cast<std::int32_t>(i - 1));
  }
  Int8Filter::Scratch scratch;
  filter.score(1, listed, scratch);

  std::vector<std::int32_t> every(k);
  for (std::size_t j = 0; j < k; ++j) every[j] = static_cast<std::int32_t>(j);
  std::vector<float> scores(k);
  for (std::size_t i = 0; i < n; ++i) {
    filter.score_pairs(i, every, scores.data());
    const auto place = std::find(listed.begin(), listed.end(), static_cast<std::int32_t>(i) - 1);
    const float* tile = place == listed.end()
                            ? nullptr
                            : scratch.scores.data() +
                                  static_cast<std::size_t>(place - listed.begin()) * filter.scores_stride();
    const float* sample = engine.sample(i, x.data());
    const oracle::Quad bound = filter.error(i);
    for (std::size_t j = 0; j < k; ++j) {
      const float* centroid = engine.packed_row(j);
      oracle::Quad squared = 0, product = 0;
      for (std::size_t t = 0; t < d; ++t) {
        squared += oracle::Quad(centroid[t]) * oracle::Quad(centroid[t]);
        product += oracle::Quad(sample[t]) * oracle::Quad(centroid[t]);
      }
      const oracle::Quad exact = squared / 2 - product;
      const auto beyond = [&](float score, oracle::Quad most) {
        const oracle::Quad error = oracle::Quad(score) - exact;
        return !(error <= most && -error <= most);
      };
      found.of_pairs += beyond(scores[j], bound);
      found.eighth_of_pairs += beyond(scores[j], bound / 8);
      if (tile == nullptr) continue;
      found.of_tiles += beyond(tile[j], bound);
      found.eighth_of_tiles += beyond(tile[j], bound / 8);
    }
  }
}

/// Calls body(isa, kernels) for the plain loops and for what this CPU has.
template <class Body>
void for_all_kernels(Body&& body) {
  for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
    const auto* own = omnimeans::kernels::int8_kernels(isa);
    SCOPED_TRACE(std::string(to_string(isa)));
    body(isa, omnimeans::kernels::plain_int8_kernels());
    if (own != nullptr) {
      SCOPED_TRACE("its own kernels");
      body(isa, *own);
    }
  }
}

TEST(Int8Filter, EveryScoreIsWithinTheErrorBoundAndAnEighthOfItWouldBeTooLittle) {
  const std::vector<Points> all = all_points();
  for_all_kernels([&](omnimeans::Isa isa, const omnimeans::kernels::Int8Kernels& kernels) {
    Violations found;
    for (const Points& p : all) {
      count_violations(p, isa, kernels, p.samples.rows() % 2 == 0 ? 1 : 3, found);
      ASSERT_EQ(found.of_pairs + found.of_tiles, 0u) << p.kind << ", n " << p.samples.rows() << ", d "
                                                     << p.samples.cols() << ", k " << p.centroids.rows();
    }
    EXPECT_GT(found.eighth_of_pairs, 100u);
    EXPECT_GT(found.eighth_of_tiles, 100u);
  });
}

}  // namespace
