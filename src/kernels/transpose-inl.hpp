// SPDX-License-Identifier: MIT
// W samples by d features -> d vectors of W samples. Blocks of Q x Q values are turned within 128-bit lanes
// (Q floats or doubles fit one); a vector is put together from 128-bit pieces of rows Q apart, so that the
// lanes come out in order.
#pragma once

#include "kernels/simd-inl.hpp"

namespace omnimeans::kernels {
namespace {

/// Asks for rows that are due soon, a few cache lines at a time: more rows are read side by side than the
/// hardware follows.
struct Ahead {
  const char* row;
  std::size_t row_bytes;  ///< from one row to the next
  std::size_t lines;      ///< of a row; SIZE_MAX: rows without gaps, read as one
  std::size_t line = 0;

  template <std::size_t count>
  OMNIMEANS_INLINE void ask() {
    unroll<count>([&](auto i) __attribute__((always_inline)) {
      __builtin_prefetch(row + (line + i.value) * cache_line);
    });
    line += count;
    if (line >= lines) {
      line = 0;
      row += row_bytes;
    }
  }
};

template <class T, class Arch>
struct Transpose {
  using S = Simd<T, Arch>;
  using vec = typename S::vec;
  static constexpr std::size_t W = S::lanes;
  static constexpr std::size_t Q = W == 1 ? 1 : 16 / sizeof(T);

#if !defined(OMNIMEANS_KERNELS_SCALAR)
  /// Q values at p, or the first `count` < Q and zeros: nothing beyond them is touched.
  template <bool whole>
  static OMNIMEANS_INLINE auto piece(const T* p, std::size_t count) {
    (void)count;
#if defined(__x86_64__)
    if constexpr (sizeof(T) == 8) {
      return whole ? _mm_loadu_pd(p) : _mm_load_sd(p);
    } else if constexpr (whole) {
      return _mm_loadu_ps(p);
    } else {
#if defined(__AVX512F__)
      return _mm_maskz_loadu_ps(static_cast<__mmask8>((1u << count) - 1), p);
#elif defined(__AVX__)
      const int two = count > 1 ? -1 : 0, three = count > 2 ? -1 : 0;
      return _mm_maskload_ps(p, _mm_setr_epi32(-1, two, three, 0));
#else
      if (count == 1) return _mm_load_ss(p);
      const __m128 two = _mm_castsi128_ps(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
      return count == 2 ? two : _mm_movelh_ps(two, _mm_load_ss(p + 2));
#endif
    }
#elif defined(__aarch64__)
    if constexpr (whole) {
      return S::load(p);
    } else {
      alignas(16) T copy[Q] = {};
      for (std::size_t t = 0; t < count; ++t) copy[t] = p[t];
      return S::load(copy);
    }
#endif
  }

  /// 128 bits at `from` of rows first, first + Q, first + 2Q, ...
  template <bool whole, std::size_t first, class Row>
  static OMNIMEANS_INLINE vec pieces(const Row& row, std::size_t from, std::size_t count) {
    const auto at = [&](auto r) __attribute__((always_inline)) {
      return piece<whole>(row(Index<first + Q * r.value>{}) + from, count);
    };
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
      __m512 a = _mm512_castps128_ps512(at(Index<0>{}));
      a = _mm512_insertf32x4(a, at(Index<1>{}), 1);
      a = _mm512_insertf32x4(a, at(Index<2>{}), 2);
      return _mm512_insertf32x4(a, at(Index<3>{}), 3);
    } else {
      __m512d a = _mm512_castpd128_pd512(at(Index<0>{}));
      a = _mm512_insertf64x2(a, at(Index<1>{}), 1);
      a = _mm512_insertf64x2(a, at(Index<2>{}), 2);
      return _mm512_insertf64x2(a, at(Index<3>{}), 3);
    }
#elif defined(__AVX__)
    if constexpr (sizeof(T) == 4) {
      return _mm256_insertf128_ps(_mm256_castps128_ps256(at(Index<0>{})), at(Index<1>{}), 1);
    } else {
      return _mm256_insertf128_pd(_mm256_castpd128_pd256(at(Index<0>{})), at(Index<1>{}), 1);
    }
#else
    return at(Index<0>{});  // one piece is a whole vector
#endif
  }

  /// The lower (upper) halves of each 128-bit lane of a and b, interleaved: elements, or pairs of floats.
  template <bool upper, bool pairs>
  static OMNIMEANS_INLINE vec interleave(vec a, vec b) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 8) {
      return upper ? _mm512_unpackhi_pd(a, b) : _mm512_unpacklo_pd(a, b);
    } else if constexpr (pairs) {
      const __m512d x = _mm512_castps_pd(a), y = _mm512_castps_pd(b);
      return _mm512_castpd_ps(upper ? _mm512_unpackhi_pd(x, y) : _mm512_unpacklo_pd(x, y));
    } else {
      return upper ? _mm512_unpackhi_ps(a, b) : _mm512_unpacklo_ps(a, b);
    }
#elif defined(__AVX__)
    if constexpr (sizeof(T) == 8) {
      return upper ? _mm256_unpackhi_pd(a, b) : _mm256_unpacklo_pd(a, b);
    } else if constexpr (pairs) {
      const __m256d x = _mm256_castps_pd(a), y = _mm256_castps_pd(b);
      return _mm256_castpd_ps(upper ? _mm256_unpackhi_pd(x, y) : _mm256_unpacklo_pd(x, y));
    } else {
      return upper ? _mm256_unpackhi_ps(a, b) : _mm256_unpacklo_ps(a, b);
    }
#elif defined(__x86_64__)
    if constexpr (sizeof(T) == 8) {
      return upper ? _mm_unpackhi_pd(a, b) : _mm_unpacklo_pd(a, b);
    } else if constexpr (pairs) {
      return upper ? _mm_movehl_ps(b, a) : _mm_movelh_ps(a, b);
    } else {
      return upper ? _mm_unpackhi_ps(a, b) : _mm_unpacklo_ps(a, b);
    }
#elif defined(__aarch64__)
    if constexpr (sizeof(T) == 8) {
      return upper ? vzip2q_f64(a, b) : vzip1q_f64(a, b);
    } else if constexpr (pairs) {
      const float64x2_t x = vreinterpretq_f64_f32(a), y = vreinterpretq_f64_f32(b);
      return vreinterpretq_f32_f64(upper ? vzip2q_f64(x, y) : vzip1q_f64(x, y));
    } else {
      return upper ? vzip2q_f32(a, b) : vzip1q_f32(a, b);
    }
#endif
  }
#endif

#if !defined(OMNIMEANS_KERNELS_SCALAR)
  /// Features t ... t + count - 1 of W rows, to put(); count = Q if `whole`, else less.
  template <bool whole, class Row, class Put>
  static OMNIMEANS_INLINE void block(const Row& row, std::size_t t, std::size_t count, Put&& put) {
    if constexpr (sizeof(T) == 4) {
      const vec a = pieces<whole, 0>(row, t, count), b = pieces<whole, 1>(row, t, count);
      const vec c = pieces<whole, 2>(row, t, count), e = pieces<whole, 3>(row, t, count);
      const vec ab_lo = interleave<false, false>(a, b), ce_lo = interleave<false, false>(c, e);
      put(t, interleave<false, true>(ab_lo, ce_lo));
      if (whole || count > 1) put(t + 1, interleave<true, true>(ab_lo, ce_lo));
      if (!whole && count < 3) return;
      const vec ab_hi = interleave<true, false>(a, b), ce_hi = interleave<true, false>(c, e);
      put(t + 2, interleave<false, true>(ab_hi, ce_hi));
      if constexpr (whole) put(t + 3, interleave<true, true>(ab_hi, ce_hi));
    } else {
      const vec a = pieces<whole, 0>(row, t, count), b = pieces<whole, 1>(row, t, count);
      put(t, interleave<false, false>(a, b));
      if constexpr (whole) put(t + 1, interleave<true, false>(a, b));
    }
  }
#endif

  /// Calls put(t, the vector of row(Index<l>)[t], l < W) for t < length, ascending. `ahead` is asked for the
  /// cache lines of what is read next, as many as this reads.
  template <class Row, class Put>
  static OMNIMEANS_INLINE void run(const Row& row, std::size_t length, Ahead& ahead, Put&& put) {
    std::size_t t = 0;
#if !defined(OMNIMEANS_KERNELS_SCALAR)
    constexpr std::size_t bytes = W * Q * sizeof(T), lines = bytes > cache_line ? bytes / cache_line : 1;
    for (; t + Q <= length; t += Q) {
      ahead.template ask<lines>();
      block<true>(row, t, Q, put);
    }
    if (t < length) block<false>(row, t, length - t, put);
#else
    (void)ahead;
    for (; t < length; ++t) put(t, row(Index<0>{})[t]);
#endif
  }
};

}  // namespace
}  // namespace omnimeans::kernels
