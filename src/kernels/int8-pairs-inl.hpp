// SPDX-License-Identifier: MIT
// Bounds of lone pairs, four at a time: of one row and listed centroids, or of rows and a centroid each.
// Included by int8-inl.hpp.
#pragma once

#include <span>

#include "kernels/int8-panel-inl.hpp"
#include "kernels/int8.hpp"
#include "kernels/simd-inl.hpp"

namespace omnimeans::kernels {
namespace {

template <class Ops>
struct Int8Pairs {
  using ints = typename Ops::ints;
  using Panel = Int8Panel<Ops>;
  static constexpr std::size_t four = 4, registers = int8_stride / sizeof(ints);  ///< of a chunk

  /// What four centroids, index(0 ... 3), add to their products.
  struct Terms {
    __m128 scale, half_norm, length, cut_off;

    template <class Place>
    OMNIMEANS_INLINE Terms(const Int8Centroids& c, Place&& index) {
      const auto terms_of = [&](std::size_t b) __attribute__((always_inline)) {
        return _mm_load_ps(c.terms + 4 * index(b));
      };
      scale = terms_of(0), half_norm = terms_of(1), length = terms_of(2), cut_off = terms_of(3);
      _MM_TRANSPOSE4_PS(scale, half_norm, length, cut_off);
    }
  };

  static void listed_bounds(const Int8Centroids& c, const Int8Rows& rows, std::size_t i,
                            const std::int32_t* index, std::size_t count, float* out) {
    const std::int8_t* x = rows.values + i * rows.stride;
    const __m128i start = _mm_set1_epi32(Panel::start_of(rows, i));
    const __m128 scale = _mm_set1_ps(rows.scale[i]), cut_off = _mm_set1_ps(rows.cut_off[i]),
                 length = _mm_set1_ps(rows.length[i]);
    const auto centroid = [&](std::size_t at) { return static_cast<std::size_t>(index[at]); };
    if (count == 1) {
      const std::uint8_t* row = c.rows + centroid(0) * c.stride;
      ints acc = Ops::set(0);
      for (std::size_t t = 0; t < c.stride; t += sizeof(ints))
        Ops::multiply_add(acc, Ops::load(row + t), Ops::load(x + t));
      const __m128i products = _mm_add_epi32(_mm_cvtsi32_si128(Ops::sum(acc)), start);
      const Terms terms(c, [&](std::size_t) { return centroid(0); });
      _mm_store_ss(out, bounds(products, terms, scale, cut_off, length));
      return;
    }
    for (std::size_t first = 0; first < count; first += four) {
      // Of places behind the last, those of the last.
      const auto place = [&](std::size_t b) { return centroid(first + b < count ? first + b : count - 1); };
      const __m128i products = _mm_add_epi32(four_products(c, place, [&](std::size_t) { return x; }), start);
      const __m128 found = bounds(products, Terms(c, place), scale, cut_off, length);
      if (first + four <= count) {
        _mm_storeu_ps(out + first, found);
      } else {
        alignas(16) float some[four];
        _mm_store_ps(some, found);
        for (std::size_t b = 0; first + b < count; ++b) out[first + b] = some[b];
      }
    }
  }

  static void own_bounds(const Int8Centroids& c, const Int8Rows& rows, const std::int32_t* own,
                         std::span<const std::int32_t> listed, float* least) {
    if (listed.empty()) {
      own_bounds(c, rows, own, rows.n_rows, least, [](std::size_t l) { return l; });
    } else {
      own_bounds(c, rows, own, listed.size(), least,
                 [&](std::size_t l) { return static_cast<std::size_t>(listed[l]); });
    }
  }

 private:
  /// Of rows i(0 ... count - 1).
  template <class Row>
  static OMNIMEANS_INLINE void own_bounds(const Int8Centroids& c, const Int8Rows& rows,
                                          const std::int32_t* own, std::size_t count, float* least, Row&& i) {
    constexpr std::size_t ahead = 16;
    for (std::size_t first = 0; first < count; first += four) {
      // Of places behind the last, those of the last.
      const auto row = [&](std::size_t b) { return i(first + b < count ? first + b : count - 1); };
      const auto centroid = [&](std::size_t b) { return static_cast<std::size_t>(own[row(b)]); };
      const auto load = [&](const float* values) __attribute__((always_inline)) {
        return _mm_setr_ps(values[row(0)], values[row(1)], values[row(2)], values[row(3)]);
      };
      for (std::size_t b = 0; b < four && first + ahead + b < count; ++b) {
        const std::int8_t* next = rows.values + i(first + ahead + b) * rows.stride;
        for (std::size_t at = 0; at < rows.stride; at += 64) __builtin_prefetch(next + at);
      }
      const auto start = [&](std::size_t b) { return Panel::start_of(rows, row(b)); };
      const __m128i products = _mm_add_epi32(
          four_products(c, centroid, [&](std::size_t b) { return rows.values + row(b) * rows.stride; }),
          _mm_setr_epi32(start(0), start(1), start(2), start(3)));
      const Terms terms(c, centroid);
      const __m128 length = load(rows.length), cut_off = load(rows.cut_off);
      __m128 off = _mm_fmadd_ps(length, terms.cut_off, _mm_mul_ps(cut_off, terms.length));
      if (c.tail != nullptr)
        off = _mm_fmadd_ps(
            load(rows.tail),
            _mm_setr_ps(c.tail[centroid(0)], c.tail[centroid(1)], c.tail[centroid(2)], c.tail[centroid(3)]),
            off);
      const __m128 highest =
          _mm_fmadd_ps(_mm_set1_ps(2), off, bounds(products, terms, load(rows.scale), cut_off, length));
      alignas(16) float some[four];
      _mm_store_ps(some, highest);
      for (std::size_t b = 0; b < four; ++b) least[row(b)] = some[b];
    }
  }

  static OMNIMEANS_INLINE __m128 bounds(__m128i products, const Terms& c, __m128 scale, __m128 cut_off,
                                        __m128 length) {
    const __m128 score = _mm_fnmadd_ps(_mm_mul_ps(_mm_cvtepi32_ps(products), scale), c.scale, c.half_norm);
    return _mm_fnmadd_ps(length, c.cut_off, _mm_fnmadd_ps(cut_off, c.length, score));
  }

  /// Of the rows x(b) and the centroids j(b), 0 <= b < 4, still with their shift.
  template <class Place, class Row>
  static OMNIMEANS_INLINE __m128i four_products(const Int8Centroids& c, Place&& j, Row&& x) {
    const std::uint8_t* centroid[four];
    const std::int8_t* row[four];
    ints acc[four * registers];
    unroll<four>([&](auto b) __attribute__((always_inline)) {
      centroid[b.value] = c.rows + j(b.value) * c.stride;
      row[b.value] = x(b.value);
      unroll<registers>([&](auto r)
                            __attribute__((always_inline)) { acc[r.value * four + b.value] = Ops::set(0); });
    });
    for (std::size_t t = 0; t < c.stride; t += int8_stride) {
      unroll<registers>([&](auto r) __attribute__((always_inline)) {
        const std::size_t at = t + r.value * sizeof(ints);
        unroll<four>([&](auto b) __attribute__((always_inline)) {
          Ops::multiply_add(acc[r.value * four + b.value], Ops::load(centroid[b.value] + at),
                            Ops::load(row[b.value] + at));
        });
      });
    }
    if constexpr (registers == 2) {
      unroll<four>([&](auto b) __attribute__((always_inline)) {
        acc[b.value] = Ops::add(acc[b.value], acc[four + b.value]);
      });
    }
    return Ops::four_sums(acc);
  }
};

}  // namespace
}  // namespace omnimeans::kernels
