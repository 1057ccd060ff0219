// SPDX-License-Identifier: MIT
// W samples by d features -> d vectors of W samples. Blocks of Q x Q values are turned within 128-bit lanes
// (Q floats or doubles fit one); a vector is put together from 128-bit pieces of rows Q apart, so that the
// lanes come out in order.
#pragma once

#include "kernels/simd-inl.hpp"

namespace omnimeans::kernels {
namespace {

template <class T, class Arch>
struct Transpose {
  using S = Simd<T, Arch>;
  using vec = typename S::vec;
  static constexpr std::size_t W = S::lanes;
  static constexpr std::size_t Q = W == 1 ? 1 : 16 / sizeof(T);

#if !defined(OMNIMEANS_KERNELS_SCALAR)
  /// Rows 0, Q, 2Q, ... of those that lie `stride` apart, 128 bits of each.
  static OMNIMEANS_INLINE vec pieces(const T* row, std::size_t stride) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
      __m512 a = _mm512_castps128_ps512(_mm_loadu_ps(row));
      a = _mm512_insertf32x4(a, _mm_loadu_ps(row + 4 * stride), 1);
      a = _mm512_insertf32x4(a, _mm_loadu_ps(row + 8 * stride), 2);
      return _mm512_insertf32x4(a, _mm_loadu_ps(row + 12 * stride), 3);
    } else {
      __m512d a = _mm512_castpd128_pd512(_mm_loadu_pd(row));
      a = _mm512_insertf64x2(a, _mm_loadu_pd(row + 2 * stride), 1);
      a = _mm512_insertf64x2(a, _mm_loadu_pd(row + 4 * stride), 2);
      return _mm512_insertf64x2(a, _mm_loadu_pd(row + 6 * stride), 3);
    }
#elif defined(__AVX__)
    if constexpr (sizeof(T) == 4) {
      return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(row)), _mm_loadu_ps(row + 4 * stride),
                                  1);
    } else {
      return _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(row)), _mm_loadu_pd(row + 2 * stride),
                                  1);
    }
#else
    (void)stride;  // one piece is a whole vector
    return S::load(row);
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

  /// Calls put(t, the vector of rows[l * stride + t], l < W) for t < length, ascending.
  template <class Put>
  static OMNIMEANS_INLINE void run(const T* rows, std::size_t stride, std::size_t length, Put&& put) {
    std::size_t t = 0;
#if !defined(OMNIMEANS_KERNELS_SCALAR)
    // More rows are read side by side than the hardware follows: ask for each row's cache line a while before
    // it is due.
    constexpr std::size_t line = 64 / sizeof(T), ahead = 4 * line;
    std::size_t asked = 0;
    for (; t + Q <= length; t += Q) {
      for (std::size_t l = 0; l < W * Q / line; ++l)
        __builtin_prefetch(rows + (asked + l) * stride + t + ahead);
      asked = (asked + W * Q / line) % W;
      if constexpr (sizeof(T) == 4) {
        const T* at = rows + t;
        const vec a = pieces(at, stride), b = pieces(at + stride, stride),
                  c = pieces(at + 2 * stride, stride), e = pieces(at + 3 * stride, stride);
        const vec ab_lo = interleave<false, false>(a, b), ab_hi = interleave<true, false>(a, b);
        const vec ce_lo = interleave<false, false>(c, e), ce_hi = interleave<true, false>(c, e);
        put(t, interleave<false, true>(ab_lo, ce_lo));
        put(t + 1, interleave<true, true>(ab_lo, ce_lo));
        put(t + 2, interleave<false, true>(ab_hi, ce_hi));
        put(t + 3, interleave<true, true>(ab_hi, ce_hi));
      } else {
        const vec a = pieces(rows + t, stride), b = pieces(rows + stride + t, stride);
        put(t, interleave<false, false>(a, b));
        put(t + 1, interleave<true, false>(a, b));
      }
    }
#endif
    alignas(64) T column[W];
    for (; t < length; ++t) {
      for (std::size_t l = 0; l < W; ++l) column[l] = rows[l * stride + t];
      put(t, S::load(column));
    }
  }
};

}  // namespace
}  // namespace omnimeans::kernels
