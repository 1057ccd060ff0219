// SPDX-License-Identifier: MIT
// blockbounds: its labels are the oracle's after every step, whatever moves; every bound that its kernel
// writes holds in long double. That a wrong bound would show is tested, too: told of too small a drift,
// labels go wrong, and many a bound two words higher would be wrong.
#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "core/oracle.hpp"
#include "kernels/guarded.hpp"
#include "kernels/moving_centroids.hpp"
#include "kernels/shapes.hpp"

namespace {

using omnimeans::Matrix;
using omnimeans::kernels::block_samples;
using omnimeans::kernels::BlockLabels;
using omnimeans::kernels::BlockTask;
using omnimeans::kernels::Kernels;
using Wide = long double;

template <class T>
class BlockBounds : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(BlockBounds, Types);

TYPED_TEST(BlockBounds, LabelsAreTheOraclesWhateverMoves) {
  expect_oracle_labels<TypeParam>("blockbounds", {{3000, 2, 40},
                                                  {6000, 1, 9},
                                                  {2500, 3, 120},
                                                  {1500, 8, 70},
                                                  {500, 17, 5},
                                                  {300, 150, 40},
                                                  {60, 2, 60},
                                                  {20, 2, 3},
                                                  {4000, 2, 1}});
}

TYPED_TEST(BlockBounds, SkipsMostDistances) {
  using T = TypeParam;
  const Matrix<T> samples = data<T>("uniform", 20000, 4, 1);
  std::uint64_t distances = 0;
  ASSERT_EQ(
      wrong_labels<T>("blockbounds", samples, 100, 1, 1, 1, omnimeans::default_isa(), false, &distances), 0u);
  EXPECT_LT(distances, 13 * samples.rows() * 100 / 3);
}

TYPED_TEST(BlockBounds, TooSmallADriftShows) {
  expect_wrong_labels_without_drift<TypeParam>("blockbounds");
}

/// Bounds last for epochs of some 16,000 words. Centroids that walk to and fro come to 100,000: if no epoch
/// ended, all bounds would be used up.
TYPED_TEST(BlockBounds, EpochsEnd) {
  using T = TypeParam;
  const Matrix<T> samples = data<T>("uniform", 2000, 3, 4);
  Matrix<T> centroids(30, 3);
  for (std::size_t j = 0; j < centroids.rows(); ++j)
    std::ranges::copy(samples.row(50 * j), centroids.row(j).begin());
  const auto backend = omnimeans::find_backend("blockbounds")
                           .make<T>({.samples = samples.view(),
                                     .sample_weights = {},
                                     .n_clusters = centroids.rows(),
                                     .threads = 2,
                                     .isa = omnimeans::default_isa()});
  std::vector<std::int32_t> labels(samples.rows(), -1);
  std::vector<double> drift;
  for (int step = 0; step < 300; ++step) {
    const auto stats = backend->assign({.centroids = centroids.view(), .drift = drift, .labels = labels});
    if (step > 0) {
      ASSERT_LT(stats.distances_computed, samples.rows() * centroids.rows() / 2) << "step " << step;
    }
    ASSERT_EQ(labels, oracle::labels<T>(samples.view(), centroids.view())) << "step " << step;
    const Matrix<T> before = centroids;
    for (std::size_t j = 0; j < centroids.rows(); ++j)
      centroids(j, j % 3) += static_cast<T>(step % 2 == 0 ? 0.02 : -0.02);
    drift = drift_of(before, centroids);
  }
}

/// A block and the centroids listed for it, between guard pages.
template <class T>
struct Block {
  Shape shape;
  bool centred, beyond;  ///< the second: scores prove nothing
  std::vector<std::int32_t> listed;
  Guarded<T> samples, rows, half_norms, offset, moved, scores, path;
  Guarded<std::int32_t> index, before, labels;
  Guarded<std::uint16_t> words;
  BlockTask<T> task;

  Block(Shape s, Random& random, Placement place)
      : shape(s),
        centred(random.chance(2)),
        beyond(random.chance(16)),
        listed(list(s.k, random)),
        samples(random_values<T>(random, s.d * block_samples, -1, 1), place),
        rows(random_values<T>(random, s.k * s.d, -1, 1), place),
        half_norms(s.k, place),
        offset(random_values<T>(random, s.d, -1, 1), place),
        moved(s.d * block_samples, place),
        scores((listed.size() + block_samples) * block_samples, place),
        path(random_values<T>(random, s.k, 0, 50), place),
        index(padded(listed), place),
        before(std::vector<std::int32_t>(block_samples), place),
        labels(block_samples, place),
        words(std::vector<std::uint16_t>(s.k, 7), place) {
    const double eps = static_cast<double>(std::numeric_limits<T>::epsilon()), d = static_cast<double>(s.d);
    for (std::size_t j = 0; j < s.k; ++j) {
      double half = 0;
      for (std::size_t t = 0; t < s.d; ++t) half += square(static_cast<double>(rows.data()[j * s.d + t])) / 2;
      half_norms.data()[j] = static_cast<T>(half);
    }
    task = {.samples = samples.data(),
            .count = 1 + random.below(block_samples),
            .n_features = s.d,
            .offset = centred ? offset.data() : nullptr,
            .scale = centred ? T(0.5) : T(1),
            .moved = moved.data(),
            .rows = rows.data(),
            .row_stride = s.d,
            .half_norms = half_norms.data(),
            .index = index.data(),
            .n_listed = listed.size(),
            .margin0 = static_cast<T>((d + 30) * eps * 4 * d),
            .margin1 = static_cast<T>((d + 30) * eps * 4 * std::sqrt(d)),
            .margin2 = static_cast<T>(eps),
            .norm_limit = beyond ? T(0) : T(1e15),
            .norm_factor = static_cast<T>(1 + (d + 20) * eps),
            .reach_slack = static_cast<T>((d + 20) * eps),
            .scores = scores.data(),
            .units = random.chance(4) ? T(1e5) : T(100),
            .reach_units = random.chance(2) ? T(5) : T(0),
            .guard = T(0.0625),
            .path = path.data(),
            .own_path = T(20),
            .words = words.data(),
            .before = before.data(),
            .labels = labels.data()};
    for (std::size_t r = 0; r < block_samples; ++r) before.data()[r] = listed[random.below(listed.size())];
    // Samples that do not count are copies of the first.
    for (std::size_t v = 0; v < s.d * block_samples; ++v) {
      if (v % block_samples >= task.count)
        samples.data()[v] = samples.data()[v / block_samples * block_samples];
    }
  }

  static double square(double a) { return a * a; }
  static std::vector<std::int32_t> list(std::size_t k, Random& random) {
    std::vector<std::int32_t> listed;
    for (std::size_t j = 0; j < k; ++j) {
      if (random.chance(2)) listed.push_back(static_cast<std::int32_t>(j));
    }
    if (listed.empty()) listed.push_back(static_cast<std::int32_t>(random.below(k)));
    return listed;
  }
  static std::vector<std::int32_t> padded(std::vector<std::int32_t> listed) {
    listed.insert(listed.end(), block_samples, listed.back());
    return listed;
  }
  bool intact() { return moved.intact() && scores.intact() && labels.intact() && words.intact(); }

  Wide distance(std::size_t r, std::int32_t j) {
    Wide sum = 0;
    for (std::size_t t = 0; t < shape.d; ++t) {
      T x = samples.data()[t * block_samples + r];
      if (centred) x = (x - offset.data()[t]) * task.scale;
      const Wide by = Wide(x) - Wide(rows.data()[static_cast<std::size_t>(j) * shape.d + t]);
      sum += by * by;
    }
    return sum;
  }
};

TYPED_TEST(BlockBounds, BoundsHoldAndLabelsAreNearest) {
  using T = TypeParam;
  for (const auto* table : usable_tables()) {
    SCOPED_TRACE(std::string(omnimeans::to_string(table->isa)));
    const Kernels<T>& kernels = table->of<T>();
    std::size_t bounds = 0, wrong_if_higher = 0, open = 0, labelled = 0;
    Random random(12);
    for (const Shape& shape : swept_shapes()) {
      for (const Placement place : edges()) {
        Block<T> block(shape, random, place);
        const BlockLabels out = kernels.block(block.task);
        ASSERT_TRUE(block.intact());
        SCOPED_TRACE("d " + std::to_string(shape.d) + ", k " + std::to_string(shape.k) + ", listed " +
                     std::to_string(block.listed.size()) + ", count " + std::to_string(block.task.count));
        ASSERT_EQ(out.open >> block.task.count, 0u);
        ASSERT_EQ(out.changed >> block.task.count, 0u);
        std::vector<Wide> own(block.task.count);
        for (std::size_t r = 0; r < own.size(); ++r) {
          std::int32_t nearest = block.listed[0];
          for (const std::int32_t j : block.listed) {
            if (block.distance(r, j) < block.distance(r, nearest)) nearest = j;
          }
          own[r] = std::sqrt(block.distance(r, nearest));
          if ((out.open >> r & 1) != 0) {
            open += !block.beyond;
            continue;
          }
          ASSERT_FALSE(block.beyond && block.listed.size() > 1);
          ++labelled;
          ASSERT_EQ(block.labels.data()[r], nearest) << "sample " << r;
          ASSERT_EQ(out.changed >> r & 1, nearest != block.before.data()[r] ? 1u : 0u);
        }
        for (const std::int32_t j : block.listed) {
          const auto at = static_cast<std::size_t>(j);
          Wide gap = 1e9;
          for (std::size_t r = 0; r < own.size(); ++r)
            gap = std::min(gap, std::sqrt(block.distance(r, j)) - own[r]);
          const Wide units = static_cast<Wide>(block.task.units);
          const Wide bound = (Wide(block.words.data()[at]) - Wide(block.path.data()[at]) - 20) / units;
          ASSERT_LE(bound, gap) << "centroid " << j;
          if (block.beyond) {
            ASSERT_EQ(block.words.data()[at], 0);
          }
          if (block.beyond || block.task.reach_units > 0) continue;
          ++bounds;
          wrong_if_higher += bound + 2 / units > gap;
        }
        for (std::size_t j = 0; j < shape.k; ++j) {
          if (std::ranges::find(block.listed, static_cast<std::int32_t>(j)) == block.listed.end()) {
            ASSERT_EQ(block.words.data()[j], 7) << "not listed, not written";
          }
        }
      }
    }
    EXPECT_LT(open, labelled / 100);
    EXPECT_GT(wrong_if_higher, bounds / 100) << "bounds are far from where they could be wrong";
  }
}

TYPED_TEST(BlockBounds, OpenWordsAreThoseOfAPlainLoop) {
  using T = TypeParam;
  for (const auto* table : usable_tables()) {
    SCOPED_TRACE(std::string(omnimeans::to_string(table->isa)));
    const Kernels<T>& kernels = table->of<T>();
    Random random(5);
    for (std::size_t n = 64; n <= 64 * 70; n += n < 400 ? 64 : 64 * 17) {
      for (const std::uint16_t own : {0, 1, 300, 40000, 65535}) {
        for (const Placement place : edges()) {
          std::vector<std::uint16_t> bounds, moves;
          for (std::size_t j = 0; j < n; ++j) {
            const std::uint64_t range = random.chance(3) ? 4 : random.chance(2) ? 700 : 65536;
            bounds.push_back(static_cast<std::uint16_t>(65535 - random.below(range) * (random.bits() % 2)));
            moves.push_back(static_cast<std::uint16_t>(random.below(range)));
            if (random.chance(2)) bounds.back() = static_cast<std::uint16_t>(random.below(range));
          }
          Guarded<std::uint16_t> words(bounds, place), drift(moves, place);
          std::vector<std::int32_t> listed(n + 16), expected;
          const std::size_t count = kernels.open_words(words.data(), drift.data(), own, n, listed.data());
          listed.resize(count);
          kernels.lower_words(words.data(), drift.data(), own, n);
          ASSERT_TRUE(words.intact());
          for (std::size_t j = 0; j < n; ++j) {
            const unsigned sum = std::min(65535u, unsigned{moves[j]} + own);
            if (bounds[j] <= sum) expected.push_back(static_cast<std::int32_t>(j));
            ASSERT_EQ(words.data()[j], bounds[j] > sum ? bounds[j] - sum : 0) << "n " << n << ", j " << j;
          }
          ASSERT_EQ(listed, expected) << "n " << n << ", own " << own;
        }
      }
    }
  }
}

}  // namespace
