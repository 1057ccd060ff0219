// SPDX-License-Identifier: MIT
// What blockbounds asks for: blocks of samples as the other kernels want them; labels of a block's samples
// among the centroids that its bounds leave open, and new bounds. backends/blockbounds.cpp has the
// mathematics.
//
// Scores as nearest-inl.hpp, a lane per sample, the samples transposed; but centroids are listed, row by row,
// and their scores are kept until the lowest of every sample is known. In float, or in integers
// (int16-inl.hpp): Products says how.
#pragma once

#include <cstdint>
#include <limits>

#include "kernels/box-inl.hpp"
#include "kernels/dense_limits.hpp"
#include "kernels/kernels.hpp"
#include "kernels/lane-mins-inl.hpp"
#include "kernels/simd-inl.hpp"
#include "kernels/transpose-inl.hpp"

namespace omnimeans::kernels {
namespace {

/// Scores of values as they are.
template <class T, class Arch>
struct FloatProducts {
  using S = Simd<T, Arch>;
  using vec = typename S::vec;

  static OMNIMEANS_INLINE vec subtract(vec sample, vec centroid, vec acc) {
    return S::fnma(sample, centroid, acc);
  }
  static OMNIMEANS_INLINE vec add(vec a, vec b) { return S::add(a, b); }
  static OMNIMEANS_INLINE vec min(vec a, vec b) { return S::min(a, b); }
  static OMNIMEANS_INLINE vec difference(vec a, vec b) { return S::sub(a, b); }
  static OMNIMEANS_INLINE vec highest() { return S::set(std::numeric_limits<T>::infinity()); }
  /// Of a difference.
  static OMNIMEANS_INLINE vec margin(T margin, T) { return S::set(margin); }
  static OMNIMEANS_INLINE auto above(vec difference, vec margin) { return S::less(margin, difference); }
  static OMNIMEANS_INLINE vec length(vec difference, vec) { return difference; }
  static OMNIMEANS_INLINE vec score(vec acc, T) { return acc; }

  /// Writes a vector of samples, feature t being value(t), features `stride` apart, and returns the squares
  /// of what rounding leaves.
  template <class Value>
  static OMNIMEANS_INLINE vec put(const BlockStart<T>& task, T* out, std::size_t stride, Value&& value) {
    for (std::size_t t = 0; t < task.n_features; ++t) S::store(out + t * stride, value(t));
    return S::set(T(0));
  }
};

template <class T, class Arch, std::size_t block_samples, class Products = FloatProducts<T, Arch>>
struct Blocks {
  using S = Simd<T, Arch>;
  using P = Products;
  using vec = typename S::vec;
  static constexpr std::size_t W = S::lanes;
  static constexpr std::size_t V = block_samples / W;
  static_assert(block_samples % W == 0 && block_samples <= 64, "a bit a sample");
  // A tile of accumulators: B vectors of samples by G centroids. Behind those listed stand copies of the
  // last.
#if defined(__AVX512F__)
  static constexpr std::size_t B = V < 4 ? V : 4, G = V == 2 ? 8 : 4;
#else
  static constexpr std::size_t B = V < 4 ? V : 4, G = 2;
#endif
  static_assert(V % B == 0 && G <= block_samples);

  /// f(0), ..., f(V - 1); unrolled, unless there are too many.
  template <class F>
  static OMNIMEANS_INLINE void each_vector(F&& f) {
    if constexpr (V <= 8) {
      unroll<V>([&](auto v) __attribute__((always_inline)) { f(v.value); });
    } else {
      for (std::size_t v = 0; v < V; ++v) f(v);
    }
  }

  /// Scores of G centroids and B vectors of samples from `at` on, features [from, to), added to what is there
  /// unless from == 0; the lowest so far.
  static OMNIMEANS_INLINE void add_scores(const BlockTask<T>& task, std::size_t at, std::size_t first,
                                          std::size_t from, std::size_t to, vec* best) {
    const T* row[G];
    vec acc[G * B];
    unroll<G>([&](auto c) __attribute__((always_inline)) {
      const auto j = static_cast<std::size_t>(task.index[first + c.value]);
      row[c.value] = task.rows + j * task.row_stride;
      const vec start = from == 0 ? S::broadcast(task.half_norms + j) : S::set(T(0));
      unroll<B>([&](auto v) __attribute__((always_inline)) { acc[c.value * B + v.value] = start; });
    });
    for (std::size_t t = from; t < to; ++t) {
      vec sample[B];
      unroll<B>([&](auto v) __attribute__((always_inline)) {
        sample[v.value] = S::load(task.samples + t * block_samples + at + v.value * W);
      });
      unroll<G>([&](auto c) __attribute__((always_inline)) {
        const vec centroid = S::broadcast(row[c.value] + t);
        unroll<B>([&](auto v) __attribute__((always_inline)) {
          acc[c.value * B + v.value] = P::subtract(sample[v.value], centroid, acc[c.value * B + v.value]);
        });
      });
    }
    T* out = task.scores + first * block_samples + at;
    unroll<G>([&](auto c) __attribute__((always_inline)) {
      unroll<B>([&](auto v) __attribute__((always_inline)) {
        T* const to_score = out + c.value * block_samples + v.value * W;
        vec sum = acc[c.value * B + v.value];
        if (from > 0) sum = P::add(S::load(to_score), sum);
        S::store(to_score, sum);
        best[v.value] = P::min(sum, best[v.value]);
      });
    });
  }

  static BlockStarted<T> start(const BlockStart<T>& task) {
    const vec scale = S::set(task.scale), zero = S::set(T(0));
    vec longest = zero, residual = zero;
    for (std::size_t r = 0; r < block_samples; r += W) {
      const auto value = [&](std::size_t t) __attribute__((always_inline)) {
        return S::mul(S::sub(S::load(task.values + t * block_samples + r), S::broadcast(task.offset + t)),
                      scale);
      };
      vec squares = zero;
      for (std::size_t t = 0; t < task.n_features; ++t) {
        const vec x = value(t);
        squares = S::fma(x, x, squares);
      }
      const vec norm = S::mul(S::sqrt(S::add(squares, S::set(task.norm_floor))), S::set(task.norm_factor));
      S::store(task.norms + r, norm);
      longest = S::max(longest, norm);
      const vec left = P::put(task, task.samples + r, block_samples, value);
      residual = S::max(residual, S::select(S::less(norm, S::set(task.norm_limit)), left, zero));
    }
    return {S::reduce_max(longest), S::reduce_max(residual)};
  }

  static constexpr BlockKernels<T> kernels() {
    return {block_samples, start, block};
  }

 private:
  /// Labels, and the bounds of those listed.
  static BlockLabels block(const BlockTask<T>& task) {
    const std::size_t n = task.n_listed, d = task.n_features;
    vec best[V];
    for (std::size_t from = 0; from < d; from += dense_chain) {
      const std::size_t to = d - from < dense_chain ? d : from + dense_chain;
      for (std::size_t v = 0; v < V; v += B) {
        vec lowest[B];
        unroll<B>([&](auto b) __attribute__((always_inline)) { lowest[b.value] = P::highest(); });
        for (std::size_t j = 0; j < n; j += G) add_scores(task, v * W, j, from, to, lowest);
        unroll<B>([&](auto b) __attribute__((always_inline)) { best[v + b.value] = lowest[b.value]; });
      }
    }
    // |x - c|^2 = |x|^2 + 2 s: off by two margins of the score.
    vec farthest = S::set(T(0));
    each_vector([&](std::size_t v) __attribute__((always_inline)) {
      const vec norm = S::load(task.norms + v * W);
      farthest = S::max(farthest, S::fma(S::set(T(2)), P::score(best[v], task.unit), S::mul(norm, norm)));
    });
    const T square = S::reduce_max(farthest) + 2 * task.margin;
    return label(task, best, square > 0 ? square : T(0));
  }

  /// `square`: of the longest way from a sample to its own centroid, at most.
  static OMNIMEANS_INLINE BlockLabels label(const BlockTask<T>& task, const vec* best, T square) {
    const vec margin = P::margin(task.margin, task.unit);
    BlockLabels out;
    out.n_near = put_bounds(task, best, square, margin);
    // Which of the few that are near to a sample at all is near to which.
    vec label[V];
    each_vector([&](std::size_t v) __attribute__((always_inline)) { label[v] = S::set(T(0)); });
    std::uint64_t one = 0, several = 0;
    for (std::size_t c = 0; c < out.n_near; ++c) {
      const auto at = static_cast<std::size_t>(task.near[c]);
      const vec own = S::set(index_bits<T>(static_cast<std::size_t>(task.index[at])));
      std::uint64_t near = 0;
      each_vector([&](std::size_t v) __attribute__((always_inline)) {
        const auto far = P::above(above(task, at, v, best[v]), margin);
        near |= std::uint64_t{S::bits(far) ^ S::all_bits} << v * W;
        label[v] = S::select(far, label[v], own);
      });
      several |= one & near;
      one |= near;
    }
    const std::uint64_t there = ~std::uint64_t{0} >> (64 - task.count);
    out.open = several & there;
    each_vector([&](std::size_t v) __attribute__((always_inline)) {
      const auto changed = Boxes<T, Arch>::put_labels(label[v], task.before + v * W, task.labels + v * W);
      out.changed |= std::uint64_t{changed} << v * W;
    });
    out.changed &= there;
    return out;
  }

  /// What a listed one's score is above the lowest.
  static OMNIMEANS_INLINE vec above(const BlockTask<T>& task, std::size_t at, std::size_t v, vec best) {
    return P::difference(S::load(task.scores + at * block_samples + v * W), best);
  }

  /// The bounds of those listed. Lists those that are within the margin of a sample's lowest score.
  static OMNIMEANS_INLINE std::size_t put_bounds(const BlockTask<T>& task, const vec* best, T square,
                                                 vec margin) {
    constexpr std::size_t part = W < G ? W : G < 4 ? G : 4;  // behind the last one listed: copies
    const T root = root_of(square);
    const vec unit = S::set(task.unit), twice_margin = S::set(2 * task.margin);
    const vec rest = S::set(task.own_path - root * task.reach_units - task.guard);
    std::size_t n_near = 0;
    for (std::size_t first = 0; first < task.n_listed; first += W) {
      vec least[W];
      unroll<W / part>([&](auto p) __attribute__((always_inline)) {
        constexpr std::size_t begin = p.value * part;
        if (first + begin >= task.n_listed) {
          unroll<part>([&](auto c) __attribute__((always_inline)) { least[begin + c.value] = P::highest(); });
          return;
        }
        unroll<part>([&](auto c) __attribute__((always_inline)) {
          vec lowest = P::highest();
          each_vector([&](std::size_t v) __attribute__((always_inline)) {
            const vec score = above(task, first + begin + c.value, v, best[v]);
            lowest = v == 0 ? score : P::min(lowest, score);
          });
          least[begin + c.value] = lowest;
        });
      });
      const vec lowest = LaneMins<T, Arch, P>::of(least);
      const std::size_t left = task.n_listed - first;
      std::uint32_t near = S::bits(P::above(lowest, margin)) ^ S::all_bits;
      if (left < W) near &= (1u << left) - 1;
      for (; near != 0; near &= near - 1)
        task.near[n_near++] = static_cast<std::int32_t>(first) + __builtin_ctz(near);

      const vec excess = S::sub(S::mul(S::set(T(2)), P::length(lowest, unit)), twice_margin);
      const vec gap = S::div(excess, S::add(S::sqrt(S::add(S::set(square), excess)), S::set(root)));
      const vec path = S::add(S::gather(task.path, task.index + first), rest);
      // Selected, not max: a NaN is no bound.
      const vec word =
          S::select(S::less(S::set(T(0)), excess), S::fma(gap, S::set(task.units), path), S::set(T(0)));
      // Of a NaN x86 takes the second operand: it stays one, and the next line makes 0 of it.
      const vec highest = S::min(S::set(T(65535)), word);
      put_words(task, first, S::select(S::less(S::set(T(0)), highest), highest, S::set(T(0))));
    }
    return n_near;
  }

  /// Bounds of those listed from `first` on, cut off after the point.
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
    const std::int32_t* index = task.index + first;
    const auto put = [&](std::size_t l) __attribute__((always_inline)) {
      task.words[static_cast<std::size_t>(index[l])] = static_cast<std::uint16_t>(words[l]);
    };
    if (task.n_listed - first >= W) {
      unroll<W>([&](auto l) __attribute__((always_inline)) { put(l.value); });
    } else {
      for (std::size_t l = 0; l < task.n_listed - first; ++l) put(l);
    }
  }
};

}  // namespace
}  // namespace omnimeans::kernels
