// SPDX-License-Identifier: MIT
// kdtree's bounds: its labels are the oracle's after every step, whatever moves. That a wrong bound would
// show is tested, too: told of too small a drift, or with boxes made too small, labels go wrong.
#include <gtest/gtest.h>
#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "aligned_buffer.hpp"
#include "core/compare.hpp"
#include "core/data.hpp"
#include "core/oracle.hpp"
#include "kernels/guarded.hpp"
#include "kernels/moving_centroids.hpp"
#include "kernels/shapes.hpp"

namespace {

using omnimeans::Matrix;

template <class T>
class KdTree : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(KdTree, Types);

TYPED_TEST(KdTree, LabelsAreTheOraclesWhateverMoves) {
  expect_oracle_labels<TypeParam>("kdtree", {{3000, 2, 40},
                                             {6000, 1, 9},
                                             {2500, 3, 120},
                                             {1500, 8, 30},
                                             {500, 17, 5},
                                             {60, 2, 60},
                                             {20, 2, 3},
                                             {4000, 2, 1}});
}

TYPED_TEST(KdTree, SkipsMostDistances) {
  using T = TypeParam;
  const Matrix<T> samples = data<T>("uniform", 20000, 2, 1);
  std::uint64_t distances = 0;
  ASSERT_EQ(wrong_labels<T>("kdtree", samples, 50, 1, 1, 1, omnimeans::default_isa(), false, &distances), 0u);
  EXPECT_LT(distances, 13 * samples.rows() * 50 / 4);
}

TYPED_TEST(KdTree, TooSmallADriftShows) {
  expect_wrong_labels_without_drift<TypeParam>("kdtree");
}

/// The filter of a box against all of the box's points that were tried. Buffers end at guard pages.
template <class T>
std::size_t dropped_though_nearest(const omnimeans::kernels::Kernels<T>& kernels, std::size_t k,
                                   std::size_t d, std::uint64_t seed, Placement place, double box_factor) {
  Random random(seed);
  const std::size_t lanes = kernels.lanes, stride = (k + lanes - 1) / lanes * lanes;
  std::vector<T> c = random_values<T>(random, d * stride, -2, 2), centre = random_values<T>(random, d, -1, 1);
  std::vector<T> half = random_values<T>(random, d, 0, 1), twice(d);
  for (std::size_t t = 0; t < d; ++t)
    twice[t] = static_cast<T>(2 * box_factor * static_cast<double>(half[t]));
  std::vector<std::int32_t> index(stride, -1);
  for (std::size_t j = 0; j < k; ++j) index[j] = static_cast<std::int32_t>(3 * j + 1);
  Guarded<T> in(c, place), middle(centre, place), twice_half(twice, place), out(d * stride, place),
      half_norms(stride, place), squared(stride, place), nearest(d, place);
  Guarded<std::int32_t> in_index(index, place), out_index(stride, place);
  const T eps = std::numeric_limits<T>::epsilon();
  omnimeans::kernels::BoxFilter<T> task;
  task.in = {in.data(), in_index.data(), k, stride};
  task.n_features = d;
  task.centre = middle.data();
  task.twice_half = twice_half.data();
  task.margin_factor = 100 * static_cast<T>(d) * eps;
  task.margin_floor = 100 * static_cast<T>(d * d) * eps;
  task.limit = T(1e30);
  task.relative = seed % 2 == 0;
  task.out = out.data();
  task.out_stride = stride;
  task.out_index = out_index.data();
  task.half_norms = half_norms.data();
  task.squared = squared.data();
  task.nearest = nearest.data();
  const auto filtered = kernels.box_filter(task);
  EXPECT_TRUE(out.intact() && half_norms.intact() && squared.intact() && nearest.intact() &&
              out_index.intact());
  EXPECT_GE(filtered.count, 1u);
  std::vector<bool> left(k, false);
  double largest = 0;
  for (std::size_t o = 0; o < filtered.count; ++o) {
    const auto j = static_cast<std::size_t>(out_index.data()[o] - 1) / 3;
    EXPECT_TRUE(o == 0 || out_index.data()[o - 1] < out_index.data()[o]) << "ascending";
    left[j] = true;
    double norm = 0;
    for (std::size_t t = 0; t < d; ++t) {
      const T value = c[t * stride + j], a = value - centre[t];
      EXPECT_EQ(out.data()[t * stride + o], task.relative ? a : value);
      norm += static_cast<double>(a) * static_cast<double>(a);
    }
    largest = std::max(largest, norm);
    if (task.relative) {
      EXPECT_NEAR(static_cast<double>(half_norms.data()[o]), norm / 2,
                  4 * static_cast<double>(d) * static_cast<double>(eps) * norm);
    }
  }
  if (task.relative) {
    EXPECT_NEAR(static_cast<double>(filtered.largest), largest,
                8 * static_cast<double>(d) * static_cast<double>(eps) * largest);
  }
  // Corners and points inside.
  std::size_t wrong = 0;
  std::vector<double> x(d), distance(k);
  for (int point = 0; point < 40; ++point) {
    for (std::size_t t = 0; t < d; ++t) {
      const double place_in_box = point % 2 == 0 ? (random.chance(2) ? 1.0 : -1.0) : random.uniform(-1, 1);
      x[t] = static_cast<double>(centre[t]) + place_in_box * static_cast<double>(half[t]);
    }
    for (std::size_t j = 0; j < k; ++j) {
      distance[j] = 0;
      for (std::size_t t = 0; t < d; ++t) {
        const double by = x[t] - static_cast<double>(c[t * stride + j]);
        distance[j] += by * by;
      }
    }
    const auto best =
        static_cast<std::size_t>(std::min_element(distance.begin(), distance.end()) - distance.begin());
    wrong += !left[best];
    if (box_factor < 1) continue;
    for (std::size_t j = 0; j < k; ++j) {
      EXPECT_TRUE(left[j] || distance[j] - distance[best] >= static_cast<double>(filtered.least_excess))
          << "the least excess is one";
    }
  }
  return wrong;
}

TYPED_TEST(KdTree, FilterNeverDropsANearestAndASmallerBoxWould) {
  using T = TypeParam;
  for (const auto* table : usable_tables()) {
    SCOPED_TRACE(std::string(omnimeans::to_string(table->isa)));
    const auto& kernels = table->of<T>();
    std::size_t with_smaller_box = 0;
    std::uint64_t seed = 0;
    for (const std::size_t d : {1, 2, 3, 5, 8, 17, 33}) {
      for (std::size_t k = 1; k <= 70; k += k < 20 ? 1 : 7) {
        for (const Placement place : edges()) {
          ASSERT_EQ(dropped_though_nearest<T>(kernels, k, d, ++seed, place, 1), 0u)
              << "k " << k << ", d " << d;
          with_smaller_box += dropped_though_nearest<T>(kernels, k, d, seed, place, 0.5);
        }
      }
    }
    EXPECT_GT(with_smaller_box, 0u) << "the points do not show a wrong box";
  }
}

/// Samples of a leaf that move, some the same way, against sums one by one.
TYPED_TEST(KdTree, SumsOfALeafAreThoseOfItsSamples) {
  using T = TypeParam;
  for (const auto* table : usable_tables()) {
    SCOPED_TRACE(std::string(omnimeans::to_string(table->isa)));
    const auto& kernels = table->of<T>();
    for (const std::size_t d : {1, 2, 3, 8, 19}) {
      for (const std::size_t stride : {std::size_t{8}, kernels.leaf_rows, std::size_t{64}}) {
        for (const std::size_t ways : {1, 2, 5, 40}) {
          for (const Placement place : edges()) {
            Random random(1000 * d + 10 * stride + ways);
            constexpr std::size_t k = 6;
            const std::size_t sums_stride = (d + 7) / 8 * 8;
            const std::uint64_t all = stride == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << stride) - 1;
            const std::uint64_t rows = ways == 40 ? all : all & random.bits();
            std::vector<std::int32_t> old(stride), now(stride);
            for (std::size_t r = 0; r < stride; ++r) {
              const auto way = static_cast<std::int32_t>(random.below(ways));
              old[r] = way % 7 - 1;
              now[r] = (way + 3) % 6;
            }
            const std::vector<double> magic_values(sums_stride, 0x1.8p30);
            Guarded<T> values(random_values<T>(random, d * stride, -1, 1), place);
            Guarded<std::int32_t> from(old, place), to(now, place);
            Guarded<double> magic(magic_values, place);
            Guarded<std::uint64_t> sums(std::vector<std::uint64_t>(k * sums_stride, 11), place);
            Guarded<std::int64_t> counts(std::vector<std::int64_t>(k, 100), place);
            std::vector<std::uint64_t> expected(k * sums_stride, 11);
            std::vector<std::int64_t> expected_counts(k, 100);
            for (std::size_t r = 0; r < stride; ++r) {
              if ((rows >> r & 1) == 0) continue;
              const auto add = [&](std::int32_t j, std::int64_t sign) {
                if (j < 0) return;
                expected_counts[static_cast<std::size_t>(j)] += sign;
                for (std::size_t t = 0; t < d; ++t) {
                  const double moved = static_cast<double>(values.data()[t * stride + r]) + magic_values[t];
                  expected[static_cast<std::size_t>(j) * sums_stride + t] +=
                      static_cast<std::uint64_t>(sign) * std::bit_cast<std::uint64_t>(moved);
                }
              };
              add(now[r], 1);
              add(old[r], -1);
            }
            kernels.account_leaf({values.data(), stride, d, rows, from.data(), to.data(), magic.data(),
                                  sums.data(), sums_stride, counts.data()});
            ASSERT_EQ(sums.values(), expected) << "d " << d << ", stride " << stride << ", ways " << ways;
            ASSERT_EQ(counts.values(), expected_counts);
            ASSERT_TRUE(sums.intact() && counts.intact());
          }
        }
      }
    }
  }
}

TYPED_TEST(KdTree, LeafLabelsWithinGuardPages) {
  using T = TypeParam;
  for (const auto* table : usable_tables()) {
    SCOPED_TRACE(std::string(omnimeans::to_string(table->isa)));
    const auto& kernels = table->of<T>();
    const std::size_t rows = kernels.leaf_rows, lanes = kernels.lanes;
    std::size_t proved = 0;
    for (const std::size_t d : {1, 2, 3, 8, 19}) {
      for (std::size_t k = 2; k <= 20; ++k) {
        for (const Placement place : edges()) {
          Random random(100 * d + k);
          const std::size_t stride = (k + lanes - 1) / lanes * lanes, count = 1 + random.below(rows);
          const std::vector<T> x = random_values<T>(random, d * rows, -1, 1),
                               c = random_values<T>(random, d * stride, -1, 1);
          std::vector<T> norms(stride, 0);
          std::vector<std::int32_t> index(stride), old(rows);
          for (std::size_t j = 0; j < k; ++j) {
            index[j] = static_cast<std::int32_t>(5 * j + 2);
            for (std::size_t t = 0; t < d; ++t) norms[j] += c[t * stride + j] * c[t * stride + j] / 2;
          }
          for (auto& label : old) label = index[random.below(k)];
          // The leaf lies elsewhere; moved back by the same arithmetic.
          const std::vector<T> shift(d, T(8));
          const T scale = random.one_of({T(1), T(0.25)});
          std::vector<T> elsewhere(x.size()), near(x.size());
          for (std::size_t i = 0; i < x.size(); ++i) {
            elsewhere[i] = x[i] / scale + T(8);
            near[i] = (elsewhere[i] - T(8)) * scale;
          }
          Guarded<T> samples(elsewhere, place), centre(shift, place), centroids(c, place),
              half_norms(norms, place);
          omnimeans::AlignedBuffer<T> relative(d * rows);
          Guarded<std::int32_t> which(index, place), before(old, place), labels(rows, place);
          omnimeans::kernels::LeafTask<T> task;
          task.samples = samples.data();
          task.centre = centre.data();
          task.scale = scale;
          task.relative = relative.data();
          task.count = count;
          task.n_features = d;
          task.centroids = centroids.data();
          task.n_centroids = k;
          task.stride = stride;
          task.half_norms = half_norms.data();
          task.index = which.data();
          task.margin = static_cast<T>(100 * d) * std::numeric_limits<T>::epsilon();
          task.before = before.data();
          task.labels = labels.data();
          const auto out = kernels.leaf(task);
          ASSERT_TRUE(labels.intact());
          double least_gap = std::numeric_limits<double>::infinity();
          for (std::size_t r = 0; r < 64; ++r) {
            const bool open = out.open >> r & 1, changed = out.changed >> r & 1;
            if (r >= count) {
              ASSERT_FALSE(open || changed);
              continue;
            }
            std::vector<double> score(k, 0);
            for (std::size_t j = 0; j < k; ++j) {
              for (std::size_t t = 0; t < d; ++t) {
                const double v = static_cast<double>(c[t * stride + j]);
                score[j] += v * (v / 2 - static_cast<double>(near[t * rows + r]));
              }
            }
            const auto lowest =
                static_cast<std::size_t>(std::min_element(score.begin(), score.end()) - score.begin());
            std::vector<double> sorted = score;
            std::sort(sorted.begin(), sorted.end());
            least_gap = std::min(least_gap, sorted[1] - sorted[0]);
            ASSERT_EQ(changed, labels.data()[r] != old[r]);
            if (open) continue;
            ++proved;
            ASSERT_EQ(labels.data()[r], index[lowest]);
          }
          ASSERT_NEAR(static_cast<double>(out.least_gap), least_gap, static_cast<double>(task.margin));
        }
      }
    }
    EXPECT_GT(proved, 1000u);
  }
}

}  // namespace
