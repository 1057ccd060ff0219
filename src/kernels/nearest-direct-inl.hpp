// SPDX-License-Identifier: MIT
// Scores of a tile for few centroids: one accumulator a centroid, all in registers, so that a vector of
// samples is multiplied as soon as it is transposed; shuffles and multiply-adds fill the ports together, and
// nothing goes through memory. With 8 centroids that is 6.5 cycles a vector of X on a CPU with two ports,
// about half of what memory needs to deliver it.
#pragma once

#include "kernels/argmin-inl.hpp"
#include "kernels/dense_limits.hpp"
#include "kernels/kernels.hpp"
#include "kernels/simd-inl.hpp"
#include "kernels/transpose-inl.hpp"

namespace omnimeans::kernels {
namespace {

template <class T, class Arch>
struct NearestDirect {
  using S = Simd<T, Arch>;
  using vec = typename S::vec;
  using Lowest = Argmin<T, Arch, 1>;
  using Running = typename Lowest::Running;
  static constexpr std::size_t W = S::lanes;
  // As many accumulators as registers allow beside the eight that a transposition needs.
#if defined(__AVX512F__) || defined(__aarch64__)
  static constexpr std::size_t largest_k = 16;
#elif defined(OMNIMEANS_KERNELS_SCALAR)
  static constexpr std::size_t largest_k = 0;
#else
  static constexpr std::size_t largest_k = 8;
#endif

  /// Of W rows in place: their argmin, and the sum of squares of each if asked for.
  struct Rows {
    const T* begin;
    std::size_t stride;
    T* squares;  ///< W values to add to; null: not asked for
    Ahead ahead;
  };

  /// K centroids in groups of first_group, and K - first_group if that is not zero.
  template <std::size_t K, std::size_t first_group>
  static void run(const NearestTask<T>& task, const T* tags, const Rows& rows, Running& running) {
    constexpr std::size_t other_group = K - first_group;
    const std::size_t d = task.centroids.n_features;
    Ahead ahead = rows.ahead;
    vec squares = rows.squares != nullptr ? S::load(rows.squares) : S::set(T(0));
    vec acc[K];
    unroll<K>([&](auto c) __attribute__((always_inline)) {
      acc[c.value] = S::set(task.centroids.half_norms[c.value]);
    });
    for (std::size_t from = 0; from < d; from += dense_chain) {
      const std::size_t length = d - from < dense_chain ? d - from : dense_chain;
      const T* first = task.centroids.packed + from * K;
      const T* other = first + length * first_group;
      const T* offset = task.offset != nullptr ? task.offset + from : nullptr;
      const T* begin = rows.begin + from;
      const std::size_t stride = rows.stride;
      const auto row = [=](auto l) __attribute__((always_inline)) {
        return begin + l.value * stride;
      };
      const vec scale = S::set(task.scale);
      const bool square = rows.squares != nullptr;
      Transpose<T, Arch>::run(
          row, length, ahead, [&](std::size_t t, vec x) __attribute__((always_inline)) {
            if (offset != nullptr) x = S::mul(S::sub(x, S::set(offset[t])), scale);
            if (square) squares = S::fma(x, x, squares);
            unroll<first_group>([&](auto c) __attribute__((always_inline)) {
              acc[c.value] = S::fnma(x, S::set(first[t * first_group + c.value]), acc[c.value]);
            });
            unroll<other_group>([&](auto c) __attribute__((always_inline)) {
              acc[first_group + c.value] =
                  S::fnma(x, S::set(other[t * other_group + c.value]), acc[first_group + c.value]);
            });
          });
      if (d <= dense_chain) break;  // no second chunk
      unroll<K>([&](auto c) __attribute__((always_inline)) {
        T* partial = task.partial + c.value * W;
        if (from > 0) acc[c.value] = S::add(acc[c.value], S::load(partial));
        if (from + length < d) {
          S::store(partial, acc[c.value]);
          acc[c.value] = S::set(T(0));
        }
      });
    }
    if (rows.squares != nullptr) S::store(rows.squares, squares);
    Lowest::reset(running);
    Lowest::template merge<first_group>(acc, tags, 0, running);
    if constexpr (other_group > 0)
      Lowest::template merge<other_group>(acc + first_group, tags, first_group, running);
  }

  using Run = void (*)(const NearestTask<T>&, const T* tags, const Rows&, Running&);
  template <std::size_t largest_group, std::size_t... K>
  static Run run_of(std::size_t k, Indices<K...>) {
    constexpr Run runs[] = {nullptr, run<K + 1, (K + 1 <= largest_group ? K + 1 : (K + 2) / 2)>...};
    return runs[k];
  }
  /// For k <= largest_k centroids in at most two groups; null if there is none.
  template <std::size_t largest_group>
  static Run run_of(std::size_t k) {
    static_assert(largest_k <= 2 * largest_group);
    return k <= largest_k ? run_of<largest_group>(k, typename MakeIndices<largest_k>::type{}) : nullptr;
  }
};

}  // namespace
}  // namespace omnimeans::kernels
