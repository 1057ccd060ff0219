// SPDX-License-Identifier: MIT
// Bounds of sixteen bits: which pairs of a block and a centroid they leave open. backends/blockbounds.cpp has
// the mathematics.
#pragma once

#include <cstdint>

#include "kernels/pairs-inl.hpp"
#include "kernels/simd-inl.hpp"

namespace omnimeans::kernels {
namespace {

/// Thirty-two bounds: those not above a saturated sum, as bits; and w -= min(t + v, 65535), no less than 0.
struct Words {
#if defined(__AVX512F__)
  static OMNIMEANS_INLINE std::uint32_t open(const std::uint16_t* w, const std::uint16_t* t,
                                             std::uint16_t v) {
    const __m512i sum = _mm512_adds_epu16(_mm512_loadu_si512(t), _mm512_set1_epi16(static_cast<short>(v)));
    return _mm512_cmple_epu16_mask(_mm512_loadu_si512(w), sum);
  }
  static OMNIMEANS_INLINE void subtract(std::uint16_t* w, const std::uint16_t* t, std::uint16_t v) {
    const __m512i sum = _mm512_adds_epu16(_mm512_loadu_si512(t), _mm512_set1_epi16(static_cast<short>(v)));
    _mm512_storeu_si512(w, _mm512_subs_epu16(_mm512_loadu_si512(w), sum));
  }
#elif defined(__AVX2__)
  static OMNIMEANS_INLINE __m256i above(const std::uint16_t* w, const std::uint16_t* t, std::uint16_t v) {
    const __m256i sum = _mm256_adds_epu16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(t)),
                                          _mm256_set1_epi16(static_cast<short>(v)));
    return _mm256_subs_epu16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(w)), sum);
  }
  static OMNIMEANS_INLINE std::uint32_t open(const std::uint16_t* w, const std::uint16_t* t,
                                             std::uint16_t v) {
    const __m256i zero = _mm256_setzero_si256();
    const __m256i both = _mm256_packs_epi16(_mm256_cmpeq_epi16(above(w, t, v), zero),
                                            _mm256_cmpeq_epi16(above(w + 16, t + 16, v), zero));
    return static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_permute4x64_epi64(both, 0xd8)));
  }
  static OMNIMEANS_INLINE void subtract(std::uint16_t* w, const std::uint16_t* t, std::uint16_t v) {
    for (std::size_t j = 0; j < 32; j += 16)
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(w + j), above(w + j, t + j, v));
  }
#elif defined(__x86_64__) && !defined(OMNIMEANS_KERNELS_SCALAR)
  static OMNIMEANS_INLINE __m128i above(const std::uint16_t* w, const std::uint16_t* t, std::uint16_t v) {
    const __m128i sum = _mm_adds_epu16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(t)),
                                       _mm_set1_epi16(static_cast<short>(v)));
    return _mm_subs_epu16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(w)), sum);
  }
  static OMNIMEANS_INLINE std::uint32_t open(const std::uint16_t* w, const std::uint16_t* t,
                                             std::uint16_t v) {
    const __m128i zero = _mm_setzero_si128();
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 32; j += 16) {
      const __m128i both = _mm_packs_epi16(_mm_cmpeq_epi16(above(w + j, t + j, v), zero),
                                           _mm_cmpeq_epi16(above(w + j + 8, t + j + 8, v), zero));
      bits |= static_cast<std::uint32_t>(_mm_movemask_epi8(both)) << j;
    }
    return bits;
  }
  static OMNIMEANS_INLINE void subtract(std::uint16_t* w, const std::uint16_t* t, std::uint16_t v) {
    for (std::size_t j = 0; j < 32; j += 8)
      _mm_storeu_si128(reinterpret_cast<__m128i*>(w + j), above(w + j, t + j, v));
  }
#else
  static OMNIMEANS_INLINE std::uint16_t above(std::uint16_t w, std::uint16_t t, std::uint16_t v) {
    const std::uint32_t sum = std::uint32_t{t} + v;
    return static_cast<std::uint16_t>(w > sum ? w - sum : 0);
  }
  static OMNIMEANS_INLINE std::uint32_t open(const std::uint16_t* w, const std::uint16_t* t,
                                             std::uint16_t v) {
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 32; ++j) bits |= std::uint32_t{above(w[j], t[j], v) == 0} << j;
    return bits;
  }
  static OMNIMEANS_INLINE void subtract(std::uint16_t* w, const std::uint16_t* t, std::uint16_t v) {
    for (std::size_t j = 0; j < 32; ++j) w[j] = above(w[j], t[j], v);
  }
#endif
};

template <class T, class Arch>
struct WordBounds {
  static std::size_t open_words(const std::uint16_t* words, const std::uint16_t* drift, std::uint16_t own,
                                std::size_t n, std::int32_t* out) {
    return Pairs<T, Arch>::list_open(
        n, n, out, [=](std::size_t j) __attribute__((always_inline)) {
          return Words::open(words + j, drift + j, own) |
                 std::uint64_t{Words::open(words + j + 32, drift + j + 32, own)} << 32;
        });
  }

  static void lower_words(std::uint16_t* words, const std::uint16_t* drift, std::uint16_t own,
                          std::size_t n) {
    for (std::size_t j = 0; j < n; j += 32) Words::subtract(words + j, drift + j, own);
  }
};

}  // namespace
}  // namespace omnimeans::kernels
