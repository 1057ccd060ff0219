// SPDX-License-Identifier: MIT
// The vocabulary of the kernels: Simd<T, Arch>, on xsimd::batch, or on a plain value for the scalar table.
// All that differs between xsimd releases stands here, and so do the few operations that xsimd 8 lacks.
//
// Everything is in an unnamed namespace: each kernels_<isa>.cpp gets its own copies, so that the linker can
// never pick code of a newer instruction set for an older CPU.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "kernels/cache_lines.hpp"
#include "kernels/dense_limits.hpp"

#if !defined(OMNIMEANS_KERNELS_SCALAR)
#include <xsimd/xsimd.hpp>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif
#endif

#define OMNIMEANS_INLINE inline __attribute__((always_inline))

#if defined(__FAST_MATH__)
#error "omnimeans needs the arithmetic as written: -ffast-math would change the canonical distance"
#endif

namespace omnimeans::kernels {
namespace {

/// A compile-time index: loops over registers must be unrolled by the language, or g++ keeps the registers in
/// memory.
template <std::size_t I>
struct Index {
  static constexpr std::size_t value = I;
};

template <std::size_t... I>
struct Indices {};
template <std::size_t N, std::size_t... I>
struct MakeIndices : MakeIndices<N - 1, N - 1, I...> {};
template <std::size_t... I>
struct MakeIndices<0, I...> {
  using type = Indices<I...>;
};

template <class F, std::size_t... I>
OMNIMEANS_INLINE void unroll_indices(F&& f, Indices<I...>) {
  (f(Index<I>{}), ...);
}
/// Calls f(Index<0>), ..., f(Index<N - 1>).
template <std::size_t N, class F>
OMNIMEANS_INLINE void unroll(F&& f) {
  unroll_indices(f, typename MakeIndices<N>::type{});
}

/// A loop counter of the kernel carried in the lanes of T, bit for bit; only ever moved and selected.
template <class T>
OMNIMEANS_INLINE T index_bits(std::size_t i) {
  if constexpr (sizeof(T) == 4) {
    return std::bit_cast<T>(static_cast<std::int32_t>(static_cast<std::uint32_t>(i)));
  } else {
    return std::bit_cast<T>(static_cast<std::int64_t>(i));
  }
}
template <class T>
OMNIMEANS_INLINE std::size_t index_value(T bits) {
  if constexpr (sizeof(T) == 4) {
    return static_cast<std::size_t>(std::bit_cast<std::int32_t>(bits));
  } else {
    return static_cast<std::size_t>(std::bit_cast<std::int64_t>(bits));
  }
}

/// The root of one value.
template <class T>
OMNIMEANS_INLINE T root_of(T a) {
  return static_cast<T>(__builtin_sqrt(static_cast<double>(a)));
}

/// What Simd::tag() wrote.
template <class T>
OMNIMEANS_INLINE std::size_t tag_of(T a) {
  return index_value(a) % nearest_tags;
}

#if defined(OMNIMEANS_KERNELS_SCALAR)

struct ScalarArch {};

/// One lane, no vector unit: what runs anywhere.
template <class T, class Arch>
struct Simd {
  using vec = T;
  using mask = bool;
  static constexpr std::size_t lanes = 1;

  static OMNIMEANS_INLINE vec load(const T* p) { return *p; }
  static constexpr bool has_partial_loads = false;
  static OMNIMEANS_INLINE vec load_first(const T*, std::size_t) { return T(0); }
  static OMNIMEANS_INLINE void store(T* p, vec a) { *p = a; }
  static OMNIMEANS_INLINE vec set(T value) { return value; }
  static OMNIMEANS_INLINE vec broadcast(const T* p) { return *p; }
  static OMNIMEANS_INLINE vec add(vec a, vec b) { return a + b; }
  static OMNIMEANS_INLINE vec sub(vec a, vec b) { return a - b; }
  static OMNIMEANS_INLINE vec mul(vec a, vec b) { return a * b; }
  static OMNIMEANS_INLINE vec div(vec a, vec b) { return a / b; }
  static OMNIMEANS_INLINE vec min(vec a, vec b) { return a < b ? a : b; }
  static OMNIMEANS_INLINE vec max(vec a, vec b) { return a > b ? a : b; }
  static OMNIMEANS_INLINE vec abs(vec a) { return a < 0 ? -a : a; }
  static OMNIMEANS_INLINE vec fnma(vec a, vec b, vec c) { return c - a * b; }
  static OMNIMEANS_INLINE vec fma(vec a, vec b, vec c) { return c + a * b; }
  static OMNIMEANS_INLINE mask less(vec a, vec b) { return a < b; }
  static OMNIMEANS_INLINE mask either(mask a, mask b) { return a || b; }
  static OMNIMEANS_INLINE vec sqrt(vec a) { return static_cast<T>(__builtin_sqrt(static_cast<double>(a))); }
  static OMNIMEANS_INLINE vec lower_sqrt(vec a) { return sqrt(a); }
  static OMNIMEANS_INLINE vec near_sqrt(vec a) { return sqrt(a); }
  static OMNIMEANS_INLINE mask both(mask a, mask b) { return a && b; }
  static OMNIMEANS_INLINE vec select(mask m, vec a, vec b) { return m ? a : b; }
  static OMNIMEANS_INLINE vec gather(const T* table, const std::int32_t* index) {
    return table[static_cast<std::size_t>(*index)];
  }
  static OMNIMEANS_INLINE vec tag(vec a, vec bits) {
    return index_bits<T>((index_value(a) & ~(nearest_tags - 1)) | index_value(bits));
  }
  static constexpr unsigned all_bits = 1;
  static OMNIMEANS_INLINE unsigned bits(mask m) { return m ? 1u : 0u; }
  static OMNIMEANS_INLINE T reduce_min(vec a) { return a; }
  static OMNIMEANS_INLINE T reduce_max(vec a) { return a; }
  static OMNIMEANS_INLINE T reduce_add(vec a) { return a; }
};

#else

template <class T, class Arch>
struct Simd {
  using vec = xsimd::batch<T, Arch>;
  using mask = xsimd::batch_bool<T, Arch>;
  static constexpr std::size_t lanes = vec::size;

  static OMNIMEANS_INLINE vec load(const T* p) { return vec::load_unaligned(p); }
  static OMNIMEANS_INLINE void store(T* p, vec a) { a.store_unaligned(p); }

  /// Whether load_first() costs about as much as load().
#if defined(__AVX2__)
  static constexpr bool has_partial_loads = true;
#else
  static constexpr bool has_partial_loads = false;
#endif
  /// The first `count` < lanes values, then zeros; reads nothing behind them.
  static OMNIMEANS_INLINE vec load_first(const T* p, std::size_t count) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
      return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), p);
    } else {
      return _mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << count) - 1), p);
    }
#elif defined(__AVX2__)
    alignas(64) static constexpr std::int32_t on_off[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    const __m256i mask = _mm256_loadu_si256(
        reinterpret_cast<const __m256i*>(on_off + 8 - count * (sizeof(T) / sizeof(std::int32_t))));
    if constexpr (sizeof(T) == 4) {
      return _mm256_maskload_ps(p, mask);
    } else {
      return _mm256_maskload_pd(p, mask);
    }
#else
    alignas(64) T lane[lanes] = {};
    for (std::size_t l = 0; l < count; ++l) lane[l] = p[l];
    return load(lane);
#endif
  }
  static OMNIMEANS_INLINE vec set(T value) {
    return vec(value);
  }
  /// set(*p). As integers: a Zen 4 does two of those a cycle beside other work, but vbroadcastss to 512 bits
  /// takes the place of a multiply-add.
  static OMNIMEANS_INLINE vec broadcast(const T* p) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
      return _mm512_castsi512_ps(_mm512_set1_epi32(std::bit_cast<std::int32_t>(*p)));
    } else {
      return _mm512_castsi512_pd(_mm512_set1_epi64(std::bit_cast<long long>(*p)));
    }
#else
    return set(*p);
#endif
  }
  static OMNIMEANS_INLINE vec add(vec a, vec b) {
    return a + b;
  }
  static OMNIMEANS_INLINE vec sub(vec a, vec b) {
    return a - b;
  }
  static OMNIMEANS_INLINE vec mul(vec a, vec b) {
    return a * b;
  }
  static OMNIMEANS_INLINE vec div(vec a, vec b) {
    return a / b;
  }
  static OMNIMEANS_INLINE vec min(vec a, vec b) {
    return xsimd::min(a, b);
  }
  static OMNIMEANS_INLINE vec max(vec a, vec b) {
    return xsimd::max(a, b);
  }
  static OMNIMEANS_INLINE vec abs(vec a) {
    return xsimd::abs(a);
  }
  /// c - a * b and c + a * b: fused where the instruction set can. (xsimd 8 multiplies and adds apart for
  /// AVX-512.)
  static OMNIMEANS_INLINE vec fnma(vec a, vec b, vec c) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
      return _mm512_fnmadd_ps(a, b, c);
    } else {
      return _mm512_fnmadd_pd(a, b, c);
    }
#else
    return xsimd::fnma(a, b, c);
#endif
  }
  static OMNIMEANS_INLINE vec fma(vec a, vec b, vec c) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
      return _mm512_fmadd_ps(a, b, c);
    } else {
      return _mm512_fmadd_pd(a, b, c);
    }
#else
    return xsimd::fma(a, b, c);
#endif
  }
  static OMNIMEANS_INLINE mask less(vec a, vec b) {
    return a < b;
  }
  static OMNIMEANS_INLINE mask either(mask a, mask b) {
    return a | b;
  }
  static OMNIMEANS_INLINE vec sqrt(vec a) {
    return xsimd::sqrt(a);
  }
  /// Between (1 - 2^-10) sqrt(a) and sqrt(a), from a reciprocal root of 14 (12) bits where there is one: a
  /// tenth of the cycles. NaN or 0 where a is 0.
  static OMNIMEANS_INLINE vec lower_sqrt(vec a) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) return mul(mul(a, vec(_mm512_rsqrt14_ps(a))), set(T(1 - 0x1p-12)));
#elif defined(__AVX__)
    if constexpr (sizeof(T) == 4) return mul(mul(a, vec(_mm256_rsqrt_ps(a))), set(T(1 - 0x1p-11)));
#endif
    return xsimd::sqrt(a);
  }
  /// sqrt(a) but for one unit in the last place, for finite a > 2^-100; any value for other a. With AVX-512
  /// a quarter of the cycles: of a reciprocal root of 14 bits a Newton step, root + (a - root^2) / (2
  /// sqrt(a)).
  static OMNIMEANS_INLINE vec near_sqrt(vec a) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
      const vec inverse = _mm512_rsqrt14_ps(a), root = mul(a, inverse);
      return fma(fnma(root, root, a), mul(inverse, set(T(0.5))), root);
    }
#endif
    return xsimd::sqrt(a);
  }
  static OMNIMEANS_INLINE mask both(mask a, mask b) {
    return a & b;
  }
  static OMNIMEANS_INLINE vec select(mask m, vec a, vec b) {
    return xsimd::select(m, a, b);
  }
  /// table[index[l]] in lane l.
  static OMNIMEANS_INLINE vec gather(const T* table, const std::int32_t* index) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
      return _mm512_i32gather_ps(_mm512_loadu_si512(index), table, 4);
    } else {
      return _mm512_i32gather_pd(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(index)), table, 8);
    }
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 4) {
      return _mm256_i32gather_ps(table, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(index)), 4);
    } else {
      return _mm256_i32gather_pd(table, _mm_loadu_si128(reinterpret_cast<const __m128i*>(index)), 8);
    }
#else
    alignas(64) T lane[lanes];
    for (std::size_t l = 0; l < lanes; ++l) lane[l] = table[static_cast<std::size_t>(index[l])];
    return load(lane);
#endif
  }
  /// a with its lowest three bits replaced by those of `bits` = index_bits of less than nearest_tags.
  static OMNIMEANS_INLINE vec tag(vec a, vec bits) {
#if defined(__AVX512F__)
    // 0xea: (a & b) | c.
    if constexpr (sizeof(T) == 4) {
      return _mm512_castsi512_ps(_mm512_ternarylogic_epi32(
          _mm512_castps_si512(a), _mm512_set1_epi32(-int{nearest_tags}), _mm512_castps_si512(bits), 0xea));
    } else {
      return _mm512_castsi512_pd(_mm512_ternarylogic_epi64(
          _mm512_castpd_si512(a), _mm512_set1_epi64(-static_cast<long long>(nearest_tags)),
          _mm512_castpd_si512(bits), 0xea));
    }
#else
    return (a & set(index_bits<T>(~(nearest_tags - 1)))) | bits;
#endif
  }
  static constexpr unsigned all_bits = (1u << lanes) - 1;
  /// Lane l of the mask as bit l.
  static OMNIMEANS_INLINE unsigned bits(mask m) {
#if defined(__AVX512F__)
    return static_cast<unsigned>(static_cast<typename mask::register_type>(m));
#elif defined(__x86_64__)
    return movemask(m);
#else
    alignas(64) T lane[lanes];
    store(lane, select(m, set(T(1)), set(T(0))));
    unsigned result = 0;
    for (std::size_t l = 0; l < lanes; ++l) result |= (lane[l] != 0 ? 1u : 0u) << l;
    return result;
#endif
  }

  static OMNIMEANS_INLINE T reduce_min(vec a) {
    return reduce(
        a, [](vec x, vec y) __attribute__((always_inline)) { return min(x, y); });
  }
  static OMNIMEANS_INLINE T reduce_max(vec a) {
    return reduce(
        a, [](vec x, vec y) __attribute__((always_inline)) { return max(x, y); });
  }
  static OMNIMEANS_INLINE T reduce_add(vec a) {
    return reduce(
        a, [](vec x, vec y) __attribute__((always_inline)) { return add(x, y); });
  }

 private:
#if defined(__x86_64__) && !defined(__AVX512F__)
  static OMNIMEANS_INLINE unsigned movemask(mask m) {
#if defined(__AVX__)
    if constexpr (sizeof(T) == 4) {
      return static_cast<unsigned>(_mm256_movemask_ps(m));
    } else {
      return static_cast<unsigned>(_mm256_movemask_pd(m));
    }
#else
    if constexpr (sizeof(T) == 4) {
      return static_cast<unsigned>(_mm_movemask_ps(m));
    } else {
      return static_cast<unsigned>(_mm_movemask_pd(m));
    }
#endif
  }
#endif

  /// Folds the upper half onto the lower one until one lane is left.
  template <class Op>
  static OMNIMEANS_INLINE T reduce(vec a, Op op) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
      a = op(a, vec(_mm512_shuffle_f32x4(a, a, 0x4e)));
      a = op(a, vec(_mm512_shuffle_f32x4(a, a, 0xb1)));
      a = op(a, vec(_mm512_permute_ps(a, 0x4e)));
      a = op(a, vec(_mm512_permute_ps(a, 0xb1)));
      return _mm512_cvtss_f32(a);
    } else {
      a = op(a, vec(_mm512_shuffle_f64x2(a, a, 0x4e)));
      a = op(a, vec(_mm512_shuffle_f64x2(a, a, 0xb1)));
      a = op(a, vec(_mm512_permute_pd(a, 0x55)));
      return _mm512_cvtsd_f64(a);
    }
#elif defined(__AVX__)
    if constexpr (sizeof(T) == 4) {
      a = op(a, vec(_mm256_permute2f128_ps(a, a, 1)));
      a = op(a, vec(_mm256_permute_ps(a, 0x4e)));
      a = op(a, vec(_mm256_permute_ps(a, 0xb1)));
      return _mm256_cvtss_f32(a);
    } else {
      a = op(a, vec(_mm256_permute2f128_pd(a, a, 1)));
      a = op(a, vec(_mm256_permute_pd(a, 5)));
      return _mm256_cvtsd_f64(a);
    }
#elif defined(__x86_64__)
    if constexpr (sizeof(T) == 4) {
      a = op(a, vec(_mm_shuffle_ps(a, a, 0x4e)));
      a = op(a, vec(_mm_shuffle_ps(a, a, 0xb1)));
      return _mm_cvtss_f32(a);
    } else {
      a = op(a, vec(_mm_shuffle_pd(a, a, 1)));
      return _mm_cvtsd_f64(a);
    }
#elif defined(__aarch64__)
    if constexpr (sizeof(T) == 4) {
      a = op(a, vec(vextq_f32(a, a, 2)));
      a = op(a, vec(vrev64q_f32(a)));
      return vgetq_lane_f32(a, 0);
    } else {
      a = op(a, vec(vextq_f64(a, a, 1)));
      return vgetq_lane_f64(a, 0);
    }
#endif
  }
};

/// Whether a[l] == b[l], as bit l, for as many lanes as a vector of floats has.
template <class Arch>
OMNIMEANS_INLINE unsigned equal_lanes(const std::int32_t* a, const std::int32_t* b) {
#if defined(__AVX512F__)
  return _mm512_cmpeq_epi32_mask(_mm512_loadu_si512(a), _mm512_loadu_si512(b));
#elif defined(__AVX2__)
  const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(a)),
                y = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b));
  return static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(x, y))));
#elif defined(__x86_64__)
  const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(a)),
                y = _mm_loadu_si128(reinterpret_cast<const __m128i*>(b));
  return static_cast<unsigned>(_mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(x, y))));
#else
  unsigned bits = 0;
  for (std::size_t l = 0; l < Simd<float, Arch>::lanes; ++l) bits |= (a[l] == b[l] ? 1u : 0u) << l;
  return bits;
#endif
}

#endif

}  // namespace
}  // namespace omnimeans::kernels
