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
    vec best[V], second[V], group[V];  ///< group: the first centroid of the best one's, as index_bits
  };

  /// A run of groups of one size, over one chunk of features.
  struct Step {
    const T* samples;                ///< the chunk's features: [t][tile]
    const T* centroids;              ///< the chunk's features: [group][t][group size]
    std::size_t length;              ///< features
    const T* start;                  ///< of the accumulators: |c_j|^2/2; read in the first chunk
    const T* tags;                   ///< index_bits of 0, 1, ...: read from memory, where a broadcast is free
    T* partial;                      ///< [centroid][tile]: the chunks so far
    bool first, last;                ///< chunk
    std::size_t centroid, n_groups;  ///< the run's first centroid; groups
  };

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

  template <std::size_t G>
  static void group_steps(const Step& step, Running& running) {
    const T* b = step.centroids;
    const T* start = step.start;
    T* partial = step.partial;
    for (std::size_t g = 0; g < step.n_groups; ++g) {
      vec acc[G * V];
      if (step.first) {
        unroll<G>([&](auto c) __attribute__((always_inline)) {
          const vec value = S::set(start[c.value]);
          unroll<V>([&](auto v) __attribute__((always_inline)) { acc[c.value * V + v.value] = value; });
        });
      } else {
        unroll<G * V>([&](auto i) __attribute__((always_inline)) { acc[i.value] = S::set(T(0)); });
      }
      start += G;
      const T* x = step.samples;
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
          acc[i.value] = S::add(acc[i.value], S::load(partial + i.value * W));
        });
      }
      if (!step.last) {
        unroll<G * V>([&](auto i)
                          __attribute__((always_inline)) { S::store(partial + i.value * W, acc[i.value]); });
        partial += G * tile;
        continue;
      }
      partial += G * tile;
      unroll<G>([&](auto c) __attribute__((always_inline)) {
        const vec bits = S::set(step.tags[c.value]);
        unroll<V>([&](auto v) __attribute__((always_inline)) {
          acc[c.value * V + v.value] = S::tag(acc[c.value * V + v.value], bits);
        });
      });
      tournament<0, G>(acc);
      const vec group = S::set(index_bits<T>(step.centroid + g * G));
      unroll<V>([&](auto v) __attribute__((always_inline)) {
        const vec before = running.best[v.value], low = acc[v.value];
        vec second = S::min(running.second[v.value], S::max(before, low));
        if constexpr (G > 1) second = S::min(second, acc[V + v.value]);
        running.second[v.value] = second;
        running.best[v.value] = S::min(before, low);
        running.group[v.value] = S::select(S::less(low, before), group, running.group[v.value]);
      });
    }
  }

  using GroupSteps = void (*)(const Step&, Running&);
  template <std::size_t... G>
  static constexpr GroupSteps group_steps_of(std::size_t size, Indices<G...>) {
    constexpr GroupSteps steps[] = {group_steps<G + 1>...};
    return steps[size - 1];
  }
  static GroupSteps group_steps_of(std::size_t size) {
    return group_steps_of(size, typename MakeIndices<largest_group>::type{});
  }

  /// `length` features of the tile's samples, moved by `offset` (null: not at all) and scaled, feature-major
  /// into `out`; adds their squares to `squares` (null: not asked for). row(l) is where sample l's begin.
  template <class Row>
  static OMNIMEANS_INLINE void load_chunk(const Row& row, std::size_t length, const T* offset, T scale,
                                          T* out, T* squares) {
    unroll<V>([&](auto v) __attribute__((always_inline)) {
      vec sum = squares != nullptr ? S::load(squares + v.value * W) : S::set(T(0));
      const auto row_of_vector = [&](auto l) __attribute__((always_inline)) {
        return row(Index<v.value * W + l.value>{});
      };
      Transpose<T, Arch>::run(
          row_of_vector, length, [&](std::size_t t, vec x) __attribute__((always_inline)) {
            if (offset != nullptr) x = S::mul(S::sub(x, S::set(offset[t])), S::set(scale));
            if (squares != nullptr) sum = S::fma(x, x, sum);
            S::store(out + (t * V + v.value) * W, x);
          });
      if (squares != nullptr) S::store(squares + v.value * W, sum);
    });
  }

  /// Where the rows of a tile begin: read through a table if they are listed, or fewer than a tile (the last
  /// one fills the lanes that are left).
  static OMNIMEANS_INLINE void find_rows(const RowBlock<T>& block, std::size_t first, std::size_t count,
                                         const T** rows) {
    for (std::size_t r = 0; r < tile; ++r) {
      const std::size_t at = first + (r < count ? r : count - 1);
      const auto row = block.index != nullptr ? static_cast<std::size_t>(block.index[at]) : at;
      rows[r] = block.rows + row * block.row_stride;
    }
  }

  static void nearest(const NearestTask<T>& task) {
    const GroupedCentroids<T>& c = task.centroids;
    const std::size_t d = c.n_features, k = c.n_clusters;
    const std::size_t small = k / c.n_groups, large_groups = k % c.n_groups;
    const GroupSteps steps_small = group_steps_of(small),
                     steps_large = group_steps_of(small + (large_groups != 0 ? 1 : 0));
    T tags[largest_group];
    for (std::size_t i = 0; i < largest_group; ++i) tags[i] = index_bits<T>(i);
    const T* rows[tile];
    for (std::size_t first = 0; first < task.block.n_rows; first += tile) {
      const std::size_t count = task.block.n_rows - first < tile ? task.block.n_rows - first : tile;
      const bool in_place = count == tile && task.block.index == nullptr;
      if (!in_place) find_rows(task.block, first, count, rows);
      alignas(64) T squares[tile] = {};
      Running running;
      unroll<V>([&](auto v) __attribute__((always_inline)) {
        running.best[v.value] = running.second[v.value] = S::set(std::numeric_limits<T>::infinity());
        running.group[v.value] = S::set(index_bits<T>(0));
      });
      for (std::size_t from = 0; from < d; from += dense_chain) {
        const std::size_t length = d - from < dense_chain ? d - from : dense_chain;
        const T* offset = task.offset != nullptr ? task.offset + from : nullptr;
        T* squared = task.norms_known ? nullptr : squares;
        if (in_place) {
          const T* begin = task.block.rows + first * task.block.row_stride + from;
          const std::size_t stride = task.block.row_stride;
          const auto row = [=](auto l) __attribute__((always_inline)) {
            return begin + l.value * stride;
          };
          load_chunk(row, length, offset, task.scale, task.tile_samples, squared);
        } else {
          const auto row = [&rows, from ](auto l) __attribute__((always_inline)) {
            return rows[l.value] + from;
          };
          load_chunk(row, length, offset, task.scale, task.tile_samples, squared);
        }
        Step step{.samples = task.tile_samples,
                  .centroids = c.packed + from * k,
                  .length = length,
                  .start = c.half_norms,
                  .tags = tags,
                  .partial = task.partial,
                  .first = from == 0,
                  .last = from + length == d,
                  .centroid = 0,
                  .n_groups = large_groups};
        if (large_groups != 0) steps_large(step, running);
        const std::size_t start = large_groups * (small + 1);
        step.centroids += start * length;
        step.start += start;
        step.partial += start * tile;
        step.centroid = start;
        step.n_groups = c.n_groups - large_groups;
        steps_small(step, running);
      }
      finish_tile(task, first, count, running, squares);
    }
  }

  /// Of a tile's samples, or of as many lanes: the norms, written if they are not known yet.
  static OMNIMEANS_INLINE void tile_norms(const NearestTask<T>& task, std::size_t first, std::size_t count,
                                          const T* squares, T* norms) {
    const bool in_place = count == tile && task.block.index == nullptr;
    T* known = task.norms + (task.block.index == nullptr ? first : 0);
    const auto at = [&](std::size_t r) __attribute__((always_inline)) {
      const std::size_t lane = r < count ? r : count - 1;
      return task.block.index != nullptr ? static_cast<std::size_t>(task.block.index[first + lane]) : lane;
    };
    if (task.norms_known) {
      if (in_place) {
        unroll<V>([&](auto v) __attribute__((always_inline)) {
          S::store(norms + v.value * W, S::load(known + v.value * W));
        });
      } else {
        for (std::size_t r = 0; r < tile; ++r) norms[r] = known[at(r)];
      }
      return;
    }
    unroll<V>([&](auto v) __attribute__((always_inline)) {
      const vec squared = S::add(S::load(squares + v.value * W), S::set(task.norm_floor));
      S::store(norms + v.value * W, S::mul(S::sqrt(squared), S::set(task.norm_factor)));
    });
    for (std::size_t r = 0; r < count; ++r) known[at(r)] = norms[r];
  }

  /// What a tile's samples get: label, bounds, and a place in the list of open ones if the margin proves
  /// nothing.
  static OMNIMEANS_INLINE void finish_tile(const NearestTask<T>& task, std::size_t first, std::size_t count,
                                           const Running& running, const T* squares) {
    alignas(64) T norms[tile];
    alignas(64) T best[tile];
    alignas(64) T group[tile];
    alignas(64) T squared[tile];
    alignas(64) T upper[tile];
    alignas(64) T lower[tile];
    const DistanceBounds<T>& bounds = task.bounds;
    alignas(64) std::int32_t labels[tile];
    tile_norms(task, first, count, squares, norms);
    // margin(N) = (m2 N + m1) N + m0; a NaN or an overflow anywhere leaves the sample open.
    std::uint64_t open = 0;
    unroll<V>([&](auto v) __attribute__((always_inline)) {
      const vec norm = S::load(norms + v.value * W);
      const vec margin =
          S::fma(S::fma(S::set(task.margin2), norm, S::set(task.margin1)), norm, S::set(task.margin0));
      const vec first_best = running.best[v.value], second = running.second[v.value];
      const auto proved =
          S::both(S::less(margin, S::sub(second, first_best)), S::less(norm, S::set(task.norm_limit)));
      open |= std::uint64_t{~S::bits(proved) & S::all_bits} << (v.value * W);
      const vec two = S::set(T(2)), zero = S::set(T(0));
      const vec most = S::fma(norm, norm, S::mul(two, S::add(first_best, margin)));
      S::store(squared + v.value * W, most);
      S::store(best + v.value * W, first_best);
      S::store(group + v.value * W, running.group[v.value]);
      if (bounds.lower == nullptr) return;
      const auto positive = [&](vec x) __attribute__((always_inline)) {
        return S::select(S::less(zero, x), x, zero);  // 0 for a NaN
      };
      const vec sum = S::add(norm, S::set(bounds.largest_norm));
      const vec error = S::mul(S::mul(sum, sum), S::set(bounds.rounding));
      const vec least =
          positive(S::sub(S::mul(norm, S::set(bounds.least_factor)), S::set(bounds.least_floor)));
      const vec nearest_other = S::sub(S::select(proved, second, first_best), margin);
      const vec squared_lower = S::sub(S::fma(least, least, S::mul(two, nearest_other)), error);
      S::store(upper + v.value * W,
               S::mul(S::sqrt(positive(S::add(most, error))), S::set(bounds.upper_factor)));
      S::store(lower + v.value * W,
               S::min(S::mul(S::sqrt(positive(squared_lower)), S::set(bounds.lower_factor)),
                      S::set(std::numeric_limits<T>::max())));
    });
    for (std::size_t r = 0; r < tile; ++r) {
      labels[r] = static_cast<std::int32_t>(index_value(group[r]) + tag_of(best[r]));
    }
    const auto put = [count](auto* out, const auto* from) __attribute__((always_inline)) {
      if (count == tile) {
        __builtin_memcpy(out, from, tile * sizeof(*out));
      } else {
        __builtin_memcpy(out, from, count * sizeof(*out));
      }
    };
    put(task.labels + first, labels);
    put(task.squared + first, squared);
    if (bounds.lower != nullptr) {
      put(bounds.upper + first, upper);
      put(bounds.lower + first, lower);
    }
    if (count < tile) open &= (std::uint64_t{1} << count) - 1;
    for (; open != 0; open &= open - 1) {
      const auto r = static_cast<std::size_t>(__builtin_ctzll(open));
      task.open[(*task.n_open)++] = static_cast<std::int32_t>(first + r);
    }
  }
};

}  // namespace
}  // namespace omnimeans::kernels
