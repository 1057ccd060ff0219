// SPDX-License-Identifier: MIT
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/int8-list-inl.hpp"
#include "kernels/int8.hpp"

namespace omnimeans::kernels {
namespace {

std::int32_t dot(const std::int8_t* x, const std::uint8_t* c, std::size_t length) {
  std::int32_t total = 0;
  for (std::size_t t = 0; t < length; ++t)
    total += std::int32_t{x[t]} * (std::int32_t{c[t]} - int8_shift(int8_range));
  return total;
}

/// The same of what stands in the panels at `place`.
std::int32_t panel_dot(const std::int8_t* x, const Int8Centroids& c, std::size_t place) {
  const std::size_t panel = place / int8_lanes / 2 * 2,
                    width = (panel + 2 <= c.n_vectors ? 2 : 1) * int8_lanes * 4;
  const std::uint8_t* values =
      c.panels + panel * int8_lanes * 4 * c.n_quads + (place - panel * int8_lanes) * 4;
  std::int32_t total = 0;
  for (std::size_t q = 0; q < c.n_quads; ++q) total += dot(x + 4 * q, values + q * width, 4);
  return total;
}

struct Terms {
  float scale, half_norm, length, cut_off;
};
Terms terms_of(const Int8Centroids& c, std::size_t j) {
  const float* terms = c.terms + 4 * j;
  return {terms[0], terms[1], terms[2], terms[3]};
}

float bound(const Int8Centroids& c, const Int8Rows& rows, std::size_t i, std::size_t j) {
  const std::int32_t product = dot(rows.values + i * rows.stride, c.rows + j * c.stride, c.n_quads * 4);
  const Terms terms = terms_of(c, j);
  const float score = std::fma(-(static_cast<float>(product) * rows.scale[i]), terms.scale, terms.half_norm);
  return std::fma(-rows.length[i], terms.cut_off, std::fma(-rows.cut_off[i], terms.length, score));
}

/// Half of what is between the lower and the upper bound.
float off(const Int8Centroids& c, const Int8Rows& rows, std::size_t i, std::size_t j) {
  const Terms terms = terms_of(c, j);
  const float both = std::fma(rows.length[i], terms.cut_off, rows.cut_off[i] * terms.length);
  return c.tail != nullptr ? std::fma(rows.tail[i], c.tail[j], both) : both;
}

float tagged(float score, std::uint32_t mask, std::size_t vector) {
  return std::bit_cast<float>((std::bit_cast<std::uint32_t>(score) & ~mask) |
                              static_cast<std::uint32_t>(vector));
}

void lowest(const Int8Centroids& c, const Int8Rows& rows, const Int8Lowest& out) {
  const std::uint32_t mask = (std::uint32_t{1} << tag_bits(c.n_vectors)) - 1;
  constexpr float largest = std::numeric_limits<float>::max();
  for (std::size_t i = 0; i < rows.n_rows; ++i) {
    for (std::size_t j = 0; out.bounds != nullptr && j < c.n_vectors * int8_lanes; ++j)
      out.bounds[i * out.bounds_stride + j] = bound(c, rows, i, j);
    float *best = out.lanes + i * 2 * int8_lanes, *second = best + int8_lanes, least = largest;
    for (std::size_t l = 0; l < int8_lanes; ++l) {
      best[l] = second[l] = largest;
      for (std::size_t v = 0; v < c.n_vectors; ++v) {
        const float s = tagged(bound(c, rows, i, v * int8_lanes + l), mask, v);
        if (s < best[l]) {
          second[l] = best[l];
          best[l] = s;
        } else if (s < second[l]) {
          second[l] = s;
        }
      }
      least = std::fmin(least, best[l]);
    }
    std::size_t lane = 0;
    while (lane + 1 < int8_lanes && best[lane] != least) ++lane;
    // Where nothing is finite the place may be none.
    const std::size_t place = (std::bit_cast<std::uint32_t>(best[lane]) & mask) * int8_lanes + lane,
                      at = std::min(place, c.n_vectors * int8_lanes - 1);
    out.least[i] = least + 2 * off(c, rows, i, at);
    out.nearest[i] = static_cast<std::int32_t>(at);
    const float limit = out.least[i] + out.reach[i];
    int near = 0;
    for (std::size_t l = 0; l < int8_lanes; ++l) near += !(best[l] > limit) + !(second[l] > limit);
    out.alone[i] = near <= 1;
  }
}

void own_bounds(const Int8Centroids& c, const Int8Rows& rows, const std::int32_t* own,
                std::span<const std::int32_t> listed, float* least) {
  for (std::size_t l = 0; l < (listed.empty() ? rows.n_rows : listed.size()); ++l) {
    const std::size_t i = listed.empty() ? l : static_cast<std::size_t>(listed[l]);
    const auto j = static_cast<std::size_t>(own[i]);
    least[i] = std::fma(2.0f, off(c, rows, i, j), bound(c, rows, i, j));
  }
}

bool near(const Int8Centroids& c, const Int8Rows& rows, const Int8Near& out) {
  constexpr float magic = 3 << 22, up = 1 + 0x1p-20f, roundings = 6;
  bool fit = rows.stride <= int8_longest_near;
  float alpha = 0;
  for (std::size_t i = 0; i < rows.n_rows; ++i) {
    out.inverse[i] = 1 / rows.scale[i];
    alpha = std::max(alpha, rows.cut_off[i] * out.inverse[i]);
    const float lambda = rows.length[i] * out.inverse[i];
    fit = fit && lambda * (c.longest + c.coarsest) * up + 2 * roundings < 1 << 22;
  }
  alpha *= up;
  if (!fit) return false;
  for (std::size_t i = 0; i < rows.n_rows; ++i) {
    out.level[i] = out.limit[i] * out.inverse[i];
    const auto rho = static_cast<std::int32_t>(rows.length[i] * out.inverse[i] * c.coarsest * up + roundings);
    std::uint16_t* far = out.far + i * c.n_vectors;
    std::fill_n(far, c.n_vectors, std::uint16_t{0xffff});
    for (std::size_t j = 0; j < c.n_vectors * int8_lanes; ++j) {
      const std::int32_t product = panel_dot(rows.values + i * rows.stride, c, j);
      const auto sum = std::bit_cast<float>(std::bit_cast<std::int32_t>(magic) + product + rho);
      const float level = std::fma(sum, c.scale[j], out.level[i]),
                  floor = std::fma(out.inverse[i], c.half_norms[j],
                                   std::fma(-alpha, c.length[j], magic * c.scale[j]));
      if (!(level < floor)) far[j / int8_lanes] &= static_cast<std::uint16_t>(~(1u << j % int8_lanes));
    }
  }
  Int8List::list(rows.n_rows, c.n_vectors, out);
  return true;
}

void listed_bounds(const Int8Centroids& c, const Int8Rows& rows, std::size_t i, const std::int32_t* index,
                   std::size_t count, float* out) {
  for (std::size_t o = 0; o < count; ++o) out[o] = bound(c, rows, i, static_cast<std::size_t>(index[o]));
}

/// Of any half of a chunk.
std::int32_t most_squares(const std::int8_t* values, std::size_t stride) {
  std::int32_t most = 0;
  for (std::size_t begin = 0; begin < stride; begin += int8_chunk) {
    std::int32_t squares[2] = {0, 0};
    for (std::size_t t = begin; t < begin + int8_chunk; ++t) squares[t % 4 / 2] += values[t] * values[t];
    most = std::max({most, squares[0], squares[1]});
  }
  return most;
}

float quantise(const float* x, std::size_t d, std::size_t stride, const Int8Limits& limits,
               std::int8_t* values, float* scale, std::int32_t* sum) {
  float largest = 0;
  bool finite = true;
  for (std::size_t t = 0; t < d; ++t) {
    largest = std::fmax(largest, std::fabs(x[t]));
    finite = finite && std::isfinite(x[t]);
  }
  std::memset(values, 0, stride);
  *sum = 0;
  *scale = finite ? largest / static_cast<float>(limits.range) : 0;
  if (!finite) return std::numeric_limits<float>::infinity();
  const auto round = [&] {
    const float inverse = *scale >= 0x1p-100f ? 1 / *scale : 0;
    float cut_off = 0;
    *sum = 0;
    for (std::size_t t = 0; t < d; ++t) {
      values[t] = static_cast<std::int8_t>(std::nearbyint(x[t] * inverse));
      *sum += values[t];
      const float rest = std::fma(-*scale, static_cast<float>(values[t]), x[t]);
      cut_off = std::fma(rest, rest, cut_off);
    }
    return std::sqrt(cut_off);
  };
  const float cut_off = round();
  const float coarser = int8_coarser(most_squares(values, stride), limits.squares);
  if (coarser == 1) return cut_off;
  *scale *= coarser;
  return round();
}

}  // namespace

float int8_coarser(std::int32_t squares, std::int32_t most) {
  if (squares <= most) return 1;
  // Rounded values are off by half at most, 32 of them by sqrt(8) in length: once as they are, once after.
  constexpr double off = 2.83;
  return static_cast<float>(1.0001 * (std::sqrt(squares) + off) / (std::sqrt(most) - off));
}

const Int8Kernels& plain_int8_kernels() {
  static constexpr Int8Kernels kernels{{}, {}, false, lowest, own_bounds, near, listed_bounds, quantise};
  return kernels;
}

}  // namespace omnimeans::kernels
