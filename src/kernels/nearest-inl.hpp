// SPDX-License-Identifier: MIT
// Dense nearest centroid, a lane per sample: the argmin is vertical, nothing is wasted on a k that is no
// multiple of a vector, and the running state of a tile is six registers.
//
//   for each sample i:  s_ij = |c_j|^2/2 - x_i.c_j for all j;  best, second best, argmin;  open where the
//   margin proves nothing
//
// A tile is a few vectors of samples, transposed to feature-major; a group is a few centroids, packed
// feature-major; their accumulators fill the registers. Features go in chunks of `dense_chain`, so that a
// chunk of the tile stays in the L1 cache and chains of rounding errors stay short.
//
// Per score the argmin costs four operations beside the d multiply-adds: the centroid's place in its group
// replaces the score's lowest three bits (an error of 7 units in the last place, part of the margin), then a
// tournament of pairs keeps (best, second). Which group the best came from is one comparison and one
// selection a group.
#pragma once

#include <limits>

#include "kernels/dense_limits.hpp"
#include "kernels/kernels.hpp"
#include "kernels/simd-inl.hpp"
#include "kernels/transpose-inl.hpp"

namespace omnimeans::kernels {
namespace {

template <class T, class Arch>
struct NearestLanes {
  using S = Simd<T, Arch>;
  using vec = typename S::vec;
  static constexpr std::size_t W = S::lanes;
  // Vectors of samples a tile, centroids in a group: their product is the accumulators, and with 32 registers
  // 3 x 8 asks for the fewest loads a multiply-add (11 for 24; 2 x 12 asks for 14 and ran 6 % slower on a
  // Xeon of 2023).
#if defined(__AVX512F__) || defined(__aarch64__)
  static constexpr std::size_t V = 3;
  static constexpr std::size_t largest_group = 8;
#elif defined(OMNIMEANS_KERNELS_SCALAR)
  static constexpr std::size_t V = 2;
  static constexpr std::size_t largest_group = 4;
#else
  static constexpr std::size_t V = 2;
  static constexpr std::size_t largest_group = 6;
#endif
  static constexpr std::size_t tile = V * W;
  static_assert(largest_group <= nearest_tags);
  static_assert(tile <= 64, "a bit a sample");

  /// One tile on its way through the groups.
  struct Running {
    vec best[V], second[V], group[V];
  };

  struct Step {
    const T* samples;    ///< the chunk's features: [t][tile]
    const T* centroids;  ///< the chunk's features of one group: [t][group size]
    std::size_t length;  ///< features
    const T* start;      ///< of the group's accumulators: |c_j|^2/2 in the first chunk, zeros in the others
    const T* tags;       ///< index_bits of 0, 1, ...: read from memory, where a broadcast is free
    T* partial;          ///< [group size][tile]: the chunks so far
    bool first, last;    ///< chunk
    std::size_t group;
  };

  template <std::size_t G>
  static void group_step(const Step& step, Running& running) {
    vec acc[G * V];
    unroll<G>([&](auto c) __attribute__((always_inline)) {
      const vec start = S::set(step.start[c.value]);
      unroll<V>([&](auto v) __attribute__((always_inline)) { acc[c.value * V + v.value] = start; });
    });
    const T* x = step.samples;
    const T* b = step.centroids;
    const auto feature = [&](auto u) __attribute__((always_inline)) {
      vec sample[V];
      unroll<V>([&](auto v) __attribute__((always_inline)) {
        sample[v.value] = S::load(x + (u.value * V + v.value) * W);
      });
      unroll<G>([&](auto c) __attribute__((always_inline)) {
        const vec centroid = S::set(b[u.value * G + c.value]);
        unroll<V>([&](auto v) __attribute__((always_inline)) {
          acc[c.value * V + v.value] = S::fnma(sample[v.value], centroid, acc[c.value * V + v.value]);
        });
      });
    };
    std::size_t t = 0;
    for (; t + 4 <= step.length; t += 4) {
      unroll<4>(feature);
      x += 4 * tile;
      b += 4 * G;
    }
    for (; t < step.length; ++t) {
      feature(Index<0>{});
      x += tile;
      b += G;
    }
    if (!step.first) {
      unroll<G * V>([&](auto i) __attribute__((always_inline)) {
        acc[i.value] = S::add(acc[i.value], S::load(step.partial + i.value * W));
      });
    }
    if (!step.last) {
      unroll<G * V>([&](auto i) __attribute__((always_inline)) {
        S::store(step.partial + i.value * W, acc[i.value]);
      });
      return;
    }
    const vec group = S::set(index_bits<T>(step.group));
    unroll<V>([&](auto v) __attribute__((always_inline)) {
      const vec before = running.best[v.value];
      vec best = before, second = running.second[v.value];
      const auto tagged = [&](auto c) __attribute__((always_inline)) {
        return S::tag(acc[c.value * V + v.value], S::set(step.tags[c.value]));
      };
      unroll<G / 2>([&](auto pair) __attribute__((always_inline)) {
        const vec a = tagged(Index<2 * pair.value>{}), e = tagged(Index<2 * pair.value + 1>{});
        const vec low = S::min(a, e), high = S::max(a, e);
        second = S::min(S::min(second, high), S::max(best, low));
        best = S::min(best, low);
      });
      if constexpr (G % 2 == 1) {
        const vec a = tagged(Index<G - 1>{});
        second = S::min(second, S::max(best, a));
        best = S::min(best, a);
      }
      running.group[v.value] = S::select(S::less(best, before), group, running.group[v.value]);
      running.best[v.value] = best;
      running.second[v.value] = second;
    });
  }

  using GroupStep = void (*)(const Step&, Running&);
  template <std::size_t... G>
  static constexpr GroupStep group_step_of(std::size_t size, Indices<G...>) {
    constexpr GroupStep steps[] = {group_step<G + 1>...};
    return steps[size - 1];
  }
  static GroupStep group_step_of(std::size_t size) {
    return group_step_of(size, typename MakeIndices<largest_group>::type{});
  }

  /// `length` features of the tile's samples, moved by `offset` (null: not at all) and scaled, feature-major
  /// into `out`; adds their squares to `squares` (null: not asked for).
  static OMNIMEANS_INLINE void load_chunk(const RowBlock<T>& rows, std::size_t length, const T* offset,
                                          T scale, T* out, T* squares) {
    unroll<V>([&](auto v) __attribute__((always_inline)) {
      vec sum = squares != nullptr ? S::load(squares + v.value * W) : S::set(T(0));
      Transpose<T, Arch>::run(
          rows.rows + v.value * W * rows.row_stride, rows.row_stride,
          length, [&](std::size_t t, vec x) __attribute__((always_inline)) {
            if (offset != nullptr) x = S::mul(S::sub(x, S::set(offset[t])), S::set(scale));
            if (squares != nullptr) sum = S::fma(x, x, sum);
            S::store(out + (t * V + v.value) * W, x);
          });
      if (squares != nullptr) S::store(squares + v.value * W, sum);
    });
  }

  /// The last samples of a block, fewer than a tile: a copy in which the last one fills the lanes that are
  /// left.
  static RowBlock<T> padded_rows(const RowBlock<T>& rows, std::size_t length, T* copy) {
    for (std::size_t r = 0; r < tile; ++r) {
      const T* x = rows.rows + (r < rows.n_rows ? r : rows.n_rows - 1) * rows.row_stride;
      for (std::size_t t = 0; t < length; ++t) copy[r * dense_chain + t] = x[t];
    }
    return {copy, dense_chain, tile};
  }

  static void nearest(const NearestTask<T>& task) {
    const GroupedCentroids<T>& c = task.centroids;
    const std::size_t d = c.n_features, k = c.n_clusters;
    const std::size_t small = k / c.n_groups, large_groups = k % c.n_groups;
    const GroupStep step_small = group_step_of(small),
                    step_large = group_step_of(small + (large_groups != 0 ? 1 : 0));
    const T zeros[largest_group] = {};
    T tags[largest_group];
    for (std::size_t i = 0; i < largest_group; ++i) tags[i] = index_bits<T>(i);
    alignas(64) T norms[tile];
    alignas(64) T best[tile];
    alignas(64) T upper[tile];
    alignas(64) T group[tile];
    alignas(64) T last_rows[tile * dense_chain];
    for (std::size_t first = 0; first < task.block.n_rows; first += tile) {
      const std::size_t count = task.block.n_rows - first < tile ? task.block.n_rows - first : tile;
      alignas(64) T squares[tile] = {};
      Running running;
      unroll<V>([&](auto v) __attribute__((always_inline)) {
        running.best[v.value] = running.second[v.value] = S::set(std::numeric_limits<T>::infinity());
        running.group[v.value] = S::set(index_bits<T>(0));
      });
      for (std::size_t from = 0; from < d; from += dense_chain) {
        const std::size_t length = d - from < dense_chain ? d - from : dense_chain;
        RowBlock<T> rows{task.block.rows + first * task.block.row_stride + from, task.block.row_stride,
                         count};
        if (count < tile) rows = padded_rows(rows, length, last_rows);
        load_chunk(rows, length, task.offset != nullptr ? task.offset + from : nullptr, task.scale,
                   task.tile_samples, task.norms_known ? nullptr : squares);
        std::size_t start = 0;
        for (std::size_t g = 0; g < c.n_groups; ++g) {
          const bool is_large = g < large_groups;
          const Step step{task.tile_samples,
                          c.packed + from * k + start * length,
                          length,
                          from == 0 ? c.half_norms + start : zeros,
                          tags,
                          task.partial + start * tile,
                          from == 0,
                          from + length == d,
                          g};
          (is_large ? step_large : step_small)(step, running);
          start += small + (is_large ? 1 : 0);
        }
      }

      for (std::size_t r = 0; task.norms_known && r < tile; ++r)
        norms[r] = task.norms[first + (r < count ? r : count - 1)];
      if (!task.norms_known) {
        unroll<V>([&](auto v) __attribute__((always_inline)) {
          const vec squared = S::add(S::load(squares + v.value * W), S::set(task.norm_floor));
          S::store(norms + v.value * W, S::mul(S::sqrt(squared), S::set(task.norm_factor)));
        });
        for (std::size_t r = 0; r < count; ++r) task.norms[first + r] = norms[r];
      }
      // margin(N) = (m2 N + m1) N + m0; a NaN or an overflow anywhere leaves the sample open.
      std::uint64_t open = 0;
      unroll<V>([&](auto v) __attribute__((always_inline)) {
        const vec norm = S::load(norms + v.value * W);
        const vec margin =
            S::fma(S::fma(S::set(task.margin2), norm, S::set(task.margin1)), norm, S::set(task.margin0));
        const auto proved = S::both(S::less(margin, S::sub(running.second[v.value], running.best[v.value])),
                                    S::less(norm, S::set(task.norm_limit)));
        open |= std::uint64_t{~S::bits(proved) & S::all_bits} << (v.value * W);
        const vec twice = S::set(T(2));
        const vec squared = S::fma(norm, norm, S::mul(twice, S::add(running.best[v.value], margin)));
        S::store(upper + v.value * W, squared);
        S::store(best + v.value * W, running.best[v.value]);
        S::store(group + v.value * W, running.group[v.value]);
      });
      for (std::size_t r = 0; r < count; ++r) {
        const std::size_t g = index_value(group[r]);
        task.labels[first + r] =
            static_cast<std::int32_t>(g * small + (g < large_groups ? g : large_groups) + tag_of(best[r]));
        task.upper[first + r] = upper[r];
      }
      for (; open != 0; open &= open - 1) {
        const auto r = static_cast<std::size_t>(__builtin_ctzll(open));
        if (r < count) task.open[(*task.n_open)++] = static_cast<std::int32_t>(first + r);
      }
    }
  }
};

}  // namespace
}  // namespace omnimeans::kernels
