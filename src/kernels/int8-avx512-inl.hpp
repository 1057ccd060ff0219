// SPDX-License-Identifier: MIT
// The operations of int8-inl.hpp with AVX-512 VNNI.
#pragma once

#include "kernels/int8-inl.hpp"

namespace omnimeans::kernels {
namespace {

struct Int8Avx512 {
  using Arch = xsimd::avx512bw;
  using ints = __m512i;
  static constexpr std::size_t tile_rows = 12, tile_vectors = 2;  ///< 24 accumulators of 32 registers
  static constexpr Int8Limits samples{}, centroids{};
  static constexpr bool sums_in_words = false;

  static OMNIMEANS_INLINE ints load(const void* p) { return _mm512_loadu_si512(p); }
  static OMNIMEANS_INLINE void store(void* p, ints a) { _mm512_storeu_si512(p, a); }
  static OMNIMEANS_INLINE ints set(std::int32_t value) { return _mm512_set1_epi32(value); }
  static OMNIMEANS_INLINE ints add(ints a, ints b) { return _mm512_add_epi32(a, b); }
  static OMNIMEANS_INLINE ints max(ints a, ints b) { return _mm512_max_epi32(a, b); }
  static OMNIMEANS_INLINE ints bits(__m512 a) { return _mm512_castps_si512(a); }
  static OMNIMEANS_INLINE ints round(__m512 a) { return _mm512_cvtps_epi32(a); }
  static OMNIMEANS_INLINE __m512 to_float(ints a) { return _mm512_cvtepi32_ps(a); }
  static OMNIMEANS_INLINE __m512 as_float(ints a) { return _mm512_castsi512_ps(a); }
  static OMNIMEANS_INLINE std::int32_t sum(ints a) { return _mm512_reduce_add_epi32(a); }
  static OMNIMEANS_INLINE std::int32_t largest(ints a) { return _mm512_reduce_max_epi32(a); }
  static OMNIMEANS_INLINE void store_bytes(std::int8_t* p, ints a) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(a));
  }

  /// acc += c . x, by fours. Written out because g++ 12 copies the accumulator before and after the
  /// intrinsic, which costs a third of the rate.
  static OMNIMEANS_INLINE void multiply_add(ints& acc, ints c, ints x) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(c), "v"(x));
  }

  /// The tag where the mask is set, else the bound.
  static OMNIMEANS_INLINE __m512 replace(__m512 bound, ints mask, ints tag) {
    return _mm512_castsi512_ps(_mm512_ternarylogic_epi32(mask, tag, bits(bound), 0xca));
  }

  /// Four sums of 16 lanes: turned within 128 bits, then the quarters are added.
  static OMNIMEANS_INLINE __m128i four_sums(const ints* a) {
    const ints low = add(_mm512_unpacklo_epi32(a[0], a[1]), _mm512_unpackhi_epi32(a[0], a[1]));
    const ints high = add(_mm512_unpacklo_epi32(a[2], a[3]), _mm512_unpackhi_epi32(a[2], a[3]));
    const ints quarters = add(_mm512_unpacklo_epi64(low, high), _mm512_unpackhi_epi64(low, high));
    const __m256i halves =
        _mm256_add_epi32(_mm512_castsi512_si256(quarters), _mm512_extracti64x4_epi64(quarters, 1));
    return _mm_add_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
  }
};

}  // namespace
}  // namespace omnimeans::kernels
