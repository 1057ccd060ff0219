// SPDX-License-Identifier: MIT
// What int8-inl.hpp needs of 256-bit registers, two of them a vector of centroids, but for the products.
// Included by int8_<isa>.cpp alone.
#pragma once

#include "kernels/int8-inl.hpp"

namespace omnimeans::kernels {
namespace {

struct Int8Bits256 {
  using Arch = xsimd::fma3<xsimd::avx2>;
  using ints = __m256i;
  static constexpr std::size_t tile_rows = 6, tile_vectors = 1;  ///< 12 accumulators of 16 registers

  static OMNIMEANS_INLINE ints load(const void* p) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(p));
  }
  static OMNIMEANS_INLINE ints set(std::int32_t value) { return _mm256_set1_epi32(value); }
  static OMNIMEANS_INLINE ints add(ints a, ints b) { return _mm256_add_epi32(a, b); }
  static OMNIMEANS_INLINE ints max(ints a, ints b) { return _mm256_max_epi32(a, b); }
  static OMNIMEANS_INLINE ints bits(__m256 a) { return _mm256_castps_si256(a); }
  static OMNIMEANS_INLINE ints round(__m256 a) { return _mm256_cvtps_epi32(a); }
  static OMNIMEANS_INLINE __m256 to_float(ints a) { return _mm256_cvtepi32_ps(a); }
  static OMNIMEANS_INLINE __m256 as_float(ints a) { return _mm256_castsi256_ps(a); }
  static OMNIMEANS_INLINE std::int32_t sum(ints a) {
    const __m128i s = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    const __m128i t = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(t, _mm_shuffle_epi32(t, 0xb1)));
  }
  static OMNIMEANS_INLINE std::int32_t largest(ints a) {
    const __m128i s = _mm_max_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    const __m128i t = _mm_max_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    return _mm_cvtsi128_si32(_mm_max_epi32(t, _mm_shuffle_epi32(t, 0xb1)));
  }
  static OMNIMEANS_INLINE void store_bytes(std::int8_t* p, ints a) {
    const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packs_epi16(words, words));
  }

  /// The tag where the mask is set, else the bound.
  static OMNIMEANS_INLINE __m256 replace(__m256 bound, ints mask, ints tag) {
    return _mm256_castsi256_ps(_mm256_or_si256(_mm256_andnot_si256(mask, bits(bound)), tag));
  }

  static OMNIMEANS_INLINE __m128i four_sums(const ints* a) {
    const ints halves = _mm256_hadd_epi32(_mm256_hadd_epi32(a[0], a[1]), _mm256_hadd_epi32(a[2], a[3]));
    return _mm_add_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
  }
};

}  // namespace
}  // namespace omnimeans::kernels
