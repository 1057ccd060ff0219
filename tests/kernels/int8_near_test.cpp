// SPDX-License-Identifier: MIT
// Comparisons with the bound of a row's own centroid, in eight bits: every implementation says what the
// formula of kernels/int8-near-inl.hpp says in plain words, that is never far what the bounds of int8.hpp
// call near, and lists what its bits say; and none touches anything beside its buffers.
#include <gtest/gtest.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/compare.hpp"
#include "kernels/int8_bytes.hpp"

namespace {

/// What own_bounds() and then near() find by `kernels`, between guards.
struct FoundNear {
  Guarded<float> least, limit, inverse, level;
  Guarded<std::uint16_t> far;
  Guarded<std::int32_t> listed, pair_row, pair_centroid, starts;
  std::vector<Int8Found> found;
  std::size_t n_listed = 0, n_pairs = 0;
  bool fits;

  FoundNear(const Int8Kernels& kernels, const Int8Centroids& c, const Int8Rows& rows, const std::int32_t* own,
            const std::int32_t* own_place, const float* reach, std::size_t room, Placement place)
      : least(rows.n_rows, place),
        limit(rows.n_rows, place),
        inverse(rows.n_rows, place),
        level(rows.n_rows, place),
        far(rows.n_rows * c.n_vectors, place),
        listed(rows.n_rows, place),
        pair_row(room, place),
        pair_centroid(room, place),
        starts(rows.n_rows, place),
        found(rows.n_rows) {
    kernels.own_bounds(c, rows, own, {}, least.data());
    for (std::size_t i = 0; i < rows.n_rows; ++i) limit.data()[i] = least.data()[i] + reach[i];
    fits = kernels.near(c, rows,
                        {.place = own_place,
                         .limit = limit.data(),
                         .found = found.data(),
                         .far = far.data(),
                         .listed = listed.data(),
                         .n_listed = &n_listed,
                         .pair_row = pair_row.data(),
                         .pair_centroid = pair_centroid.data(),
                         .room = room,
                         .n_pairs = &n_pairs,
                         .inverse = inverse.data(),
                         .level = level.data(),
                         .starts = starts.data()});
  }
  bool intact() const {
    return least.intact() && limit.intact() && inverse.intact() && level.intact() && far.intact() &&
           listed.intact() && pair_row.intact() && pair_centroid.intact() && starts.intact();
  }
};

/// What is near by the bits is near by the lists, and the other way around.
void check_lists(const FoundNear& near, std::size_t n, std::size_t vectors, const std::int32_t* own_place,
                 const std::vector<float>& reach, std::size_t room) {
  std::size_t listed = 0, pair = 0, words_of_all = 0;
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<std::int32_t> all;
    for (std::size_t j = 0; j < vectors * int8_lanes; ++j) {
      if ((near.far.data()[i * vectors + j / int8_lanes] >> j % int8_lanes & 1) == 0)
        all.push_back(static_cast<std::int32_t>(j));
    }
    ASSERT_TRUE(std::binary_search(all.begin(), all.end(), own_place[i])) << "i " << i;
    if (near.found[i] == Int8Found::own) {
      ASSERT_EQ(all.size(), 1u) << "i " << i;
    }
    const auto words = static_cast<std::size_t>(
        std::ranges::count_if(near.far.data() + i * vectors, near.far.data() + (i + 1) * vectors,
                              [](std::uint16_t far) { return far != 0xffff; }));
    if (near.found[i] == Int8Found::many) {
      // Why: too many words of its own, no limit, or maybe no room behind those before and of its sixteen.
      ASSERT_TRUE(words > Int8Near::most_words || std::isinf(reach[i]) ||
                  16 * (words_of_all + 16 * Int8Near::most_words) + 16 > room)
          << "i " << i;
    }
    if (near.found[i] != Int8Found::listed) continue;
    words_of_all += words;
    ASSERT_GT(all.size(), 1u) << "i " << i;
    ASSERT_EQ(near.listed.data()[listed++], static_cast<std::int32_t>(i));
    for (const std::int32_t j : all) {
      ASSERT_LT(pair, near.n_pairs);
      ASSERT_EQ(near.pair_row.data()[pair], static_cast<std::int32_t>(i));
      ASSERT_EQ(near.pair_centroid.data()[pair++], j) << "i " << i;
    }
  }
  ASSERT_EQ(listed, near.n_listed);
  ASSERT_EQ(pair, near.n_pairs);
}

/// The upper bound of the score of row i and centroid a.
float highest(const Bytes8& b, const Int8Centroids& c, std::size_t i, std::size_t a) {
  float off = std::fma(b.row_length[i], b.centroid_cut_off[a], b.row_cut_off[i] * b.centroid_length[a]);
  if (c.tail != nullptr) off = std::fma(b.row_tail[i], b.centroid_tail[a], off);
  return std::fma(2.0f, off, b.expected(i, a));
}

/// b_ij without roundings to speak of.
double exact_bound(const Bytes8& b, std::size_t i, std::size_t j) {
  const auto number = [](float value) { return static_cast<double>(value); };
  const double product =
      static_cast<double>(b.product(i, j)) * number(b.row_scale[i]) * number(b.centroid_scale[j]);
  return number(b.half_norm[j]) - product - number(b.row_cut_off[i]) * number(b.centroid_length[j]) -
         number(b.row_length[i]) * number(b.centroid_cut_off[j]);
}

/// What near() compares, in its own words: of all rows alpha and whether sums fit, and of pairs which are
/// far.
struct ExpectedNear {
  const Bytes8& b;
  float coarsest, alpha = 0;
  bool fits;
  static constexpr float up = 1 + 0x1p-20f;

  ExpectedNear(const Bytes8& bytes, const Int8Centroids& c) : b(bytes), coarsest(c.coarsest) {
    float longest = 0;
    for (std::size_t i = 0; i < b.n; ++i) {
      const float inverse = 1 / b.row_scale[i];
      alpha = std::max(alpha, b.row_cut_off[i] * inverse);
      longest = std::max(longest, b.row_length[i] * inverse);
    }
    alpha *= up;
    fits = longest * (c.longest + c.coarsest) * up + 12 < 0x1p22f && b.stride <= int8_longest_near;
  }
  bool is_far(std::size_t i, std::size_t j, float limit) const {
    constexpr float magic = 0x1.8p23f;
    const float inverse = 1 / b.row_scale[i];
    const auto rho = static_cast<std::int64_t>(b.row_length[i] * inverse * coarsest * up + 6);
    const float sum = magic + static_cast<float>(b.product(i, j) + rho);
    const float level = std::fma(sum, b.centroid_scale[j], limit * inverse);
    return level < std::fma(inverse, b.half_norm[j],
                            std::fma(-alpha, b.centroid_length[j], magic * b.centroid_scale[j]));
  }
};

/// own_bounds() of every third row is what it is of all, and leaves the others as they are.
void check_listed_own_bounds(const Int8Kernels& kernels, const Int8Centroids& c, const Int8Rows& rows,
                             const std::int32_t* own, const Guarded<float>& all, Placement place) {
  std::vector<std::int32_t> third;
  for (std::size_t i = 0; i < rows.n_rows; i += 3) third.push_back(static_cast<std::int32_t>(i));
  const Guarded<std::int32_t> listed(third, place);
  Guarded<float> least(std::vector<float>(rows.n_rows, -7), place);
  kernels.own_bounds(c, rows, own, {listed.data(), third.size()}, least.data());
  ASSERT_TRUE(least.intact());
  for (std::size_t i = 0; i < rows.n_rows; ++i)
    ASSERT_PRED2(same_bits<float>, least.data()[i], i % 3 == 0 ? all.data()[i] : -7.0f) << "i " << i;
}

/// near() against its own words, and these against the bounds; counts what is found.
struct NearCounts {
  std::size_t own = 0, listed = 0, many = 0, fits = 0, too_long = 0;
};
void check_near(const Int8Kernels& kernels, const Bytes8& b, const Int8Centroids& c, const Int8Rows& rows,
                const std::vector<std::int32_t>& own, const std::vector<std::int32_t>& own_place,
                const std::vector<float>& reach, std::size_t room, Placement place, NearCounts& counts) {
  Guarded<std::int32_t> labels(own, place), places(own_place, place);
  Guarded<float> reaches(reach, place);
  const FoundNear near(kernels, c, rows, labels.data(), places.data(), reaches.data(), room, place);
  const ExpectedNear expected(b, c);
  ASSERT_TRUE(near.intact());
  ASSERT_NO_FATAL_FAILURE(check_listed_own_bounds(kernels, c, rows, labels.data(), near.least, place));
  ASSERT_EQ(near.fits, expected.fits);
  ++(near.fits ? counts.fits : counts.too_long);
  if (!near.fits) return;
  for (std::size_t i = 0; i < b.n; ++i) {
    ASSERT_PRED2(same_bits<float>, near.least.data()[i], highest(b, c, i, static_cast<std::size_t>(own[i])));
  }
  ASSERT_NO_FATAL_FAILURE(check_lists(near, b.n, b.vectors, own_place.data(), reach, room));
  for (std::size_t i = 0; i < b.n; ++i) {
    counts.own += near.found[i] == Int8Found::own;
    counts.listed += near.found[i] == Int8Found::listed;
    counts.many += near.found[i] == Int8Found::many;
    const float limit = near.least.data()[i] + reach[i];
    for (std::size_t j = 0; j < b.vectors * int8_lanes; ++j) {
      const bool far = (near.far.data()[i * b.vectors + j / int8_lanes] >> j % int8_lanes & 1) != 0;
      if (static_cast<std::int32_t>(j) != own_place[i]) {
        ASSERT_EQ(far, expected.is_far(i, j, limit)) << "i " << i << ", j " << j;
      }
      // Beside the roundings that the caller allows for.
      const double bound = exact_bound(b, i, j);
      const double slack =
          8 * 0x1p-24 * (static_cast<double>(b.half_norm[j]) + std::abs(static_cast<double>(limit)));
      if (far) {
        ASSERT_GT(bound + slack, static_cast<double>(limit)) << "i " << i << ", j " << j;
      }
    }
  }
}

void check_near(const Int8Kernels& kernels, const Bytes8& b, Placement place, Random& random,
                NearCounts& counts) {
  const Guarded8 guarded(b, place, random.chance(2));
  std::vector<std::int32_t> own(b.n);
  std::vector<float> reach(b.n);
  const bool right = random.chance(2), ties = random.chance(2);
  for (std::size_t i = 0; i < b.n; ++i) {
    own[i] = static_cast<std::int32_t>(random.below(b.k));
    for (std::size_t j = 0; right && j < b.k; ++j) {
      if (b.expected(i, j) < b.expected(i, static_cast<std::size_t>(own[i])))
        own[i] = static_cast<std::int32_t>(j);
    }
    reach[i] = random.chance(8) ? std::numeric_limits<float>::infinity()
                                : static_cast<float>(random.uniform(0, random.one_of({1.0, 1e2, 1e4})));
    // Nothing but roundings between the limit and a centroid's bound.
    const float apart =
        b.expected(i, random.below(b.k)) - highest(b, guarded.centroids, i, static_cast<std::size_t>(own[i]));
    if (ties && apart > 0) reach[i] = apart;
  }
  const std::size_t room = random.chance(3) ? 16 + random.below(60) : Int8Near::room_for_pairs(b.n);
  // Padding may stand for it, as where panels are of other centroids.
  std::vector<std::int32_t> own_place = own;
  if (b.k % int8_lanes != 0 && random.chance(3))
    std::ranges::fill(own_place, static_cast<std::int32_t>(b.vectors * int8_lanes - 1));
  check_near(kernels, b, guarded.centroids, guarded.samples, own, own_place, reach, room, place, counts);
}

TEST(Int8Near, IsNeverFarWhatBoundsCallNear) {
  for (const Named& each : usable_int8()) {
    SCOPED_TRACE(each.name);
    NearCounts counts;
    std::uint64_t seed = 0;
    std::vector<Shape> shapes = int8_shapes();
    shapes.push_back({40, 16, 700});  // more words than are listed
    for (const Shape& shape : shapes) {
      for (const Placement place : edges()) {
        Random random(++seed);
        Bytes8 bytes(shape.n, shape.d, shape.k, *each.kernels, random);
        if (seed % 3 == 0) {  // nothing was cut off: only what allows for roundings stands between
          std::ranges::fill(bytes.row_cut_off, 0.0f);
          std::ranges::fill(bytes.centroid_cut_off, 0.0f);
        }
        ASSERT_NO_FATAL_FAILURE(check_near(*each.kernels, bytes, place, random, counts))
            << "n " << shape.n << ", d " << shape.d << ", k " << shape.k;
      }
    }
    for (const std::size_t count : {counts.own, counts.listed, counts.many, counts.fits})
      EXPECT_GT(count, 20u);
  }
}

/// The largest values, every product of the same sign: sums that may not fit are refused.
TEST(Int8Near, TakesNoRowsWhoseSumsMayNotFit) {
  for (const Named& each : usable_int8()) {
    SCOPED_TRACE(each.name);
    NearCounts counts;
    for (const int sign : {1, -1}) {
      Random random(1);
      for (const std::size_t d : {std::size_t{31}, std::size_t{64}, std::size_t{100}, int8_longest}) {
        for (const std::size_t n : {10, 42}) {  // rows of all tiles
          const Bytes8 bytes(n, d, 18, *each.kernels, random, sign);
          ASSERT_NO_FATAL_FAILURE(check_near(*each.kernels, bytes, {true, 0}, random, counts));
        }
      }
    }
    EXPECT_GT(counts.fits, 0u);
    EXPECT_GT(counts.too_long, 0u);
    // Sums that would fit, but start too high.
    Random random(2);
    for (const std::size_t d : {int8_longest_near, int8_longest_near + 1}) {
      Bytes8 bytes(2, d, 2, *each.kernels, random);
      std::ranges::fill(bytes.row_values, std::int8_t{0});
      std::ranges::fill(bytes.row_sum, 0);
      std::ranges::fill(bytes.row_length, 1.0f);
      std::ranges::fill(bytes.row_cut_off, 0.0f);
      NearCounts of_these;
      ASSERT_NO_FATAL_FAILURE(check_near(*each.kernels, bytes, {true, 0}, random, of_these));
      EXPECT_EQ(of_these.fits, d == int8_longest_near ? 1u : 0u);
    }
  }
}

}  // namespace
