// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "omnimeans/matrix_view.hpp"
#include "parallel.hpp"

namespace omnimeans {

/// The weighted variance of each feature, averaged over the features: what `tol` is relative to. The same
/// bits for every thread count: blocks of 1024 samples, each summed in order around the first sample, then
/// the blocks in order.
template <class T>
double mean_feature_variance(MatrixView<const T> samples, std::span<const T> weights, int threads) {
  constexpr std::size_t block_rows = 1024;
  const std::size_t n = samples.rows(), d = samples.cols(), blocks = block_count(n, block_rows);
  struct Moments {
    double weight = 0;
    std::vector<double> sum, squares;
  };
  // Around the first sample that counts: what has no weight is absent.
  std::size_t first_present = 0;
  while (!weights.empty() && !(weights[first_present] > 0)) ++first_present;
  const T* origin = samples.row_data(first_present);
  const auto add_block = [&](std::size_t block) {
    Moments m{0, std::vector<double>(d, 0), std::vector<double>(d, 0)};
    const RowRange rows = block_range(block, n, block_rows);
    for (std::size_t i = rows.begin; i < rows.end; ++i) {
      const double w = weights.empty() ? 1.0 : static_cast<double>(weights[i]);
      if (!(w > 0)) continue;
      const T* x = samples.row_data(i);
      m.weight += w;
      for (std::size_t t = 0; t < d; ++t) {
        const double r = static_cast<double>(x[t]) - static_cast<double>(origin[t]);
        m.sum[t] += w * r;
        m.squares[t] += w * r * r;
      }
    }
    return m;
  };
  // Blocks are merged in order as they come: at most a few per thread wait at any time.
  Moments total{0, std::vector<double>(d, 0), std::vector<double>(d, 0)};
  const std::size_t wave = static_cast<std::size_t>(threads) * 4;
  std::vector<Moments> waiting(wave);
  for (std::size_t first = 0; first < blocks; first += wave) {
    const std::size_t count = std::min(wave, blocks - first);
    parallel_blocks(n * d < 50'000 ? 1 : threads, count,
                    [&](std::size_t b, int) { waiting[b] = add_block(first + b); });
    for (std::size_t b = 0; b < count; ++b) {
      total.weight += waiting[b].weight;
      for (std::size_t t = 0; t < d; ++t) {
        total.sum[t] += waiting[b].sum[t];
        total.squares[t] += waiting[b].squares[t];
      }
    }
  }
  double mean = 0;
  for (std::size_t t = 0; t < d; ++t) {
    const double centre = total.sum[t] / total.weight;
    mean += std::max(0.0, total.squares[t] / total.weight - centre * centre);
  }
  return mean / static_cast<double>(d);
}

}  // namespace omnimeans
