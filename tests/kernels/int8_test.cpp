// SPDX-License-Identifier: MIT
// Bounds in eight bits: every implementation gives the bits of the plain loops, and touches nothing beside
// its buffers. The plain loops themselves are held against sums in 64 bits and in quadruple precision.
#include <gtest/gtest.h>
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "aligned_buffer.hpp"
#include "core/compare.hpp"
#include "core/oracle.hpp"
#include "kernels/guarded.hpp"
#include "kernels/int8.hpp"
#include "kernels/int8_bytes.hpp"
#include "kernels/packing.hpp"
#include "kernels/shapes.hpp"

namespace {

/// What lowest() must find of row i, in its own words: the lanes' two lowest by sorting.
void check_lowest(const Bytes8& b, std::size_t i, bool tails, float reach, float least, std::int32_t nearest,
                  bool alone, const float* lanes) {
  std::size_t lowest = 0;
  for (std::size_t j = 1; j < b.vectors * int8_lanes; ++j) {
    if (b.tagged(i, j) < b.tagged(i, lowest)) lowest = j;
  }
  float width =
      std::fma(b.row_length[i], b.centroid_cut_off[lowest], b.row_cut_off[i] * b.centroid_length[lowest]);
  if (tails) width = std::fma(b.row_tail[i], b.centroid_tail[lowest], width);
  ASSERT_PRED2(same_bits<float>, least, b.tagged(i, lowest) + 2 * width) << "i " << i;
  ASSERT_EQ(nearest, static_cast<std::int32_t>(lowest));
  std::size_t near = 0;
  for (std::size_t lane = 0; lane < int8_lanes; ++lane) {
    std::vector<float> of_lane;
    for (std::size_t j = lane; j < b.vectors * int8_lanes; j += int8_lanes) of_lane.push_back(b.tagged(i, j));
    // A lane of one has the largest float beside it.
    of_lane.push_back(std::numeric_limits<float>::max());
    std::sort(of_lane.begin(), of_lane.end());
    ASSERT_PRED2(same_bits<float>, lanes[lane], of_lane[0]) << "i " << i << ", lane " << lane;
    ASSERT_PRED2(same_bits<float>, lanes[int8_lanes + lane], of_lane[1]) << "i " << i << ", lane " << lane;
    for (const float bound : {of_lane[0], of_lane[1]}) near += bound <= least + reach;
  }
  ASSERT_EQ(alone, near == 1) << "i " << i << ", reach " << reach;
}

/// Lowest bounds, all bounds and listed ones of `b`, by `kernels`.
void check_bounds(const Int8Kernels& kernels, const Bytes8& b, Placement place, Random& random) {
  const bool tails = random.chance(2);
  const Guarded8 guarded(b, place, tails);
  const Int8Centroids& centroids = guarded.centroids;
  const Int8Rows& samples = guarded.samples;
  const std::size_t width = b.vectors * int8_lanes, out_stride = width + random.below(3);
  std::vector<float> far(b.n);
  for (float& reach : far)
    reach = random.chance(8) ? std::numeric_limits<float>::infinity()
                             : static_cast<float>(random.uniform(0, random.one_of({1.0, 1e2, 1e4})));
  Guarded<float> reach(far, place), least(b.n, place), out((b.n - 1) * out_stride + width, place),
      lanes(b.n * 2 * int8_lanes, place);
  Guarded<std::int32_t> nearest(b.n, place);
  Guarded<std::uint8_t> alone(b.n, place);
  for (const bool every : {false, true}) {
    kernels.lowest(centroids, samples,
                   {reach.data(), least.data(), nearest.data(), alone.data(), lanes.data(),
                    every ? out.data() : nullptr, out_stride});
    for (std::size_t i = 0; i < b.n; ++i) {
      ASSERT_NO_FATAL_FAILURE(check_lowest(b, i, tails, far[i], least.data()[i], nearest.data()[i],
                                           alone.data()[i] != 0, lanes.data() + i * 2 * int8_lanes))
          << "n " << b.n << ", d " << b.d << ", k " << b.k;
      for (std::size_t j = 0; every && j < width; ++j) {
        ASSERT_PRED2(same_bits<float>, out.data()[i * out_stride + j], b.expected(i, j))
            << "n " << b.n << ", d " << b.d << ", k " << b.k << ", i " << i << ", j " << j;
      }
    }
  }
  ASSERT_TRUE(least.intact() && out.intact() && lanes.intact() && nearest.intact() && alone.intact());

  for (const std::size_t n_listed : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{4},
                                     std::size_t{5}, 6 + random.below(20)}) {
    std::vector<std::int32_t> some(n_listed);
    for (std::int32_t& j : some) j = static_cast<std::int32_t>(random.below(b.k));
    some[random.below(n_listed)] = static_cast<std::int32_t>(width - 1);  // the last row, against the guard
    Guarded<std::int32_t> places(some, place);
    Guarded<float> listed(n_listed, place);
    const std::size_t i = random.chance(3) ? b.n - 1 : random.below(b.n);
    kernels.listed_bounds(centroids, samples, i, places.data(), n_listed, listed.data());
    for (std::size_t o = 0; o < n_listed; ++o) {
      ASSERT_PRED2(same_bits<float>, listed.data()[o], b.expected(i, static_cast<std::size_t>(some[o])))
          << "n " << b.n << ", d " << b.d << ", k " << b.k << ", o " << o << " of " << n_listed;
    }
    ASSERT_TRUE(listed.intact());
  }
}

TEST(Int8, BoundsAndTheLowestAreThoseOfThePlainLoops) {
  for (const Named& each : usable_int8()) {
    SCOPED_TRACE(each.name);
    std::uint64_t seed = 0;
    for (const Shape& shape : int8_shapes()) {
      for (const Placement place : edges()) {
        Random random(++seed);
        const Bytes8 bytes(shape.n, shape.d, shape.k, *each.kernels, random);
        ASSERT_NO_FATAL_FAILURE(check_bounds(*each.kernels, bytes, place, random));
      }
    }
    for (const Placement place : all_gaps(4)) {
      for (const std::size_t n : {16, 45}) {
        Random random(++seed);
        const Bytes8 bytes(n, 37, 35, *each.kernels, random);
        ASSERT_NO_FATAL_FAILURE(check_bounds(*each.kernels, bytes, place, random));
      }
    }
  }
}

/// The largest values, every product of the same sign: no sum on the way may overflow, in the longest rows
/// none of 32 bits.
TEST(Int8, TheLargestValuesDoNotOverflow) {
  for (const Named& each : usable_int8()) {
    SCOPED_TRACE(each.name);
    for (const int sign : {1, -1}) {
      Random random(1);
      for (const std::size_t d : {std::size_t{31}, std::size_t{64}, std::size_t{100}, int8_longest}) {
        for (const std::size_t n : {10, 42}) {  // rows of all tiles
          const Bytes8 bytes(n, d, 18, *each.kernels, random, sign);
          ASSERT_NO_FATAL_FAILURE(check_bounds(*each.kernels, bytes, {true, 0}, random));
        }
      }
    }
  }
}

TEST(Int8, ARowIsRoundedCoarserOnlyWhereItsSquaresAreAboveTheLimit) {
  for (const std::int32_t most : {16383, 65536}) {
    for (const std::int32_t squares : {0, most / 2, most}) EXPECT_EQ(int8_coarser(squares, most), 1);
    for (const std::int32_t squares : {most + 1, 2 * most, 32 * int8_range * int8_range}) {
      // Half a unit for each of 32 values, before and after.
      const double length =
          (std::sqrt(squares) + std::sqrt(8)) / static_cast<double>(int8_coarser(squares, most));
      EXPECT_LE(length + std::sqrt(8), std::sqrt(most)) << squares;
      EXPECT_GE(length + std::sqrt(8), std::sqrt(most) * 0.999) << squares;
    }
  }
}

std::vector<std::vector<float>> rows_to_round(std::size_t d, Random& random) {
  std::vector<std::vector<float>> rows;
  for (const double scale : {1.0, 1e-20, 1e-29, 1.2e-28, 1e-36, 1e-42, 1e18, 1e30, 3e38})
    rows.push_back(random_values<float>(random, d, -scale, scale));
  rows.emplace_back(d, 0.0f);
  rows.emplace_back(d, -0.0f);
  rows.emplace_back(d, 3.7f);
  rows.emplace_back(d, -std::numeric_limits<float>::max());
  rows.emplace_back(d, std::numeric_limits<float>::denorm_min());
  // Halves: the scale is 1, and every rounding a tie.
  std::vector<float> halves(d, 127.0f);
  for (std::size_t t = 1; t < d; ++t) halves[t] = static_cast<float>(random.below(254)) - 126.5f;
  rows.push_back(halves);
  // One large value among small ones, last.
  std::vector<float> spike = random_values<float>(random, d, -1e-3, 1e-3);
  spike.back() = -8;
  rows.push_back(spike);
  // One half of the last chunk alone is flat.
  std::vector<float> half(d, 0.01f);
  for (std::size_t t = (d - 1) / int8_chunk * int8_chunk; t < d; ++t) half[t] = t % 4 < 2 ? 0.02f : -9.0f;
  rows.push_back(half);
  return rows;
}

TEST(Int8, QuantiseGivesTheBitsOfThePlainLoops) {
  std::vector<std::size_t> lengths;
  for (std::size_t d = 1; d <= 70; ++d) lengths.push_back(d);
  for (const std::size_t d : {127, 128, 129, 255, 256, 257, 300, 784, 1000}) lengths.push_back(d);
  for (const Named& each : usable_int8()) {
    SCOPED_TRACE(each.name);
    for (const std::size_t d : lengths) {
      Random random(d);
      for (const std::vector<float>& row : rows_to_round(d, random)) {
        const Int8Limits limits = random.chance(2) ? each.kernels->samples : each.kernels->centroids;
        const std::size_t stride = rounded_up(d, int8_stride);
        std::vector<std::int8_t> plain_values(stride, 77);
        float plain_scale = -1;
        std::int32_t plain_sum = -1;
        const float plain_cut_off = plain_int8_kernels().quantise(
            row.data(), d, stride, limits, plain_values.data(), &plain_scale, &plain_sum);
        for (const Placement place : edges()) {
          Guarded<float> x(row, place), scale(1, place);
          Guarded<std::int8_t> values(stride, place);
          Guarded<std::int32_t> sum(1, place);
          const float cut_off =
              each.kernels->quantise(x.data(), d, stride, limits, values.data(), scale.data(), sum.data());
          ASSERT_EQ(values.values(), plain_values) << "d " << d << ", first value " << row[0];
          ASSERT_PRED2(same_bits<float>, *scale.data(), plain_scale);
          ASSERT_EQ(*sum.data(), plain_sum);
          // Squares of what is cut off may overflow: an infinite length, which is a bound, too.
          if (std::isinf(plain_cut_off)) {
            ASSERT_EQ(cut_off, plain_cut_off);
          } else {
            ASSERT_NEAR(cut_off, plain_cut_off, 1e-4 * static_cast<double>(plain_cut_off)) << "d " << d;
          }
          ASSERT_TRUE(values.intact() && scale.intact() && sum.intact());
        }
      }
    }
  }
}

/// What the bytes stand for is near the row, their sum is theirs, and the cut-off length is right up to the
/// rounding errors and the underflow that int8_filter.cpp allows for.
TEST(Int8, QuantiseMeasuresWhatItCutsOff) {
  for (const Named& each : usable_int8()) {
    SCOPED_TRACE(each.name);
    for (const std::size_t d : {1, 2, 3, 15, 16, 17, 64, 130, 1000, 20000}) {
      Random random(d);
      for (const std::vector<float>& row : rows_to_round(d, random)) {
        const Int8Limits limits = random.chance(2) ? each.kernels->samples : each.kernels->centroids;
        const std::size_t stride = rounded_up(d, int8_stride);
        std::vector<std::int8_t> values(stride, 77);
        float scale = -1;
        std::int32_t sum = -1;
        const float cut_off =
            each.kernels->quantise(row.data(), d, stride, limits, values.data(), &scale, &sum);
        const double features = static_cast<double>(d);
        oracle::Quad exact = 0;
        std::int64_t total = 0;
        for (std::size_t t = 0; t < stride; ++t) {
          if (t >= d) {
            ASSERT_EQ(values[t], 0);
            continue;
          }
          ASSERT_LE(std::abs(values[t]), limits.range);
          const oracle::Quad rest = oracle::Quad(row[t]) - oracle::Quad(scale) * oracle::Quad(values[t]);
          // Rows too small for a reciprocal of their scale are cut off whole.
          if (scale >= 0x1p-100f) {
            ASSERT_LE(std::abs(static_cast<double>(rest)), 0.50001 * static_cast<double>(scale));
          }
          exact += rest * rest;
          total += values[t];
        }
        ASSERT_EQ(sum, total);
        std::vector<std::int8_t> kept = values;
        keep_squares(kept, limits);
        ASSERT_EQ(values, kept) << "squares above " << limits.squares << ", d " << d;
        const double length = std::sqrt(static_cast<double>(exact)), tiny = std::sqrt(features) * 0x1p-70;
        ASSERT_LE(length, static_cast<double>(cut_off) * (1 + gamma_of<float>(features + 8)) + tiny)
            << "d " << d;
        if (std::isinf(cut_off)) {
          ASSERT_GT(length, 1e18) << "squares that overflow";
          continue;
        }
        ASSERT_GE(length + tiny, static_cast<double>(cut_off) * (1 - gamma_of<float>(features + 8)))
            << "d " << d;
      }
    }
  }
}

}  // namespace
