// SPDX-License-Identifier: MIT
// Kernels over the pairs of one sample and some centroids, for backends that keep a bound a pair: scores of
// listed centroids, and bounds of one byte.
//
// A byte b_j stands for a lower bound of the distance to c_j: b_j = 0, or |x - c_j| >= o + q b_j - P_j, where
// P_j is how far c_j has drifted since the bounds' epoch began. 255 pads, 254 is the largest bound. With
// t_j >= P_j / q and v > (u - o) / q, v > 0, the pair can be skipped if b_j >= v + t_j: then |x - c_j| > u.
#pragma once

#include <cstdint>
#include <limits>

#include "kernels/dense_limits.hpp"
#include "kernels/kernels.hpp"
#include "kernels/simd-inl.hpp"
#include "kernels/transpose-inl.hpp"

namespace omnimeans::kernels {
namespace {

/// Vectors of bytes: those below a saturated sum, as bits; and b -= t, no less than 0.
struct Bytes {
#if defined(__AVX512F__)
  static constexpr std::size_t lanes = 64;
  static OMNIMEANS_INLINE std::uint64_t below(const std::uint8_t* b, const std::uint8_t* t, std::uint8_t v) {
    const __m512i sum = _mm512_adds_epu8(_mm512_loadu_si512(t), _mm512_set1_epi8(static_cast<char>(v)));
    return _mm512_cmplt_epu8_mask(_mm512_loadu_si512(b), sum);
  }
  static OMNIMEANS_INLINE void subtract(std::uint8_t* b, const std::uint8_t* t) {
    _mm512_storeu_si512(b, _mm512_subs_epu8(_mm512_loadu_si512(b), _mm512_loadu_si512(t)));
  }
#elif defined(__AVX__)
  static constexpr std::size_t lanes = 32;
  static OMNIMEANS_INLINE std::uint64_t below(const std::uint8_t* b, const std::uint8_t* t, std::uint8_t v) {
    const __m256i bound = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b));
    const __m256i sum = _mm256_adds_epu8(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(t)),
                                         _mm256_set1_epi8(static_cast<char>(v)));
    const __m256i not_below = _mm256_cmpeq_epi8(_mm256_max_epu8(bound, sum), bound);
    return ~static_cast<std::uint32_t>(_mm256_movemask_epi8(not_below));
  }
  static OMNIMEANS_INLINE void subtract(std::uint8_t* b, const std::uint8_t* t) {
    auto* place = reinterpret_cast<__m256i*>(b);
    _mm256_storeu_si256(place, _mm256_subs_epu8(_mm256_loadu_si256(place),
                                                _mm256_loadu_si256(reinterpret_cast<const __m256i*>(t))));
  }
#elif defined(__x86_64__) && !defined(OMNIMEANS_KERNELS_SCALAR)
  static constexpr std::size_t lanes = 16;
  static OMNIMEANS_INLINE std::uint64_t below(const std::uint8_t* b, const std::uint8_t* t, std::uint8_t v) {
    const __m128i bound = _mm_loadu_si128(reinterpret_cast<const __m128i*>(b));
    const __m128i sum = _mm_adds_epu8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(t)),
                                      _mm_set1_epi8(static_cast<char>(v)));
    const __m128i not_below = _mm_cmpeq_epi8(_mm_max_epu8(bound, sum), bound);
    return ~static_cast<unsigned>(_mm_movemask_epi8(not_below)) & 0xffffu;
  }
  static OMNIMEANS_INLINE void subtract(std::uint8_t* b, const std::uint8_t* t) {
    auto* place = reinterpret_cast<__m128i*>(b);
    _mm_storeu_si128(
        place, _mm_subs_epu8(_mm_loadu_si128(place), _mm_loadu_si128(reinterpret_cast<const __m128i*>(t))));
  }
#elif defined(__aarch64__) && !defined(OMNIMEANS_KERNELS_SCALAR)
  static constexpr std::size_t lanes = 8;
  static OMNIMEANS_INLINE std::uint64_t below(const std::uint8_t* b, const std::uint8_t* t, std::uint8_t v) {
    const std::uint8_t weights[8] = {1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x8_t is_below = vclt_u8(vld1_u8(b), vqadd_u8(vld1_u8(t), vdup_n_u8(v)));
    return vaddv_u8(vand_u8(is_below, vld1_u8(weights)));
  }
  static OMNIMEANS_INLINE void subtract(std::uint8_t* b, const std::uint8_t* t) {
    vst1_u8(b, vqsub_u8(vld1_u8(b), vld1_u8(t)));
  }
#else
  static constexpr std::size_t lanes = 1;
  static OMNIMEANS_INLINE std::uint64_t below(const std::uint8_t* b, const std::uint8_t* t, std::uint8_t v) {
    const unsigned sum = unsigned{*t} + v;
    return *b < (sum < 255 ? sum : 255) ? 1 : 0;
  }
  static OMNIMEANS_INLINE void subtract(std::uint8_t* b, const std::uint8_t* t) {
    *b = static_cast<std::uint8_t>(*b > *t ? *b - *t : 0);
  }
#endif
};

template <class T, class Arch>
struct Pairs {
  using S = Simd<T, Arch>;
  using vec = typename S::vec;
  static constexpr std::size_t W = S::lanes;

  /// The sums of the lanes of Q vectors (Q values fit 128 bits), to out.
  template <std::size_t Q>
  static OMNIMEANS_INLINE void sums_of(const vec* a, T* out) {
    if constexpr (Q == 1) {
      out[0] = S::reduce_add(a[0]);
    } else {
      using Turn = Transpose<T, Arch>;
      vec sum;
      if constexpr (Q == 2) {
        sum = S::add(Turn::template interleave<false, false>(a[0], a[1]),
                     Turn::template interleave<true, false>(a[0], a[1]));
      } else {
        const vec low = S::add(Turn::template interleave<false, false>(a[0], a[1]),
                               Turn::template interleave<true, false>(a[0], a[1]));
        const vec high = S::add(Turn::template interleave<false, false>(a[2], a[3]),
                                Turn::template interleave<true, false>(a[2], a[3]));
        sum = S::add(Turn::template interleave<false, true>(low, high),
                     Turn::template interleave<true, true>(low, high));
      }
      // Each 128 bits hold a part of every sum.
      alignas(64) T lanes[W];
      S::store(lanes, sum);
      for (std::size_t i = 0; i < Q; ++i) {
        T total = lanes[i];
        for (std::size_t l = Q; l < W; l += Q) total += lanes[l + i];
        out[i] = total;
      }
    }
  }

  static void listed_scores(const T* x, const T* rows, std::size_t stride, const T* half_norms,
                            const std::int32_t* index, std::size_t count, std::size_t d, T* out) {
    if (count == 1) {
      const T* row = rows + static_cast<std::size_t>(index[0]) * stride;
      vec total = S::set(T(0));
      for (std::size_t from = 0; from < d; from += dense_chain * W) {
        vec acc[2] = {S::set(T(0)), S::set(T(0))};
        const std::size_t to = d - from < dense_chain * W ? d : from + dense_chain * W;
        std::size_t t = from;
        for (; t + 2 * W <= to; t += 2 * W) {
          unroll<2>([&](auto u) __attribute__((always_inline)) {
            acc[u.value] =
                S::fnma(S::load(x + t + u.value * W), S::load(row + t + u.value * W), acc[u.value]);
          });
        }
        if (t < to) acc[0] = S::fnma(S::load(x + t), S::load(row + t), acc[0]);
        total = S::add(total, S::add(acc[0], acc[1]));
      }
      out[0] = half_norms[index[0]] + S::reduce_add(total);
      return;
    }
    scores_of(
        [x](std::size_t) __attribute__((always_inline)) { return x; }, d, rows, stride, half_norms, index,
        count, d, out);
  }

  static void paired_scores(const T* const* x, std::size_t n_values, const T* rows, std::size_t stride,
                            const T* half_norms, const std::int32_t* index, std::size_t count, std::size_t d,
                            T* out) {
    scores_of(
        [x](std::size_t at) __attribute__((always_inline)) { return x[at]; }, n_values, rows, stride,
        half_norms, index, count, d, out);
  }

  /// Of the first n_values of x(at), zeros behind them, and row index[at]: four pairs at a time.
  template <class Sample>
  static OMNIMEANS_INLINE void scores_of(Sample&& x, std::size_t n_values, const T* rows, std::size_t stride,
                                         const T* half_norms, const std::int32_t* index, std::size_t count,
                                         std::size_t d, T* out) {
    constexpr std::size_t Q = W == 1 ? 1 : 16 / sizeof(T), B = Q == 1 ? 1 : 4;
    for (std::size_t first = 0; first < count; first += B) {
      const T *row[B], *sample[B];
      unroll<B>([&](auto b) __attribute__((always_inline)) {
        const std::size_t at = first + b.value < count ? first + b.value : count - 1;
        row[b.value] = rows + static_cast<std::size_t>(index[at]) * stride;
        sample[b.value] = x(at);
      });
      vec total[B], acc[B];
      for (std::size_t from = 0; from < d; from += dense_chain * W) {
        const std::size_t to = d - from < dense_chain * W ? d : from + dense_chain * W;
        unroll<B>([&](auto b) __attribute__((always_inline)) { acc[b.value] = S::set(T(0)); });
        const auto add = [&](std::size_t t, auto&& load) __attribute__((always_inline)) {
          unroll<B>([&](auto b) __attribute__((always_inline)) {
            acc[b.value] = S::fnma(load(sample[b.value] + t), S::load(row[b.value] + t), acc[b.value]);
          });
        };
        std::size_t t = from;
        for (; t < to && t + W <= n_values; t += W)
          add(
              t, [](const T* p) __attribute__((always_inline)) { return S::load(p); });
        if (t < to)
          add(
              t, [&](const T* p) __attribute__((always_inline)) { return S::load_first(p, n_values - t); });
        unroll<B>([&](auto b) __attribute__((always_inline)) {
          total[b.value] = from == 0 ? acc[b.value] : S::add(total[b.value], acc[b.value]);
        });
      }
      T sums[B];
      unroll<B / Q>([&](auto g) __attribute__((always_inline)) {
        sums_of<Q>(total + g.value * Q, sums + g.value * Q);
      });
      for (std::size_t b = 0; b < B && first + b < count; ++b)
        out[first + b] = half_norms[index[first + b]] + sums[b];
    }
  }

  /// 64 pairs from j on: the open ones, as bits.
  static OMNIMEANS_INLINE std::uint64_t open_word(const std::uint8_t* bounds, const std::uint8_t* drift,
                                                  std::uint8_t upper, std::size_t j) {
    std::uint64_t open = 0;
    unroll<64 / Bytes::lanes>([&](auto part) __attribute__((always_inline)) {
      constexpr std::size_t at = part.value * Bytes::lanes;
      open |= Bytes::below(bounds + j + at, drift + j + at, upper) << at;
    });
    return open;
  }

  // Which pairs are open cannot be foreseen: no branch a bit.
#if defined(__AVX512F__)
  /// Writes base + the places of the bits of n words, ascending; returns how many. Sixteen pairs at a time,
  /// those without any left out.
  static OMNIMEANS_INLINE std::size_t list_bits(const std::uint64_t* words, std::size_t n, std::size_t base,
                                                std::int32_t* out) {
    std::size_t count = 0;
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (std::size_t w = 0; w < n; w += 8) {
      const auto there = static_cast<__mmask8>(n - w < 8 ? (1u << (n - w)) - 1 : 0xffu);
      const __m512i all = _mm512_maskz_loadu_epi64(there, words + w);
      for (std::uint32_t some = _mm512_test_epi16_mask(all, all); some != 0; some &= some - 1) {
        const auto part = static_cast<std::size_t>(__builtin_ctz(some));
        const auto mask = static_cast<__mmask16>(words[w + part / 4] >> part % 4 * 16);
        const std::size_t first = base + w * 64 + part * 16;
        const __m512i index = _mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(first)), lanes);
        _mm512_storeu_si512(out + count, _mm512_maskz_compress_epi32(mask, index));
        count += static_cast<std::size_t>(__builtin_popcount(mask));
      }
    }
    return count;
  }
#else
  /// Writes base + the places of the bits of n words, ascending, and up to four values more; returns how
  /// many. Four a word are written whether they are there or not: a branch only where there are more.
  static OMNIMEANS_INLINE std::size_t list_bits(const std::uint64_t* words, std::size_t n, std::size_t base,
                                                std::int32_t* out) {
    std::size_t count = 0;
    for (std::size_t w = 0; w < n; ++w) {
      std::uint64_t open = words[w];
      const auto in_word = static_cast<std::size_t>(__builtin_popcountll(open));
      const auto first = static_cast<std::int32_t>(base + w * 64);
      std::size_t done = 0;
      do {
        unroll<4>([&](auto u) __attribute__((always_inline)) {
          out[count + done + u.value] = first + __builtin_ctzll(open | std::uint64_t{1} << 63);
          open &= open - 1;
        });
        done += 4;
      } while (done < in_word);
      count += in_word;
    }
    return count;
  }
#endif

  /// Lists the open ones of n pairs; open_word(j): those of j ... j + 63. As Kernels::open_pairs.
  template <class OpenWord>
  static OMNIMEANS_INLINE std::size_t list_open(std::size_t n, std::size_t most, std::int32_t* out,
                                                OpenWord&& open_word) {
    constexpr std::size_t run = 32;  // words
    std::size_t count = 0;
    for (std::size_t from = 0; from < n; from += run * 64) {
      const std::size_t words = n - from < run * 64 ? (n - from) / 64 : run;
      std::uint64_t open[run];
      std::size_t in_run = 0;
      for (std::size_t w = 0; w < words; ++w) {
        open[w] = open_word(from + w * 64);
        in_run += static_cast<std::size_t>(__builtin_popcountll(open[w]));
      }
      if (count + in_run > most) return count + in_run;
      if (in_run > 0) count += list_bits(open, words, from, out + count);
    }
    return count;
  }
  static std::size_t open_pairs(const std::uint8_t* bounds, const std::uint8_t* drift, std::uint8_t upper,
                                std::size_t n, std::size_t most, std::int32_t* out) {
    return list_open(
        n, most, out, [=](std::size_t j) __attribute__((always_inline)) {
          return open_word(bounds, drift, upper, j);
        });
  }

  static void lower_bytes(std::uint8_t* bounds, const std::uint8_t* drift, std::size_t n) {
    for (std::size_t j = 0; j < n; j += Bytes::lanes) Bytes::subtract(bounds + j, drift + j);
  }

  /// The bounds of W pairs, in whole units.
  static OMNIMEANS_INLINE vec units(vec score, vec moved, vec base, vec factor, vec shift) {
    const vec squared = S::min(S::set(std::numeric_limits<T>::max()), S::fma(S::set(T(2)), score, base));
    // Selected, not max: a NaN is no bound. What is so small that its reciprocal root overflows counts as 0.
    const vec root = S::select(S::less(S::set(T(0x1p-100)), squared), S::lower_sqrt(squared), S::set(T(0)));
    const vec above = S::sub(S::mul(factor, S::add(root, moved)), shift);
    return S::max(S::set(T(0)), S::min(S::set(T(254)), above));
  }

  /// Values from 0 to 255 as bytes, cut off after the point.
#if defined(__AVX512F__)
  static constexpr bool packs_bytes = sizeof(T) == 4;
  static OMNIMEANS_INLINE void store_bytes(__m512 values, std::uint8_t* out) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm512_cvtepi32_epi8(_mm512_cvttps_epi32(values)));
  }
#elif defined(__AVX2__)
  static constexpr bool packs_bytes = sizeof(T) == 4;
  static OMNIMEANS_INLINE void store_bytes(__m256 values, std::uint8_t* out) {
    const __m256i integers = _mm256_cvttps_epi32(values);
    const __m128i words =
        _mm_packus_epi32(_mm256_castsi256_si128(integers), _mm256_extracti128_si256(integers, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(out), _mm_packus_epi16(words, words));
  }
#else
  static constexpr bool packs_bytes = false;
#endif

  static void byte_bounds(const T* scores, const T* drift, std::size_t n, const ByteTerms<T>& terms,
                          std::uint8_t* out) {
    const vec a = S::set(terms.base), f = S::set(terms.factor), s = S::set(terms.shift);
    alignas(64) T value[W];
    const auto put = [&](std::size_t j, std::size_t count) __attribute__((always_inline)) {
      for (std::size_t l = 0; l < count; ++l) out[j + l] = static_cast<std::uint8_t>(value[l]);
    };
    std::size_t j = 0;
    for (; j + W <= n; j += W) {
      const vec b = units(S::load(scores + j), S::load(drift + j), a, f, s);
      if constexpr (packs_bytes) {
        store_bytes(b, out + j);
        continue;
      }
      S::store(value, b);
      put(j, W);
    }
    if (j < n) {
      alignas(64) T tail[W] = {}, moved[W] = {};
      for (std::size_t l = 0; j + l < n; ++l) {
        tail[l] = scores[j + l];
        moved[l] = drift[j + l];
      }
      S::store(value, units(S::load(tail), S::load(moved), a, f, s));
      put(j, n - j);
    }
  }

  static void listed_byte_bounds(const T* scores, const T* drift, const std::int32_t* index,
                                 std::size_t count, const ByteTerms<T>& terms, std::uint8_t* bounds) {
    const vec a = S::set(terms.base), f = S::set(terms.factor), s = S::set(terms.shift);
    for (std::size_t first = 0; first < count; first += W) {
      const std::size_t left = count - first < W ? count - first : W;
#if defined(__AVX512F__)
      if constexpr (sizeof(T) == 4) {
        const auto mask = static_cast<__mmask16>((1u << left) - 1);
        const __m512i places = _mm512_maskz_loadu_epi32(mask, index + first);
        const __m512 moved = _mm512_mask_i32gather_ps(_mm512_setzero_ps(), mask, places, drift, 4);
        const vec b = units(_mm512_maskz_loadu_ps(mask, scores + first), moved, a, f, s);
        std::uint8_t bytes[W];
        store_bytes(b, bytes);
        for (std::size_t l = 0; l < left; ++l) bounds[index[first + l]] = bytes[l];
        continue;
      }
#endif
      alignas(64) T some[W] = {}, moved[W] = {};
      for (std::size_t l = 0; l < left; ++l) {
        some[l] = scores[first + l];
        moved[l] = drift[index[first + l]];
      }
      const vec b = units(S::load(some), S::load(moved), a, f, s);
      if constexpr (packs_bytes) {
        std::uint8_t bytes[W];
        store_bytes(b, bytes);
        for (std::size_t l = 0; l < left; ++l) bounds[index[first + l]] = bytes[l];
      } else {
        S::store(some, b);
        for (std::size_t l = 0; l < left; ++l) bounds[index[first + l]] = static_cast<std::uint8_t>(some[l]);
      }
    }
  }
};

}  // namespace
}  // namespace omnimeans::kernels
