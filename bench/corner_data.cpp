// SPDX-License-Identifier: MIT
#include "bench/corner_data.hpp"

#include <array>

#include "parallel.hpp"
#include "rng.hpp"

namespace omnimeans::bench {
namespace {

constexpr std::size_t period = 16, run = 256;  // values of a run share their corner
constexpr std::array offsets{16.0f, 8.0f, 4.0f};

float uniform(std::uint32_t bits) {
  return static_cast<float>(bits >> 8) * 0x1p-23f - 1;
}
std::size_t corner(std::size_t r) {
  return CounterRng(2).bits(r) % 8;
}
float offset(std::size_t corner, std::size_t b) {
  return (corner >> b & 1) != 0 ? offsets[b] : -offsets[b];
}

}  // namespace

CornerData::CornerData(std::size_t n, std::size_t d) : values_((n * d + run - 1) / run * run) {
  const CounterRng noise(1);
  parallel_blocks(resolve_threads(0), values_.size() / run, [&](std::size_t r, int) {
    float* out = values_.data() + r * run;
    for (std::size_t f = 0; f < run; f += 2) {
      const std::uint64_t bits = noise.bits((r * run + f) / 2);
      out[f] = uniform(static_cast<std::uint32_t>(bits));
      out[f + 1] = uniform(static_cast<std::uint32_t>(bits >> 32));
    }
    for (std::size_t f = 0; f < run; f += period) {
      for (std::size_t b = 0; b < offsets.size(); ++b) out[f + b] += offset(corner(r), b);
    }
  });
}

std::int32_t CornerData::label(std::size_t i, std::size_t d, std::size_t k) {
  return static_cast<std::int32_t>(corner(i * d / run) % k);
}

Matrix<float> CornerData::centroids(std::size_t d, std::size_t k) {
  Matrix<float> result(k, d);
  for (std::size_t j = 0; j < k; ++j) {
    for (std::size_t t = 0; t < d; t += period) {
      for (std::size_t b = 0; (std::size_t{1} << b) < k; ++b) result(j, t + b) = offset(j, b);
    }
  }
  return result;
}

}  // namespace omnimeans::bench
