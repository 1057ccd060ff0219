// SPDX-License-Identifier: MIT
// The argmin of the nearest-centroid kernels: best, second best and where the best is, a lane per sample.
//
// A group is a few centroids whose scores are in registers at once. The centroid's place in its group
// replaces its score's lowest three bits (an error of 7 units in the last place, part of the margin), then a
// tournament finds the group's two lowest, which are merged with the running ones. On the multiply-add ports
// that is, for a group of 8: 8 tags, 8 + 3 * 4 for the tournament, 4 + 2 for the merge: 4.25 operations a
// score.
#pragma once

#include <limits>

#include "kernels/simd-inl.hpp"

namespace omnimeans::kernels {
namespace {

template <class T, class Arch, std::size_t V>
struct Argmin {
  using S = Simd<T, Arch>;
  using vec = typename S::vec;

  /// Of V vectors of samples, over the groups so far.
  struct Running {
    vec best[V], second[V], group[V];  ///< group: the first centroid of the best one's, as index_bits
  };

  static OMNIMEANS_INLINE void reset(Running& running) {
    unroll<V>([&](auto v) __attribute__((always_inline)) {
      running.best[v.value] = running.second[v.value] = S::set(std::numeric_limits<T>::infinity());
      running.group[v.value] = S::set(index_bits<T>(0));
    });
  }

  /// The scores acc[c * V + v] of a group that begins with `centroid`; destroys them. `tags`: index_bits of
  /// 0, 1,
  /// ..., read from memory, where a broadcast is free.
  template <std::size_t G>
  static OMNIMEANS_INLINE void merge(vec* acc, const T* tags, std::size_t centroid, Running& running) {
    unroll<G>([&](auto c) __attribute__((always_inline)) {
      const vec bits = S::broadcast(tags + c.value);
      unroll<V>([&](auto v) __attribute__((always_inline)) {
        acc[c.value * V + v.value] = S::tag(acc[c.value * V + v.value], bits);
      });
    });
    tournament<0, G>(acc);
    const vec group = S::set(index_bits<T>(centroid));
    unroll<V>([&](auto v) __attribute__((always_inline)) {
      const vec before = running.best[v.value], low = acc[v.value];
      vec second = S::min(running.second[v.value], S::max(before, low));
      if constexpr (G > 1) second = S::min(second, acc[V + v.value]);
      running.second[v.value] = second;
      running.best[v.value] = S::min(before, low);
      running.group[v.value] = S::select(S::less(low, before), group, running.group[v.value]);
    });
  }

 private:
  /// acc[First * V ...] becomes the lowest of Count scores, acc[(First + 1) * V ...] the second lowest (only
  /// if Count > 1), for each of the V vectors. A tree: its chains are short, so that the next group's
  /// multiply-adds need not wait.
  template <std::size_t First, std::size_t Count>
  static OMNIMEANS_INLINE void tournament(vec* acc) {
    if constexpr (Count > 1) {
      constexpr std::size_t left = Count <= 2 ? 1 : (Count + 3) / 4 * 2, other = First + left;
      if constexpr (Count > 2) {
        tournament<First, left>(acc);
        tournament<other, Count - left>(acc);
      }
      unroll<V>([&](auto v) __attribute__((always_inline)) {
        vec &low = acc[First * V + v.value], &second = acc[(First + 1) * V + v.value];
        const vec a = low, b = acc[other * V + v.value], loser = S::max(a, b);
        low = S::min(a, b);
        if constexpr (Count == 2) {
          second = loser;
        } else if constexpr (Count - left == 1) {
          second = S::min(second, loser);
        } else {
          second = S::min(S::min(second, acc[(other + 1) * V + v.value]), loser);
        }
      });
    }
  }
};

}  // namespace
}  // namespace omnimeans::kernels
