// SPDX-License-Identifier: MIT
// What blockbounds asks for: the open centroids of a block of samples, from bounds of sixteen bits; labels of
// its samples among them, and new bounds. backends/blockbounds.cpp has the mathematics.
//
// Scores as nearest-inl.hpp, a lane per sample, the samples transposed; but centroids are listed, row by row,
// and their scores are kept until the lowest of every sample is known.
#pragma once

#include <cstdint>
#include <limits>

#include "kernels/box-inl.hpp"
#include "kernels/dense_limits.hpp"
#include "kernels/kernels.hpp"
#include "kernels/pairs-inl.hpp"
#include "kernels/simd-inl.hpp"
#include "kernels/transpose-inl.hpp"

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
struct Blocks {
  using S = Simd<T, Arch>;
  using vec = typename S::vec;
  static constexpr std::size_t W = S::lanes;
  static constexpr std::size_t V = block_samples / W;
  static_assert(block_samples % W == 0);
  static constexpr std::size_t G = V == 1 ? 8 : V == 2 ? 6 : V == 4 ? 2 : 1;  ///< centroids side by side

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

  /// Scores of G centroids, features [from, to), added to what is there unless from == 0; the lowest so far.
  static OMNIMEANS_INLINE void add_scores(const BlockTask<T>& task, const T* samples, std::size_t first,
                                          std::size_t from, std::size_t to, vec* best) {
    const T* row[G];
    vec acc[G * V];
    unroll<G>([&](auto c) __attribute__((always_inline)) {
      const auto j = static_cast<std::size_t>(task.index[first + c.value]);
      row[c.value] = task.rows + j * task.row_stride;
      const vec start = S::set(from == 0 ? task.half_norms[j] : T(0));
      unroll<V>([&](auto v) __attribute__((always_inline)) { acc[c.value * V + v.value] = start; });
    });
    for (std::size_t t = from; t < to; ++t) {
      vec sample[V];
      unroll<V>([&](auto v) __attribute__((always_inline)) {
        sample[v.value] = S::load(samples + t * block_samples + v.value * W);
      });
      unroll<G>([&](auto c) __attribute__((always_inline)) {
        const vec centroid = S::broadcast(row[c.value] + t);
        unroll<V>([&](auto v) __attribute__((always_inline)) {
          acc[c.value * V + v.value] = S::fnma(sample[v.value], centroid, acc[c.value * V + v.value]);
        });
      });
    }
    T* out = task.scores + first * block_samples;
    if (from > 0) {
      unroll<G * V>([&](auto a) __attribute__((always_inline)) {
        acc[a.value] = S::add(S::load(out + a.value * W), acc[a.value]);
      });
    }
    unroll<G * V>([&](auto a) __attribute__((always_inline)) {
      S::store(out + a.value * W, acc[a.value]);
      best[a.value % V] = S::min(acc[a.value], best[a.value % V]);
    });
  }

  static OMNIMEANS_INLINE const T* moved(const BlockTask<T>& task) {
    if (task.offset == nullptr) return task.samples;
    const vec scale = S::set(task.scale);
    for (std::size_t t = 0; t < task.n_features; ++t) {
      const vec offset = S::broadcast(task.offset + t);
      for (std::size_t r = t * block_samples; r < (t + 1) * block_samples; r += W)
        S::store(task.moved + r, S::mul(S::sub(S::load(task.samples + r), offset), scale));
    }
    return task.moved;
  }

  /// Labels, and the bounds of those listed.
  static BlockLabels block(const BlockTask<T>& task) {
    const T* const samples = moved(task);
    const std::size_t n = task.n_listed, d = task.n_features;
    vec best[V], norm[V];
    unroll<V>([&](auto v) __attribute__((always_inline)) { norm[v.value] = S::set(T(0)); });
    for (std::size_t t = 0; t < d; ++t) {
      unroll<V>([&](auto v) __attribute__((always_inline)) {
        const vec x = S::load(samples + t * block_samples + v.value * W);
        norm[v.value] = S::fma(x, x, norm[v.value]);
      });
    }
    // Behind the last one listed come copies of it.
    for (std::size_t from = 0; from < d; from += dense_chain) {
      const std::size_t to = d - from < dense_chain ? d : from + dense_chain;
      unroll<V>([&](auto v) __attribute__((always_inline)) {
        best[v.value] = S::set(std::numeric_limits<T>::infinity());
      });
      for (std::size_t j = 0; j < n; j += G) add_scores(task, samples, j, from, to, best);
    }
    const std::size_t padded = (n + W - 1) / W * W * block_samples;
    for (std::size_t at = n * block_samples; at < padded; at += W)
      S::store(task.scores + at, S::set(std::numeric_limits<T>::infinity()));

    vec longest = norm[0], farthest = S::fma(S::set(T(2)), best[0], norm[0]);
    unroll<V - 1>([&](auto v) __attribute__((always_inline)) {
      longest = S::max(longest, norm[v.value + 1]);
      farthest = S::max(farthest, S::fma(S::set(T(2)), best[v.value + 1], norm[v.value + 1]));
    });
    // |x - c|^2 = |x|^2 + 2 s: off by two margins of the score, and by the roundings of |x|^2.
    Reach reach;
    const T length = task.norm_factor * root_of(S::reduce_max(longest) + task.norm_floor);
    reach.margin = length < task.norm_limit ? (task.margin2 * length + task.margin1) * length + task.margin0
                                            : std::numeric_limits<T>::infinity();
    const T square = S::reduce_max(farthest) + 2 * reach.margin + task.reach_slack * length * length;
    reach.square = square > 0 ? square : T(0);
    reach.root = root_of(reach.square);
    return label(task, best, reach);
  }

 private:
  /// U, at most, and the margin within which scores prove nothing.
  struct Reach {
    T margin, square, root;
  };

  static OMNIMEANS_INLINE BlockLabels label(const BlockTask<T>& task, const vec* best, const Reach& reach) {
    const vec margin = S::set(reach.margin);
    const vec rest = S::set(task.own_path - reach.root * task.reach_units - task.guard);
    vec label[V];
    unroll<V>([&](auto v) __attribute__((always_inline)) { label[v.value] = S::set(T(0)); });
    constexpr unsigned all = (1u << block_samples) - 1;
    const unsigned there = (1u << task.count) - 1;
    unsigned one = 0, several = 0;
    for (std::size_t first = 0; first < task.n_listed; first += W) {
      vec least[W];
      unroll<W>([&](auto c) __attribute__((always_inline)) {
        const std::size_t j = first + c.value;
        const vec own = S::set(index_bits<T>(static_cast<std::size_t>(task.index[j])));
        unsigned far_bits = 0;
        unroll<V>([&](auto v) __attribute__((always_inline)) {
          const vec above = S::sub(S::load(task.scores + j * block_samples + v.value * W), best[v.value]);
          const auto far = S::less(margin, above);
          far_bits |= S::bits(far) << v.value * W;
          label[v.value] = S::select(far, label[v.value], own);
          least[c.value] = v.value == 0 ? above : S::min(least[c.value], above);
        });
        const unsigned near = far_bits ^ all;
        several |= one & near;
        one |= near;
      });
      const vec excess = S::mul(S::set(T(2)), S::sub(lane_mins(least), margin));
      const vec gap =
          S::div(excess, S::add(S::sqrt(S::add(S::set(reach.square), excess)), S::set(reach.root)));
      const vec path = S::add(S::gather(task.path, task.index + first), rest);
      // Selected, not max: a NaN is no bound.
      const vec word =
          S::select(S::less(S::set(T(0)), excess), S::fma(gap, S::set(task.units), path), S::set(T(0)));
      const vec highest = S::min(word, S::set(T(65535)));
      put_words(task, first, S::select(S::less(S::set(T(0)), highest), highest, S::set(T(0))));
    }
    BlockLabels out{.open = several & there, .changed = 0};
    unroll<V>([&](auto v) __attribute__((always_inline)) {
      out.changed |=
          Boxes<T, Arch>::put_labels(label[v.value], task.before + v.value * W, task.labels + v.value * W)
          << v.value * W;
    });
    out.changed &= there;
    return out;
  }

  /// The least lane of the l-th vector in lane l.
  static OMNIMEANS_INLINE vec lane_mins(const vec* a) {
    if constexpr (W == 1) {
      return a[0];
    } else {
      using Turn = Transpose<T, Arch>;
      constexpr std::size_t Q = 16 / sizeof(T), parts = W / Q;
      vec of_part[parts];  // each 128 bits of it hold a part of Q mins
      unroll<parts>([&](auto p) __attribute__((always_inline)) {
        const vec* four = a + p.value * Q;
        const vec low = S::min(Turn::template interleave<false, false>(four[0], four[1]),
                               Turn::template interleave<true, false>(four[0], four[1]));
        if constexpr (Q == 2) {
          of_part[p.value] = low;
        } else {
          const vec high = S::min(Turn::template interleave<false, false>(four[2], four[3]),
                                  Turn::template interleave<true, false>(four[2], four[3]));
          of_part[p.value] = S::min(Turn::template interleave<false, true>(low, high),
                                    Turn::template interleave<true, true>(low, high));
        }
      });
      if constexpr (parts == 1) {
        return of_part[0];
      } else if constexpr (parts == 2) {
        return S::min(quarters<0x20>(of_part[0], of_part[1]), quarters<0x31>(of_part[0], of_part[1]));
      } else {
        const vec low =
            S::min(quarters<0x44>(of_part[0], of_part[1]), quarters<0xee>(of_part[0], of_part[1]));
        const vec high =
            S::min(quarters<0x44>(of_part[2], of_part[3]), quarters<0xee>(of_part[2], of_part[3]));
        return S::min(quarters<0x88>(low, high), quarters<0xdd>(low, high));
      }
    }
  }
  /// 128 bits at a time, chosen as by the instruction of either width.
  template <int choice>
  static OMNIMEANS_INLINE vec quarters(vec a, vec b) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
      return _mm512_shuffle_f32x4(a, b, choice);
    } else {
      return _mm512_shuffle_f64x2(a, b, choice);
    }
#elif defined(__AVX__)
    if constexpr (sizeof(T) == 4) {
      return _mm256_permute2f128_ps(a, b, choice);
    } else {
      return _mm256_permute2f128_pd(a, b, choice);
    }
#else
    return choice != 0 ? a : b;  // never called: a vector is 128 bits
#endif
  }

  /// Bounds of those listed from `first` on, cut off after the point. No branch that depends on how many.
  static OMNIMEANS_INLINE void put_words(const BlockTask<T>& task, std::size_t first, vec word) {
    alignas(64) std::int32_t words[W < 4 ? 4 : W];
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
      _mm512_store_si512(words, _mm512_cvttps_epi32(word));
    } else {
      _mm256_store_si256(reinterpret_cast<__m256i*>(words), _mm512_cvttpd_epi32(word));
    }
#elif defined(__AVX__)
    if constexpr (sizeof(T) == 4) {
      _mm256_store_si256(reinterpret_cast<__m256i*>(words), _mm256_cvttps_epi32(word));
    } else {
      _mm_store_si128(reinterpret_cast<__m128i*>(words), _mm256_cvttpd_epi32(word));
    }
#else
    alignas(64) T values[W];
    S::store(values, word);
    for (std::size_t l = 0; l < W; ++l) words[l] = static_cast<std::int32_t>(values[l]);
#endif
    const std::size_t last = task.n_listed - 1;
    unroll<W>([&](auto l) __attribute__((always_inline)) {
      const std::size_t at = first + l.value < last ? first + l.value : last;
      task.words[task.index[at]] = static_cast<std::uint16_t>(words[at - first]);
    });
  }
};

}  // namespace
}  // namespace omnimeans::kernels
