// SPDX-License-Identifier: MIT
// What follows from the lanes' two lowest bounds (int8.hpp, Int8Lowest): the nearest centroid of a row, and
// whether another one is near. As many rows at a time as a register has lanes. Included by int8-inl.hpp
// alone.
#pragma once

#include <bit>
#include <cstdint>

#include "kernels/int8.hpp"
#include "kernels/lane-mins-inl.hpp"
#include "kernels/simd-inl.hpp"

namespace omnimeans::kernels {
namespace {

template <class Ops>
struct Int8Nearest {
  using S = Simd<float, typename Ops::Arch>;
  using vec = typename S::vec;
  using Mins = LaneMins<float, typename Ops::Arch, S>;
  static constexpr std::size_t W = S::lanes, registers = int8_lanes / W;

  /// Of all rows; `mask`: where a bound has its place.
  static void find(const Int8Centroids& c, const Int8Rows& rows, std::int32_t mask, const Int8Lowest& out) {
    std::size_t i = 0;
    for (; i + W <= rows.n_rows; i += W) find_some(c, rows, i, mask, out);
    for (; i < rows.n_rows; ++i) find_one(c, rows, i, mask, out);
  }

  static OMNIMEANS_INLINE float* lanes_of(const Int8Lowest& out, std::size_t row) {
    return out.lanes + row * 2 * int8_lanes;
  }

 private:
  static OMNIMEANS_INLINE vec lowest(const float* values) {
    vec all = S::load(values);
    if constexpr (registers == 2) all = S::min(all, S::load(values + W));
    return all;
  }

  /// The lanes of a row's values that are not above the limit, as bits. Not above: a NaN is near.
  static OMNIMEANS_INLINE std::uint32_t near_lanes(const float* values, float limit) {
    std::uint32_t near = 0;
    unroll<registers>([&](auto h) __attribute__((always_inline)) {
      const unsigned above = S::bits(S::less(S::set(limit), S::load(values + h.value * W)));
      near |= (above ^ S::all_bits) << h.value * W;
    });
    return near;
  }

  /// Where the lowest bound of a row's lanes is.
  static OMNIMEANS_INLINE std::int32_t place_of(const Int8Centroids& c, const float* best, float least,
                                                std::int32_t mask) {
    const auto lane = static_cast<std::size_t>(__builtin_ctz(near_lanes(best, least)));
    const auto in_lane = static_cast<std::uint32_t>(std::bit_cast<std::int32_t>(best[lane]) & mask);
    // Where nothing is finite it may be none.
    const std::size_t last = c.n_vectors * int8_lanes - 1, place = in_lane * int8_lanes + lane;
    return static_cast<std::int32_t>(place < last ? place : last);
  }

  static OMNIMEANS_INLINE bool at_most_one(std::uint32_t near) { return (near & (near - 1)) == 0; }

  static OMNIMEANS_INLINE void find_some(const Int8Centroids& c, const Int8Rows& rows, std::size_t i,
                                         std::int32_t mask, const Int8Lowest& out) {
    vec best[W], second[W];
    unroll<W>([&](auto r)
                  __attribute__((always_inline)) { best[r.value] = lowest(lanes_of(out, i + r.value)); });
    const vec least = Mins::of(best);
    // Only now: with the best they are more than the registers hold. A NaN may be lost, but then reach is
    // infinite.
    unroll<W>([&](auto r) __attribute__((always_inline)) {
      second[r.value] = lowest(lanes_of(out, i + r.value) + int8_lanes);
    });
    const vec others = Mins::of(second);
    alignas(64) float of_row[W];
    S::store(of_row, least);
    for (std::size_t r = 0; r < W; ++r)
      out.nearest[i + r] = place_of(c, lanes_of(out, i + r), of_row[r], mask);
    const std::int32_t* nearest = out.nearest + i;
    vec off = S::fma(S::load(rows.length + i), S::gather(c.cut_off, nearest),
                     S::mul(S::load(rows.cut_off + i), S::gather(c.length, nearest)));
    if (c.tail != nullptr) off = S::fma(S::load(rows.tail + i), S::gather(c.tail, nearest), off);
    const vec highest = S::add(least, S::mul(S::set(2.0f), off));
    const vec limit = S::add(highest, S::load(out.reach + i));
    S::store(out.least + i, highest);
    S::store(of_row, limit);
    const unsigned lone = S::bits(S::less(limit, others));
    for (std::size_t r = 0; r < W; ++r)
      out.alone[i + r] = (lone >> r & 1) != 0 && at_most_one(near_lanes(lanes_of(out, i + r), of_row[r]));
  }

  static OMNIMEANS_INLINE void find_one(const Int8Centroids& c, const Int8Rows& rows, std::size_t i,
                                        std::int32_t mask, const Int8Lowest& out) {
    const float *best = lanes_of(out, i), *second = best + int8_lanes;
    const float least = S::reduce_min(lowest(best));
    out.nearest[i] = place_of(c, best, least, mask);
    const auto j = static_cast<std::size_t>(out.nearest[i]);
    float off = __builtin_fmaf(rows.length[i], c.cut_off[j], rows.cut_off[i] * c.length[j]);
    if (c.tail != nullptr) off = __builtin_fmaf(rows.tail[i], c.tail[j], off);
    out.least[i] = least + 2 * off;
    const float limit = out.least[i] + out.reach[i];
    out.alone[i] = near_lanes(second, limit) == 0 && at_most_one(near_lanes(best, limit));
  }
};

}  // namespace
}  // namespace omnimeans::kernels
