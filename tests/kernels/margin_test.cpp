// SPDX-License-Identifier: MIT
// The bound that labels are proved with, against data made to break it: centroids a few units in the last
// place apart, samples half-way between two, large common offsets, values whose squares leave float's range.
// predict() must give the canonical label, by ==. That the data can show a wrong bound at all is tested, too:
// with a margin of zero the kernels' own labels are wrong.
#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "aligned_buffer.hpp"
#include "core/compare.hpp"
#include "core/oracle.hpp"
#include "kernels/packing.hpp"
#include "kernels/shapes.hpp"

namespace {

using omnimeans::Matrix;

/// A few units in the last place up or down.
template <class T>
T nudged(Random& random, T value, int most = 3) {
  const T towards = random.chance(2) ? std::numeric_limits<T>::max() : std::numeric_limits<T>::lowest();
  for (std::size_t steps = random.below(static_cast<std::size_t>(most) + 1); steps > 0; --steps) {
    value = std::nextafter(value, towards);
  }
  return value;
}

template <class T>
struct NearTies {
  Matrix<T> samples, centroids;
};

/// Half of the centroids are another one, a few coordinates nudged. Samples are half-way between two
/// centroids, nudged, or near one of them.
template <class T>
NearTies<T> near_ties(std::size_t n, std::size_t d, std::size_t k, double offset, double scale,
                      std::uint64_t seed) {
  Random random(seed);
  NearTies<T> ties{Matrix<T>(n, d), Matrix<T>(k, d)};
  Matrix<T>& c = ties.centroids;
  for (std::size_t j = 0; j < k; ++j) {
    const bool copy = j > 0 && random.chance(2);
    const std::size_t other = copy ? random.below(j) : 0;
    for (std::size_t t = 0; t < d; ++t) {
      c(j, t) = copy ? (random.chance(3) ? nudged(random, c(other, t)) : c(other, t))
                     : static_cast<T>((offset + random.uniform(-1, 1)) * scale);
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t a = random.below(k), b = random.below(k);
    const bool halfway = !random.chance(4);
    for (std::size_t t = 0; t < d; ++t) {
      const double middle = (static_cast<double>(c(a, t)) + static_cast<double>(c(b, t))) / 2;
      ties.samples(i, t) = halfway ? nudged(random, static_cast<T>(middle), 1)
                                   : c(a, t) + static_cast<T>(random.uniform(-1, 1) * scale);
    }
  }
  return ties;
}

template <class T>
std::vector<double> scales() {
  // Of doubles too far from one, distances would over- or underflow in the canonical rule itself.
  if constexpr (sizeof(T) == 4) return {1e-30, 1e-18, 1e-3, 1, 1e6, 1e18};
  return {1e-140, 1e-30, 1, 1e6, 1e140};
}

/// How many of the labels that nearest() calls proved are not canonical, and how many it calls proved.
struct Verdict {
  std::size_t wrong = 0, proved = 0;
};

template <class T>
Verdict judge(const NearTies<T>& ties, const omnimeans::kernels::Kernels<T>& kernels, T margin_factor) {
  const std::size_t n = ties.samples.rows(), d = ties.samples.cols(), k = ties.centroids.rows();
  const std::size_t groups = (k + kernels.nearest_group - 1) / kernels.nearest_group;
  const Moved<T> moved = moved_centroids<T>(ties.centroids.view(), nullptr, T(1));
  const std::vector<T> packed = packed_groups(moved.centroids, groups);
  std::vector<T> norms(n), squared(n);
  omnimeans::AlignedBuffer<T> tile(std::min(d, omnimeans::kernels::dense_chain) * kernels.nearest_tile),
      partial(k * kernels.nearest_tile);
  std::vector<std::int32_t> labels(n), open(n);
  std::size_t n_open = 0;
  omnimeans::kernels::NearestTask<T> task;
  task.centroids = {packed.data(), moved.half_norms.data(), k, d, groups};
  task.block = {ties.samples.data(), d, n, nullptr};
  set_margin(task, static_cast<double>(d), moved.longest, T(1));
  for (T* part : {&task.margin0, &task.margin1, &task.margin2}) *part *= margin_factor;
  task.norms = norms.data();
  task.tile_samples = tile.data();
  task.partial = partial.data();
  task.labels = labels.data();
  task.squared = squared.data();
  task.open = open.data();
  task.n_open = &n_open;
  kernels.nearest(task);

  const std::vector<std::int32_t> canonical =
      oracle::labels(ties.samples.view(), omnimeans::MatrixView<const T>(ties.centroids.view()));
  std::vector<bool> is_open(n, false);
  for (std::size_t o = 0; o < n_open; ++o) is_open[static_cast<std::size_t>(open[o])] = true;
  Verdict verdict;
  for (std::size_t i = 0; i < n; ++i) {
    if (is_open[i]) continue;
    ++verdict.proved;
    verdict.wrong += labels[i] != canonical[i];
  }
  return verdict;
}

template <class T>
class Margin : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Margin, Types);

TYPED_TEST(Margin, NearTiesGetTheCanonicalLabel) {
  using T = TypeParam;
  std::uint64_t seed = 0;
  for (const double scale : scales<T>()) {
    for (const double offset : {0.0, 1e3, 1e5}) {
      for (const std::size_t d : {1, 2, 3, 8, 16, 64, 129, 300}) {
        ++seed;
        const std::size_t k = 2 + seed * 7 % 39, n = d > 100 ? 100 : 200;
        const NearTies<T> ties = near_ties<T>(n, d, k, offset, scale, seed);
        const auto expected = oracle::labels<T>(ties.samples.view(), ties.centroids.view());
        for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
          const std::string name(to_string(isa));
          ASSERT_TRUE(same_labels(
              expected, omnimeans::predict(ties.samples, ties.centroids, {.threads = 1, .isa = name})))
              << name << ", scale " << scale << ", offset " << offset << ", d " << d << ", k " << k;
        }
      }
    }
  }
}

TYPED_TEST(Margin, WhatIsCalledProvedIsCanonicalAndWouldNotBeWithoutAMargin) {
  using T = TypeParam;
  for (const auto* table : usable_tables()) {
    SCOPED_TRACE(std::string(omnimeans::to_string(table->isa)));
    Verdict with, without;
    std::uint64_t seed = 1000;
    for (const double offset : {0.0, 3.0, 1e3}) {
      for (const std::size_t d : {1, 2, 3, 8, 16, 64, 129, 300}) {
        for (const std::size_t k : {2, 7, 24, 40}) {
          const NearTies<T> ties = near_ties<T>(d > 100 ? 40 : 120, d, k, offset, 1, ++seed);
          const Verdict margin = judge(ties, table->of<T>(), T(1)), none = judge(ties, table->of<T>(), T(0));
          ASSERT_EQ(margin.wrong, 0u) << "offset " << offset << ", d " << d << ", k " << k;
          with.proved += margin.proved;
          without.proved += none.proved;
          without.wrong += none.wrong;
        }
      }
    }
    EXPECT_GT(with.proved, 0u) << "a margin that proves nothing is never wrong";
    EXPECT_GT(without.wrong, 0u) << "the data do not show a wrong bound";
    EXPECT_GT(without.proved, with.proved);
    this->RecordProperty(std::string("wrong_without_margin_") + std::string(omnimeans::to_string(table->isa)),
                         static_cast<int>(without.wrong));
  }
}

}  // namespace
