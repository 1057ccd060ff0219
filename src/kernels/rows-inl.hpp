// SPDX-License-Identifier: MIT
// Kernels over single rows: canonical distances, norms, fixed-point sums, column extremes, Elkan's test.
#pragma once

#include <limits>

#include "kernels/kernels.hpp"
#include "kernels/simd-inl.hpp"
#include "kernels/widened-inl.hpp"

namespace omnimeans::kernels {
namespace {

template <class T, class Arch>
struct Rows {
  using S = Simd<T, Arch>;
  using D = Simd<double, Arch>;
  using vec = typename S::vec;
  using dvec = typename D::vec;
  static constexpr std::size_t W = S::lanes;
  static constexpr std::size_t DW = D::lanes;
  static constexpr std::size_t partials = 8;           // of the canonical order
  static constexpr std::size_t parts = partials / DW;  // vectors that hold them

  /// Bit for bit canonical_distance(): the same eight partial sums, the same tree; only mul and add, never
  /// fused.
  static OMNIMEANS_INLINE double canonical(const T* x, const T* c, std::size_t d) {
    dvec p[parts];
    unroll<parts>([&](auto i) __attribute__((always_inline)) { p[i.value] = D::set(0.0); });
    const auto square = [&](dvec & sum, dvec a, dvec b) __attribute__((always_inline)) {
      const dvec difference = D::sub(a, b);
      sum = D::add(sum, D::mul(difference, difference));
    };
    std::size_t t = 0;
    for (; t + partials <= d; t += partials) {
      unroll<parts>([&](auto i) __attribute__((always_inline)) {
        const std::size_t at = t + i.value * DW;
        square(p[i.value], load_widened<Arch>(x + at), load_widened<Arch>(c + at));
      });
    }
    // A partial sum without a feature left gets +0, which changes no bit of it: none is -0.
    unroll<parts>([&](auto i) __attribute__((always_inline)) {
      const std::size_t at = t + i.value * DW;
      if (at + DW <= d) {
        square(p[i.value], load_widened<Arch>(x + at), load_widened<Arch>(c + at));
      } else if (at < d) {
        square(p[i.value], load_widened_part<Arch>(x + at, d - at), load_widened_part<Arch>(c + at, d - at));
      }
    });
    fold_halves<parts>(p);
    return D::reduce_add(p[0]);
  }

  /// The canonical tree's levels above a vector, by halves as reduce_add() goes on within it.
  template <std::size_t Count>
  static OMNIMEANS_INLINE void fold_halves(dvec* p) {
    if constexpr (Count > 1) {
      unroll<Count / 2>([&](auto i) __attribute__((always_inline)) {
        p[i.value] = D::add(p[i.value], p[i.value + Count / 2]);
      });
      fold_halves<Count / 2>(p);
    }
  }

  /// The sum of the partial sums l, l + Step, ... of fewer than 8 features, in the order of canonical().
  /// Those without a feature are left out: they are +0 and none is -0, so that no bit changes.
  template <std::size_t Features, std::size_t l = 0, std::size_t Step = 1>
  static OMNIMEANS_INLINE double canonical_of_few(const T* x, const T* c) {
    if constexpr (l + Step < Features) {
      return canonical_of_few<Features, l, 2 * Step>(x, c) +
             canonical_of_few<Features, l + Step, 2 * Step>(x, c);
    } else {
      const double difference = static_cast<double>(x[l]) - static_cast<double>(c[l]);
      return difference * difference;
    }
  }

  /// f(Index<d>{}) if d is less than 8, so that loops over so few can be unrolled; else f(Index<0>{}).
  template <class F>
  static OMNIMEANS_INLINE auto with_few_features(std::size_t d, F&& f) {
    switch (d) {
      case 1:
        return f(Index<1>{});
      case 2:
        return f(Index<2>{});
      case 3:
        return f(Index<3>{});
      case 4:
        return f(Index<4>{});
      case 5:
        return f(Index<5>{});
      case 6:
        return f(Index<6>{});
      case 7:
        return f(Index<7>{});
      default:
        return f(Index<0>{});
    }
  }

  /// Calls f(distance) with a function of two rows: their canonical distance.
  template <class F>
  static OMNIMEANS_INLINE void with_canonical(std::size_t d, F&& f) {
    with_few_features(
        d, [&](auto few) __attribute__((always_inline)) {
          f([=](const T* x, const T* c) __attribute__((always_inline)) {
            // Five to seven at once where a vector has room for all.
            if constexpr (few.value == 0 || (parts == 1 && few.value > 4)) {
              return canonical(x, c, few.value != 0 ? few.value : d);
            } else {
              return canonical_of_few<few.value>(x, c);
            }
          });
        });
  }

  static void canonical_distances(const T* x, const T* rows, std::size_t row_stride,
                                  const std::int32_t* index, std::size_t count, std::size_t d, double* out) {
    with_canonical(
        d, [&](auto distance) __attribute__((always_inline)) {
          for (std::size_t i = 0; i < count; ++i) {
            const std::size_t j = index != nullptr ? static_cast<std::size_t>(index[i]) : i;
            out[i] = distance(x, rows + j * row_stride);
          }
        });
  }

  static void canonical_own(const RowBlock<T>& samples, const RowBlock<T>& centroids,
                            const std::int32_t* labels, std::size_t d, double* out) {
    const std::size_t asked = samples.row_stride == d ? d * sizeof(T) : 0;
    with_canonical(
        d, [&](auto distance) __attribute__((always_inline)) {
          for (std::size_t i = 0; i < samples.n_rows; ++i) {
            const auto j = static_cast<std::size_t>(labels[i]);
            const T* x = samples.rows + i * samples.row_stride;
            // Of rows without gaps; of others the hardware sees the stride.
            const char* due = reinterpret_cast<const char*>(x) + ahead_bytes;
            for (std::size_t at = 0; at < asked; at += cache_line) __builtin_prefetch(due + at);
            out[i] = distance(x, centroids.rows + j * centroids.row_stride);
          }
        });
  }

  static OMNIMEANS_INLINE T squared_distance(const T* x, const T* c, std::size_t d) {
    vec sum[2] = {S::set(T(0)), S::set(T(0))};
    std::size_t t = 0;
    for (; t + 2 * W <= d; t += 2 * W) {
      unroll<2>([&](auto i) __attribute__((always_inline)) {
        const vec difference = S::sub(S::load(x + t + i.value * W), S::load(c + t + i.value * W));
        sum[i.value] = S::fma(difference, difference, sum[i.value]);
      });
    }
    if (t + W <= d) {
      const vec difference = S::sub(S::load(x + t), S::load(c + t));
      sum[0] = S::fma(difference, difference, sum[0]);
      t += W;
    }
    if constexpr (S::has_partial_loads) {
      if (t < d) {
        const vec difference = S::sub(S::load_first(x + t, d - t), S::load_first(c + t, d - t));
        sum[1] = S::fma(difference, difference, sum[1]);
      }
      return S::reduce_add(S::add(sum[0], sum[1]));
    }
    T total = S::reduce_add(S::add(sum[0], sum[1]));
    for (; t < d; ++t) total += (x[t] - c[t]) * (x[t] - c[t]);
    return total;
  }

  static void squared_distances(const T* x, const T* rows, std::size_t row_stride, const std::int32_t* index,
                                std::size_t count, std::size_t d, T* out) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t j = index != nullptr ? static_cast<std::size_t>(index[i]) : i;
      out[i] = squared_distance(x, rows + j * row_stride, d);
    }
  }

  static void move_row(const T* x, const T* offset, T scale, std::size_t d, T* out) {
    const vec factor = S::set(scale);
    std::size_t t = 0;
    for (; t + W <= d; t += W) {
      const vec a = S::load(x + t);
      S::store(out + t, offset != nullptr ? S::mul(S::sub(a, S::load(offset + t)), factor) : a);
    }
    for (; t < d; ++t) out[t] = offset != nullptr ? (x[t] - offset[t]) * scale : x[t];
  }

  static T squared_norm(const T* x, std::size_t d) {
    vec sum = S::set(T(0));
    std::size_t t = 0;
    for (; t + W <= d; t += W) {
      const vec a = S::load(x + t);
      sum = S::fma(a, a, sum);
    }
    T total = S::reduce_add(sum);
    for (; t < d; ++t) total += x[t] * x[t];
    return total;
  }

  /// Appends the lanes that are not closed, ascending.
  static OMNIMEANS_INLINE void append_open(unsigned closed, std::size_t first, std::int32_t* out,
                                           std::size_t& count) {
#if defined(__AVX512F__)
    // Without branches: which lanes are open is hard to predict. (A compressing store to memory is microcode
    // on Zen 4, a compressed register and a masked store are not.)
    const auto open_lanes = static_cast<__mmask16>(~closed & S::all_bits);
    const __m512i lanes =
        _mm512_add_epi32(_mm512_set1_epi32(static_cast<std::int32_t>(first)),
                         _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    const unsigned n_open = static_cast<unsigned>(__builtin_popcount(open_lanes));
    _mm512_mask_storeu_epi32(out + count, static_cast<__mmask16>((1u << n_open) - 1),
                             _mm512_maskz_compress_epi32(open_lanes, lanes));
    count += n_open;
#else
    for (unsigned open = ~closed & S::all_bits; open != 0; open &= open - 1) {
      out[count++] = static_cast<std::int32_t>(first) + __builtin_ctz(open);
    }
#endif
  }

  static std::size_t near_lowest(const T* values, std::size_t n, T margin, std::int32_t* out) {
    const T infinity = std::numeric_limits<T>::infinity();
    vec lowest_lanes = S::set(infinity);
    std::size_t j = 0;
    for (; j + W <= n; j += W) lowest_lanes = S::min(S::load(values + j), lowest_lanes);
    T lowest = S::reduce_min(lowest_lanes);
    for (; j < n; ++j) lowest = values[j] < lowest ? values[j] : lowest;
    const T threshold = lowest + margin;
    const vec limit = S::set(threshold);
    std::size_t count = 0;
    for (j = 0; j + W <= n; j += W) append_open(S::bits(S::less(limit, S::load(values + j))), j, out, count);
    for (; j < n; ++j) {
      if (!(values[j] > threshold)) out[count++] = static_cast<std::int32_t>(j);
    }
    return count;
  }

  static void lower_distances(const T* scores, std::size_t n, T base, T factor, T* out) {
    const vec a = S::set(base), f = S::set(factor), zero = S::set(T(0)), two = S::set(T(2));
    const vec largest = S::set(std::numeric_limits<T>::max());
    const auto distance = [&](vec score) __attribute__((always_inline)) {
      const vec squared = S::fma(two, score, a);
      // Selected, not max: a NaN is no bound.
      return S::min(largest, S::mul(f, S::sqrt(S::select(S::less(zero, squared), squared, zero))));
    };
    std::size_t j = 0;
    for (; j + W <= n; j += W) S::store(out + j, distance(S::load(scores + j)));
    if (j < n) {
      alignas(64) T tail[W] = {};
      for (std::size_t l = 0; j + l < n; ++l) tail[l] = scores[j + l];
      S::store(tail, distance(S::load(tail)));
      for (std::size_t l = 0; j + l < n; ++l) out[j + l] = tail[l];
    }
  }

  static std::size_t open_candidates(const T* bound, const T* drift, const T* separation, T upper,
                                     std::size_t n, std::int32_t* out) {
    std::size_t count = 0;
    const vec u = S::set(upper);
    std::size_t j = 0;
    for (; j + W <= n; j += W) {
      const auto by_bound = S::less(u, S::sub(S::load(bound + j), S::load(drift + j)));
      append_open(S::bits(S::either(by_bound, S::less(u, S::load(separation + j)))), j, out, count);
    }
    for (; j < n; ++j) {
      if (!(bound[j] - drift[j] > upper) && !(separation[j] > upper))
        out[count++] = static_cast<std::int32_t>(j);
    }
    return count;
  }

  static void add_row(const T* x, const double* magic, std::size_t d, std::uint64_t* sums) {
    std::size_t t = 0;
    for (; t + DW <= d; t += DW) {
      add_bits<Arch>(sums + t, D::add(load_widened<Arch>(x + t), D::load(magic + t)));
    }
    for (; t < d; ++t) sums[t] += std::bit_cast<std::uint64_t>(static_cast<double>(x[t]) + magic[t]);
  }

  static void subtract_row(const T* x, const double* magic, std::size_t d, std::uint64_t* sums) {
    std::size_t t = 0;
    for (; t + DW <= d; t += DW) {
      subtract_bits<Arch>(sums + t, D::add(load_widened<Arch>(x + t), D::load(magic + t)));
    }
    for (; t < d; ++t) sums[t] -= std::bit_cast<std::uint64_t>(static_cast<double>(x[t]) + magic[t]);
  }

  /// x - x is zero for a finite x and NaN for any other; sums of it tell whether all were finite.
  static bool column_absmax(const RowBlock<T>& block, std::size_t d, T* absmax) {
    if (block.row_stride == d && d <= most_narrow && block.n_rows >= 8 * W)
      return absmax_of_narrow(block.rows, block.n_rows, d, absmax);
    return absmax_of_rows(block, d, absmax);
  }

 private:
  static constexpr std::size_t most_narrow = 64;  ///< features of rows that absmax_of_narrow() takes

  static bool absmax_of_rows(const RowBlock<T>& block, std::size_t d, T* absmax) {
    vec finite = S::set(T(0)), last = S::set(T(0));
    T finite_tail = 0;
    const auto lengths = [&finite](const T* x) __attribute__((always_inline)) {
      const vec a = S::load(x);
      finite = S::add(finite, S::sub(a, a));
      return S::abs(a);
    };
    for (std::size_t i = 0; i < block.n_rows; ++i) {
      const T* x = block.rows + i * block.row_stride;
      std::size_t t = 0;
      for (; t + W <= d; t += W) S::store(absmax + t, S::max(S::load(absmax + t), lengths(x + t)));
      if (d >= W) {
        last = S::max(last, lengths(x + d - W));  // the rest, and some once more
        continue;
      }
      for (; t < d; ++t) {
        finite_tail += x[t] - x[t];
        const T a = x[t] < 0 ? -x[t] : x[t];
        absmax[t] = a > absmax[t] ? a : absmax[t];
      }
    }
    if (d >= W) S::store(absmax + d - W, S::max(S::load(absmax + d - W), last));
    return S::reduce_add(finite) == 0 && finite_tail == 0;
  }

  /// Rows without gaps: W of them are as many vectors as there are features, which come round in them.
  static bool absmax_of_narrow(const T* x, std::size_t n_rows, std::size_t d, T* absmax) {
    vec finite = S::set(T(0));
    alignas(64) T largest[most_narrow * W];
    for (std::size_t v = 0; v < d; ++v) S::store(largest + v * W, S::set(T(0)));
    std::size_t i = 0;
    for (; i + W <= n_rows; i += W) {
      for (std::size_t v = 0; v < d * W; v += W) {
        const T* values = x + i * d + v;
        __builtin_prefetch(reinterpret_cast<const char*>(values) + ahead_bytes);
        const vec a = S::load(values);
        finite = S::add(finite, S::sub(a, a));
        S::store(largest + v, S::max(S::load(largest + v), S::abs(a)));
      }
    }
    absmax_of_rows({largest, d, W}, d, absmax);
    return absmax_of_rows({x + i * d, d, n_rows - i}, d, absmax) && S::reduce_add(finite) == 0;
  }
};

}  // namespace
}  // namespace omnimeans::kernels
