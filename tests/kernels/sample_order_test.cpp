// SPDX-License-Identifier: MIT
// The order of a curve: every sample once, by keys that never fall while one feature rises, whatever memory
// the keys' second copy has.
#include "sample_order.hpp"

#include <gtest/gtest.h>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <set>
#include <span>
#include <vector>

#include "core/random.hpp"
#include "omnimeans/matrix_view.hpp"

namespace {

using omnimeans::Matrix;
using omnimeans::samples_in_order;

template <class T>
Matrix<T> some_samples(std::size_t n, std::size_t d) {
  Random random(n + d);
  Matrix<T> samples(n, d);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t t = 0; t < d; ++t) samples(i, t) = static_cast<T>(random.normal() * (t == 1 ? 20 : 1));
  }
  return samples;
}

/// The key of every sample; all of them are there, in order.
std::vector<std::uint32_t> keys_of(const omnimeans::SampleOrder& order, std::size_t n) {
  std::vector<std::uint32_t> keys(n);
  std::vector<bool> there(n);
  for (std::size_t i = 0; i < n; ++i) {
    EXPECT_TRUE(i == 0 || order.keys[i - 1] < order.keys[i]);
    const auto sample = static_cast<std::uint32_t>(order.keys[i]);
    if (sample >= n || there[sample]) {
      ADD_FAILURE() << "sample " << sample << " is no sample, or there twice";
      break;
    }
    there[sample] = true;
    keys[sample] = static_cast<std::uint32_t>(order.keys[i] >> 32);
  }
  return keys;
}

template <class T>
void check_keys(std::size_t d) {
  // Some of all sorts, then for each feature rows that differ in it alone.
  constexpr std::size_t n_random = 3000, n_rising = 2000;
  const Matrix<T> random = some_samples<T>(n_random, d);
  Matrix<T> samples(n_random + d * n_rising, d);
  for (std::size_t i = 0; i < samples.rows(); ++i) {
    std::ranges::copy(random.row(i % n_random), samples.row(i).begin());
    if (i < n_random) continue;
    std::ranges::copy(random.row(0), samples.row(i).begin());
    const std::size_t t = (i - n_random) / n_rising, place = (i - n_random) % n_rising;
    samples(i, t) = static_cast<T>((static_cast<double>(place) / n_rising - 0.5) * (t == 1 ? 60 : 3));
  }
  const auto keys = keys_of(samples_in_order<T>(samples.view(), 1), samples.rows());
  EXPECT_EQ(keys_of(samples_in_order<T>(samples.view(), 3), samples.rows()), keys);
  for (std::size_t t = 0; t < d; ++t) {
    const auto begin = keys.begin() + static_cast<std::ptrdiff_t>(n_random + t * n_rising);
    EXPECT_TRUE(std::is_sorted(begin, begin + n_rising)) << "feature " << t << " of " << d;
    // Of 22 bits, sixteen a feature at most; of thirty features some have none.
    const std::size_t least = d == 1 ? 1900 : d == 2 ? 250 : d <= 5 ? 6 : 1;
    EXPECT_GE(std::set<std::uint32_t>(begin, begin + n_rising).size(), least) << t << " of " << d;
  }
}

TEST(SampleOrder, KeysRiseWithEveryFeature) {
  for (const std::size_t d : {1, 2, 3, 4, 5, 30}) {
    check_keys<float>(d);
    check_keys<double>(d);
  }
}

TEST(SampleOrder, ItIsTheSameInAnyRoom) {
  constexpr std::size_t n = 9000;
  const Matrix<float> samples = some_samples<float>(n, 3);
  const auto expected = samples_in_order<float>(samples.view(), 2);
  for (const std::size_t bytes : {8 * n, 8 * n + 5, 8 * n - 1}) {
    std::vector<std::uint64_t> memory(n + 2, 7);
    const std::span<std::byte> room{reinterpret_cast<std::byte*>(memory.data()), bytes};
    const auto order = samples_in_order<float>(samples.view(), 2, room);
    EXPECT_TRUE(std::equal(order.keys.data(), order.keys.data() + n, expected.keys.data()));
    const bool used = std::ranges::count(memory, 7u) != static_cast<std::ptrdiff_t>(n + 2);
    EXPECT_EQ(used, bytes >= 8 * n);
    EXPECT_EQ(memory[n], 7u);
  }
}

/// Rows of a wider matrix, `gap` values apart, have the keys that the same rows without gaps have.
template <class T>
void check_rows_with_gaps(std::size_t n, std::size_t d, std::size_t gap) {
  Random random(n + d + gap);
  Matrix<T> wide(n, d + gap);
  for (std::size_t i = 0; i < n; ++i) {
    for (T& value : wide.row(i)) value = static_cast<T>(random.normal());
  }
  const omnimeans::MatrixView<const T> samples(wide.data(), n, d, d + gap);
  const auto keys = keys_of(samples_in_order<T>(samples, 1), n);
  EXPECT_EQ(keys_of(samples_in_order<T>(samples, 7), n), keys);
  Matrix<T> packed(n, d);
  for (std::size_t i = 0; i < n; ++i) std::ranges::copy(samples.row(i), packed.row(i).begin());
  EXPECT_EQ(keys_of(samples_in_order<T>(packed.view(), 2), n), keys);
}

TEST(SampleOrder, RowsWithGapsHaveTheSameKeys) {
  for (const std::size_t d : {2, 4, 5, 6, 12, 33}) {
    for (const std::size_t n : {1, 63, 64, 65, 4097, 10001}) {
      check_rows_with_gaps<float>(n, d, 3);
      check_rows_with_gaps<double>(n, d, 1);
    }
  }
}

TEST(SampleOrder, EqualRowsHaveEqualKeysWhereverTheyAre) {
  for (const std::size_t d : {3, 5, 16}) {
    constexpr std::size_t n = 5000, different = 77;  // no multiple of a chunk
    const Matrix<float> few = some_samples<float>(different, d);
    Matrix<float> samples(n, d);
    for (std::size_t i = 0; i < n; ++i) std::ranges::copy(few.row(i % different), samples.row(i).begin());
    const auto keys = keys_of(samples_in_order<float>(samples.view(), 2), n);
    for (std::size_t i = different; i < n; ++i) ASSERT_EQ(keys[i], keys[i % different]) << i << " of " << d;
  }
}

/// One side far longer than the others gets nearly all of the bits.
TEST(SampleOrder, ALongSideAmongManyRisesInManySteps) {
  constexpr std::size_t n = 20000, d = 7;
  Random random(5);
  Matrix<float> samples(n, d);
  for (std::size_t i = 0; i < n; ++i) {
    for (float& value : samples.row(i)) value = static_cast<float>(random.normal()) * 1e-3f;
    samples(i, 4) = static_cast<float>(i);
  }
  const auto keys = keys_of(samples_in_order<float>(samples.view(), 2), n);
  EXPECT_TRUE(std::ranges::is_sorted(keys));
  EXPECT_GT(std::set<std::uint32_t>(keys.begin(), keys.end()).size(), 2048u);
}

}  // namespace
