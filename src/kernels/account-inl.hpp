// SPDX-License-Identifier: MIT
// The update step's sums in fixed point (centroid_update.hpp): samples leave one cluster's sum and join
// another's.
//
//   for each listed sample i:   sums[to_i] += bits(x_i + magic),   sums[from_i] -= bits(x_i + magic)
//   mean = (sum - count bits(magic)) quantum / count
#pragma once

#include "kernels/kernels.hpp"
#include "kernels/rows-inl.hpp"
#include "kernels/simd-inl.hpp"
#include "kernels/widened-inl.hpp"

namespace omnimeans::kernels {
namespace {

template <class T, class Arch>
struct Account {
  using D = Simd<double, Arch>;
  static constexpr std::size_t W = D::lanes;

  static std::size_t differing(const std::int32_t* a, const std::int32_t* b, std::size_t n,
                               std::int32_t* out) {
    std::size_t count = 0, r = 0;
#if !defined(OMNIMEANS_KERNELS_SCALAR)
    using R = Rows<float, Arch>;
    for (; r + R::W <= n; r += R::W) {
      // The labels before; those of now have just been written.
      __builtin_prefetch(reinterpret_cast<const char*>(b + r) + label_ahead_bytes);
      R::append_open(equal_lanes<Arch>(a + r, b + r), r, out, count);
    }
#endif
    for (; r < n; ++r) {
      if (a[r] != b[r]) out[count++] = static_cast<std::int32_t>(r);
    }
    return count;
  }

  static void account(const AccountTask<T>& task) {
    // Moved samples are scattered: ask for rows that are due in a while, or what comes first of them. (Zen 4,
    // word embeddings of 100 features, an update step: 0.6 times as long as with the first line alone.)
    constexpr std::size_t line = 64 / sizeof(T), most = 8 * line;
    const std::size_t d = task.n_features, asked = d < most ? d : most, ahead = d <= line ? 16 : 6;
    for (std::size_t m = 0; m < task.count; ++m) {
      if (task.index != nullptr && m + ahead < task.count) {
        const T* row = task.rows + task.index[m + ahead] * task.row_stride;
        for (std::size_t t = 0; t < asked; t += line) __builtin_prefetch(row + t);
      }
      const std::size_t i = task.index != nullptr ? task.index[m] : task.first + m;
      const T* x = task.rows + i * task.row_stride;
      const std::int32_t from = task.from != nullptr ? task.from[i] : -1, to = task.to[i];
      std::uint64_t* gains = task.sums + static_cast<std::size_t>(to) * task.sums_stride;
      ++task.counts[to];
      if (from < 0) {
        each_vector(
            x, d, task.magic, [&](std::size_t t, auto bits) __attribute__((always_inline)) {
              add_bits<Arch>(gains + t, bits);
            });
        continue;
      }
      std::uint64_t* loses = task.sums + static_cast<std::size_t>(from) * task.sums_stride;
      --task.counts[from];
      each_vector(
          x, d, task.magic, [&](std::size_t t, auto bits) __attribute__((always_inline)) {
            add_bits<Arch>(gains + t, bits);
            subtract_bits<Arch>(loses + t, bits);
          });
    }
  }

  /// Samples that go the same way are summed up in registers first: in the first step of a tree two or three
  /// ways are those of all samples of a leaf, later a leaf has a sample or two.
  static void account_leaf(const AccountLeaf<T>& task) {
    for (std::uint64_t rest = task.rows; rest != 0;) {
      const auto r = static_cast<std::size_t>(__builtin_ctzll(rest));
      const std::int32_t from = task.from[r], to = task.to[r];
      std::uint64_t same = 0;
      for (std::uint64_t others = rest; others != 0; others &= others - 1) {
        const auto o = static_cast<std::size_t>(__builtin_ctzll(others));
        const bool so = task.to[o] == to && task.from[o] == from;
        same |= std::uint64_t{so} << o;
      }
      rest &= ~same;
      const auto count = static_cast<std::int64_t>(__builtin_popcountll(same));
      std::uint64_t* gains = task.sums + static_cast<std::size_t>(to) * task.sums_stride;
      std::uint64_t* loses =
          from < 0 ? nullptr : task.sums + static_cast<std::size_t>(from) * task.sums_stride;
      task.counts[to] += count;
      if (from >= 0) task.counts[from] -= count;
      const auto put = [&](std::size_t t, std::uint64_t sum) __attribute__((always_inline)) {
        gains[t] += sum;
        if (loses != nullptr) loses[t] -= sum;
      };
      if (count <= 4) {
        for (std::size_t t = 0; t < task.n_features; ++t) {
          std::uint64_t sum = 0;
          for (std::uint64_t bits = same; bits != 0; bits &= bits - 1)
            sum += fixed(task.values[t * task.stride + static_cast<std::size_t>(__builtin_ctzll(bits))],
                         task.magic[t]);
          put(t, sum);
        }
        continue;
      }
      alignas(64) std::uint64_t on[64];
      for (std::size_t o = 0; o < 64; ++o) on[o] = std::uint64_t{0} - (same >> o & 1);
      for (std::size_t t = 0; t < task.n_features; ++t) {
        const T* x = task.values + t * task.stride;
        std::uint64_t sum = 0;
        for (std::size_t o = 0; o < task.stride; ++o) sum += fixed(x[o], task.magic[t]) & on[o];
        put(t, sum);
      }
    }
  }

  /// Three roundings: of the integer, of 1 / count and of the product.
  static void means(const std::uint64_t* sums, const double* magic, const double* quantum, std::int64_t count,
                    std::size_t d, double* means) {
    const double inverse = 1 / static_cast<double>(count);
    for (std::size_t t = 0; t < d; ++t) {
      const std::uint64_t offset = static_cast<std::uint64_t>(count) * std::bit_cast<std::uint64_t>(magic[t]);
      const auto total = static_cast<double>(static_cast<std::int64_t>(sums[t] - offset));
      means[t] = total * quantum[t] * inverse;
    }
  }

 private:
  static OMNIMEANS_INLINE std::uint64_t fixed(T x, double magic) {
    return std::bit_cast<std::uint64_t>(static_cast<double>(x) + magic);
  }

  /// Calls use(t, x[t ...] + magic[t ...]); beyond d: zeros.
  template <class Use>
  static OMNIMEANS_INLINE void each_vector(const T* x, std::size_t d, const double* magic, Use&& use) {
    std::size_t t = 0;
    for (; t + W <= d; t += W) use(t, D::add(load_widened<Arch>(x + t), D::load(magic + t)));
    if (t < d) use(t, D::add(load_widened_part<Arch>(x + t, d - t), D::load(magic + t)));
  }
};

}  // namespace
}  // namespace omnimeans::kernels
