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
    if (count >= W) return a;
    alignas(64) T place[W];
    for (std::size_t l = 0; l < W; ++l) place[l] = static_cast<T>(l);
    return S::select(S::less(S::load(place), S::set(static_cast<T>(count))), a, rest);
  }

  /// The lanes of the mask from `in` to `out`, side by side; up to W values of `out` are overwritten.
  static OMNIMEANS_INLINE void compress(unsigned mask, vec a, T* out) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
      S::store(out, _mm512_maskz_compress_ps(static_cast<__mmask16>(mask), a));
    } else {
      S::store(out, _mm512_maskz_compress_pd(static_cast<__mmask8>(mask), a));
    }
#else
    alignas(64) T lane[W];
    S::store(lane, a);
    for (; mask != 0; mask &= mask - 1) *out++ = lane[__builtin_ctz(mask)];
#endif
  }
  static OMNIMEANS_INLINE void compress(unsigned mask, const std::int32_t* in, std::int32_t* out) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
      _mm512_storeu_si512(out,
                          _mm512_maskz_compress_epi32(static_cast<__mmask16>(mask), _mm512_loadu_si512(in)));
    } else {
      _mm256_storeu_si256(
          reinterpret_cast<__m256i*>(out),
          _mm256_maskz_compress_epi32(static_cast<__mmask8>(mask),
                                      _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in))));
    }
#else
    for (; mask != 0; mask &= mask - 1) *out++ = in[__builtin_ctz(mask)];
#endif
  }

  static BoxFiltered<T> filter(const BoxFilter<T>& task) {
    const std::size_t d = task.n_features, n = task.in.count, stride = task.in.stride;
    const vec scale = S::set(task.scale), infinity = S::set(std::numeric_limits<T>::infinity());
    const auto moved = [&](std::size_t j, std::size_t t) __attribute__((always_inline)) {
      return S::mul(S::sub(S::load(task.in.values + t * stride + j), S::set(task.centre[t])), scale);
    };
    vec low = infinity;
    for (std::size_t j = 0; j < n; j += W) {
      vec sum = S::set(T(0));
      for (std::size_t t = 0; t < d; ++t) {
        const vec a = moved(j, t);
        sum = S::fma(a, a, sum);
      }
      sum = first_lanes(n - j, sum, infinity);
      S::store(task.squared + j, sum);
      low = S::min(sum, low);
    }
    const T least = S::reduce_min(low);
    std::size_t nearest = 0;
    for (std::size_t j = 0; j < n; j += W) {
      const unsigned at = ~S::bits(S::less(S::set(least), S::load(task.squared + j))) & S::all_bits;
      if (at == 0) continue;
      nearest = j + static_cast<std::size_t>(__builtin_ctz(at));
      break;
    }
    for (std::size_t t = 0; t < d; ++t)
      task.nearest[t] = (task.in.values[t * stride + nearest] - task.centre[t]) * task.scale;

    BoxFiltered<T> out;
    out.least_squared = least;
    vec most = S::set(T(0)), least_excess = infinity;
    for (std::size_t j = 0; j < n; j += W) {
      const vec squared = S::load(task.squared + j);
      vec reach = S::set(T(0));
      for (std::size_t t = 0; t < d; ++t) {
        const vec apart = S::abs(S::sub(moved(j, t), S::set(task.nearest[t])));
        reach = S::fma(apart, S::set(task.twice_half[t]), reach);
      }
      const vec margin = S::fma(squared, S::set(task.margin_factor), S::set(task.margin_floor));
      const vec excess = S::sub(S::sub(squared, S::set(least)), reach);
      const auto dropped = S::less(margin, excess);
      least_excess = S::min(S::select(dropped, S::sub(excess, margin), infinity), least_excess);
      unsigned keep = ~S::bits(dropped) & S::all_bits;
      if (n - j < W) keep &= (1u << (n - j)) - 1;
      if (keep == 0) continue;
      for (std::size_t t = 0; t < d; ++t) {
        compress(keep, task.relative ? moved(j, t) : S::load(task.in.values + t * stride + j),
                 task.out + t * task.out_stride + out.count);
      }
      if (task.relative) {
        compress(keep, S::mul(squared, S::set(T(0.5))), task.half_norms + out.count);
        const auto finite = S::less(squared, S::set(task.limit));
        if ((keep & ~S::bits(finite)) != 0) out.beyond_limit = true;
        most = S::max(most, first_lanes(n - j, S::select(dropped, S::set(T(0)), squared), S::set(T(0))));
      }
      compress(keep, task.in.index + j, task.out_index + out.count);
      out.count += static_cast<std::size_t>(__builtin_popcount(keep));
    }
    if (task.relative) out.largest = S::reduce_max(most);
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
      const vec start = S::set(task.half_norms[first + c.value]);
      unroll<V>([&](auto v) __attribute__((always_inline)) { acc[c.value * V + v.value] = start; });
    });
    const T* b = task.centroids + first;
    for (std::size_t t = 0; t < task.n_features; ++t) {
      vec sample[V];
      unroll<V>([&](auto v) __attribute__((always_inline)) {
        sample[v.value] = S::load(samples + t * leaf_rows + v.value * W);
      });
      unroll<C>([&](auto c) __attribute__((always_inline)) {
        const vec centroid = S::set(b[c.value]);
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
#else
    alignas(64) T lane[W];
    S::store(lane, label);
    unsigned changed = 0;
    for (std::size_t l = 0; l < W; ++l) {
      out[l] = static_cast<std::int32_t>(index_value(lane[l]));
      changed |= (out[l] != before[l] ? 1u : 0u) << l;
    }
    return changed;
#endif
  }

  static LeafLabels<T> leaf(const LeafTask<T>& task) {
    LeafLabels<T> out;
    const vec infinity = S::set(std::numeric_limits<T>::infinity());
    vec least_gap = infinity;
    for (std::size_t first = 0; first < task.count; first += tile) {
      Running running;
      unroll<V>([&](auto v) __attribute__((always_inline)) {
        running.best[v.value] = running.second[v.value] = infinity;
        running.label[v.value] = S::set(index_bits<T>(0));
      });
      const T* samples = task.samples + first;
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
