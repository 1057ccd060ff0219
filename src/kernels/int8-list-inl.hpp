// SPDX-License-Identifier: MIT
// The pairs of Int8Near (int8.hpp) from its bits. How many a row has cannot be foreseen, and a branch that
// goes wrong costs as much as all else of a row: first the words of sixteen rows that have any, then theirs.
// Included by int8-near-inl.hpp, and by int8_plain.cpp.
#pragma once

#include <cstdint>

#include "kernels/int8.hpp"
#include "kernels/simd-inl.hpp"

namespace omnimeans::kernels {
namespace {

class Int8List {
 public:
  static void list(std::size_t n_rows, std::size_t n_vectors, const Int8Near& out) {
    std::size_t n_open = 0;
    for (std::size_t i = 0; i < n_rows; ++i) {
      std::uint16_t* far = out.far + i * n_vectors;
      const auto own = static_cast<std::size_t>(out.place[i]);
      const bool open = others_near(far, n_vectors, own);
      far[own / 16] &= static_cast<std::uint16_t>(~(1u << own % 16));
      out.found[i] = open ? Int8Found::listed : Int8Found::own;
      out.listed[n_open] = static_cast<std::int32_t>(i);
      n_open += open;
    }
    std::size_t n_pairs = 0, n_listed = 0;
    for (std::size_t begin = 0; begin < n_open; begin += batch) {
      const std::size_t end = begin + batch < n_open ? begin + batch : n_open;
      Words words;
      for (std::size_t o = begin; o < end; ++o) {
        const std::int32_t row = out.listed[o];
        // A limit that is not finite is neither above nor below anything.
        const bool few = out.level[row] - out.level[row] == 0 && find_words(n_vectors, row, out, words);
        if (!few) out.found[row] = Int8Found::many;
      }
      if (n_pairs + 16 * words.count + 16 <= out.room) {
        n_pairs = list_words(words, n_vectors, n_pairs, out);
      } else {
        for (std::size_t o = begin; o < end; ++o) out.found[out.listed[o]] = Int8Found::many;
      }
      for (std::size_t o = begin; o < end; ++o) {
        const std::int32_t row = out.listed[o];
        out.listed[n_listed] = row;
        n_listed += out.found[row] == Int8Found::listed;
      }
    }
    *out.n_pairs = n_pairs;
    *out.n_listed = n_listed;
  }

 private:
  static constexpr std::size_t batch = 16;
  /// Of a batch of rows those words that have a bit of something near.
  struct Words {
    std::size_t count = 0;
    // Of each row at most two registers are written behind the most that count, and one more.
    std::int32_t row[batch * Int8Near::most_words + 48], word[batch * Int8Near::most_words + 48];
  };

#if defined(__AVX512F__)
  /// 32 words of row i from v on, bits of what is near; of its own centroid alone.
  static OMNIMEANS_INLINE __m512i near_words(const std::uint16_t* far, std::size_t v, std::size_t n) {
    const std::uint32_t there = n - v < 32 ? (1u << (n - v)) - 1 : ~0u;
    const __m512i ones = _mm512_set1_epi32(-1);
    return _mm512_xor_si512(_mm512_mask_loadu_epi16(ones, there, far + v), ones);
  }
  static OMNIMEANS_INLINE __m512i own_words(std::size_t own, std::size_t v) {
    const std::size_t word = own / 16 - v;
    return _mm512_maskz_set1_epi16(word < 32 ? 1u << word : 0u, static_cast<short>(1 << own % 16));
  }

  static OMNIMEANS_INLINE bool others_near(const std::uint16_t* far, std::size_t n_vectors, std::size_t own) {
    std::uint32_t near = 0;
    for (std::size_t v = 0; v < n_vectors; v += 32) {
      const __m512i others = _mm512_andnot_si512(own_words(own, v), near_words(far, v, n_vectors));
      near |= _mm512_test_epi16_mask(others, others);
    }
    return near != 0;
  }

  /// False if they are too many.
  static OMNIMEANS_INLINE bool find_words(std::size_t n_vectors, std::int32_t row, const Int8Near& out,
                                          Words& words) {
    const __m512i places = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const std::uint16_t* far = out.far + static_cast<std::size_t>(row) * n_vectors;
    std::size_t count = words.count;
    for (std::size_t v = 0; v < n_vectors; v += 32) {
      const __m512i all = near_words(far, v, n_vectors);
      const std::uint32_t some = _mm512_test_epi16_mask(all, all);
      for (std::size_t half = 0; half < 2; ++half) {
        const auto mask = static_cast<__mmask16>(some >> 16 * half);
        const __m512i word = _mm512_add_epi32(places, _mm512_set1_epi32(static_cast<int>(v + 16 * half)));
        _mm512_storeu_si512(words.word + count, _mm512_maskz_compress_epi32(mask, word));
        _mm512_storeu_si512(words.row + count, _mm512_set1_epi32(row));
        count += static_cast<std::size_t>(__builtin_popcount(mask));
      }
      if (count - words.count > Int8Near::most_words) return false;
    }
    words.count = count;
    return true;
  }

  static OMNIMEANS_INLINE std::size_t list_words(const Words& words, std::size_t n_vectors,
                                                 std::size_t n_pairs, const Int8Near& out) {
    const __m512i places = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (std::size_t w = 0; w < words.count; ++w) {
      const auto row = static_cast<std::size_t>(words.row[w]), word = static_cast<std::size_t>(words.word[w]);
      const auto mask = static_cast<__mmask16>(near_bits(row, word, n_vectors, out));
      const __m512i index = _mm512_add_epi32(places, _mm512_set1_epi32(static_cast<int>(16 * word)));
      _mm512_storeu_si512(out.pair_centroid + n_pairs, _mm512_maskz_compress_epi32(mask, index));
      _mm512_storeu_si512(out.pair_row + n_pairs, _mm512_set1_epi32(words.row[w]));
      n_pairs += static_cast<std::size_t>(__builtin_popcount(mask));
    }
    return n_pairs;
  }
#else
  static OMNIMEANS_INLINE bool others_near(const std::uint16_t* far, std::size_t n_vectors, std::size_t own) {
    unsigned near = 0;
    for (std::size_t v = 0; v < n_vectors; ++v)
      near |= static_cast<std::uint16_t>(~far[v]) & ~(own / 16 == v ? 1u << own % 16 : 0u);
    return near != 0;
  }

  static OMNIMEANS_INLINE bool find_words(std::size_t n_vectors, std::int32_t row, const Int8Near& out,
                                          Words& words) {
    std::size_t count = words.count;
    for (std::size_t v = 0; v < n_vectors; ++v) {
      words.word[count] = static_cast<std::int32_t>(v);
      words.row[count] = row;
      count += near_bits(static_cast<std::size_t>(row), v, n_vectors, out) != 0;
      if (count - words.count > Int8Near::most_words) return false;
    }
    words.count = count;
    return true;
  }

  static OMNIMEANS_INLINE std::size_t list_words(const Words& words, std::size_t n_vectors,
                                                 std::size_t n_pairs, const Int8Near& out) {
    for (std::size_t w = 0; w < words.count; ++w) {
      const auto row = static_cast<std::size_t>(words.row[w]), word = static_cast<std::size_t>(words.word[w]);
      for (unsigned near = near_bits(row, word, n_vectors, out); near != 0; near &= near - 1) {
        out.pair_centroid[n_pairs] = static_cast<std::int32_t>(16 * word) + __builtin_ctz(near);
        out.pair_row[n_pairs++] = words.row[w];
      }
    }
    return n_pairs;
  }
#endif

  static OMNIMEANS_INLINE unsigned near_bits(std::size_t row, std::size_t word, std::size_t n_vectors,
                                             const Int8Near& out) {
    return static_cast<std::uint16_t>(~out.far[row * n_vectors + word]);
  }
};

}  // namespace
}  // namespace omnimeans::kernels
