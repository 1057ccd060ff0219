// SPDX-License-Identifier: MIT
// Which centroids may be nearer to a row than its own (int8.hpp, Int8Near): three operations a vector of
// centroids, where the two lowest bounds of every lane take nine (int8-inl.hpp).
//
// b_ij <= limit_i, divided by scale_i, is
//   scale_j P_ij + limit_i / scale_i >= half_norm_j / scale_i - alpha_i length_j - lambda_i cut_off_j
// with P the product of integers, alpha = cut_off / scale and lambda = length / scale. The largest alpha of
// the rows does for all, and rho_i = lambda_i max_j (cut_off_j / scale_j), rounded up, times scale_j for the
// last term: what rounding takes off is some sqrt(d / 12) scales of any row. Sums start at rho, then, and at
// the bits of M = 3 2^22 in float, whose lowest bit is worth 1: they end as those of F = M + P + rho, without
// a conversion, as long as |P + rho| < 2^22. So a centroid is far if
//   fma(F, scale_j, limit_i / scale_i) < fma(half_norm_j, 1 / scale_i, M scale_j - alpha length_j)
// Roundings beside terms of scale_j alone: F scale_j is at most 2^24 scale_j, off by one, and M scale_j,
// rounded three times, by three quarters each; rho_i, which also loses its fraction, has six more. Beside
// limit_i and half_norm_j there are six of a relative u, less than the 16 u Z that int8_filter.hpp allows a
// bound for. What overflows leaves a centroid near, or is beyond a limit that does not.
// Included by int8-inl.hpp alone.
#pragma once

#include <bit>
#include <cstdint>

#include "kernels/int8-list-inl.hpp"
#include "kernels/int8-panel-inl.hpp"
#include "kernels/int8-tiles-inl.hpp"
#include "kernels/int8.hpp"
#include "kernels/simd-inl.hpp"

namespace omnimeans::kernels {
namespace {

template <class Ops>
struct Int8NearLoops {
  using S = Simd<float, typename Ops::Arch>;
  using vec = typename S::vec;
  using ints = typename Ops::ints;
  using Panel = Int8Panel<Ops>;
  static constexpr std::size_t W = S::lanes, registers = Panel::registers;
  static constexpr bool in_tiles = requires { typename Ops::Tiles; };
  static constexpr float magic = 3 << 22;

  static bool near(const Int8Centroids& c, const Int8Rows& rows, const Int8Near& out) {
    const Ratios ratios = largest_ratios(c, rows, out);
    if (!ratios.fit) return false;
    find_levels(c, rows, out);
    bool done = false;
    if constexpr (in_tiles) {
      done = rows.n_rows >= int8_tile_rows;
      if (done) near_in_tiles(c, rows, ratios.alpha, out);
    }
    if (!done) near_in_registers(c, rows, ratios.alpha, out);
    Int8List::list(rows.n_rows, c.n_vectors, out);
    return true;
  }

 private:
  using TileRows = Int8TileRows<Ops>;

  /// What V vectors of centroids compare their products with.
  template <std::size_t V>
  struct Terms {
    static constexpr std::size_t R = V * registers;
    vec scale[R], half_norm[R], rest[R];

    OMNIMEANS_INLINE Terms(const Int8Centroids& c, std::size_t vector, float alpha) {
      unroll<R>([&](auto r) __attribute__((always_inline)) {
        const std::size_t at = vector * int8_lanes + r.value * W;
        scale[r.value] = S::load(c.scale + at);
        half_norm[r.value] = S::load(c.half_norms + at);
        rest[r.value] = S::fnma(S::set(alpha), S::load(c.length + at), S::mul(S::set(magic), scale[r.value]));
      });
    }
  };

  static constexpr float up = 1 + 0x1p-20f, roundings = 6;

  /// The largest alpha of the rows; whether all sums fit.
  struct Ratios {
    float alpha;
    bool fit;
  };
  static Ratios largest_ratios(const Int8Centroids& c, const Int8Rows& rows, const Int8Near& out) {
    const vec one = S::set(1), longest = S::set(c.longest + c.coarsest), outward = S::set(up),
              rest = S::set(2 * roundings), most = S::set(1 << 22);
    vec alpha = S::set(0);
    unsigned fit = S::all_bits;
    const auto inverse_of = [&](vec scale, vec cut_off, vec length) __attribute__((always_inline)) {
      const vec inverse = S::div(one, scale), lambda = S::mul(length, inverse);
      alpha = S::max(alpha, S::mul(cut_off, inverse));
      // Below, or it does not fit: it may be infinite, or a NaN.
      fit &= S::bits(S::less(S::add(S::mul(S::mul(lambda, longest), outward), rest), most));
      return inverse;
    };
    if (rows.n_rows < W) {
      for (std::size_t i = 0; i < rows.n_rows; ++i) {
        out.inverse[i] =
            S::reduce_max(inverse_of(S::set(rows.scale[i]), S::set(rows.cut_off[i]), S::set(rows.length[i])));
      }
    } else {
      for (std::size_t begin = 0; begin < rows.n_rows; begin += W) {
        // The last rows go back to some that are done.
        const std::size_t i = begin + W <= rows.n_rows ? begin : rows.n_rows - W;
        S::store(out.inverse + i,
                 inverse_of(S::load(rows.scale + i), S::load(rows.cut_off + i), S::load(rows.length + i)));
      }
    }
    return {S::reduce_max(alpha) * up, rows.stride <= int8_longest_near && fit == S::all_bits};
  }

  static void find_levels(const Int8Centroids& c, const Int8Rows& rows, const Int8Near& out) {
    for (std::size_t i = 0; i < rows.n_rows; ++i) {
      const float rho = rows.length[i] * out.inverse[i] * c.coarsest * up + roundings;
      out.level[i] = out.limit[i] * out.inverse[i];
      out.starts[i] = std::bit_cast<std::int32_t>(magic) + static_cast<std::int32_t>(rho);
    }
  }

  static OMNIMEANS_INLINE std::uint16_t* far_of(const Int8Centroids& c, const Int8Near& out, std::size_t i) {
    return out.far + i * c.n_vectors;
  }

  /// What rows from `first` on compare with, and where what is found goes: copies, which stay in registers.
  struct Compared {
    const float *inverse, *limit;
    std::uint16_t* far;
    std::size_t stride;

    OMNIMEANS_INLINE Compared(const Int8Centroids& c, const Int8Near& out, std::size_t first)
        : inverse(out.inverse + first),
          limit(out.level + first),
          far(far_of(c, out, first)),
          stride(c.n_vectors) {}
  };

  /// V vectors of row r, from `vector` on.
  template <std::size_t V>
  static OMNIMEANS_INLINE void compare(const Terms<V>& terms, const Compared& rows, std::size_t r,
                                       std::size_t vector, const ints* products) {
    std::uint16_t* far = rows.far + r * rows.stride + vector;
    const vec inverse = S::set(rows.inverse[r]), limit = S::set(rows.limit[r]);
    unroll<V>([&](auto v) __attribute__((always_inline)) {
      unsigned bits = 0;
      unroll<registers>([&](auto h) __attribute__((always_inline)) {
        constexpr std::size_t at = v.value * registers + h.value;
        const vec product = Ops::as_float(products[at]);
        const vec level = S::fma(product, terms.scale[at], limit);
        const vec floor = S::fma(inverse, terms.half_norm[at], terms.rest[at]);
        bits |= S::bits(S::less(level, floor)) << h.value * W;
      });
      far[v.value] = static_cast<std::uint16_t>(bits);
    });
  }

  template <std::size_t M, std::size_t V>
  static OMNIMEANS_INLINE void compare_rows(const Int8Centroids& c, const Int8Rows& rows, std::size_t first,
                                            std::size_t vector, float alpha, const std::int32_t* starts,
                                            const Int8Near& out) {
    ints products[M * V * registers];
    Panel::template products<M, V>(
        c, rows, first, vector, starts, [&](std::size_t m) { return out.starts[first + m]; }, products);
    const Terms<V> terms(c, vector, alpha);
    const Compared compared(c, out, first);
    unroll<M>([&](auto m) __attribute__((always_inline)) {
      compare<V>(terms, compared, m.value, vector, products + m.value * V * registers);
    });
  }

  static void near_in_registers(const Int8Centroids& c, const Int8Rows& rows, float alpha,
                                const Int8Near& out) {
    Panel::over_tiles(
        rows.n_rows, [&](std::size_t first, auto m) __attribute__((always_inline)) {
          constexpr std::size_t M = m.value, V = Ops::tile_vectors;
          std::int32_t starts[Panel::most_starts(M)];
          Panel::template find_starts<M>(c, rows, first, starts);
          std::size_t vector = 0;
          for (; vector + V <= c.n_vectors; vector += V)
            compare_rows<M, V>(c, rows, first, vector, alpha, starts, out);
          if (V > 1 && vector < c.n_vectors) compare_rows<M, 1>(c, rows, first, vector, alpha, starts, out);
        });
  }

  static void near_in_tiles(const Int8Centroids& c, const Int8Rows& rows, float alpha, const Int8Near& out) {
    const std::size_t n_chunks = Panel::chunks(c);
    if (n_chunks == 1) return held<1>(c, rows, alpha, out);
    if (n_chunks == 2) return held<2>(c, rows, alpha, out);
    streamed(c, rows, alpha, out);
  }

  /// Rows of one or two chunks, which tiles can hold: two vectors of centroids at a time, whose products come
  /// while those of the two before are compared.
  template <std::size_t Chunks>
  static void held(const Int8Centroids& c, const Int8Rows& rows, float alpha, const Int8Near& out) {
    TileRows::over_tiles(
        rows, [&](std::size_t i) { return out.starts[i]; },
        [&](const auto& tiles, std::size_t first, const auto& starts, auto& sums)
            __attribute__((always_inline)) {
              const Compared compared(c, out, first);
              tiles.template hold<Chunks>(rows.values + first * rows.stride, rows.stride);
              // between(0 ... 7)
              const auto multiply = [&](std::size_t pair, auto&& between) __attribute__((always_inline)) {
                constexpr std::size_t width = TileRows::width;
                const std::uint8_t* panel = c.panels + pair * width * c.n_quads;
                std::int32_t* products = sums[pair / 2 % 2];
                if (pair + 2 <= c.n_vectors) {
                  tiles.template multiply_held<Chunks, 2, 0>(panel, 2 * width, starts, products, between);
                  tiles.template multiply_held<Chunks, 2, 1>(
                      panel + width, 2 * width, starts,
                      products, [&](std::size_t part) __attribute__((always_inline)) { between(4 + part); });
                } else {
                  tiles.template multiply_held<Chunks, 1, 0>(
                      panel, width, starts, products, [&](std::size_t part) __attribute__((always_inline)) {
                        between(2 * part);
                        between(2 * part + 1);
                      });
                }
              };
              const auto compare_with = [&](std::size_t pair, auto v) __attribute__((always_inline)) {
                const Terms<v.value> terms(c, pair, alpha);
                const auto compare = [&](std::size_t part) __attribute__((always_inline)) {
                  compare_part<8, v.value>(terms, compared, part, pair, sums[pair / 2 % 2]);
                };
                if (pair + 2 < c.n_vectors) {
                  multiply(pair + 2, compare);
                } else {
                  for (std::size_t part = 0; part < 8; ++part) compare(part);
                }
              };
              multiply(0, TileRows::nothing);
              TileRows::over_vectors(c.n_vectors, compare_with);
            });
  }

  /// Longer ones: two vectors at a time, likewise.
  static void streamed(const Int8Centroids& c, const Int8Rows& rows, float alpha, const Int8Near& out) {
    TileRows::over_tiles(
        rows, [&](std::size_t i) { return out.starts[i]; },
        [&](const auto& tiles, std::size_t first, const auto& starts, auto& sums)
            __attribute__((always_inline)) {
              const Compared compared(c, out, first);
              const auto multiply = [&](std::size_t vector, auto&& between) __attribute__((always_inline)) {
                TileRows::multiply(tiles, c, rows, first, vector, starts, sums[vector / 2 % 2], between);
              };
              const auto compare_with = [&](std::size_t vector, auto v) __attribute__((always_inline)) {
                const Terms<v.value> terms(c, vector, alpha);
                std::size_t done = 0;
                const auto compare = [&](std::size_t part) __attribute__((always_inline)) {
                  if (part >= parts) return;
                  compare_part<parts, v.value>(terms, compared, part, vector, sums[vector / 2 % 2]);
                  ++done;
                };
                if (vector + 2 < c.n_vectors) multiply(vector + 2, compare);
                while (done < parts) compare(done);
              };
              multiply(0, TileRows::nothing);
              TileRows::over_vectors(c.n_vectors, compare_with);
            });
  }

  static constexpr std::size_t parts = 4;
  /// One of so many parts of the rows of a tile and V vectors.
  template <std::size_t Parts, std::size_t V>
  static OMNIMEANS_INLINE void compare_part(const Terms<V>& terms, const Compared& rows, std::size_t part,
                                            std::size_t vector, const std::int32_t* products) {
    constexpr std::size_t n_rows = int8_tile_rows / Parts;
    const std::size_t begin = part * n_rows;
    const std::int32_t* of =
        products + Ops::Tiles::template place<V>(begin / 16 * 16, 0) + begin % 16 * int8_lanes;
    unroll<n_rows>([&](auto r) __attribute__((always_inline)) {
      ints of_row[V];
      unroll<V>([&](auto v) __attribute__((always_inline)) {
        of_row[v.value] = Ops::load(of + (v.value * 16 + r.value) * int8_lanes);
      });
      compare<V>(terms, rows, begin + r.value, vector, of_row);
    });
  }
};

}  // namespace
}  // namespace omnimeans::kernels
