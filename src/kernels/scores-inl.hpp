// SPDX-License-Identifier: MIT
// Dense scores: every sample of a block against every packed centroid, a lane per centroid.
//
//   for each sample i, centroid j:   s_ij = |c_j|^2/2 - sum over t of x_it c_jt
//
// A register tile of M samples x V vectors of centroids holds M*V accumulators that
// start at |c_j|^2/2 (no epilogue), loads V vectors of the panel and broadcasts M sample values a feature.
// Chains of FMAs are broken every `chain` features and the partial sums added, which divides the
// rounding-error bound by as much (Higham 2002, section 3.1: gamma_n of the longest chain plus the number of
// chains).
//
// For those who want every score of a sample in a row (bounds, re-ranking). nearest-inl.hpp is the one for
// labels alone.
#pragma once

#include "kernels/dense_limits.hpp"
#include "kernels/kernels.hpp"
#include "kernels/simd-inl.hpp"

namespace omnimeans::kernels {
namespace {

/// Samples a tile: what 32 registers (AVX-512, AArch64) or 16 hold beside the operands.
template <class T, class Arch>
struct TileShape {
#if defined(__AVX512F__) || defined(__aarch64__)
  static constexpr std::size_t rows = 12;
#elif defined(OMNIMEANS_KERNELS_SCALAR)
  static constexpr std::size_t rows = 3;
#else
  static constexpr std::size_t rows = 6;
#endif
};

template <class T, class Arch>
struct Scores {
  using S = Simd<T, Arch>;
  using vec = typename S::vec;
  static constexpr std::size_t W = S::lanes;
  static constexpr std::size_t tile_rows = TileShape<T, Arch>::rows;

  /// Accumulators of M samples x V vectors over all features of one panel.
  template <std::size_t M, std::size_t V>
  struct Tile {
    vec acc[M * V];

    template <std::size_t R, std::size_t... K>
    static OMNIMEANS_INLINE const T* row(const T* const (&base)[(M + 2) / 3], std::size_t stride) {
      return base[R / 3] + (R % 3) * stride;
    }

    OMNIMEANS_INLINE void features(const T* const (&start)[(M + 2) / 3], std::size_t stride, const T* panel,
                                   std::size_t from, std::size_t to) {
      const T* b = panel + from * V * W;
      const T* base[(M + 2) / 3];
      unroll<(M + 2) / 3>([&](auto g)
                              __attribute__((always_inline)) { base[g.value] = start[g.value] + from; });
      auto step = [&](auto u) __attribute__((always_inline)) {
        vec centroid[V];
        unroll<V>([&](auto v) __attribute__((always_inline)) {
          centroid[v.value] = S::load(b + (u.value * V + v.value) * W);
        });
        unroll<M>([&](auto m) __attribute__((always_inline)) {
          const vec x = S::broadcast(row<m.value>(base, stride) + u.value);
          unroll<V>([&](auto v) __attribute__((always_inline)) {
            acc[m.value * V + v.value] = S::fnma(x, centroid[v.value], acc[m.value * V + v.value]);
          });
        });
      };
      std::size_t t = from;
      for (; t + 4 <= to; t += 4) {
        unroll<4>(step);
        b += 4 * V * W;
        unroll<(M + 2) / 3>([&](auto g) __attribute__((always_inline)) { base[g.value] += 4; });
      }
      for (; t < to; ++t) {
        step(Index<0>{});
        b += V * W;
        unroll<(M + 2) / 3>([&](auto g) __attribute__((always_inline)) { base[g.value] += 1; });
      }
    }

    OMNIMEANS_INLINE void run(const T* rows, std::size_t stride, const T* panel, const T* half_norms,
                              std::size_t d) {
      const T* base[(M + 2) / 3];
      unroll<(M + 2) / 3>([&](auto g) __attribute__((always_inline)) {
        base[g.value] = rows + 3 * g.value * stride;
      });
      unroll<V>([&](auto v) __attribute__((always_inline)) {
        const vec h = S::load(half_norms + v.value * W);
        unroll<M>([&](auto m) __attribute__((always_inline)) { acc[m.value * V + v.value] = h; });
      });
      const std::size_t first = d < dense_chain ? d : dense_chain;
      features(base, stride, panel, 0, first);
      if (first == d) return;
      alignas(64) T total[M * V * W];
      for (std::size_t from = first; from < d; from += dense_chain) {
        unroll<M * V>([&](auto i) __attribute__((always_inline)) {
          S::store(total + i.value * W, acc[i.value]);
          acc[i.value] = S::set(T(0));
        });
        features(base, stride, panel, from, d - from < dense_chain ? d : from + dense_chain);
        unroll<M * V>([&](auto i) __attribute__((always_inline)) {
          acc[i.value] = S::add(acc[i.value], S::load(total + i.value * W));
        });
      }
    }
  };

  /// Calls run(Index<M>, first row) over all rows with tiles of tile_rows, then a third of that, then one
  /// row.
  template <class Run>
  static OMNIMEANS_INLINE void over_rows(std::size_t n_rows, Run&& run) {
    constexpr std::size_t third = tile_rows / 3;
    std::size_t i = 0;
    for (; i + tile_rows <= n_rows; i += tile_rows) run(Index<tile_rows>{}, i);
    if constexpr (third > 1) {
      for (; i + third <= n_rows; i += third) run(Index<third>{}, i);
    }
    for (; i < n_rows; ++i) run(Index<1>{}, i);
  }

  /// Calls run(from, to) over the groups of vectors that stay in the cache.
  template <class Run>
  static OMNIMEANS_INLINE void over_groups(const PackedCentroids<T>& c, Run&& run) {
    const std::size_t step = 2 * c.group_panels;
    for (std::size_t from = 0; from < c.n_vectors; from += step) {
      run(from, c.n_vectors - from < step ? c.n_vectors : from + step);
    }
  }

  template <std::size_t M, std::size_t V>
  static OMNIMEANS_INLINE void scores_panel(const PackedCentroids<T>& c, const RowBlock<T>& block,
                                            std::size_t vector, T* scores, std::size_t scores_stride) {
    Tile<M, V> tile;
    tile.run(block.rows, block.row_stride, c.panels + vector * W * c.n_features, c.half_norms + vector * W,
             c.n_features);
    unroll<M>([&](auto m) __attribute__((always_inline)) {
      unroll<V>([&](auto v) __attribute__((always_inline)) {
        S::store(scores + m.value * scores_stride + (vector + v.value) * W, tile.acc[m.value * V + v.value]);
      });
    });
  }

  template <std::size_t M>
  static void scores_tile(const PackedCentroids<T>& c, const RowBlock<T>& block, std::size_t from,
                          std::size_t to, T* scores, std::size_t scores_stride) {
    std::size_t vector = from;
    for (; vector + 2 <= to; vector += 2) scores_panel<M, 2>(c, block, vector, scores, scores_stride);
    if (vector < to) scores_panel<M, 1>(c, block, vector, scores, scores_stride);
  }

  static void scores(const PackedCentroids<T>& c, const RowBlock<T>& block, T* scores,
                     std::size_t scores_stride) {
    over_groups(
        c, [&](std::size_t from, std::size_t to) __attribute__((always_inline)) {
          over_rows(
              block.n_rows, [&](auto m, std::size_t i) __attribute__((always_inline)) {
                const RowBlock<T> tile{block.rows + i * block.row_stride, block.row_stride, m.value};
                scores_tile<m.value>(c, tile, from, to, scores + i * scores_stride, scores_stride);
              });
        });
  }
};

}  // namespace
}  // namespace omnimeans::kernels
