// SPDX-License-Identifier: MIT
// Rows and centroids of bytes for the tests of kernels/int8.hpp, laid out as it says.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "aligned_buffer.hpp"
#include "core/random.hpp"
#include "kernels/guarded.hpp"
#include "kernels/int8.hpp"
#include "kernels/packing.hpp"
#include "kernels/shapes.hpp"
#include "omnimeans/isa.hpp"

using namespace omnimeans::kernels;

/// The plain loops, and what this CPU has beside them.
struct Named {
  std::string name;
  const Int8Kernels* kernels;
};
inline std::vector<Named> usable_int8() {
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

inline std::size_t rounded_up(std::size_t n, std::size_t to) {
  return (n + to - 1) / to * to;
}

/// A row's values made smaller, half a chunk at a time, until their squares keep the limit.
inline void keep_squares(std::span<std::int8_t> row, const Int8Limits& limits) {
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
inline void fill_with_largest(std::span<std::int8_t> row, const Int8Limits& limits) {
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

  /// The largest cut_off / scale and (length + cut_off) / scale of the centroids.
  float coarsest() const {
    float most = 0;
    for (std::size_t j = 0; j < k; ++j) most = std::max(most, centroid_cut_off[j] / centroid_scale[j]);
    return most;
  }
  float longest() const {
    float most = 0;
    for (std::size_t j = 0; j < k; ++j)
      most = std::max(most, (centroid_length[j] + centroid_cut_off[j]) / centroid_scale[j]);
    return most;
  }
};

/// The same between guards, as kernels take it.
struct Guarded8 {
  Guarded<std::int8_t> values;
  Guarded<float> row_scale, row_cut_off, row_length, row_tail, centroid_scale, half_norm, centroid_length,
      centroid_cut_off, centroid_tail;
  Guarded<std::int32_t> row_sum;
  Guarded<std::uint8_t> panels, rows;
  omnimeans::AlignedBuffer<float> terms;  // no guard: it must be aligned
  Int8Centroids centroids;
  Int8Rows samples;

  Guarded8(const Bytes8& b, Placement place, bool tails)
      : values(b.row_values, place),
        row_scale(b.row_scale, place),
        row_cut_off(b.row_cut_off, place),
        row_length(b.row_length, place),
        row_tail(b.row_tail, place),
        centroid_scale(b.centroid_scale, place),
        half_norm(b.half_norm, place),
        centroid_length(b.centroid_length, place),
        centroid_cut_off(b.centroid_cut_off, place),
        centroid_tail(b.centroid_tail, place),
        row_sum(b.row_sum, place),
        panels(b.panels(), place),
        rows(b.rows(), place),
        terms(4 * b.vectors * int8_lanes),
        centroids{panels.data(),
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
                  b.coarsest(),
                  b.longest()},
        samples{values.data(),      b.stride,          row_scale.data(), row_sum.data(),
                row_cut_off.data(), row_length.data(), row_tail.data(),  b.n} {
    std::ranges::copy(b.terms(), terms.data());
  }
};

/// Rows for all tiles, one panel of each width, all rests of features and clusters.
inline std::vector<Shape> int8_shapes() {
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
  return shapes;
}
