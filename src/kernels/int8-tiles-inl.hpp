// SPDX-License-Identifier: MIT
// What searches in tiles of the CPU (Ops::Tiles, AMX: int8_amx.cpp) share. Included by int8-inl.hpp and
// int8-near-inl.hpp, which use it where there are such tiles.
#pragma once

#include <cstdint>

#include "kernels/int8-panel-inl.hpp"
#include "kernels/int8.hpp"
#include "kernels/simd-inl.hpp"

namespace omnimeans::kernels {
namespace {

template <class Ops>
struct Int8TileRows {
  using Panel = Int8Panel<Ops>;
  static constexpr std::size_t width = int8_lanes * 4;  ///< bytes of a quad of one vector of centroids
  /// Of the rows of a tile and two vectors of centroids; what the sums of a tile's rows start at.
  using Sums = std::int32_t[2 * int8_tile_rows * int8_lanes];
  using Starts = std::int32_t[int8_tile_rows * int8_lanes];

  /// What the CPU does between products, if it has nothing to do.
  static OMNIMEANS_INLINE void nothing(std::size_t) {}

  /// tile(tiles, first, starts, sums) for all rows, int8_tile_rows or more: the last ones go back to rows
  /// that are done, and do them again. Row i's sums start with more(i) more; of the two `sums` one is
  /// multiplied while the other is used.
  template <class More, class Tile>
  static OMNIMEANS_INLINE void over_tiles(const Int8Rows& rows, More&& more, Tile&& tile) {
    const typename Ops::Tiles tiles;
    alignas(64) Starts starts;
    alignas(64) Sums sums[2];
    for (std::size_t begin = 0; begin < rows.n_rows; begin += int8_tile_rows) {
      const std::size_t first = begin + int8_tile_rows <= rows.n_rows ? begin : rows.n_rows - int8_tile_rows;
      for (std::size_t r = 0; r < int8_tile_rows; ++r)
        Ops::store(starts + r * int8_lanes, Ops::set(Panel::start_of(rows, first + r) + more(first + r)));
      tile(tiles, first, starts, sums);
    }
  }

  /// use(vector, V as a constant) for all vectors, two at a time; the last may be one.
  template <class Use>
  static OMNIMEANS_INLINE void over_vectors(std::size_t n_vectors, Use&& use) {
    std::size_t vector = 0;
    for (; vector + 2 <= n_vectors; vector += 2) use(vector, Index<2>{});
    if (vector < n_vectors) use(vector, Index<1>{});
  }

  /// The sums of rows from `first` on and the one or two vectors of the panel of `vector`.
  template <class Between>
  static OMNIMEANS_INLINE void multiply(const typename Ops::Tiles& tiles, const Int8Centroids& c,
                                        const Int8Rows& rows, std::size_t first, std::size_t vector,
                                        const Starts& starts, Sums& sums, Between&& between) {
    const std::int8_t* values = rows.values + first * rows.stride;
    const std::uint8_t* panel = c.panels + vector * width * c.n_quads;
    if (vector + 2 <= c.n_vectors) {
      tiles.template multiply<2>(values, rows.stride, panel, 2 * width, Panel::chunks(c), starts, sums,
                                 between);
    } else {
      tiles.template multiply<1>(values, rows.stride, panel, width, Panel::chunks(c), starts, sums, between);
    }
  }
};

}  // namespace
}  // namespace omnimeans::kernels
