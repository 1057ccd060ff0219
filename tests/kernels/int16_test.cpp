// SPDX-License-Identifier: MIT
// Samples in sixteen bits: every implementation makes the words of the plain loops and touches nothing beside
// its buffers, and scores are off by no more than int16_rows.hpp says, by data that comes close to it.
#include <gtest/gtest.h>
#include <algorithm>
#include <bit>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "core/oracle.hpp"
#include "core/random.hpp"
#include "int16_rows.hpp"
#include "kernels/guarded.hpp"
#include "kernels/int16.hpp"
#include "kernels/shapes.hpp"

namespace {

using namespace omnimeans::kernels;
using omnimeans::Isa;
using oracle::Quad;

struct Named {
  Isa isa;
  const Int16Kernels* kernels;
};
/// The plain loops, and what this CPU has beside them.
std::vector<Named> usable_int16() {
  std::vector<Named> all{{Isa::scalar, &plain_int16_kernels()}};
  for (const Isa isa : omnimeans::usable_isas()) {
    const Int16Kernels *own = int16_kernels(isa), *other = int16_kernels(isa, false);
    if (own != nullptr) all.push_back({isa, own});
    if (other != nullptr && other != own) all.push_back({isa, other});
  }
  return all;
}

TEST(Int16, RowsAreRoundedToTheNearest) {
  Random random(1);
  for (const Named& named : usable_int16()) {
    for (const std::size_t n : {1, 2, 5, 17, 40}) {
      for (const std::size_t d : {1, 2, 3, 4, 6, 7, 8, 10, 12, 14, 15, 16, 17, 18, 31, 33, 64}) {
        for (const bool moved : {false, true}) {
          for (const Placement& place : edges()) {
            for (const std::size_t stride : {d, d + 3}) {
              SCOPED_TRACE(std::string(to_string(named.isa)) + ", n " + std::to_string(n) + ", d " +
                           std::to_string(d) + ", " + std::to_string(stride) + " apart");
              const auto values = random_values<float>(random, n * stride, -20, 20);
              const auto offset_values = random_values<float>(random, d, -1, 1);
              Guarded<float> rows(values, place), offset(offset_values, place);
              Guarded<float> words(n * ((d + 1) / 2), place), norms(n, place), residuals(n, place);
              const float scale = moved ? 2.0f : 1.0f;
              named.kernels->round_rows({.rows = rows.data(),
                                         .row_stride = stride,
                                         .n_rows = n,
                                         .n_features = d,
                                         .offset = moved ? offset.data() : nullptr,
                                         .scale = scale,
                                         .inverse_unit = 600,
                                         .words = words.data(),
                                         .norm_floor = 0,
                                         .norm_factor = 1,
                                         .norms = norms.data(),
                                         .residuals = residuals.data()});
              for (std::size_t i = 0; i < n; ++i) {
                double squares = 0, residual = 0;
                for (std::size_t t = 0; t < d; ++t) {
                  const float value = (values[i * stride + t] - (moved ? offset_values[t] : 0.0f)) * scale;
                  squares += static_cast<double>(value) * static_cast<double>(value);
                  const auto word = std::bit_cast<std::uint32_t>(words.data()[i * ((d + 1) / 2) + t / 2]);
                  const auto integer = static_cast<std::int16_t>(word >> (t % 2 * 16) & 0xffff);
                  const double rest = static_cast<double>(value) * 600 - integer;
                  ASSERT_LE(std::abs(rest), 0.504) << i << ", " << t;
                  residual += rest * rest;
                }
                if (d % 2 != 0) {
                  ASSERT_EQ(std::bit_cast<std::uint32_t>(words.data()[(i + 1) * ((d + 1) / 2) - 1]) >> 16,
                            0u);
                }
                ASSERT_NEAR(norms.data()[i], std::sqrt(squares), 1e-5 * std::sqrt(squares));
                ASSERT_NEAR(std::sqrt(residuals.data()[i]), std::sqrt(residual),
                            0.004 * std::sqrt(static_cast<double>(d)));
              }
              ASSERT_TRUE(words.intact() && norms.intact() && residuals.intact());
            }
          }
        }
      }
    }
  }
}

/// One side, `long_one`, is long and on the grid of the unit; the values of the other lie half-way between
/// two integers, a little to the side that hurts: their rounding errors have the signs of the long one's
/// values, `sign` times.
struct Worst {
  omnimeans::Matrix<float> samples, centroid;
};
Worst worst_case(std::size_t n, std::size_t d, double unit, bool long_centroid, int sign, Random& random) {
  Worst worst{omnimeans::Matrix<float>(n, d), omnimeans::Matrix<float>(1, d)};
  const double integer = std::floor(19000 / std::sqrt(static_cast<double>(d)));
  for (std::size_t t = 0; t < d; ++t) {
    const double long_value = random.chance(2) ? integer : -integer, error = long_value > 0 ? 0.499 : -0.499;
    const auto half_way = [&] {
      return static_cast<float>((static_cast<double>(random.below(7)) - 3 + error * sign) * unit);
    };
    const auto on_grid = static_cast<float>(long_value * unit);
    worst.centroid(0, t) = long_centroid ? on_grid : half_way();
    for (std::size_t i = 0; i < n; ++i) worst.samples(i, t) = long_centroid ? half_way() : on_grid;
  }
  return worst;
}

double length_of(std::span<const float> values) {
  double squared = 0;
  for (const float v : values) squared += static_cast<double>(v) * static_cast<double>(v);
  return std::sqrt(squared);
}

/// Checks every score; returns the largest error as a share of what the margin allows.
double check_scores(const Named& named, omnimeans::Int16Rows& rows, const Worst& w,
                    std::vector<float> norms) {
  const std::size_t n = w.samples.rows(), d = w.samples.cols();
  const double C = length_of(w.centroid.row(0));
  const auto& dense = kernels_for<float>(named.isa);
  omnimeans::AlignedBuffer<float> tile(128 * dense.nearest_tile), partial(dense.nearest_tile);
  std::vector<std::int32_t> labels(n), open(n);
  std::vector<float> found(n);
  std::size_t n_open = 0;
  NearestTask<float> task{.centroids = {nullptr, nullptr, 1, d, 1},
                          .block = {w.samples.data(), d, n, nullptr},
                          .norm_limit = 10,
                          .norms = norms.data(),
                          .tile_samples = tile.data(),
                          .partial = partial.data(),
                          .labels = labels.data(),
                          .squared = found.data(),
                          .bounds = {},
                          .open = open.data(),
                          .n_open = &n_open};
  rows.take_over(task, 0, C);
  named.kernels->nearest(task);
  double share = 0;
  for (std::size_t i = 0; i < n; ++i) {
    Quad exact = 0, length = 0;
    for (std::size_t t = 0; t < d; ++t) {
      const Quad x = static_cast<Quad>(w.samples(i, t)), difference = x - static_cast<Quad>(w.centroid(0, t));
      exact += difference * difference;
      length += x * x;
    }
    // found = N^2 + 2 (score + margin), and the margin is twice the largest error.
    const double N = static_cast<double>(norms[i]);
    const double margin = static_cast<double>(task.margin1) * N + static_cast<double>(task.margin0);
    const double above =
        static_cast<double>(static_cast<Quad>(found[i]) - exact - static_cast<Quad>(N * N) + length);
    const double rounding = 4e-7 * (N + C) * (N + C);
    EXPECT_GE(above, margin - rounding) << "d " << d << ", sample " << i;
    EXPECT_LE(above, 3 * margin + rounding) << "d " << d << ", sample " << i;
    share = std::max(share, std::abs(above - 2 * margin) / margin);
  }
  return share;
}

/// Rounds both sides; the lengths of the samples.
std::vector<float> round_both(omnimeans::Int16Rows& rows, const Worst& w) {
  const std::size_t n = w.samples.rows(), d = w.samples.cols();
  std::vector<float> norms(n), residuals(n);
  NearestTask<float> task;
  task.block = {w.samples.data(), d, n, nullptr};
  task.norms = norms.data();
  task.norm_factor = 1 + 0x1p-20f;
  rows.round_samples(task, 0, residuals.data());
  rows.begin_centroids();
  rows.set_start(0, std::pow(length_of(w.centroid.row(0)), 2));
  for (std::size_t word = 0; word < rows.n_words(); ++word)
    rows.centroids()[word] = rows.word(0, word, [&](std::size_t t) { return w.centroid(0, t); });
  rows.end_centroids();
  return norms;
}

TEST(Int16, ScoresAreOffByNoMoreThanTheMarginSays) {
  Random random(7);
  for (const Named& named : usable_int16()) {
    const std::size_t n = 2 * kernels_for<float>(named.isa).nearest_tile + 3;
    for (const std::size_t d : {1, 2, 5, 16, 63, 300}) {
      for (const bool long_centroid : {false, true}) {
        double before = 0, after = 0;
        for (const int sign : {1, -1}) {
          omnimeans::Int16Rows rows(*named.kernels, n, d, 1);
          rows.choose_unit(1.0);
          const Worst w = worst_case(n, d, rows.unit(), long_centroid, sign, random);
          ASSERT_TRUE(rows.fits(length_of(w.centroid.row(0))));
          const std::vector<float> norms = round_both(rows, w);
          before = std::max(before, check_scores(named, rows, w, norms));
          rows.all_rounded();
          after = std::max(after, check_scores(named, rows, w, norms));
        }
        SCOPED_TRACE("d " + std::to_string(d));
        EXPECT_GT(before, long_centroid ? 0.9 : 0.45) << "the data must come near the bound";
        EXPECT_GT(after, 0.9) << "the data must come near the bound";
      }
    }
  }
}

/// Both sides as long as can be, and opposite: the largest score there is. The same, alike: the lowest.
TEST(Int16, TheLongestFitTheAccumulators) {
  Random random(11);
  for (const Named& named : usable_int16()) {
    const std::size_t n = kernels_for<float>(named.isa).nearest_tile + 1;
    for (const std::size_t d : {1, 2, 3, 16, 300, 4096}) {
      for (const double towards : {1.0, -1.0}) {
        omnimeans::Int16Rows rows(*named.kernels, n, d, 1);
        rows.choose_unit(1.0);
        Worst w{omnimeans::Matrix<float>(n, d), omnimeans::Matrix<float>(1, d)};
        for (float& c : w.centroid.row(0)) c = static_cast<float>(random.uniform(-1, 1));
        const double length = length_of(w.centroid.row(0));
        for (std::size_t t = 0; t < d; ++t) {
          w.centroid(0, t) = static_cast<float>(static_cast<double>(w.centroid(0, t)) / length * 0.9999);
          for (std::size_t i = 0; i < n; ++i)
            w.samples(i, t) = static_cast<float>(towards) * w.centroid(0, t);
        }
        ASSERT_TRUE(rows.fits(length_of(w.centroid.row(0))));
        SCOPED_TRACE(std::string(to_string(named.isa)) + ", towards " + std::to_string(towards));
        check_scores(named, rows, w, round_both(rows, w));
      }
    }
  }
}

}  // namespace
