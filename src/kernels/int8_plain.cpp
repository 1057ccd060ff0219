// SPDX-License-Identifier: MIT
#include <cmath>
#include <cstring>

#include "kernels/int8.hpp"

namespace omnimeans::kernels {
namespace {

std::int32_t dot(const std::int8_t* x, const std::uint8_t* c, std::size_t length) {
  std::int32_t total = 0;
  for (std::size_t t = 0; t < length; ++t) total += std::int32_t{x[t]} * (std::int32_t{c[t]} - 128);
  return total;
}

float score(const Int8Centroids& c, const Int8Rows& rows, std::size_t i, std::size_t j) {
  const std::int32_t product = dot(rows.values + i * rows.stride, c.rows + j * c.stride, c.n_quads * 4);
  return std::fma(-(static_cast<float>(product) * rows.scale[i]), c.scale[j], c.half_norms[j]);
}

void scores(const Int8Centroids& c, const Int8Rows& rows, float* out, std::size_t out_stride) {
  for (std::size_t i = 0; i < rows.n_rows; ++i) {
    for (std::size_t j = 0; j < c.n_vectors * int8_lanes; ++j) out[i * out_stride + j] = score(c, rows, i, j);
  }
}

void listed_scores(const Int8Centroids& c, const Int8Rows& rows, std::size_t i, const std::int32_t* index,
                   std::size_t count, float* out) {
  for (std::size_t o = 0; o < count; ++o) out[o] = score(c, rows, i, static_cast<std::size_t>(index[o]));
}

float quantise(const float* x, std::size_t d, std::size_t stride, std::int8_t* values, float* scale,
               std::int32_t* sum) {
  float largest = 0;
  for (std::size_t t = 0; t < d; ++t) largest = std::fmax(largest, std::fabs(x[t]));
  std::memset(values, 0, stride);
  *sum = 0;
  *scale = largest / 127;
  const float inverse = *scale >= 0x1p-100f ? 1 / *scale : 0;
  float cut_off = 0;
  for (std::size_t t = 0; t < d; ++t) {
    values[t] = static_cast<std::int8_t>(std::nearbyint(x[t] * inverse));
    *sum += values[t];
    const float rest = std::fma(-*scale, static_cast<float>(values[t]), x[t]);
    cut_off = std::fma(rest, rest, cut_off);
  }
  return std::sqrt(cut_off);
}

}  // namespace

const Int8Kernels& plain_int8_kernels() {
  static constexpr Int8Kernels kernels{scores, listed_scores, quantise};
  return kernels;
}

}  // namespace omnimeans::kernels
