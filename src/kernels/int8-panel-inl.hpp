// SPDX-License-Identifier: MIT
// The products x^.c^ of a tile, samples by centroids, of unsigned and signed bytes: so centroids have
// int8_shift() added, and accumulators start at minus that times the sum of the sample's values. Products are
// added by fours in 32 bits (VNNI), or by twos in words, two a lane, which are added up after every chunk
// (int8_avx2.cpp). Included by int8-*-inl.hpp.
#pragma once

#include "kernels/int8.hpp"
#include "kernels/simd-inl.hpp"

namespace omnimeans::kernels {
namespace {

template <class Ops>
struct Int8Panel {
  using ints = typename Ops::ints;
  static constexpr std::size_t registers = int8_lanes * 4 / sizeof(ints);  ///< of a vector
  static constexpr std::size_t chunk_quads = int8_chunk / 4;

  /// tile(first, rows as a constant) for all rows.
  template <class Tile>
  static OMNIMEANS_INLINE void over_tiles(std::size_t n_rows, Tile&& tile) {
    std::size_t i = 0;
    for (; i + Ops::tile_rows <= n_rows; i += Ops::tile_rows) tile(i, Index<Ops::tile_rows>{});
    for (; i + 3 <= n_rows; i += 3) tile(i, Index<3>{});
    for (; i < n_rows; ++i) tile(i, Index<1>{});
  }

  static OMNIMEANS_INLINE ints four_values(const std::int8_t* p) {
    std::int32_t bits;
    __builtin_memcpy(&bits, p, sizeof bits);
    return Ops::set(bits);
  }

  static OMNIMEANS_INLINE void add_products(ints& acc, ints c, ints x) {
    if constexpr (Ops::sums_in_words) {
      Ops::add_words(acc, c, x);
    } else {
      Ops::multiply_add(acc, c, x);
    }
  }

  static OMNIMEANS_INLINE std::size_t chunks(const Int8Centroids& c) {
    return (c.n_quads + chunk_quads - 1) / chunk_quads;
  }

  /// What row i's sums start at.
  static OMNIMEANS_INLINE std::int32_t start_of(const Int8Rows& rows, std::size_t i) {
    return -int8_shift(Ops::centroids.range) * rows.sum[i];
  }

  /// Room for find_starts().
  static constexpr std::size_t most_starts(std::size_t rows) {
    return Ops::sums_in_words ? rows * (int8_longest / int8_chunk) : 1;
  }
  /// What M rows' words start at, M x chunks.
  template <std::size_t M>
  static OMNIMEANS_INLINE void find_starts(const Int8Centroids& c, const Int8Rows& rows, std::size_t first,
                                           std::int32_t* starts) {
    if constexpr (Ops::sums_in_words) {
      for (std::size_t m = 0; m < M; ++m) {
        const std::int8_t* row = rows.values + (first + m) * rows.stride;
        for (std::size_t chunk = 0; chunk < chunks(c); ++chunk)
          *starts++ = Ops::start_of_words(row + int8_chunk * chunk);
      }
    }
  }

  /// The products x^.c^ of M rows and V vectors of one panel, and what more(m) adds to those of a row.
  template <std::size_t M, std::size_t V, class More>
  static OMNIMEANS_INLINE void products(const Int8Centroids& c, const Int8Rows& rows, std::size_t first,
                                        std::size_t vector, const std::int32_t* starts, More&& more,
                                        ints (&sums)[M * V * registers]) {
    constexpr std::size_t R = V * registers, width = int8_lanes * 4;
    const std::size_t begin = vector / 2 * 2;  // of the panel
    const std::size_t pitch = V == 2 || begin + 2 <= c.n_vectors ? 2 * width : width;
    const std::uint8_t* panel = c.panels + begin * width * c.n_quads + (vector - begin) * width;
    const std::int8_t*
        row[(M + 2) / 3];  // three rows a pointer and its stride: few enough to stay in registers
    unroll<(M + 2) / 3>([&](auto g) __attribute__((always_inline)) {
      row[g.value] = rows.values + (first + 3 * g.value) * rows.stride;
    });
    // `quads` of values onto the accumulators: these are in registers.
    const auto add_quads = [&](ints(&acc)[M * R], std::size_t quads) __attribute__((always_inline)) {
      const auto step = [&](auto u) __attribute__((always_inline)) {
        ints centroid[R];
        unroll<R>([&](auto r) __attribute__((always_inline)) {
          centroid[r.value] = Ops::load(panel + u.value * pitch + r.value * sizeof(ints));
        });
        unroll<M>([&](auto m) __attribute__((always_inline)) {
          const ints x = four_values(row[m.value / 3] + (m.value % 3) * rows.stride + 4 * u.value);
          unroll<R>([&](auto r) __attribute__((always_inline)) {
            add_products(acc[m.value * R + r.value], centroid[r.value], x);
          });
        });
      };
      const auto skip = [&](std::size_t by) __attribute__((always_inline)) {
        panel += by * pitch;
        unroll<(M + 2) / 3>([&](auto g) __attribute__((always_inline)) { row[g.value] += 4 * by; });
      };
      std::size_t quad = 0;
      for (; quad + 2 <= quads; quad += 2) {
        unroll<2>(step);
        skip(2);
      }
      if (quad < quads) {
        step(Index<0>{});
        skip(1);
      }
    };
    const auto start_at = [&](ints(&acc)[M * R], auto value) __attribute__((always_inline)) {
      unroll<M>([&](auto m) __attribute__((always_inline)) {
        const ints start = Ops::set(value(m.value));
        unroll<R>([&](auto r) __attribute__((always_inline)) { acc[m.value * R + r.value] = start; });
      });
    };
    if constexpr (!Ops::sums_in_words) {
      start_at(sums, [&](std::size_t m) { return start_of(rows, first + m) + more(m); });
      add_quads(sums, c.n_quads);
    } else {
      const std::size_t n_chunks = chunks(c);
      for (std::size_t chunk = 0; chunk < n_chunks; ++chunk) {
        ints acc[M * R];
        start_at(acc, [&](std::size_t m) { return starts[m * n_chunks + chunk]; });
        const std::size_t left = c.n_quads - chunk * chunk_quads;
        add_quads(acc, left < chunk_quads ? left : chunk_quads);
        unroll<M * R>([&](auto a) __attribute__((always_inline)) {
          const ints before = chunk == 0 ? Ops::set(more(a.value / R)) : sums[a.value];
          sums[a.value] = Ops::add(before, Ops::sum_of_words(acc[a.value]));
        });
      }
    }
  }
};

}  // namespace
}  // namespace omnimeans::kernels
