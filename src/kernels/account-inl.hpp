// SPDX-License-Identifier: MIT
// The update step's sums in fixed point (centroid_update.hpp): samples leave one cluster's sum and join
// another's.
//
//   for each listed sample i:   sums[to_i] += bits(x_i + magic),   sums[from_i] -= bits(x_i + magic)
#pragma once

#include "kernels/kernels.hpp"
#include "kernels/rows-inl.hpp"
#include "kernels/simd-inl.hpp"

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
    for (; r + R::W <= n; r += R::W) R::append_open(equal_lanes<Arch>(a + r, b + r), r, out, count);
#endif
    for (; r < n; ++r) {
      if (a[r] != b[r]) out[count++] = static_cast<std::int32_t>(r);
    }
    return count;
  }

  static void account(const AccountTask<T>& task) {
    constexpr std::size_t ahead = 16;  // moved samples are scattered: ask for rows that are due in a while
    const std::size_t d = task.n_features;
    for (std::size_t m = 0; m < task.count; ++m) {
      if (task.index != nullptr && m + ahead < task.count)
        __builtin_prefetch(task.rows + task.index[m + ahead] * task.row_stride);
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

 private:
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
