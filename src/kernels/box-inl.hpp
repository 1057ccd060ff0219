// SPDX-License-Identifier: MIT
// What a tree over the samples asks for: which centroids can be nearest to some point of a box, and the
// nearest centroids of a leaf's samples. sample_tree.hpp has the tree, backends/kdtree.cpp the margins and
// what they prove.
//
// filter. With a_j = (c_j - m) s for a box |x - m| s <= h (feature by feature), b the a_j nearest to the
// centre:
//
//   s^2 (D(x, c_j) - D(x, c_b)) = |a_j|^2 - |b|^2 - 2 (a_j - b).(x - m) s
//                              >= |a_j|^2 - |b|^2 - 2 sum over t of |a_jt - b_t| h_t
//
// with equality in a corner: Kanungo et al.'s test for all candidates at once, a lane per candidate. Who is
// left is packed again (ascending).
//
// leaf. As nearest-inl.hpp, a lane per sample; but the samples come transposed, and candidates are few, so
// that the argmin carries the label itself.
#pragma once

#include <limits>

#include "kernels/kernels.hpp"
#include "kernels/nearest-inl.hpp"
#include "kernels/simd-inl.hpp"

namespace omnimeans::kernels {
namespace {

#if defined(__AVX2__) && !defined(__AVX512F__)
/// places[m]: the bits that are set in m, ascending.
struct SetBits {
  constexpr SetBits() : places{} {
    for (unsigned m = 0; m < 256; ++m) {
      unsigned n = 0;
      for (unsigned bit = 0; bit < 8; ++bit) {
        if ((m >> bit & 1) != 0) places[m][n++] = static_cast<std::uint8_t>(bit);
      }
    }
  }
  std::uint8_t places[256][8];
};
alignas(64) constexpr SetBits set_bits;
#endif

template <class T, class Arch>
struct Boxes {
  using S = Simd<T, Arch>;
  using vec = typename S::vec;
  static constexpr std::size_t W = S::lanes;
  static constexpr std::size_t V = NearestLanes<T, Arch>::V;
  static constexpr std::size_t tile = V * W;
  // Whole tiles, enough for a box to be worth its test, a bit a sample.
  static constexpr std::size_t leaf_rows = (32 + tile - 1) / tile * tile;
  static_assert(leaf_rows <= 64);
  static constexpr std::size_t G = 4;  // candidates side by side

  /// Lanes below count as they are, the others from `rest`.
  static OMNIMEANS_INLINE vec first_lanes(std::size_t count, vec a, vec rest) {
    alignas(64) T place[W];
    for (std::size_t l = 0; l < W; ++l) place[l] = static_cast<T>(l);
    return S::select(S::less(S::load(place), S::set(static_cast<T>(count < W ? count : W))), a, rest);
  }

  /// Some lanes of a vector, put side by side where they are stored; up to W values are overwritten.
  struct Pick {
#if defined(__AVX512F__)
    explicit OMNIMEANS_INLINE Pick(unsigned bits) : mask(bits) {}
    OMNIMEANS_INLINE void store(vec a, T* out) const {
      if constexpr (sizeof(T) == 4) {
        S::store(out, _mm512_maskz_compress_ps(static_cast<__mmask16>(mask), a));
      } else {
        S::store(out, _mm512_maskz_compress_pd(static_cast<__mmask8>(mask), a));
      }
    }
    OMNIMEANS_INLINE void store(const std::int32_t* in, std::int32_t* out) const {
      if constexpr (sizeof(T) == 4) {
        _mm512_storeu_si512(
            out, _mm512_maskz_compress_epi32(static_cast<__mmask16>(mask), _mm512_loadu_si512(in)));
      } else {
        _mm256_storeu_si256(
            reinterpret_cast<__m256i*>(out),
            _mm256_maskz_compress_epi32(static_cast<__mmask8>(mask),
                                        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in))));
      }
    }
    unsigned mask;
#elif defined(__AVX2__)
    // One permutation, looked up: which lanes stay is hard to predict, and a loop over them took 15 % of all
    // time. A lane of double is two of float.
    explicit OMNIMEANS_INLINE Pick(unsigned bits)
        : of_int(lanes_of(bits)), of_values(sizeof(T) == 4 ? of_int : lanes_of(doubled(bits))) {}
    OMNIMEANS_INLINE void store(vec a, T* out) const {
      if constexpr (sizeof(T) == 4) {
        _mm256_storeu_ps(out, _mm256_permutevar8x32_ps(a, of_values));
      } else {
        _mm256_storeu_pd(out, _mm256_castps_pd(_mm256_permutevar8x32_ps(_mm256_castpd_ps(a), of_values)));
      }
    }
    OMNIMEANS_INLINE void store(const std::int32_t* in, std::int32_t* out) const {
      if constexpr (sizeof(T) == 4) {
        _mm256_storeu_si256(
            reinterpret_cast<__m256i*>(out),
            _mm256_permutevar8x32_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(in)), of_int));
      } else {
        const __m256i four = _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(in)));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out),
                         _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(four, of_int)));
      }
    }
    static OMNIMEANS_INLINE __m256i lanes_of(unsigned bits) {
      return _mm256_cvtepu8_epi32(
          _mm_loadl_epi64(reinterpret_cast<const __m128i*>(set_bits.places[bits & 255])));
    }
    static OMNIMEANS_INLINE unsigned doubled(unsigned bits) {
      bits = (bits | bits << 2) & 0x33;
      bits = (bits | bits << 1) & 0x55;
      return bits * 3;
    }
    __m256i of_int, of_values;
#else
    explicit OMNIMEANS_INLINE Pick(unsigned bits) : mask(bits) {}
    OMNIMEANS_INLINE void store(vec a, T* out) const {
      alignas(64) T lane[W];
      S::store(lane, a);
      for (unsigned rest = mask; rest != 0; rest &= rest - 1) *out++ = lane[__builtin_ctz(rest)];
    }
    OMNIMEANS_INLINE void store(const std::int32_t* in, std::int32_t* out) const {
      for (unsigned rest = mask; rest != 0; rest &= rest - 1) *out++ = in[__builtin_ctz(rest)];
    }
    unsigned mask;
#endif
  };

  /// For few features the loops over them are unrolled.
  static BoxFiltered<T> filter(const BoxFilter<T>& task) {
    switch (task.n_features) {
      case 2:
        return task.relative ? filter_of<2, true>(task) : filter_of<2, false>(task);
      case 3:
        return task.relative ? filter_of<3, true>(task) : filter_of<3, false>(task);
      default:
        return task.relative ? filter_of<0, true>(task) : filter_of<0, false>(task);
    }
  }

  /// No branch but the loops' own: who is dropped is hard to predict, and many boxes are looked at one after
  /// the other, each a chain of latencies that may overlap with the next one's.
  template <std::size_t D, bool Relative>
  static OMNIMEANS_INLINE BoxFiltered<T> filter_of(const BoxFilter<T>& task) {
    const std::size_t d = D != 0 ? D : task.n_features, n = task.in.count, stride = task.in.stride;
    const auto each_feature = [&](auto&& use) __attribute__((always_inline)) {
      if constexpr (D != 0) {
        unroll<D>([&](auto t) __attribute__((always_inline)) { use(t.value); });
      } else {
        for (std::size_t t = 0; t < d; ++t) use(t);
      }
    };
    const vec scale = S::set(task.scale), infinity = S::set(std::numeric_limits<T>::infinity());
    const auto moved = [&](std::size_t j, std::size_t t) __attribute__((always_inline)) {
      return S::mul(S::sub(S::load(task.in.values + t * stride + j), S::broadcast(task.centre + t)), scale);
    };
    vec low = infinity;
    for (std::size_t j = 0; j < n; j += W) {
      vec sum = S::set(T(0));
      each_feature([&](std::size_t t) __attribute__((always_inline)) {
        const vec a = moved(j, t);
        sum = S::fma(a, a, sum);
      });
      sum = first_lanes(n - j, sum, infinity);
      S::store(task.squared + j, sum);
      low = S::min(sum, low);
    }
    const T least = S::reduce_min(low);
    std::size_t nearest = 0;
    for (std::size_t j = (n - 1) / W * W + W; j != 0;) {
      j -= W;
      const unsigned at = ~S::bits(S::less(S::set(least), S::load(task.squared + j))) & S::all_bits;
      const std::size_t here = j + static_cast<std::size_t>(__builtin_ctz(at | 1u << W));
      nearest = at != 0 ? here : nearest;
    }
    each_feature([&](std::size_t t) __attribute__((always_inline)) {
      task.nearest[t] = (task.in.values[t * stride + nearest] - task.centre[t]) * task.scale;
    });

    BoxFiltered<T> out;
    unsigned beyond = 0;
    out.least_squared = least;
    vec most = S::set(T(0)), least_excess = infinity;
    for (std::size_t j = 0; j < n; j += W) {
      const vec squared = S::load(task.squared + j);
      vec reach = S::set(T(0));
      each_feature([&](std::size_t t) __attribute__((always_inline)) {
        const vec apart = S::abs(S::sub(moved(j, t), S::broadcast(task.nearest + t)));
        reach = S::fma(apart, S::broadcast(task.twice_half + t), reach);
      });
      const vec margin = S::fma(squared, S::set(task.margin_factor), S::set(task.margin_floor));
      const vec excess = S::sub(S::sub(squared, S::set(least)), reach);
      const auto dropped = S::less(margin, excess);
      least_excess = S::min(S::select(dropped, S::sub(excess, margin), infinity), least_excess);
      unsigned keep = ~S::bits(dropped) & S::all_bits;
      keep &= S::all_bits >> (n - j < W ? W - (n - j) : 0);
      const Pick kept(keep);
      each_feature([&](std::size_t t) __attribute__((always_inline)) {
        kept.store(Relative ? moved(j, t) : S::load(task.in.values + t * stride + j),
                   task.out + t * task.out_stride + out.count);
      });
      if constexpr (Relative) {
        kept.store(S::mul(squared, S::set(T(0.5))), task.half_norms + out.count);
        const auto finite = S::less(squared, S::set(task.limit));
        beyond |= keep & ~S::bits(finite);
        most = S::max(most, first_lanes(n - j, S::select(dropped, S::set(T(0)), squared), S::set(T(0))));
      }
      kept.store(task.in.index + j, task.out_index + out.count);
      out.count += static_cast<std::size_t>(__builtin_popcount(keep));
    }
    if constexpr (Relative) {
      out.largest = S::reduce_max(most);
      out.beyond_limit = beyond != 0;
    }
    out.least_excess = S::reduce_min(least_excess);
    return out;
  }

  struct Running {
    vec best[V], second[V], label[V];
  };

  template <std::size_t C>
  static OMNIMEANS_INLINE void candidates(const LeafTask<T>& task, const T* samples, std::size_t first,
                                          Running& running) {
    vec acc[C * V];
    unroll<C>([&](auto c) __attribute__((always_inline)) {
      const vec start = S::broadcast(task.half_norms + first + c.value);
      unroll<V>([&](auto v) __attribute__((always_inline)) { acc[c.value * V + v.value] = start; });
    });
    const T* b = task.centroids + first;
    for (std::size_t t = 0; t < task.n_features; ++t) {
      vec sample[V];
      unroll<V>([&](auto v) __attribute__((always_inline)) {
        sample[v.value] = S::load(samples + t * leaf_rows + v.value * W);
      });
      unroll<C>([&](auto c) __attribute__((always_inline)) {
        const vec centroid = S::broadcast(b + c.value);
        unroll<V>([&](auto v) __attribute__((always_inline)) {
          acc[c.value * V + v.value] = S::fnma(sample[v.value], centroid, acc[c.value * V + v.value]);
        });
      });
      b += task.stride;
    }
    unroll<C>([&](auto c) __attribute__((always_inline)) {
      const vec label = S::set(index_bits<T>(static_cast<std::size_t>(task.index[first + c.value])));
      unroll<V>([&](auto v) __attribute__((always_inline)) {
        const vec score = acc[c.value * V + v.value], before = running.best[v.value];
        running.second[v.value] = S::min(running.second[v.value], S::max(before, score));
        running.label[v.value] = S::select(S::less(score, before), label, running.label[v.value]);
        running.best[v.value] = S::min(before, score);
      });
    });
  }

  /// Writes a vector of labels; returns the lanes in which they differ from `before`.
  static OMNIMEANS_INLINE unsigned put_labels(vec label, const std::int32_t* before, std::int32_t* out) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
      const __m512i now = _mm512_castps_si512(label);
      _mm512_storeu_si512(out, now);
      return _mm512_cmpneq_epi32_mask(now, _mm512_loadu_si512(before));
    } else {
      const __m256i now = _mm512_cvtepi64_epi32(_mm512_castpd_si512(label));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), now);
      return _mm256_cmpneq_epi32_mask(now, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(before)));
    }
#elif defined(__x86_64__) && !defined(OMNIMEANS_KERNELS_SCALAR)
    if constexpr (sizeof(T) == 4) {
#if defined(__AVX2__)
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm256_castps_si256(label));
#else
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_castps_si128(label));
#endif
      return ~equal_lanes<Arch>(out, before) & S::all_bits;
    } else {
      return put_lanes(label, before, out);
    }
#else
    return put_lanes(label, before, out);
#endif
  }
  static OMNIMEANS_INLINE unsigned put_lanes(vec label, const std::int32_t* before, std::int32_t* out) {
    alignas(64) T lane[W];
    S::store(lane, label);
    unsigned changed = 0;
    for (std::size_t l = 0; l < W; ++l) {
      out[l] = static_cast<std::int32_t>(index_value(lane[l]));
      changed |= (out[l] != before[l] ? 1u : 0u) << l;
    }
    return changed;
  }

  /// Samples relative to the centre of their leaf.
  static OMNIMEANS_INLINE const T* relative(const LeafTask<T>& task) {
    const vec scale = S::set(task.scale);
    const T* in = task.samples;
    T* out = task.relative;
    for (std::size_t t = 0; t < task.n_features; ++t) {
      const vec centre = S::broadcast(task.centre + t);
      for (std::size_t r = 0; r < leaf_rows; r += W)
        S::store(out + r, S::mul(S::sub(S::load(in + r), centre), scale));
      in += leaf_rows;
      out += leaf_rows;
    }
    return task.relative;
  }

  static LeafLabels<T> leaf(const LeafTask<T>& task) {
    LeafLabels<T> out;
    const vec infinity = S::set(std::numeric_limits<T>::infinity());
    vec least_gap = infinity;
    const T* const leaf_samples = relative(task);
    for (std::size_t first = 0; first < task.count; first += tile) {
      Running running;
      unroll<V>([&](auto v) __attribute__((always_inline)) {
        running.best[v.value] = running.second[v.value] = infinity;
        running.label[v.value] = S::set(index_bits<T>(0));
      });
      const T* samples = leaf_samples + first;
      std::size_t j = 0;
      for (; j + G <= task.n_centroids; j += G) candidates<G>(task, samples, j, running);
      switch (task.n_centroids - j) {
        case 3:
          candidates<3>(task, samples, j, running);
          break;
        case 2:
          candidates<2>(task, samples, j, running);
          break;
        case 1:
          candidates<1>(task, samples, j, running);
          break;
        default:
          break;
      }
      const vec margin = S::set(task.margin);
      unroll<V>([&](auto v) __attribute__((always_inline)) {
        const std::size_t at = first + v.value * W;
        const vec best = running.best[v.value];
        const vec gap = S::sub(running.second[v.value], best);
        const unsigned proved = S::bits(S::less(margin, gap));
        out.open |= std::uint64_t{~proved & S::all_bits} << at;
        out.changed |= std::uint64_t{put_labels(running.label[v.value], task.before + at, task.labels + at)}
                       << at;
        const std::size_t lanes = at < task.count ? task.count - at : 0;
        least_gap = S::min(first_lanes(lanes, gap, infinity), least_gap);
      });
    }
    if (task.count < 64) {
      out.open &= (std::uint64_t{1} << task.count) - 1;
      out.changed &= (std::uint64_t{1} << task.count) - 1;
    }
    out.least_gap = S::reduce_min(least_gap);
    return out;
  }
};

}  // namespace
}  // namespace omnimeans::kernels
