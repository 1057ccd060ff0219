// SPDX-License-Identifier: MIT
// AVX-512 VNNI (Cascade Lake 2019, Zen 4 and later): vpdpbusd multiplies 64 pairs of bytes, unsigned times
// signed, and adds them by fours. So centroids have 128 added, and accumulators start at -128 times the sum
// of the sample's values.
#include <immintrin.h>

#include "kernels/int8.hpp"
#include "kernels/simd-inl.hpp"

namespace omnimeans::kernels {
namespace {

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

/// M rows x V vectors of one panel: M * V accumulators in registers.
template <std::size_t M, std::size_t V>
void panel_scores(const Int8Centroids& c, const Int8Rows& rows, std::size_t first, std::size_t vector,
                  float* out, std::size_t out_stride) {
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
  unroll<V>([&](auto v) __attribute__((always_inline)) {
    const std::size_t at = (vector + v.value) * int8_lanes;
    const __m512 scale = _mm512_loadu_ps(c.scale + at), half_norm = _mm512_loadu_ps(c.half_norms + at);
    unroll<M>([&](auto m) __attribute__((always_inline)) {
      const __m512 product = _mm512_mul_ps(_mm512_cvtepi32_ps(acc[m.value * V + v.value]),
                                           _mm512_set1_ps(rows.scale[first + m.value]));
      _mm512_storeu_ps(out + (first + m.value) * out_stride + at,
                       _mm512_fnmadd_ps(product, scale, half_norm));
    });
  });
}

template <std::size_t M>
void tile_scores(const Int8Centroids& c, const Int8Rows& rows, std::size_t first, float* out,
                 std::size_t out_stride) {
  std::size_t vector = 0;
  for (; vector + 2 <= c.n_vectors; vector += 2) panel_scores<M, 2>(c, rows, first, vector, out, out_stride);
  if (vector < c.n_vectors) panel_scores<M, 1>(c, rows, first, vector, out, out_stride);
}

void scores(const Int8Centroids& c, const Int8Rows& rows, float* out, std::size_t out_stride) {
  std::size_t i = 0;
  for (; i + 12 <= rows.n_rows; i += 12) tile_scores<12>(c, rows, i, out, out_stride);
  for (; i + 3 <= rows.n_rows; i += 3) tile_scores<3>(c, rows, i, out, out_stride);
  for (; i < rows.n_rows; ++i) tile_scores<1>(c, rows, i, out, out_stride);
}

void listed_scores(const Int8Centroids& c, const Int8Rows& rows, std::size_t i, const std::int32_t* index,
                   std::size_t count, float* out) {
  constexpr std::size_t B = 4;
  const std::int8_t* x = rows.values + i * rows.stride;
  const std::int32_t start = -128 * rows.sum[i];
  const float scale = rows.scale[i];
  const auto put = [&](std::size_t at, std::int32_t product) __attribute__((always_inline)) {
    const std::int32_t j = index[at];
    out[at] = __builtin_fmaf(-(static_cast<float>(product + start) * scale), c.scale[j], c.half_norms[j]);
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
  __m512 largest = _mm512_setzero_ps();
  for (std::size_t t = 0; t < d; t += 16) largest = _mm512_max_ps(largest, _mm512_abs_ps(load(t)));
  *scale = _mm512_reduce_max_ps(largest) / 127;
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
constexpr Int8Kernels int8_avx512vnni{scores, listed_scores, quantise};

}  // namespace omnimeans::kernels
