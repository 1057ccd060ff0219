// SPDX-License-Identifier: MIT
#include "principal_prefix.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "kernels/dense_limits.hpp"
#include "parallel.hpp"
#include "rng.hpp"
#include "rounding.hpp"

namespace omnimeans {
namespace {

void add_multiple(float factor, const float* x, std::size_t n, float* out) {
  for (std::size_t t = 0; t < n; ++t) out[t] += factor * x[t];
}

void fill_normal(CounterRng& random, std::size_t n, float* out) {
  for (std::size_t t = 0; t < n; ++t) out[t] = static_cast<float>(random.next_normal());
}

}  // namespace

double PrincipalPrefix::bytes_needed(std::size_t n_samples, std::size_t n_features) {
  const std::size_t values = most_values(n_features);
  const double rows = static_cast<double>(std::min(n_samples, most_samples) + 4 * values);
  return rows * static_cast<double>(n_features + 2 * values + 32) * sizeof(float);
}

std::unique_ptr<PrincipalPrefix> PrincipalPrefix::of(const DenseEngine<float>& engine, std::size_t n_samples,
                                                     std::size_t n_features, int threads, bool half) {
  const auto& kernels = engine.kernels();
  const std::size_t count = std::min(n_samples, most_samples), stride = engine.padded_features();
  AlignedBuffer<float> some(count * stride);
  for (std::size_t s = 0; s < count; ++s) {
    float* x = some.data() + s * stride;
    engine.load_sample(s * n_samples / count, x);
    if (!std::isfinite(kernels.squared_norm(x, n_features))) std::fill_n(x, stride, 0.0f);
  }
  const std::size_t most = most_values(n_features);
  std::unique_ptr<PrincipalPrefix> prefix;
  for (const std::size_t values : {most / 2, most}) {
    prefix.reset(new PrincipalPrefix(kernels, some, count, n_features, values, threads));
    if (half || prefix->has_short_tails()) break;
  }
  return prefix;
}

PrincipalPrefix::PrincipalPrefix(const kernels::Kernels<float>& kernels, const AlignedBuffer<float>& some,
                                 std::size_t count, std::size_t n_features, std::size_t n_values, int threads)
    : kernels_(kernels),
      n_features_(n_features),
      n_axes_(n_values - n_tails),
      padded_axes_(block_count(n_axes_, kernels_.lanes) * kernels_.lanes),
      stride_(block_count(n_features, kernels_.lanes) * kernels_.lanes),
      axes_(n_axes_ * stride_),
      panels_(padded_axes_ * n_features),
      half_norms_(padded_axes_) {
  find_axes(some, count, threads);
  measure();
  AlignedBuffer<float> products(count * padded_axes_);
  project_all(some, count, threads, products);
  double all = 0, along = 0;
  for (std::size_t s = 0; s < count; ++s) {
    all += static_cast<double>(kernels_.squared_norm(some.data() + s * stride_, n_features_));
    along += static_cast<double>(kernels_.squared_norm(products.data() + s * padded_axes_, n_axes_));
  }
  tail_share_ = all > 0 ? std::max(0.0, 1 - along / all) : 0;
}

void PrincipalPrefix::project_all(const AlignedBuffer<float>& some, std::size_t count, int threads,
                                  AlignedBuffer<float>& products) const {
  parallel_blocks(threads, block_count(count, batch_rows), [&](std::size_t b, int) {
    const RowRange rows = block_range(b, count, batch_rows);
    project(some.data() + rows.begin * stride_, stride_, rows.size(),
            products.data() + rows.begin * padded_axes_);
  });
}

void PrincipalPrefix::find_axes(const AlignedBuffer<float>& some, std::size_t count, int threads) {
  const std::size_t m = n_axes_;
  for (std::size_t r = 0; r < m; ++r)
    std::copy_n(some.data() + r * count / m * stride_, stride_, axes_.data() + r * stride_);
  make_orthonormal(axes_, n_features_, stride_);
  pack();
  AlignedBuffer<float> products(count * padded_axes_);
  project_all(some, count, threads, products);
  parallel_blocks(threads, m, [&](std::size_t r, int) {
    float* axis = axes_.data() + r * stride_;
    std::fill_n(axis, stride_, 0.0f);
    for (std::size_t s = 0; s < count; ++s)
      add_multiple(products[s * padded_axes_ + r], some.data() + s * stride_, n_features_, axis);
  });
  make_orthonormal(axes_, n_features_, stride_);

  // Turned at random.
  CounterRng random(2);
  AlignedBuffer<float> turn(m * padded_axes_), turned(m * stride_);
  for (std::size_t r = 0; r < m; ++r) fill_normal(random, m, turn.data() + r * padded_axes_);
  make_orthonormal(turn, m, padded_axes_);
  parallel_blocks(threads, m, [&](std::size_t r, int) {
    for (std::size_t q = 0; q < m; ++q)
      add_multiple(turn[r * padded_axes_ + q], axes_.data() + q * stride_, n_features_,
                   turned.data() + r * stride_);
  });
  axes_ = std::move(turned);
  pack();
}

/// Gram-Schmidt, twice (Giraud, Langou & Rozloznik 2005); a row that hardly differs from those before gives
/// way to a random one. `length` is at least the number of rows.
void PrincipalPrefix::make_orthonormal(AlignedBuffer<float>& rows, std::size_t length,
                                       std::size_t stride) const {
  CounterRng random(1);
  const std::vector<float> zeros(n_axes_, 0.0f);
  std::vector<float> products(n_axes_);
  std::vector<std::int32_t> before(n_axes_);
  std::iota(before.begin(), before.end(), 0);
  const auto normalise = [&](float* x) {
    const double norm = std::sqrt(static_cast<double>(kernels_.squared_norm(x, length)));
    const double inverse = norm > 0x1p-60 && norm < 0x1p60 ? 1 / norm : 0;
    for (std::size_t t = 0; t < length; ++t)
      x[t] = inverse > 0 ? narrow<float>(static_cast<double>(x[t]) * inverse) : 0;
    return inverse > 0 ? norm : 0;
  };
  for (std::size_t r = 0; r < n_axes_; ++r) {
    float* x = rows.data() + r * stride;
    for (int attempt = 0; attempt < 8; ++attempt) {
      double left = normalise(x) > 0 ? 1 : 0;
      for (int pass = 0; pass < 2; ++pass) {
        kernels_.listed_scores(x, rows.data(), stride, zeros.data(), before.data(), r, stride,
                               products.data());
        for (std::size_t q = 0; q < r; ++q) add_multiple(products[q], rows.data() + q * stride, length, x);
        left *= normalise(x);
      }
      if (left > 1e-3) break;
      fill_normal(random, length, x);
    }
  }
}

/// The axes as PackedCentroids, with norms of zero: scores are negative products.
void PrincipalPrefix::pack() {
  const std::size_t lanes = kernels_.lanes, vectors = padded_axes_ / lanes;
  for (std::size_t r = 0; r < n_axes_; ++r) {
    const std::size_t panel = r / lanes / 2 * 2, width = (panel + 2 <= vectors ? 2 : 1) * lanes;
    float* out = panels_.data() + panel * lanes * n_features_ + (r - panel * lanes);
    for (std::size_t t = 0; t < n_features_; ++t) out[t * width] = axes_[r * stride_ + t];
  }
}

/// delta, by the Frobenius norm of D, and eps.
void PrincipalPrefix::measure() {
  double squares = 0, longest = 0;
  for (std::size_t r = 0; r < n_axes_; ++r) {
    for (std::size_t q = 0; q <= r; ++q) {
      // Four sums: one would wait for itself.
      const float *a = axes_.data() + r * stride_, *b = axes_.data() + q * stride_;
      double sums[4] = {};
      std::size_t t = 0;
      for (; t + 4 <= n_features_; t += 4) {
        for (std::size_t l = 0; l < 4; ++l)
          sums[l] += static_cast<double>(a[t + l]) * static_cast<double>(b[t + l]);
      }
      for (; t < n_features_; ++t) sums[0] += static_cast<double>(a[t]) * static_cast<double>(b[t]);
      const double product = (sums[0] + sums[1]) + (sums[2] + sums[3]) - (r == q ? 1 : 0);
      squares += (r == q ? 1 : 2) * product * product;
      if (r == q) longest = std::max(longest, std::sqrt(1 + product));
    }
  }
  const double d = static_cast<double>(n_features_), chain = static_cast<double>(kernels::dense_chain);
  const double m = static_cast<double>(n_axes_);
  // The products in double are off by 2 d 2^-53 at most.
  delta_ = std::sqrt(squares) + m * 2 * d * 0x1p-53;
  const double gamma = gamma_of(std::min(d, chain) + std::ceil(d / chain) + 8, unit_roundoff<float>());
  rounding_ = gamma * std::sqrt(m) * longest * (1 + 0x1p-20);
  floor_ = 2 * std::sqrt(m) * d * 0x1p-149;
}

void PrincipalPrefix::project(const float* rows, std::size_t stride, std::size_t count, float* out) const {
  kernels_.scores({panels_.data(), half_norms_.data(), padded_axes_ / kernels_.lanes, n_features_,
                   padded_axes_ / kernels_.lanes},
                  {rows, stride, count}, out, padded_axes_);
}

PrincipalPrefix::Measured PrincipalPrefix::extend(const float* projected, double norm, float* out) const {
  double squares = 0;
  for (std::size_t r = 0; r < n_axes_; ++r) {
    out[r] = -projected[r];
    squares += static_cast<double>(out[r]) * static_cast<double>(out[r]);
  }
  const double length = std::sqrt(squares), rounding = rounding_ * norm + floor_;
  const double rest =
      norm * norm * (1 + 0x1p-40) - squares * (1 - 0x1p-40) + 2 * length * rounding + delta_ * squares;
  const float half = rest <= 0  ? 0
                     : rest > 0 ? round_up<float>(std::sqrt(rest) / 2)
                                : std::numeric_limits<float>::infinity();
  static_assert(n_tails == 4, "four halves squared are one");
  std::fill_n(out + n_axes_, n_tails, half);
  return {rounding + 1.5 * delta_ * length,
          std::sqrt(squares + 4 * static_cast<double>(half) * static_cast<double>(half)) * (1 + 0x1p-40),
          2 * half};
}

}  // namespace omnimeans
