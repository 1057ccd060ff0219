// SPDX-License-Identifier: MIT
// Bounds in eight bits: for every pair the exact score of the engine's moved values lies between the bound
// and twice what was taken off; so the nearest centroid is always among the candidates. And what is taken off
// is not so much that too little would go unnoticed. The same for a few coordinates in place of all features.
#include <gtest/gtest.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "core/oracle.hpp"
#include "core/random.hpp"
#include "int8_filter.hpp"
#include "kernels/int8_kernels.hpp"

namespace {

using omnimeans::DenseEngine;
using omnimeans::Int8Filter;
using omnimeans::Matrix;

struct Points {
  std::string kind;
  Matrix<float> samples, centroids;
};

/// Samples around an offset; centroids alike, every third a sample, every fifth the one before, some zero.
/// `whole`: small integers, of which eight bits lose nothing.
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
  // Of nothing, and of next to nothing.
  for (std::size_t t = 0; seed % 3 == 0 && t < d; ++t) {
    p.samples(n / 2, t) = 0;
    p.samples(n / 3, t) *= 1e-6f;
  }
  for (std::size_t j = 0; j < k; ++j) {
    const std::size_t sample = random.below(n);
    for (std::size_t t = 0; t < d; ++t)
      p.centroids(j, t) = j % 17 == 16 ? 0
                          : j % 5 == 4 ? p.centroids(j - 1, t)
                          : j % 3 == 2 ? p.samples(sample, t)
                                       : value();
  }
  return p;
}

std::vector<Points> all_points() {
  std::vector<Points> all;
  std::uint64_t seed = 0;
  for (const double scale : {1e-30, 1e-18, 1.0, 1e15}) {
    for (const double offset : {0.0, 3.0, 1e4}) {
      for (const std::size_t d : {1, 2, 3, 4, 5, 16, 17, 33, 63, 64, 65, 130, 257}) {
        ++seed;
        all.push_back(points(20 + seed * 31 % 60, d, 1 + seed * 7 % 80, offset, scale, seed % 4 == 0, seed));
      }
    }
  }
  return all;
}

/// Of all pairs: how many bounds are above the score, how many scores above the upper bound, and how many
/// bounds would be above it if an eighth of what is taken off were; how many candidates there are, and how
/// many by the score of one of them.
struct Found {
  std::size_t above = 0, below = 0, eighth = 0, rows = 0, candidates = 0, fewer = 0;
  std::array<std::size_t, 3> compared{};  ///< rows by what find_near() says of them
};

oracle::Quad dot(const float* a, const float* b, std::size_t d) {
  oracle::Quad sum = 0;
  for (std::size_t t = 0; t < d; ++t) sum += oracle::Quad(a[t]) * oracle::Quad(b[t]);
  return sum;
}

/// A row in eight bits: what is cut off, and the length of the row.
struct Rounded {
  oracle::Quad cut_off, length;
};
Rounded rounded(const omnimeans::kernels::Int8Kernels& kernels, const float* x, std::size_t d,
                const omnimeans::kernels::Int8Limits& limits) {
  const std::size_t stride = (d + 63) / 64 * 64;
  std::vector<std::int8_t> values(stride);
  float scale;
  std::int32_t sum;
  const float cut_off = kernels.quantise(x, d, stride, limits, values.data(), &scale, &sum);
  return {oracle::Quad(cut_off), std::sqrt(static_cast<double>(dot(x, x, d)))};
}

/// That samples which follow each other, listed, have the bounds of `all`.
void check_lists_in_order(Int8Filter& filter, std::size_t n, std::size_t k, const Int8Filter::Scratch& all) {
  for (const auto& [begin, first, count] :
       {std::array{std::size_t{1}, std::size_t{2}, n - 4}, {std::size_t{0}, n - 1, std::size_t{1}}}) {
    std::vector<std::int32_t> listed(count);
    std::iota(listed.begin(), listed.end(), static_cast<std::int32_t>(first));
    Int8Filter::Scratch some;
    filter.find_candidates(begin, listed, some);
    for (std::size_t r = 0; r < count; ++r) {
      const std::size_t i = begin + first + r;
      ASSERT_EQ(some.least[r], all.least[i]) << "i " << i;
      ASSERT_EQ(some.nearest[r], all.nearest[i]) << "i " << i;
      ASSERT_EQ(some.alone[r], all.alone[i]) << "i " << i;
      if (r % 8 != 0) continue;
      const float* bounds = some.bounds.data() + r * filter.bounds_stride();
      std::vector<float> expected(k);
      std::vector<std::int32_t> every(k);
      std::iota(every.begin(), every.end(), 0);
      filter.pair_bounds(i, every, expected.data());
      for (std::size_t j = 0; j < k; ++j) ASSERT_EQ(bounds[j], expected[j]) << "i " << i;
    }
  }
}

/// What find_near() leaves of rows whose labels are `own`, and whose exact scores: of what is far the bound
/// is above the limit, and the nearest centroids are near.
void check_near(const DenseEngine<float>& engine, Int8Filter& filter, const Matrix<float>& samples,
                const Matrix<float>& centroids, const std::vector<std::int32_t>& own,
                const std::vector<std::vector<oracle::Quad>>& scores, Found& found) {
  const std::size_t n = samples.rows(), k = centroids.rows();
  Int8Filter::Scratch scratch;
  const bool compared = filter.find_near({0, n}, own, scratch);
  ASSERT_EQ(compared, k > 48);
  if (!compared) return;
  using omnimeans::kernels::Int8Found;
  std::vector<float> x(engine.padded_features()), bounds(k);
  std::vector<std::int32_t> every(k);
  std::iota(every.begin(), every.end(), 0);
  oracle::Quad sum = 0, weighted = 0;
  std::vector<float> weights(n);
  for (std::size_t i = 0; i < n; ++i) weights[i] = static_cast<float>(i % 3);
  std::size_t pair = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const float* sample = engine.sample(i, x.data());
    std::vector<std::int32_t> near{own[i]};
    if (scratch.near.found[i] == Int8Found::many) {
      const auto some = filter.near_candidates(i, i, own[i], sample, scratch);
      near.assign(some.begin(), some.end());
    }
    for (; scratch.near.found[i] == Int8Found::listed && pair < scratch.near.n_pairs &&
           scratch.near.pair_row.data()[pair] == static_cast<std::int32_t>(i);
         ++pair)
      near.push_back(scratch.near.pair_centroid.data()[pair]);
    ++found.compared[static_cast<std::size_t>(scratch.near.found[i])];
    const oracle::Quad limit = oracle::Quad(scratch.least[i]) + oracle::Quad(scratch.reach[i]),
                       lowest = *std::ranges::min_element(scores[i]), rounding = filter.rounding(i);
    filter.pair_bounds(i, every, bounds.data());
    const std::uint16_t* far = scratch.near.far.data() + i * filter.bounds_stride() / 16;
    for (std::size_t j = 0; j < k; ++j) {
      if ((far[j / 16] >> j % 16 & 1) != 0) {
        ASSERT_GT(oracle::Quad(bounds[j]) + rounding, limit)
            << "centroid " << j << " is not far from sample " << i;
      }
      if (scores[i][j] > lowest) continue;
      ASSERT_TRUE(std::ranges::count(near, static_cast<std::int32_t>(j)) > 0)
          << "the nearest centroid " << j << " of sample " << i << " is not near";
    }
    const oracle::Quad squared =
        squared_distance(samples.row(i), centroids.row(static_cast<std::size_t>(own[i])));
    sum += squared;
    weighted += oracle::Quad(weights[i]) * squared;
  }
  ASSERT_EQ(pair, scratch.near.n_pairs);
  ASSERT_GE(oracle::Quad(filter.own_squares({0, n}, nullptr, scratch)), sum);
  ASSERT_GE(oracle::Quad(filter.own_squares({0, n}, weights.data(), scratch)), weighted);
}

/// The bounds of one step.
void check_step(const DenseEngine<float>& engine, Int8Filter& filter,
                const omnimeans::kernels::Int8Kernels& kernels, const Matrix<float>& samples,
                const Matrix<float>& centroids, Found& found) {
  const std::size_t n = samples.rows(), d = samples.cols(), k = centroids.rows();
  const bool whole = filter.n_values() == d;
  std::vector<float> x(engine.padded_features());
  Int8Filter::Scratch some, all;
  // Labels that are right, and others.
  std::vector<std::int32_t> right(n), others(n);
  std::vector<std::vector<oracle::Quad>> scores(n);
  // Every second sample and the last, counted from the second.
  std::vector<std::int32_t> listed;
  for (std::size_t i = 1; i < n; ++i) {
    if (i % 2 == 0 || i + 1 == n) listed.push_back(static_cast<std::int32_t>(i - 1));
  }
  filter.find_candidates(1, listed, some);
  filter.find_candidates({0, n}, all);
  ASSERT_NO_FATAL_FAILURE(check_lists_in_order(filter, n, k, all));

  std::vector<std::int32_t> every(k);
  for (std::size_t j = 0; j < k; ++j) every[j] = static_cast<std::int32_t>(j);
  std::vector<float> bounds(k);
  std::vector<oracle::Quad> exact(k), half_norms(k);
  std::vector<Rounded> rounded_centroids(k);
  for (std::size_t j = 0; j < k; ++j) {
    const float* centroid = engine.packed_row(j);
    half_norms[j] = dot(centroid, centroid, d) / 2;
    rounded_centroids[j] = rounded(kernels, centroid, d, kernels.centroids);
  }
  for (std::size_t i = 0; i < n; ++i) {
    // What int8_filter.hpp asks of a limit beside its score, and hardly more.
    const double needed = engine.score_margin(i) + 2 * filter.least_error(i);
    ASSERT_GE(static_cast<double>(all.reach[i]), needed) << "i " << i;
    if (needed < 0x1p100) {
      ASSERT_LE(static_cast<double>(all.reach[i]), 1.02 * needed + 0x1p-130) << "i " << i;
    }
    others[i] = static_cast<std::int32_t>(i * 7 % k);
    filter.pair_bounds(i, every, bounds.data());
    const float* sample = engine.sample(i, x.data());
    const Rounded row = rounded(kernels, sample, d, kernels.samples);
    const oracle::Quad rounding = filter.rounding(i);
    for (std::size_t j = 0; j < k; ++j) {
      const Rounded& c = rounded_centroids[j];
      exact[j] = half_norms[j] - dot(sample, engine.packed_row(j), d);
      const oracle::Quad off = row.cut_off * c.length + (row.length + row.cut_off) * c.cut_off;
      const oracle::Quad bound = bounds[j];
      found.above += !(bound - rounding <= exact[j]);
      // Of a prefix other errors and tails are taken off: see principal_prefix_test.cpp.
      found.below += whole && !(exact[j] <= bound + 2 * off * (1 + 1e-3) + rounding);
      found.eighth += whole && !(bound + off * 7 / 8 - rounding <= exact[j]);
    }
    const auto lowest = std::min_element(exact.begin(), exact.end());
    scores[i] = exact;
    right[i] = static_cast<std::int32_t>(lowest - exact.begin());
    const auto check = [&](std::size_t r, Int8Filter::Scratch& scratch) {
      const std::span<const std::int32_t> candidates =
          filter.candidates_below(r, i, scratch.least[r], scratch);
      ASSERT_EQ(scratch.alone[r] != 0, candidates.size() == 1);
      if (candidates.size() == 1) {
        ASSERT_EQ(scratch.nearest[r], candidates[0]);
        // What bytebounds takes for the distance.
        const auto nearest = static_cast<std::size_t>(candidates[0]);
        ASSERT_GE(oracle::Quad(engine.upper_squared(i, scratch.least[r], filter.least_error(i))),
                  squared_distance(samples.row(i), centroids.row(nearest)));
      }
      ASSERT_TRUE(std::is_sorted(candidates.begin(), candidates.end()));
      for (std::size_t j = 0; j < k; ++j) {
        if (exact[j] > *lowest) continue;
        ASSERT_TRUE(std::binary_search(candidates.begin(), candidates.end(), static_cast<std::int32_t>(j)))
            << "the nearest centroid " << j << " of sample " << i << " is no candidate";
      }
      ASSERT_LE(static_cast<double>(*lowest),
                static_cast<double>(scratch.least[r]) + filter.least_error(i) * (1 + 1e-9));
      ++found.rows;
      found.candidates += candidates.size();
      const auto fewer = filter.candidates(r, i, sample, scratch);
      for (std::size_t j = 0; j < k; ++j) {
        if (exact[j] > *lowest) continue;
        ASSERT_TRUE(std::binary_search(fewer.begin(), fewer.end(), static_cast<std::int32_t>(j)));
      }
      found.fewer += fewer.size();
    };
    ASSERT_NO_FATAL_FAILURE(check(i, all));
    const auto place = std::find(listed.begin(), listed.end(), static_cast<std::int32_t>(i) - 1);
    if (place == listed.end()) continue;
    const auto r = static_cast<std::size_t>(place - listed.begin());
    ASSERT_NO_FATAL_FAILURE(check(r, some));
    for (std::size_t j = 0; j < k; ++j)
      ASSERT_EQ(some.bounds.data()[r * filter.bounds_stride() + j], bounds[j]) << "i " << i << ", j " << j;
  }
  for (const auto& own : {right, others})
    ASSERT_NO_FATAL_FAILURE(check_near(engine, filter, samples, centroids, own, scores, found));
}

/// Of a step, or of five: centroids as they are, nearer to a sample, every third on it, all of them, and all
/// where they are.
void check_bounds(const Points& p, omnimeans::Isa isa, const omnimeans::kernels::Int8Kernels& kernels,
                  int threads, Int8Filter::Rows rows, Found& found) {
  const std::size_t n = p.samples.rows(), d = p.samples.cols(), k = p.centroids.rows();
  DenseEngine<float> engine(p.samples.view(), k, isa, threads);
  Int8Filter filter(engine, kernels, n, d, k, threads, rows);
  Matrix<float> centroids = p.centroids;
  const auto move = [&](std::size_t apart, float way) {
    for (std::size_t j = apart - 1; j < k; j += apart) {
      for (std::size_t t = 0; t < d; ++t)
        centroids(j, t) = (1 - way) * p.centroids(j, t) + way * p.samples(0, t);
    }
  };
  for (int step = 0; step < 5; ++step) {
    if (step > 0 && d > 20 && n % 8 != 0) break;
    if (step == 1) move(1, 0.5f);
    if (step == 2) move(3, 1);
    if (step == 3) move(1, 1);
    engine.set_centroids(centroids.view());
    engine.pack_rows();
    filter.set_centroids();
    if (step == 0) {
      Int8Filter::Scratch scratch;
      engine.find_norms({0, n});
      filter.load({0, n / 3}, scratch);
      filter.load({n / 3, n}, scratch);
    }
    ASSERT_NO_FATAL_FAILURE(check_step(engine, filter, kernels, p.samples, centroids, found))
        << "step " << step;
  }
}

TEST(Int8Filter, EveryScoreIsWithinItsBoundsAndTheNearestCentroidIsACandidate) {
  const std::vector<Points> all = all_points();
  for_all_kernels([&](omnimeans::Isa isa, const omnimeans::kernels::Int8Kernels& kernels) {
    for (const auto rows : {Int8Filter::Rows::whole, Int8Filter::Rows::prefix}) {
      const bool whole = rows == Int8Filter::Rows::whole;
      SCOPED_TRACE(whole ? "all features" : "a prefix");
      Found found;
      for (const Points& p : all) {
        if (!whole && omnimeans::PrincipalPrefix::most_values(p.samples.cols()) == 0) continue;
        ASSERT_NO_FATAL_FAILURE(check_bounds(p, isa, kernels, p.samples.rows() % 2 == 0 ? 1 : 3, rows, found))
            << p.kind;
        ASSERT_EQ(found.above + found.below, 0u) << p.kind << ", n " << p.samples.rows() << ", d "
                                                 << p.samples.cols() << ", k " << p.centroids.rows();
      }
      if (whole) {
        EXPECT_GT(found.eighth, 100u);
      }
      for (const std::size_t rows_found : found.compared) EXPECT_GT(rows_found, 20u);
      EXPECT_GT(found.candidates, found.fewer);
      EXPECT_GT(found.fewer, found.rows) << "some rows must have more than one";
    }
  });
}

/// A row of nothing, and one of next to nothing: what is far from the others stays far.
TEST(Int8Filter, RowsOfNothingLeaveTheOthersAsTheyAre) {
  constexpr std::size_t n = 96, d = 64, k = 60;
  Random random(4);
  Matrix<float> samples(n, d), centroids(k, d);
  for (std::size_t j = 0; j < k; ++j) {
    for (float& value : centroids.row(j)) value = static_cast<float>(random.normal());
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t t = 0; t < d; ++t)
      samples(i, t) = centroids(i % k, t) + static_cast<float>(random.normal() / 8);
  }
  for_all_kernels([&](omnimeans::Isa isa, const omnimeans::kernels::Int8Kernels& kernels) {
    std::vector<omnimeans::kernels::Int8Found> before;
    for (const float of_some : {1.0f, 0.0f, 1e-25f, 1e-35f}) {
      Matrix<float> some = samples;
      for (const std::size_t i : {std::size_t{5}, std::size_t{40}}) {
        for (float& value : some.row(i)) value *= of_some;
      }
      DenseEngine<float> engine(some.view(), k, isa, 1);
      Int8Filter filter(engine, kernels, n, d, k, 1, Int8Filter::Rows::whole);
      engine.set_centroids(centroids.view());
      engine.pack_rows();
      filter.set_centroids();
      Int8Filter::Scratch scratch;
      engine.find_norms({0, n});
      filter.load({0, n}, scratch);
      std::vector<std::int32_t> own(n);
      for (std::size_t i = 0; i < n; ++i) own[i] = static_cast<std::int32_t>(i % k);
      ASSERT_TRUE(filter.find_near({0, n}, own, scratch));
      if (before.empty()) before = scratch.near.found;
      for (std::size_t i = 0; i < n; ++i) {
        if (i == 5 || i == 40) continue;
        ASSERT_EQ(scratch.near.found[i], omnimeans::kernels::Int8Found::own) << "i " << i << ", " << of_some;
        ASSERT_EQ(scratch.near.found[i], before[i]) << "i " << i;
      }
    }
  });
}

}  // namespace
