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
#include "kernels/packing.hpp"
#include "kernels/shapes.hpp"

namespace {

using namespace omnimeans::kernels;

/// The plain loops, and what this CPU has beside them.
struct Named {
  std::string name;
  const Int8Kernels* kernels;
};
std::vector<Named> usable_int8() {
  std::vector<Named> all{{"plain", &plain_int8_kernels()}};
  for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
    const Int8Kernels *own = int8_kernels(isa), *other = int8_kernels(isa, false),
                      *no_tiles = int8_kernels(isa, true, false);
    if (own != nullptr) all.push_back({std::string(to_string(isa)), own});
    if (no_tiles != own) all.push_back({std::string(to_string(isa)) + " without tiles", no_tiles});
    if (other != nullptr && other != own)
      all.push_back({std::string(to_string(isa)) + " without VNNI", other});
  }
  return all;
}

std::size_t rounded_up(std::size_t n, std::size_t to) {
  return (n + to - 1) / to * to;
}

/// A row's values made smaller, half a chunk at a time, until their squares keep the limit.
void keep_squares(std::span<std::int8_t> row, const Int8Limits& limits) {
  for (std::size_t begin = 0; begin < row.size(); begin += int8_chunk) {
    for (const std::size_t half : {0, 1}) {
      const auto squares = [&] {
        std::int64_t sum = 0;
        for (std::size_t t = begin; t < std::min(row.size(), begin + int8_chunk); ++t)
          sum += t % 4 / 2 == half ? row[t] * row[t] : 0;
        return sum;
      };
      while (squares() > limits.squares) {
        for (std::size_t t = begin; t < std::min(row.size(), begin + int8_chunk); ++t)
          if (t % 4 / 2 == half) row[t] = static_cast<std::int8_t>(row[t] * 15 / 16);
      }
    }
  }
}

/// The largest values that keep the limits: in each half of a chunk as many of the range as may be, then one
/// of what is left.
void fill_with_largest(std::span<std::int8_t> row, const Int8Limits& limits) {
  for (std::size_t t = 0; t < row.size(); ++t) {
    std::int64_t left = limits.squares;
    for (std::size_t before = t / int8_chunk * int8_chunk; before < t; ++before)
      left -= before % 4 / 2 == t % 4 / 2 ? row[before] * row[before] : 0;
    const auto most = static_cast<std::int32_t>(std::sqrt(static_cast<double>(left)));
    row[t] = static_cast<std::int8_t>(std::min(most, limits.range));
  }
}

/// Rows and centroids of random bytes, laid out as int8.hpp says, between guards; or of the largest that
/// `kernels` may be given, all of the sign.
struct Bytes8 {
  std::size_t n, d, k, stride, vectors, quads;
  std::int32_t shift;
  std::vector<std::int8_t> row_values, centroid_values;  ///< stride apart, zeros behind d
  std::vector<float> row_scale, row_cut_off, row_length, row_tail;
  std::vector<float> centroid_scale, half_norm, centroid_length, centroid_cut_off, centroid_tail;
  std::vector<std::int32_t> row_sum;

  Bytes8(std::size_t n_rows, std::size_t n_features, std::size_t n_clusters, const Int8Kernels& kernels,
         Random& random, int sign_of_largest = 0)
      : n(n_rows),
        d(n_features),
        k(n_clusters),
        stride(rounded_up(d, int8_stride)),
        vectors(rounded_up(k, int8_lanes) / int8_lanes),
        quads(rounded_up(d, 4) / 4),
        shift(int8_shift(kernels.centroids.range)),
        row_values(n * stride, 0),
        centroid_values(vectors * int8_lanes * stride, 0),
        row_scale(random_values<float>(random, n, 0.2, 1)),
        row_cut_off(random_values<float>(random, n, 0, 10)),
        row_length(n, 0),
        row_tail(random_values<float>(random, n, 0, 20)),
        centroid_scale(vectors * int8_lanes, 0),
        half_norm(vectors * int8_lanes, std::numeric_limits<float>::max()),
        centroid_length(vectors * int8_lanes, 0),
        centroid_cut_off(vectors * int8_lanes, 0),
        centroid_tail(vectors * int8_lanes, 0),
        row_sum(n, 0) {
    const auto fill = [&](std::int8_t* values, const Int8Limits& limits, int sign) {
      const std::span<std::int8_t> row(values, d);
      if (sign_of_largest != 0) {
        fill_with_largest(row, limits);
        for (std::int8_t& value : row) value = static_cast<std::int8_t>(sign * value);
        return;
      }
      for (std::int8_t& value : row) {
        const int any = static_cast<int>(random.below(static_cast<std::uint64_t>(2 * limits.range + 1)));
        value = static_cast<std::int8_t>(random.chance(4) ? random.one_of({-limits.range, limits.range, 0})
                                                          : any - limits.range);
      }
      keep_squares(row, limits);
    };
    for (std::size_t i = 0; i < n; ++i) {
      fill(&row_values[i * stride], kernels.samples, sign_of_largest);
      for (std::size_t t = 0; t < d; ++t) row_sum[i] += row_values[i * stride + t];
      row_length[i] =
          length_of(&row_values[i * stride], row_scale[i]) + static_cast<float>(random.uniform(0, 10));
    }
    for (std::size_t j = 0; j < k; ++j) {
      fill(&centroid_values[j * stride], kernels.centroids, j % 2 == 1 ? -1 : 1);
      centroid_scale[j] = static_cast<float>(random.uniform(0.2, 1));
      half_norm[j] = static_cast<float>(random.uniform(0, 1e4));
      centroid_length[j] = length_of(&centroid_values[j * stride], centroid_scale[j]) +
                           static_cast<float>(random.uniform(0, 10));
      centroid_cut_off[j] = static_cast<float>(random.uniform(0, 10));
      centroid_tail[j] = static_cast<float>(random.uniform(0, 20));
    }
  }

  /// Of what values stand for, rounded up.
  float length_of(const std::int8_t* values, float scale) const {
    double squares = 0;
    for (std::size_t t = 0; t < d; ++t) squares += values[t] * values[t];
    return static_cast<float>(1.0001 * std::sqrt(squares) * static_cast<double>(scale));
  }

  std::vector<std::uint8_t> rows() const {
    std::vector<std::uint8_t> shifted;
    for (const std::int8_t value : centroid_values)
      shifted.push_back(static_cast<std::uint8_t>(value + shift));
    return shifted;
  }
  std::vector<std::uint8_t> panels() const {
    std::vector<std::uint8_t> packed;
    for (std::size_t vector = 0; vector < vectors; vector += 2) {
      const std::size_t width = std::min<std::size_t>(2, vectors - vector) * int8_lanes;
      for (std::size_t q = 0; q < quads; ++q) {
        for (std::size_t l = 0; l < width; ++l) {
          const std::size_t from = (vector * int8_lanes + l) * stride + 4 * q;
          for (std::size_t b = 0; b < 4; ++b)
            packed.push_back(static_cast<std::uint8_t>(centroid_values[from + b] + shift));
        }
      }
    }
    packed.resize(vectors * int8_lanes * stride, 255);  // may be read, whatever it holds
    return packed;
  }

  std::vector<float> terms() const {
    std::vector<float> all;
    for (std::size_t j = 0; j < vectors * int8_lanes; ++j)
      all.insert(all.end(), {centroid_scale[j], half_norm[j], centroid_length[j], centroid_cut_off[j]});
    return all;
  }

  std::int64_t product(std::size_t i, std::size_t j) const {
    std::int64_t sum = 0;
    for (std::size_t t = 0; t < d; ++t)
      sum += std::int64_t{row_values[i * stride + t]} * centroid_values[j * stride + t];
    return sum;
  }

  /// The bound in its own words: the product in 64 bits, then the roundings that int8.hpp names.
  float expected(std::size_t i, std::size_t j) const {
    const float scaled = static_cast<float>(product(i, j)) * row_scale[i];
    const float score = std::fma(-scaled, centroid_scale[j], half_norm[j]);
    return std::fma(-row_length[i], centroid_cut_off[j],
                    std::fma(-row_cut_off[i], centroid_length[j], score));
  }

  /// Its lowest bits replaced by the place of j in its lane.
  float tagged(std::size_t i, std::size_t j) const {
    const std::uint32_t mask = (std::uint32_t{1} << tag_bits(vectors)) - 1;
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(expected(i, j));
    return std::bit_cast<float>((bits & ~mask) | static_cast<std::uint32_t>(j / int8_lanes));
  }
};

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

/// The largest cut_off / scale and (length + cut_off) / scale of the centroids.
std::pair<float, float> largest_ratios(const Bytes8& b) {
  std::pair<float, float> most{0, 0};
  for (std::size_t j = 0; j < b.k; ++j) {
    most.first = std::max(most.first, b.centroid_cut_off[j] / b.centroid_scale[j]);
    most.second = std::max(most.second, (b.centroid_length[j] + b.centroid_cut_off[j]) / b.centroid_scale[j]);
  }
  return most;
}

/// What near() finds by `kernels`, between guards.
struct FoundNear {
  Guarded<float> least, inverse, limit;
  Guarded<std::uint16_t> far;
  Guarded<std::int32_t> listed, pair_row, pair_centroid, starts;
  std::vector<Int8Found> found;
  std::size_t n_listed = 0, n_pairs = 0;
  bool fits;

  FoundNear(const Int8Kernels& kernels, const Int8Centroids& c, const Int8Rows& rows, const std::int32_t* own,
            const float* reach, Placement place)
      : least(rows.n_rows, place),
        inverse(rows.n_rows, place),
        limit(rows.n_rows, place),
        far(rows.n_rows * c.n_vectors, place),
        listed(rows.n_rows, place),
        pair_row(rows.n_rows * Int8Near::most_near + 16, place),
        pair_centroid(rows.n_rows * Int8Near::most_near + 16, place),
        starts(rows.n_rows, place),
        found(rows.n_rows) {
    fits = kernels.near(c, rows,
                        {.own = own,
                         .reach = reach,
                         .least = least.data(),
                         .found = found.data(),
                         .far = far.data(),
                         .listed = listed.data(),
                         .n_listed = &n_listed,
                         .pair_row = pair_row.data(),
                         .pair_centroid = pair_centroid.data(),
                         .n_pairs = &n_pairs,
                         .inverse = inverse.data(),
                         .limit = limit.data(),
                         .starts = starts.data()});
  }
  bool intact() const {
    return least.intact() && inverse.intact() && limit.intact() && far.intact() && listed.intact() &&
           pair_row.intact() && pair_centroid.intact() && starts.intact();
  }
};

/// What is near by the bits is near by the lists, and the other way around.
void check_lists(const FoundNear& near, std::size_t n, std::size_t vectors, const std::int32_t* own) {
  std::size_t listed = 0, pair = 0;
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<std::int32_t> all;
    for (std::size_t j = 0; j < vectors * int8_lanes; ++j) {
      if ((near.far.data()[i * vectors + j / int8_lanes] >> j % int8_lanes & 1) == 0)
        all.push_back(static_cast<std::int32_t>(j));
    }
    ASSERT_TRUE(std::binary_search(all.begin(), all.end(), own[i])) << "i " << i;
    if (near.found[i] == Int8Found::own) {
      ASSERT_EQ(all.size(), 1u) << "i " << i;
    }
    if (near.found[i] != Int8Found::listed) continue;
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
    fits = longest * (c.longest + c.coarsest) * up + 8 < 0x1p22f;
  }
  bool is_far(std::size_t i, std::size_t j, float limit) const {
    constexpr float magic = 0x1.8p23f;
    const float inverse = 1 / b.row_scale[i];
    const auto rho = static_cast<std::int64_t>(b.row_length[i] * inverse * coarsest * up + 4);
    const float sum = magic + static_cast<float>(b.product(i, j) + rho);
    const float level = std::fma(sum, b.centroid_scale[j], limit * inverse);
    return level < std::fma(inverse, b.half_norm[j],
                            std::fma(-alpha, b.centroid_length[j], magic * b.centroid_scale[j]));
  }
};

/// near() against its own words, and these against the bounds; counts what is found.
struct NearCounts {
  std::size_t own = 0, listed = 0, many = 0, fits = 0, too_long = 0;
};
void check_near(const Int8Kernels& kernels, const Bytes8& b, const Int8Centroids& c, const Int8Rows& rows,
                const std::vector<float>& reach, Placement place, Random& random, NearCounts& counts) {
  std::vector<std::int32_t> own(b.n);
  for (std::int32_t& j : own) j = static_cast<std::int32_t>(random.below(b.k));
  if (random.chance(2)) {  // of the lowest bounds
    for (std::size_t i = 0; i < b.n; ++i) {
      for (std::size_t j = 0; j < b.k; ++j) {
        if (b.expected(i, j) < b.expected(i, static_cast<std::size_t>(own[i])))
          own[i] = static_cast<std::int32_t>(j);
      }
    }
  }
  Guarded<std::int32_t> labels(own, place);
  Guarded<float> reaches(reach, place);
  const FoundNear near(kernels, c, rows, labels.data(), reaches.data(), place);
  const ExpectedNear expected(b, c);
  ASSERT_TRUE(near.intact());
  ASSERT_EQ(near.fits, expected.fits);
  for (std::size_t i = 0; i < b.n; ++i) {
    const auto a = static_cast<std::size_t>(own[i]);
    float width = std::fma(b.row_length[i], b.centroid_cut_off[a], b.row_cut_off[i] * b.centroid_length[a]);
    if (c.tail != nullptr) width = std::fma(b.row_tail[i], b.centroid_tail[a], width);
    ASSERT_PRED2(same_bits<float>, near.least.data()[i], std::fma(2.0f, width, b.expected(i, a)));
  }
  ++(near.fits ? counts.fits : counts.too_long);
  if (!near.fits) return;
  ASSERT_NO_FATAL_FAILURE(check_lists(near, b.n, b.vectors, own.data()));
  for (std::size_t i = 0; i < b.n; ++i) {
    counts.own += near.found[i] == Int8Found::own;
    counts.listed += near.found[i] == Int8Found::listed;
    counts.many += near.found[i] == Int8Found::many;
    const float limit = near.least.data()[i] + reach[i];
    for (std::size_t j = 0; j < b.vectors * int8_lanes; ++j) {
      const bool far = (near.far.data()[i * b.vectors + j / int8_lanes] >> j % int8_lanes & 1) != 0;
      if (static_cast<std::int32_t>(j) != own[i]) {
        ASSERT_EQ(far, expected.is_far(i, j, limit)) << "i " << i << ", j " << j;
      }
      // Beside the roundings of the bounds and of the limit, which the caller allows for.
      const double bound = static_cast<double>(b.expected(i, j));
      const double slack = 8 * 0x1p-24 * (std::abs(bound) + std::abs(static_cast<double>(limit)) + 1e5);
      if (far) {
        ASSERT_GT(bound + slack, static_cast<double>(limit)) << "i " << i << ", j " << j;
      }
    }
  }
}

/// Lowest bounds, all bounds and listed ones of `b`, by `kernels`.
void check_bounds(const Int8Kernels& kernels, const Bytes8& b, Placement place, Random& random,
                  NearCounts& counts) {
  Guarded<std::int8_t> values(b.row_values, place);
  Guarded<float> row_scale(b.row_scale, place), row_cut_off(b.row_cut_off, place),
      row_length(b.row_length, place), row_tail(b.row_tail, place), centroid_scale(b.centroid_scale, place),
      half_norm(b.half_norm, place), centroid_length(b.centroid_length, place),
      centroid_cut_off(b.centroid_cut_off, place), centroid_tail(b.centroid_tail, place);
  Guarded<std::int32_t> row_sum(b.row_sum, place);
  Guarded<std::uint8_t> panels(b.panels(), place), rows(b.rows(), place);
  omnimeans::AlignedBuffer<float> terms(4 * b.vectors * int8_lanes);  // no guard: it must be aligned
  std::ranges::copy(b.terms(), terms.data());
  const bool tails = random.chance(2);
  const Int8Centroids centroids{panels.data(),
                                rows.data(),
                                b.stride,
                                centroid_scale.data(),
                                half_norm.data(),
                                centroid_length.data(),
                                centroid_cut_off.data(),
                                tails ? centroid_tail.data() : nullptr,
                                terms.data(),
                                b.vectors,
                                b.quads,
                                largest_ratios(b).first,
                                largest_ratios(b).second};
  const Int8Rows samples{values.data(),      b.stride,          row_scale.data(), row_sum.data(),
                         row_cut_off.data(), row_length.data(), row_tail.data(),  b.n};
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

  ASSERT_NO_FATAL_FAILURE(check_near(kernels, b, centroids, samples, far, place, random, counts));

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
    NearCounts counts;
    std::uint64_t seed = 0;
    std::vector<Shape> shapes;
    for (std::size_t i = 1; i <= 70; ++i) {
      Random random(i);
      shapes.push_back({1 + random.below(40), i, 1 + random.below(70)});
      shapes.push_back({1 + random.below(40), 1 + random.below(70), i});
    }
    // Tiles of 32, 12, 6, 3 and 1 rows, one panel of each width.
    for (std::size_t n = 1; n <= 70; ++n) shapes.push_back({n, 1 + n * 37 % 200, 1 + n * 11 % 70});
    for (const std::size_t d : {127, 128, 129, 191, 192, 193, 255, 256, 257, 300, 784, 1000}) {
      shapes.push_back({13, d, 1 + d % 37});
      shapes.push_back({45, d, 1 + d % 37});
    }
    for (const Shape& shape : shapes) {
      for (const Placement place : edges()) {
        Random random(++seed);
        const Bytes8 bytes(shape.n, shape.d, shape.k, *each.kernels, random);
        ASSERT_NO_FATAL_FAILURE(check_bounds(*each.kernels, bytes, place, random, counts));
      }
    }
    for (const Placement place : all_gaps(4)) {
      for (const std::size_t n : {16, 45}) {
        Random random(++seed);
        const Bytes8 bytes(n, 37, 35, *each.kernels, random);
        ASSERT_NO_FATAL_FAILURE(check_bounds(*each.kernels, bytes, place, random, counts));
      }
    }
    for (const std::size_t count : {counts.own, counts.listed, counts.many, counts.fits})
      EXPECT_GT(count, 20u);
  }
}

/// The largest values, every product of the same sign: no sum on the way may overflow, in the longest rows
/// none of 32 bits.
TEST(Int8, TheLargestValuesDoNotOverflow) {
  for (const Named& each : usable_int8()) {
    SCOPED_TRACE(each.name);
    NearCounts counts;
    for (const int sign : {1, -1}) {
      Random random(1);
      for (const std::size_t d : {std::size_t{31}, std::size_t{64}, std::size_t{100}, int8_longest}) {
        for (const std::size_t n : {10, 42}) {  // rows of all tiles
          const Bytes8 bytes(n, d, 18, *each.kernels, random, sign);
          ASSERT_NO_FATAL_FAILURE(check_bounds(*each.kernels, bytes, {true, 0}, random, counts));
        }
      }
    }
    EXPECT_GT(counts.fits, 0u);
    EXPECT_GT(counts.too_long, 0u);
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
