// SPDX-License-Identifier: MIT
// AVX-512 VNNI (Cascade Lake 2019, Zen 4 and later): vpdpbusd multiplies 64 pairs of bytes, unsigned times
// signed, and adds them by fours. So centroids have 128 added, and accumulators start at -128 times the sum
// of the sample's values.
#include <immintrin.h>

#include "kernels/int8.hpp"
#include "kernels/simd-inl.hpp"

namespace omnimeans::kernels {
namespace {

constexpr float largest_float = __FLT_MAX__;

/// acc += c . x, by fours. Written out because g++ 12 copies the accumulator before and after the intrinsic,
/// which costs a third of the rate.
OMNIMEANS_INLINE void multiply_add(__m512i& acc, __m512i c, __m512i x) {
  __asm__("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(c), "v"(x));
}

OMNIMEANS_INLINE __m512i four_values(const std::int8_t* p) {
  std::int32_t bits;
  __builtin_memcpy(&bits, p, sizeof bits);
  return _mm512_set1_epi32(bits);
}

/// M rows x V vectors of one panel: M * V accumulators in registers. use(m, bounds) takes a row's.
template <std::size_t M, std::size_t V, class Use>
OMNIMEANS_INLINE void panel_bounds(const Int8Centroids& c, const Int8Rows& rows, std::size_t first,
                                   std::size_t vector, Use&& use) {
  const std::uint8_t* panel = c.panels + vector * int8_lanes * 4 * c.n_quads;
  const std::int8_t*
      row[(M + 2) / 3];  // three rows a pointer and its stride: few enough to stay in registers
  unroll<(M + 2) / 3>([&](auto g) __attribute__((always_inline)) {
    row[g.value] = rows.values + (first + 3 * g.value) * rows.stride;
  });
  __m512i acc[M * V];
  unroll<M>([&](auto m) __attribute__((always_inline)) {
    const __m512i start = _mm512_set1_epi32(-128 * rows.sum[first + m.value]);
    unroll<V>([&](auto v) __attribute__((always_inline)) { acc[m.value * V + v.value] = start; });
  });
  const auto step = [&](auto u) __attribute__((always_inline)) {
    __m512i centroid[V];
    unroll<V>([&](auto v) __attribute__((always_inline)) {
      centroid[v.value] = _mm512_loadu_si512(panel + (u.value * V + v.value) * 64);
    });
    unroll<M>([&](auto m) __attribute__((always_inline)) {
      const __m512i x = four_values(row[m.value / 3] + (m.value % 3) * rows.stride + 4 * u.value);
      unroll<V>([&](auto v) __attribute__((always_inline)) {
        multiply_add(acc[m.value * V + v.value], centroid[v.value], x);
      });
    });
  };
  std::size_t quad = 0;
  for (; quad + 2 <= c.n_quads; quad += 2) {
    unroll<2>(step);
    panel += 2 * V * 64;
    unroll<(M + 2) / 3>([&](auto g) __attribute__((always_inline)) { row[g.value] += 8; });
  }
  if (quad < c.n_quads) step(Index<0>{});
  __m512 scale[V], half_norm[V], length[V], cut_off[V];
  unroll<V>([&](auto v) __attribute__((always_inline)) {
    const std::size_t at = (vector + v.value) * int8_lanes;
    scale[v.value] = _mm512_loadu_ps(c.scale + at);
    half_norm[v.value] = _mm512_loadu_ps(c.half_norms + at);
    length[v.value] = _mm512_loadu_ps(c.length + at);
    cut_off[v.value] = _mm512_loadu_ps(c.cut_off + at);
  });
  unroll<M>([&](auto m) __attribute__((always_inline)) {
    const std::size_t i = first + m.value;
    __m512 bound[V];
    unroll<V>([&](auto v) __attribute__((always_inline)) {
      const __m512 product =
          _mm512_mul_ps(_mm512_cvtepi32_ps(acc[m.value * V + v.value]), _mm512_set1_ps(rows.scale[i]));
      const __m512 score = _mm512_fnmadd_ps(product, scale[v.value], half_norm[v.value]);
      bound[v.value] =
          _mm512_fnmadd_ps(_mm512_set1_ps(rows.length[i]), cut_off[v.value],
                           _mm512_fnmadd_ps(_mm512_set1_ps(rows.cut_off[i]), length[v.value], score));
    });
    use(m, bound);
  });
}

/// tile(first, rows as a constant) for all rows.
template <class Tile>
OMNIMEANS_INLINE void over_tiles(std::size_t n_rows, Tile&& tile) {
  std::size_t i = 0;
  for (; i + 12 <= n_rows; i += 12) tile(i, Index<12>{});
  for (; i + 3 <= n_rows; i += 3) tile(i, Index<3>{});
  for (; i < n_rows; ++i) tile(i, Index<1>{});
}

/// The lowest and second lowest bound of each lane, of M rows.
template <std::size_t M>
struct Lowest {
  alignas(64) float best[M * int8_lanes], second[M * int8_lanes];
};

template <std::size_t M, std::size_t V>
void take_lowest(const Int8Centroids& c, const Int8Rows& rows, std::size_t first, std::size_t vector,
                 __m512i mask, Lowest<M>& lowest, float* out, std::size_t out_stride) {
  __m512i tag[V];
  unroll<V>([&](auto v) __attribute__((always_inline)) {
    tag[v.value] = _mm512_set1_epi32(static_cast<int>(vector + v.value));
  });
  panel_bounds<M, V>(
      c, rows, first, vector, [&](auto m, const __m512* bound) __attribute__((always_inline)) {
        if (out != nullptr) {
          float* row = out + (first + m.value) * out_stride + vector * int8_lanes;
          unroll<V>([&](auto v) __attribute__((always_inline)) {
            _mm512_storeu_ps(row + v.value * int8_lanes, bound[v.value]);
          });
        }
        float* best_place = lowest.best + m.value * int8_lanes;
        float* second_place = lowest.second + m.value * int8_lanes;
        const __m512 best = _mm512_load_ps(best_place), second = _mm512_load_ps(second_place);
        __m512 tagged[V];
        unroll<V>([&](auto v) __attribute__((always_inline)) {
          // tag where the mask is set, else the bound
          tagged[v.value] = _mm512_castsi512_ps(
              _mm512_ternarylogic_epi32(mask, tag[v.value], _mm512_castps_si512(bound[v.value]), 0xca));
        });
        __m512 low = tagged[0], high = second;
        if constexpr (V == 2) {
          low = _mm512_min_ps(tagged[0], tagged[1]);
          high = _mm512_min_ps(second, _mm512_max_ps(tagged[0], tagged[1]));
        }
        _mm512_store_ps(best_place, _mm512_min_ps(best, low));
        _mm512_store_ps(second_place, _mm512_min_ps(high, _mm512_max_ps(best, low)));
      });
}

void candidates(const Int8Centroids& c, const Int8Rows& rows, const Int8Candidates& out) {
  const __m512i mask = _mm512_set1_epi32((1 << tag_bits(c.n_vectors)) - 1);
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  over_tiles(
      rows.n_rows, [&](std::size_t first, auto m) __attribute__((always_inline)) {
        constexpr std::size_t M = m.value;
        Lowest<M> lowest;
        for (std::size_t at = 0; at < M * int8_lanes; at += int8_lanes) {
          _mm512_store_ps(lowest.best + at, _mm512_set1_ps(largest_float));
          _mm512_store_ps(lowest.second + at, _mm512_set1_ps(largest_float));
        }
        std::size_t vector = 0;
        for (; vector + 2 <= c.n_vectors; vector += 2)
          take_lowest<M, 2>(c, rows, first, vector, mask, lowest, out.bounds, out.bounds_stride);
        if (vector < c.n_vectors)
          take_lowest<M, 1>(c, rows, first, vector, mask, lowest, out.bounds, out.bounds_stride);
        for (std::size_t r = 0; r < M; ++r) {
          const std::size_t i = first + r;
          const __m512 best = _mm512_load_ps(lowest.best + r * int8_lanes);
          const __m512 second = _mm512_load_ps(lowest.second + r * int8_lanes);
          const float least = _mm512_reduce_min_ps(best);
          const __m512i index =
              _mm512_or_si512(_mm512_slli_epi32(_mm512_and_si512(_mm512_castps_si512(best), mask), 4), lanes);
          alignas(64) std::int32_t centroid[int8_lanes];
          _mm512_store_si512(centroid, index);
          const unsigned at = _mm512_cmp_ps_mask(best, _mm512_set1_ps(least), _CMP_EQ_OQ);
          // Where nothing is finite the place may be none.
          const auto last = static_cast<std::int32_t>(c.n_vectors * int8_lanes - 1);
          const std::int32_t place = centroid[at != 0 ? __builtin_ctz(at) : int{int8_lanes} - 1];
          const std::int32_t j = place < last ? place : last;
          out.least[i] =
              least + 2 * __builtin_fmaf(rows.length[i], c.cut_off[j], rows.cut_off[i] * c.length[j]);
          const __m512 limit = _mm512_set1_ps(out.least[i] + out.reach[i]);
          // Not greater: a NaN is near.
          const __mmask16 near = _mm512_cmp_ps_mask(best, limit, _CMP_NGT_UQ);
          out.more[i] = _mm512_cmp_ps_mask(second, limit, _CMP_NGT_UQ);
          _mm512_storeu_si512(out.index + i * int8_lanes, _mm512_maskz_compress_epi32(near, index));
          out.count[i] = __builtin_popcount(near);
        }
      });
}

void listed_bounds(const Int8Centroids& c, const Int8Rows& rows, std::size_t i, const std::int32_t* index,
                   std::size_t count, float* out) {
  constexpr std::size_t B = 4;
  const std::int8_t* x = rows.values + i * rows.stride;
  const std::int32_t start = -128 * rows.sum[i];
  const float scale = rows.scale[i];
  const auto put = [&](std::size_t at, std::int32_t product) __attribute__((always_inline)) {
    const std::int32_t j = index[at];
    const float score =
        __builtin_fmaf(-(static_cast<float>(product + start) * scale), c.scale[j], c.half_norms[j]);
    out[at] =
        __builtin_fmaf(-rows.length[i], c.cut_off[j], __builtin_fmaf(-rows.cut_off[i], c.length[j], score));
  };
  if (count == 1) {
    const std::uint8_t* row = c.rows + static_cast<std::size_t>(index[0]) * c.stride;
    __m512i acc = _mm512_setzero_si512();
    for (std::size_t t = 0; t < c.stride; t += int8_stride)
      multiply_add(acc, _mm512_loadu_si512(row + t), _mm512_loadu_si512(x + t));
    return put(0, _mm512_reduce_add_epi32(acc));
  }
  for (std::size_t first = 0; first < count; first += B) {
    const std::uint8_t* row[B];
    __m512i acc[B];
    unroll<B>([&](auto b) __attribute__((always_inline)) {
      const std::size_t at = first + b.value < count ? first + b.value : count - 1;
      row[b.value] = c.rows + static_cast<std::size_t>(index[at]) * c.stride;
      acc[b.value] = _mm512_setzero_si512();
    });
    for (std::size_t t = 0; t < c.stride; t += int8_stride) {
      const __m512i values = _mm512_loadu_si512(x + t);
      unroll<B>([&](auto b) __attribute__((always_inline)) {
        multiply_add(acc[b.value], _mm512_loadu_si512(row[b.value] + t), values);
      });
    }
    // Four sums of 16 lanes: turned within 128 bits, then the quarters are added.
    const __m512i low =
        _mm512_add_epi32(_mm512_unpacklo_epi32(acc[0], acc[1]), _mm512_unpackhi_epi32(acc[0], acc[1]));
    const __m512i high =
        _mm512_add_epi32(_mm512_unpacklo_epi32(acc[2], acc[3]), _mm512_unpackhi_epi32(acc[2], acc[3]));
    const __m512i quarters =
        _mm512_add_epi32(_mm512_unpacklo_epi64(low, high), _mm512_unpackhi_epi64(low, high));
    const __m256i halves =
        _mm256_add_epi32(_mm512_castsi512_si256(quarters), _mm512_extracti64x4_epi64(quarters, 1));
    const __m128i sums = _mm_add_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
    alignas(16) std::int32_t product[B];
    _mm_store_si128(reinterpret_cast<__m128i*>(product), sums);
    for (std::size_t b = 0; b < B && first + b < count; ++b) put(first + b, product[b]);
  }
}

float quantise(const float* x, std::size_t d, std::size_t stride, std::int8_t* values, float* scale,
               std::int32_t* sum) {
  const auto load = [&](std::size_t t) __attribute__((always_inline)) {
    const std::size_t left = t < d ? d - t : 0;
    const auto mask = static_cast<__mmask16>(left >= 16 ? 0xffff : (1u << left) - 1);
    return _mm512_maskz_loadu_ps(mask, x + (left > 0 ? t : 0));
  };
  // As integers, the bits of NaN and infinity are above those of all other lengths.
  __m512i bits = _mm512_setzero_si512();
  for (std::size_t t = 0; t < d; t += 16)
    bits = _mm512_max_epi32(bits, _mm512_castps_si512(_mm512_abs_ps(load(t))));
  const int largest_bits = _mm512_reduce_max_epi32(bits);
  float largest;
  __builtin_memcpy(&largest, &largest_bits, sizeof largest);
  if (largest_bits >= 0x7f800000) {
    __builtin_memset(values, 0, stride);
    *scale = 0;
    *sum = 0;
    return __builtin_inff();
  }
  *scale = largest / 127;
  const __m512 inverse = _mm512_set1_ps(*scale >= 0x1p-100f ? 1 / *scale : 0), unit = _mm512_set1_ps(*scale);
  __m512 cut_off = _mm512_setzero_ps();
  __m512i total = _mm512_setzero_si512();
  for (std::size_t t = 0; t < stride; t += 16) {
    const __m512 value = load(t);
    const __m512i q = _mm512_cvtps_epi32(_mm512_mul_ps(value, inverse));
    const __m512 rest = _mm512_fnmadd_ps(unit, _mm512_cvtepi32_ps(q), value);
    cut_off = _mm512_fmadd_ps(rest, rest, cut_off);
    total = _mm512_add_epi32(total, q);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(values + t), _mm512_cvtepi32_epi8(q));
  }
  *sum = _mm512_reduce_add_epi32(total);
  return __builtin_sqrtf(_mm512_reduce_add_ps(cut_off));
}

}  // namespace

extern const Int8Kernels int8_avx512vnni;
constexpr Int8Kernels int8_avx512vnni{candidates, listed_bounds, quantise};

}  // namespace omnimeans::kernels
