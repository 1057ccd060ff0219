// SPDX-License-Identifier: MIT
// Scores of a tile for any number of centroids: the tile's samples are transposed to feature-major, a chunk
// of `dense_chain` features at a time (it stays in the first-level cache, and chains of rounding errors stay
// short), then the groups pass, packed feature-major; their accumulators fill the registers.
//
//   for each chunk:  for each group:  s_ij -= sum over the chunk's features of x_it c_jt
#pragma once

#include <type_traits>

#include "kernels/argmin-inl.hpp"
#include "kernels/dense_limits.hpp"
#include "kernels/kernels.hpp"
#include "kernels/simd-inl.hpp"
#include "kernels/transpose-inl.hpp"

namespace omnimeans::kernels {
namespace {

/// How a tile multiplies, and how many vectors of samples it has. Here values of T; int16-inl.hpp has pairs
/// of integers in the lanes instead.
template <class T, class Arch>
struct Products {
  using S = Simd<T, Arch>;
  using vec = typename S::vec;
  /// Whether nearest-direct-inl.hpp may score few centroids.
  static constexpr bool direct = true;
  // With 32 registers 3 vectors of samples x 8 centroids ask for the fewest loads a multiply-add (11 for 24;
  // 2 x 12 ask for 14 and ran 6 % slower on a Xeon of 2023).
#if defined(__AVX512F__) || defined(__aarch64__)
  static constexpr std::size_t vectors = 3;
#else
  static constexpr std::size_t vectors = 2;
#endif

  static OMNIMEANS_INLINE vec subtract(vec sample, vec centroid, vec acc) {
    return S::fnma(sample, centroid, acc);
  }
  static OMNIMEANS_INLINE vec add(vec a, vec b) {
    return S::add(a, b);
  }
  /// The score that an accumulator stands for.
  static OMNIMEANS_INLINE vec score(vec acc, T) {
    return acc;
  }
};

/// Rows that are due soon, scattered over memory: the hardware does not foresee them.
template <class T>
struct ListedRows {
  const T* rows = nullptr;
  std::size_t stride = 0;
  const std::int32_t* index = nullptr;
  std::size_t count = 0, bytes = 0;
  std::size_t share = 0;     ///< to ask for at a time
  const T* norms = nullptr;  ///< of all rows

  /// Asks for the next share. Of long rows the first lines are enough.
  OMNIMEANS_INLINE void ask() {
    constexpr std::size_t most_bytes = 4 * cache_line;
    for (std::size_t n = share; n > 0 && count > 0; --n, --count) {
      const auto r = static_cast<std::size_t>(*index++);
      __builtin_prefetch(norms + r);
      const T* row = rows + r * stride;
      const char* begin = reinterpret_cast<const char*>(row);
      for (std::size_t at = 0; at < bytes && at < most_bytes; at += cache_line)
        __builtin_prefetch(begin + at);
      __builtin_prefetch(begin + bytes - 1);
    }
  }
};

template <class T, class Arch, class Product = Products<T, Arch>>
struct NearestGroups {
  using S = Simd<T, Arch>;
  using vec = typename S::vec;
  static constexpr std::size_t V = Product::vectors, W = S::lanes, tile = V * W;
  using Lowest = Argmin<T, Arch, V>;
  using Running = typename Lowest::Running;
#if defined(__AVX512F__) || defined(__aarch64__)
  static constexpr std::size_t largest_group = 8, registers = 32;
#elif defined(OMNIMEANS_KERNELS_SCALAR)
  static constexpr std::size_t largest_group = 4, registers = 16;
#else
  static constexpr std::size_t largest_group = 6, registers = 16;
#endif
  static_assert(largest_group <= nearest_tags);

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
    ListedRows<T> due;               ///< asked for between groups: all at once would stall
  };

  template <std::size_t G>
  static void group_steps(Step& step, Running& found) {
    // In registers beside the accumulators, V vectors of samples and a centroid, if all fit: a store of 512
    // bits takes a Zen 4 two cycles.
    constexpr bool fits = G * V + 3 * V + V + 1 <= registers;
    std::conditional_t<fits, Running, Running&> running = found;
    const T* b = step.centroids;
    const T* start = step.start;
    T* partial = step.partial;
    for (std::size_t g = 0; g < step.n_groups; ++g) {
      step.due.ask();
      vec acc[G * V];
      if (step.first) {
        unroll<G>([&](auto c) __attribute__((always_inline)) {
          const vec value = S::broadcast(start + c.value);
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
          const vec centroid = S::broadcast(b + u.value * G + c.value);
          unroll<V>([&](auto v) __attribute__((always_inline)) {
            acc[c.value * V + v.value] =
                Product::subtract(sample[v.value], centroid, acc[c.value * V + v.value]);
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
          acc[i.value] = Product::add(acc[i.value], S::load(partial + i.value * W));
        });
      }
      if (!step.last) {
        unroll<G * V>([&](auto i)
                          __attribute__((always_inline)) { S::store(partial + i.value * W, acc[i.value]); });
        partial += G * tile;
        continue;
      }
      if (!step.first) partial += G * tile;
      Lowest::template merge<G>(acc, step.tags, step.centroid + g * G, running);
    }
    if constexpr (fits) found = running;
  }

  using GroupSteps = void (*)(Step&, Running&);
  template <std::size_t... G>
  static constexpr GroupSteps group_steps_of(std::size_t size, Indices<G...>) {
    constexpr GroupSteps steps[] = {group_steps<G + 1>...};
    return steps[size - 1];
  }
  static GroupSteps group_steps_of(std::size_t size) {
    return group_steps_of(size, typename MakeIndices<largest_group>::type{});
  }

  /// As load_chunk, for rows of N values without gaps: their addresses are constants, which a stride would
  /// fill the registers with.
  template <std::size_t N>
  static void load_narrow(const T* rows, const T* offset, T scale, T* out) {
    Ahead ahead{reinterpret_cast<const char*>(rows) + ahead_bytes, 0, SIZE_MAX};
    unroll<V>([&](auto v) __attribute__((always_inline)) {
      const auto row = [ rows, v ](auto l) __attribute__((always_inline)) {
        return rows + (v.value * W + l.value) * N;
      };
      Transpose<T, Arch>::run(
          row, N, ahead, [&](std::size_t t, vec x) __attribute__((always_inline)) {
            if (offset != nullptr) x = S::mul(S::sub(x, S::set(offset[t])), S::set(scale));
            S::store(out + (t * V + v.value) * W, x);
          });
    });
  }
  static constexpr std::size_t narrow = 16;
  using LoadNarrow = void (*)(const T*, const T*, T, T*);
  template <std::size_t... N>
  static LoadNarrow load_narrow_of(std::size_t length, Indices<N...>) {
    static constexpr LoadNarrow loads[] = {load_narrow<N + 1>...};
    return loads[length - 1];
  }
  /// Null for longer rows.
  static LoadNarrow load_narrow_of(std::size_t length) {
    return length <= narrow ? load_narrow_of(length, typename MakeIndices<narrow>::type{}) : nullptr;
  }

  /// `length` features of the tile's samples, moved by `offset` (null: not at all) and scaled, feature-major
  /// into `out`; adds their squares to `squares` (null: not asked for). row(l) is where sample l's begin.
  template <class Row>
  static OMNIMEANS_INLINE void load_chunk(const Row& row, std::size_t length, Ahead ahead, const T* offset,
                                          T scale, T* out, T* squares) {
    unroll<V>([&](auto v) __attribute__((always_inline)) {
      vec sum = squares != nullptr ? S::load(squares + v.value * W) : S::set(T(0));
      const auto row_of_vector = [&](auto l) __attribute__((always_inline)) {
        return row(Index<v.value * W + l.value>{});
      };
      Transpose<T, Arch>::run(
          row_of_vector, length, ahead, [&](std::size_t t, vec x) __attribute__((always_inline)) {
            if (offset != nullptr) x = S::mul(S::sub(x, S::set(offset[t])), S::set(scale));
            if (squares != nullptr) sum = S::fma(x, x, sum);
            S::store(out + (t * V + v.value) * W, x);
          });
      if (squares != nullptr) S::store(squares + v.value * W, sum);
    });
  }
};

}  // namespace
}  // namespace omnimeans::kernels
