// SPDX-License-Identifier: MIT
// AVX2 (Haswell 2013, Zen 1 and later): vpmaddubsw adds two products of bytes in sixteen bits. Products of a
// tile stay there for a chunk: an addition a product, where 32 bits would take a multiplication more.
//
// Sums of words are right modulo 2^16 whatever happens on the way, so it is enough that the whole one fits.
// Of a row q and a centroid p, both whole numbers, it is sum q_t (p_t + shift) over half a chunk; the
// accumulator starts at -shift sum q_t, and what is left, |sum q_t p_t| <= |q| |p|, is below 2^15 by the
// limits of their squares (Cauchy and Schwarz): 256 * sqrt(16383) < 32767.
#include "kernels/int8-bits256-inl.hpp"

namespace omnimeans::kernels {
namespace {

struct Int8Avx2 : Int8Bits256 {
  static constexpr Int8Limits samples{127, 65536}, centroids{63, 16383};
  static_assert(2 * samples.range * (centroids.range + int8_shift(centroids.range)) < 1 << 15,
                "vpmaddubsw must not saturate");
  static_assert(std::int64_t{samples.squares} * centroids.squares < std::int64_t{32767} * 32767);

  /// acc += c . x, by fours. The addition is written out because g++ 12 would first add the products of
  /// several calls among each other, and keep them in memory until then.
  static OMNIMEANS_INLINE void multiply_add(ints& acc, ints c, ints x) {
    const ints products = sum_of_words(_mm256_maddubs_epi16(c, x));
    __asm__("vpaddd %1, %0, %0" : "+x"(acc) : "x"(products));
  }

  static constexpr bool sums_in_words = true;
  /// acc += c . x, by twos in words: of a quad the first two and the others apart. Written out likewise.
  static OMNIMEANS_INLINE void add_words(ints& acc, ints c, ints x) {
    ints products;
    __asm__("vpmaddubsw %3, %2, %1\n\tvpaddw %1, %0, %0" : "+x"(acc), "=&x"(products) : "x"(c), "x"(x));
  }
  /// Of two words a lane.
  static OMNIMEANS_INLINE ints sum_of_words(ints a) { return _mm256_madd_epi16(a, _mm256_set1_epi16(1)); }
  /// Two words: what the accumulators of a chunk start at.
  static OMNIMEANS_INLINE std::int32_t start_of_words(const std::int8_t* x) {
    static_assert(int8_chunk == 64);
    const ints shift = _mm256_set1_epi8(static_cast<char>(int8_shift(centroids.range)));
    const ints two =
        _mm256_add_epi16(_mm256_maddubs_epi16(shift, load(x)), _mm256_maddubs_epi16(shift, load(x + 32)));
    const __m128i four = _mm_add_epi16(_mm256_castsi256_si128(two), _mm256_extracti128_si256(two, 1));
    const __m128i eight = _mm_add_epi16(four, _mm_shuffle_epi32(four, 0x4e));
    const __m128i all = _mm_add_epi16(eight, _mm_shuffle_epi32(eight, 0xb1));
    return _mm_cvtsi128_si32(_mm_sub_epi16(_mm_setzero_si128(), all));
  }
  /// The largest sum of squares of half a chunk.
  static OMNIMEANS_INLINE std::int32_t most_squares(const std::int8_t* values, std::size_t stride) {
    ints most = set(0);
    for (std::size_t begin = 0; begin < stride; begin += int8_chunk) {
      ints squares = set(0);  // even lanes are one half's, odd ones the other's
      for (std::size_t t = begin; t < begin + int8_chunk; t += 16) {
        const ints words =
            _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(values + t)));
        squares = add(squares, _mm256_madd_epi16(words, words));
      }
      squares = add(squares, _mm256_permute4x64_epi64(squares, 0x4e));
      most = max(most, add(squares, _mm256_shuffle_epi32(squares, 0x4e)));
    }
    return largest(most);
  }
};

}  // namespace

extern const Int8Kernels int8_avx2;
constexpr Int8Kernels int8_avx2 = make_int8_kernels<Int8Avx2>();

}  // namespace omnimeans::kernels
