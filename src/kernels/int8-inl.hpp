// SPDX-License-Identifier: MIT
// The kernels of int8.hpp for one instruction set. Included by int8_<isa>.cpp alone.
//
// Ops has what the instruction sets do differently: Arch, the register of integers `ints`, the tile that fits
// the registers (rows x vectors of centroids), the limits of values (samples, centroids), multiply_add() and
// other operations on `ints`; whether tiles add in sixteen bits (sums_in_words), with add_words(),
// sum_of_words(), start_of_words() and most_squares() if they do; and Tiles, where the CPU has products of
// larger tiles than registers hold (int8_amx.cpp).
#pragma once

#include "kernels/int8-near-inl.hpp"
#include "kernels/int8-nearest-inl.hpp"
#include "kernels/int8-pairs-inl.hpp"
#include "kernels/int8-panel-inl.hpp"
#include "kernels/int8-tiles-inl.hpp"

namespace omnimeans::kernels {
namespace {

template <class Ops>
struct Int8Loops {
  using S = Simd<float, typename Ops::Arch>;
  using vec = typename S::vec;
  using ints = typename Ops::ints;
  using Panel = Int8Panel<Ops>;
  using Nearest = Int8Nearest<Ops>;
  static constexpr std::size_t lanes = S::lanes, registers = Panel::registers;
  static constexpr float largest_float = __FLT_MAX__;
  static constexpr bool in_tiles = requires { typename Ops::Tiles; };

  /// What V vectors of centroids add to their products.
  template <std::size_t V>
  struct Terms {
    static constexpr std::size_t R = V * registers;
    vec scale[R], half_norm[R], length[R], cut_off[R];
    ints tag_mask, tag[V];

    OMNIMEANS_INLINE Terms(const Int8Centroids& c, std::size_t vector, std::int32_t mask)
        : tag_mask(Ops::set(mask)) {
      unroll<R>([&](auto r) __attribute__((always_inline)) {
        const std::size_t at = vector * int8_lanes + r.value * lanes;
        scale[r.value] = S::load(c.scale + at);
        half_norm[r.value] = S::load(c.half_norms + at);
        length[r.value] = S::load(c.length + at);
        cut_off[r.value] = S::load(c.cut_off + at);
      });
      unroll<V>([&](auto v) __attribute__((always_inline)) {
        tag[v.value] = Ops::set(static_cast<std::int32_t>(vector + v.value));
      });
    }
  };

  /// Of row i, what V vectors of centroids, from `vector` on, change of the lanes' two lowest bounds.
  template <std::size_t V>
  static OMNIMEANS_INLINE void take_row(const Terms<V>& terms, const Int8Rows& rows, std::size_t i,
                                        std::size_t vector, const ints* products, const Int8Lowest& out) {
    constexpr std::size_t R = V * registers;
    vec bound[R];
    unroll<R>([&](auto r) __attribute__((always_inline)) {
      const vec product = S::mul(Ops::to_float(products[r.value]), S::set(rows.scale[i]));
      const vec score = S::fnma(product, terms.scale[r.value], terms.half_norm[r.value]);
      bound[r.value] = S::fnma(S::set(rows.length[i]), terms.cut_off[r.value],
                               S::fnma(S::set(rows.cut_off[i]), terms.length[r.value], score));
    });
    if (out.bounds != nullptr) {
      float* row = out.bounds + i * out.bounds_stride + vector * int8_lanes;
      unroll<R>([&](auto r)
                    __attribute__((always_inline)) { S::store(row + r.value * lanes, bound[r.value]); });
    }
    unroll<registers>([&](auto h) __attribute__((always_inline)) {
      float* best_place = Nearest::lanes_of(out, i) + h.value * lanes;
      float* second_place = best_place + int8_lanes;
      const vec best = S::load(best_place), second = S::load(second_place);
      vec tagged[V];
      unroll<V>([&](auto v) __attribute__((always_inline)) {
        tagged[v.value] =
            Ops::replace(bound[v.value * registers + h.value], terms.tag_mask, terms.tag[v.value]);
      });
      vec low = tagged[0], high = second;
      if constexpr (V == 2) {
        low = S::min(tagged[0], tagged[1]);
        high = S::min(second, S::max(tagged[0], tagged[1]));
      }
      S::store(best_place, S::min(best, low));
      S::store(second_place, S::min(high, S::max(best, low)));
    });
  }

  /// The same of M rows, whose products are in registers.
  template <std::size_t M, std::size_t V>
  static OMNIMEANS_INLINE void take_rows(const Int8Centroids& c, const Int8Rows& rows, std::size_t first,
                                         std::size_t vector, const std::int32_t* starts, std::int32_t mask,
                                         const Int8Lowest& out) {
    constexpr std::size_t R = V * registers;
    ints products[M * R];
    Panel::template products<M, V>(
        c, rows, first, vector, starts, [](std::size_t) { return 0; }, products);
    const Terms<V> terms(c, vector, mask);
    unroll<M>([&](auto m) __attribute__((always_inline)) {
      take_row<V>(terms, rows, first + m.value, vector, products + m.value * R, out);
    });
  }

  static OMNIMEANS_INLINE void begin_lanes(const Int8Lowest& out, std::size_t first, std::size_t n_rows) {
    for (std::size_t at = 0; at < n_rows * 2 * int8_lanes; at += lanes)
      S::store(Nearest::lanes_of(out, first) + at, S::set(largest_float));
  }

  /// The lanes of all rows, int8_tile_rows or more, by Tiles. The next panel's products come before the
  /// bounds of this one, for the CPU to overlap them.
  static void lowest_in_tiles(const Int8Centroids& c, const Int8Rows& rows, std::int32_t mask,
                              const Int8Lowest& out) {
    using TileRows = Int8TileRows<Ops>;
    TileRows::over_tiles(
        rows, [](std::size_t) { return 0; },
        [&](const auto& tiles, std::size_t first, const auto& starts, auto& sums)
            __attribute__((always_inline)) {
              begin_lanes(out, first, int8_tile_rows);
              const auto multiply = [&](std::size_t vector) __attribute__((always_inline)) {
                TileRows::multiply(tiles, c, rows, first, vector, starts, sums[vector / 2 % 2],
                                   TileRows::nothing);
              };
              multiply(0);
              TileRows::over_vectors(
                  c.n_vectors, [&](std::size_t vector, auto v) __attribute__((always_inline)) {
                    if (vector + 2 < c.n_vectors) multiply(vector + 2);
                    take_tiles<v.value>(c, rows, first, vector, sums[vector / 2 % 2], mask, out);
                  });
            });
  }

  /// As take_rows(), of the products of Tiles.
  template <std::size_t V>
  static OMNIMEANS_INLINE void take_tiles(const Int8Centroids& c, const Int8Rows& rows, std::size_t first,
                                          std::size_t vector, const std::int32_t* products, std::int32_t mask,
                                          const Int8Lowest& out) {
    const Terms<V> terms(c, vector, mask);
    for (std::size_t begin = 0; begin < Ops::Tiles::rows; begin += 16) {
      for (std::size_t r = 0; r < 16; ++r) {
        ints of_row[V];
        unroll<V>([&](auto v) __attribute__((always_inline)) {
          of_row[v.value] =
              Ops::load(products + Ops::Tiles::template place<V>(begin, v.value) + r * int8_lanes);
        });
        take_row<V>(terms, rows, first + begin + r, vector, of_row, out);
      }
    }
  }

  /// The lanes of all rows, by tiles in registers.
  static void lowest_in_registers(const Int8Centroids& c, const Int8Rows& rows, std::int32_t mask,
                                  const Int8Lowest& out) {
    Panel::over_tiles(
        rows.n_rows, [&](std::size_t first, auto m) __attribute__((always_inline)) {
          constexpr std::size_t M = m.value, V = Ops::tile_vectors;
          std::int32_t starts[Panel::most_starts(M)];
          Panel::template find_starts<M>(c, rows, first, starts);
          begin_lanes(out, first, M);
          std::size_t vector = 0;
          for (; vector + V <= c.n_vectors; vector += V)
            take_rows<M, V>(c, rows, first, vector, starts, mask, out);
          if (V > 1 && vector < c.n_vectors) take_rows<M, 1>(c, rows, first, vector, starts, mask, out);
        });
  }

  static void lowest(const Int8Centroids& c, const Int8Rows& rows, const Int8Lowest& out) {
    const auto mask = static_cast<std::int32_t>((std::uint32_t{1} << tag_bits(c.n_vectors)) - 1);
    bool done = false;
    if constexpr (in_tiles) {
      done = rows.n_rows >= int8_tile_rows;
      if (done) lowest_in_tiles(c, rows, mask, out);
    }
    if (!done) lowest_in_registers(c, rows, mask, out);
    Nearest::find(c, rows, mask, out);
  }

  static float quantise(const float* x, std::size_t d, std::size_t stride, const Int8Limits& limits,
                        std::int8_t* values, float* scale, std::int32_t* sum) {
    const auto load = [&](std::size_t t) __attribute__((always_inline)) {
      if (t + lanes <= d) return S::load(x + t);
      return t < d ? S::load_first(x + t, d - t) : S::set(0.0f);
    };
    // As integers, the bits of NaN and infinity are above those of all other lengths.
    ints bits = Ops::set(0);
    for (std::size_t t = 0; t < d; t += lanes) bits = Ops::max(bits, Ops::bits(S::abs(load(t))));
    const std::int32_t largest_bits = Ops::largest(bits);
    const float largest = std::bit_cast<float>(largest_bits);
    if (largest_bits >= 0x7f800000) {
      __builtin_memset(values, 0, stride);
      *scale = 0;
      *sum = 0;
      return __builtin_inff();
    }
    *scale = largest / static_cast<float>(limits.range);
    const auto round = [&]() __attribute__((always_inline)) {
      const vec inverse = S::set(*scale >= 0x1p-100f ? 1 / *scale : 0), unit = S::set(*scale);
      vec cut_off = S::set(0.0f);
      ints total = Ops::set(0);
      for (std::size_t t = 0; t < stride; t += lanes) {
        const vec value = load(t);
        const ints q = Ops::round(S::mul(value, inverse));
        const vec rest = S::fnma(unit, Ops::to_float(q), value);
        cut_off = S::fma(rest, rest, cut_off);
        total = Ops::add(total, q);
        Ops::store_bytes(values + t, q);
      }
      *sum = Ops::sum(total);
      return __builtin_sqrtf(S::reduce_add(cut_off));
    };
    const float cut_off = round();
    if constexpr (Ops::sums_in_words) {
      const float coarser = int8_coarser(Ops::most_squares(values, stride), limits.squares);
      if (coarser != 1) {
        *scale *= coarser;
        return round();
      }
    }
    return cut_off;
  }
};

template <class Ops>
constexpr Int8Kernels make_int8_kernels() {
  return {Ops::samples,
          Ops::centroids,
          Int8Loops<Ops>::in_tiles,
          Int8Loops<Ops>::lowest,
          Int8Pairs<Ops>::own_bounds,
          Int8NearLoops<Ops>::near,
          Int8Pairs<Ops>::listed_bounds,
          Int8Loops<Ops>::quantise};
}

}  // namespace
}  // namespace omnimeans::kernels
