// SPDX-License-Identifier: MIT
// The kernels of blocks of samples, in float, double and sixteen bits, against guard pages: samples are
// moved, scaled and rounded as they say; labels are the nearest centroids; every bound that they write holds
// in long double, and many a bound two words higher would be wrong.
#include <gtest/gtest.h>
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/oracle.hpp"
#include "kernels/guarded.hpp"
#include "kernels/int16.hpp"
#include "kernels/shapes.hpp"

namespace {

using omnimeans::kernels::BlockKernels;
using omnimeans::kernels::BlockLabels;
using omnimeans::kernels::BlockStart;
using omnimeans::kernels::BlockTask;
using omnimeans::kernels::Kernels;
using Wide = long double;

template <class T>
class BlockKernel : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(BlockKernel, Types);

/// What makes and labels blocks: in float or double, or in sixteen bits.
template <class T>
struct Tested : BlockKernels<T> {
  bool in_int16 = false;
};

/// A block and the centroids listed for it, between guard pages.
template <class T>
struct Block {
  Shape shape;
  Tested<T> kernels;
  std::size_t block_samples;
  bool beyond;           ///< scores prove nothing
  std::size_t count;     ///< of samples
  std::size_t n_values;  ///< words, in sixteen bits
  T unit;                ///< in sixteen bits: sums of d products fit thirty bits
  std::vector<std::int32_t> listed;
  Guarded<T> values, offset, samples, norms, centroids, rows, half_norms, scores, path;
  Guarded<std::int32_t> index, near, before, labels;
  Guarded<std::uint16_t> words;
  BlockStart<T> start;
  omnimeans::kernels::BlockStarted<T> started;
  BlockTask<T> task;

  Block(Shape s, Tested<T> k, Random& random, Placement place)
      : shape(s),
        kernels(k),
        block_samples(k.rows),
        beyond(random.chance(16)),
        count(1 + random.below(block_samples)),
        n_values(k.in_int16 ? (s.d + 1) / 2 : s.d),
        unit(static_cast<T>(s.d < 40 ? 1.0 / 8192 : 1.0 / 2048)),
        listed(list(s.k, random)),
        values(random_values<T>(random, s.d * block_samples, -1, 1), place),
        offset(random.chance(2) ? random_values<T>(random, s.d, -1, 1) : std::vector<T>(s.d), place),
        samples(n_values * block_samples, place),
        norms(block_samples, place),
        centroids(random_values<T>(random, s.k * s.d, -1, 1), place),
        rows(s.k * n_values, place),
        half_norms(s.k, place),
        scores((listed.size() + block_samples) * block_samples, place),
        path(random_values<T>(random, s.k, 0, 50), place),
        index(padded(listed, k.rows), place),
        near(listed.size(), place),
        before(block_samples, place),
        labels(block_samples, place),
        words(std::vector<std::uint16_t>(s.k, 7), place) {
    // Samples that do not count are copies of the first.
    for (std::size_t v = 0; v < s.d * block_samples; ++v) {
      if (v % block_samples >= count) values.data()[v] = values.data()[v / block_samples * block_samples];
    }
    const double eps = static_cast<double>(std::numeric_limits<T>::epsilon()), d = static_cast<double>(s.d);
    start = {.values = values.data(),
             .n_features = s.d,
             .offset = offset.data(),
             .scale = T(0.5),
             .inverse_unit = 1 / unit,
             .samples = samples.data(),
             .norm_floor = 0,
             .norm_factor = static_cast<T>(1 + (d + 20) * eps),
             .norms = norms.data()};
    started = kernels.start(start);
    pack_centroids();
    // In float: of sums of d products of values up to 1. In sixteen bits: both are off by half a unit a
    // value.
    const double margin =
        kernels.in_int16 ? 2 * static_cast<double>(unit) * d + 1e-5 * d : (d + 30) * eps * 8 * d;
    task = {.samples = samples.data(),
            .count = count,
            .n_features = n_values,
            .norms = norms.data(),
            .rows = rows.data(),
            .row_stride = n_values,
            .half_norms = half_norms.data(),
            .unit = kernels.in_int16 ? unit * unit : T(1),
            .index = index.data(),
            .n_listed = listed.size(),
            .margin = beyond ? std::numeric_limits<T>::infinity() : static_cast<T>(margin),
            .scores = scores.data(),
            .near = near.data(),
            .units = random.chance(4) ? T(1e5) : T(100),
            .reach_units = random.chance(2) ? T(5) : T(0),
            .guard = T(0.0625),
            .path = path.data(),
            .own_path = T(20),
            .words = words.data(),
            .before = before.data(),
            .labels = labels.data()};
    for (std::size_t r = 0; r < block_samples; ++r) before.data()[r] = listed[random.below(listed.size())];
  }

  void pack_centroids() {
    for (std::size_t j = 0; j < shape.k; ++j) {
      double half = 0;
      for (std::size_t t = 0; t < shape.d; ++t) half += square(static_cast<double>(centroid(j, t))) / 2;
      if constexpr (sizeof(T) == sizeof(float)) {
        if (kernels.in_int16) {
          const auto integer = [&](std::size_t t) {
            return t < shape.d ? static_cast<std::uint16_t>(-std::lround(centroid(j, t) / unit)) : 0u;
          };
          for (std::size_t w = 0; w < n_values; ++w)
            rows.data()[j * n_values + w] = std::bit_cast<float>(integer(2 * w) | integer(2 * w + 1) << 16);
          half_norms.data()[j] =
              std::bit_cast<float>(omnimeans::kernels::int16_base +
                                   static_cast<std::int32_t>(std::lround(half / square(double{unit}))));
          continue;
        }
      }
      std::copy_n(&centroids.data()[j * shape.d], shape.d, &rows.data()[j * shape.d]);
      half_norms.data()[j] = static_cast<T>(half);
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
  static std::vector<std::int32_t> padded(std::vector<std::int32_t> listed, std::size_t block_samples) {
    listed.insert(listed.end(), block_samples, listed.back());
    return listed;
  }
  bool intact() {
    return samples.intact() && norms.intact() && scores.intact() && near.intact() && labels.intact() &&
           words.intact();
  }

  T centroid(std::size_t j, std::size_t t) { return centroids.data()[j * shape.d + t]; }
  T value(std::size_t r, std::size_t t) {
    return (values.data()[t * block_samples + r] - offset.data()[t]) * start.scale;
  }
  Wide distance(std::size_t r, std::int32_t j) {
    Wide sum = 0;
    for (std::size_t t = 0; t < shape.d; ++t) {
      const Wide by = Wide(value(r, t)) - Wide(centroid(static_cast<std::size_t>(j), t));
      sum += by * by;
    }
    return sum;
  }
};

/// Of every instruction set of this CPU; plain ones, too.
template <class T>
std::vector<std::pair<std::string, Tested<T>>> usable_block_kernels() {
  std::vector<std::pair<std::string, Tested<T>>> all;
  const auto add = [&](const std::string& name, const auto& kernels, bool in_int16) {
    for (const BlockKernels<T>& of : {kernels.blocks_of_32, kernels.blocks_of_64})
      all.push_back({name + ", blocks of " + std::to_string(of.rows), {of, in_int16}});
  };
  for (const auto* table : usable_tables()) {
    const std::string name(omnimeans::to_string(table->isa));
    add(name, table->of<T>(), false);
    if constexpr (sizeof(T) == sizeof(float)) {
      const auto* rounded = table->isa == omnimeans::Isa::scalar
                                ? &omnimeans::kernels::plain_int16_kernels()
                                : omnimeans::kernels::int16_kernels(table->isa);
      if (rounded != nullptr) add(name + " in sixteen bits", *rounded, true);
    }
  }
  return all;
}

TYPED_TEST(BlockKernel, SamplesAreMovedScaledAndRounded) {
  using T = TypeParam;
  for (const auto& [name, kernels] : usable_block_kernels<T>()) {
    SCOPED_TRACE(name);
    Random random(3);
    for (const Shape& shape : swept_shapes()) {
      for (const Placement place : edges()) {
        Block<T> block(shape, kernels, random, place);
        const std::size_t block_samples = kernels.rows;
        ASSERT_TRUE(block.samples.intact() && block.norms.intact());
        Wide longest = 0, residual = 0;
        std::vector<Wide> left_of;
        for (std::size_t r = 0; r < block_samples; ++r) {
          Wide square = 0, left = 0;
          for (std::size_t t = 0; t < shape.d; ++t) {
            const T value = block.value(r, t);
            square += Wide(value) * Wide(value);
            if constexpr (sizeof(T) == sizeof(float)) {
              if (kernels.in_int16) {
                const auto word =
                    std::bit_cast<std::uint32_t>(block.samples.data()[t / 2 * block_samples + r]);
                const auto integer = static_cast<std::int16_t>(word >> (t % 2 * 16) & 0xffff);
                const Wide off = Wide(value) / Wide(block.unit) - integer;
                ASSERT_LE(std::abs(off), 0.501) << "sample " << r << ", feature " << t;
                left += off * off;
                continue;
              }
            }
            ASSERT_EQ(block.samples.data()[t * block_samples + r], value);
          }
          const Wide norm = Wide(block.norms.data()[r]);
          ASSERT_GE(norm, std::sqrt(square));
          ASSERT_LE(norm, std::sqrt(square) * (1 + 1e-2L) + 1e-9L);
          longest = std::max(longest, norm);
          residual = std::max(residual, left);
          left_of.push_back(left);
        }
        ASSERT_EQ(Wide(block.started.longest), longest);
        // Of some samples: as many are too long.
        block.start.norm_limit = block.norms.data()[0];
        Wide of_short = 0;
        for (std::size_t r = 0; r < block_samples; ++r) {
          if (block.norms.data()[r] < block.start.norm_limit) of_short = std::max(of_short, left_of[r]);
        }
        ASSERT_NEAR(static_cast<double>(kernels.start(block.start).residual), static_cast<double>(of_short),
                    1e-3 * static_cast<double>(of_short));
        ASSERT_NEAR(static_cast<double>(block.started.residual), static_cast<double>(residual),
                    1e-3 * static_cast<double>(residual));
      }
    }
  }
}

TYPED_TEST(BlockKernel, BoundsHoldAndLabelsAreNearest) {
  using T = TypeParam;
  for (const auto& [name, kernels] : usable_block_kernels<T>()) {
    SCOPED_TRACE(name);
    std::size_t bounds = 0, wrong_if_higher = 0, open = 0, labelled = 0, near = 0, listed = 0;
    Random random(12);
    for (const Shape& shape : swept_shapes()) {
      for (const Placement place : edges()) {
        Block<T> block(shape, kernels, random, place);
        const BlockLabels out = kernels.label(block.task);
        ASSERT_TRUE(block.intact());
        SCOPED_TRACE("d " + std::to_string(shape.d) + ", k " + std::to_string(shape.k) + ", listed " +
                     std::to_string(block.listed.size()) + ", count " + std::to_string(block.count));
        const std::uint64_t absent = block.count == 64 ? 0 : ~std::uint64_t{0} << block.count;
        ASSERT_EQ(out.open & absent, 0u);
        ASSERT_EQ(out.changed & absent, 0u);
        std::set<std::int32_t> candidates;
        for (std::size_t c = 0; c < out.n_near; ++c)
          candidates.insert(block.listed[static_cast<std::size_t>(block.near.data()[c])]);
        ASSERT_EQ(candidates.size(), out.n_near);
        near += out.n_near;
        listed += block.listed.size();
        std::vector<Wide> own(block.count);
        for (std::size_t r = 0; r < own.size(); ++r) {
          std::int32_t nearest = block.listed[0];
          for (const std::int32_t j : block.listed) {
            if (block.distance(r, j) < block.distance(r, nearest)) nearest = j;
          }
          own[r] = std::sqrt(block.distance(r, nearest));
          ASSERT_TRUE(candidates.contains(nearest)) << "sample " << r;
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
    // What is no number bounds nothing.
    Block<T> block({40, 3, 20}, kernels, random, edges()[0]);
    for (std::size_t j = 0; j < 20; ++j) block.path.data()[j] = std::numeric_limits<T>::quiet_NaN();
    kernels.label(block.task);
    for (const std::int32_t j : block.listed) EXPECT_EQ(block.words.data()[static_cast<std::size_t>(j)], 0);
    // In sixteen bits the margin here is the worst case of rounding.
    if (!kernels.in_int16) {
      EXPECT_LT(open, labelled / 100);
      EXPECT_GT(wrong_if_higher, bounds / 100) << "bounds are far from where they could be wrong";
    }
    EXPECT_LT(open, labelled / 10);
    EXPECT_LT(near, 2 * listed / 3) << "all centroids are near";
  }
}

TYPED_TEST(BlockKernel, OpenWordsAreThoseOfAPlainLoop) {
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
