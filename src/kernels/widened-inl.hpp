// SPDX-License-Identifier: MIT
// Values read as double, and the bits of doubles as integers: what canonical distances and the sums of
// centroid_update.hpp are made of.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "kernels/simd-inl.hpp"

namespace omnimeans::kernels {
namespace {

#if defined(OMNIMEANS_KERNELS_SCALAR)

template <class Arch>
OMNIMEANS_INLINE double load_widened(const float* p) {
  return static_cast<double>(*p);
}
template <class Arch>
OMNIMEANS_INLINE double load_widened(const double* p) {
  return *p;
}
template <class Arch, class T>
OMNIMEANS_INLINE double load_widened_part(const T* p, std::size_t) {
  return load_widened<Arch>(p);  // one lane is never a part
}
template <class Arch>
OMNIMEANS_INLINE void add_bits(std::uint64_t* p, double a) {
  *p += std::bit_cast<std::uint64_t>(a);
}
template <class Arch>
OMNIMEANS_INLINE void subtract_bits(std::uint64_t* p, double a) {
  *p -= std::bit_cast<std::uint64_t>(a);
}

#else

/// Simd<double>::lanes values, converted to double.
template <class Arch>
OMNIMEANS_INLINE xsimd::batch<double, Arch> load_widened(const float* p) {
#if defined(__AVX512F__)
  return _mm512_cvtps_pd(_mm256_loadu_ps(p));
#elif defined(__AVX__)
  return _mm256_cvtps_pd(_mm_loadu_ps(p));
#elif defined(__x86_64__)
  // (_mm_load_sd reads a double, which the compiler may move before the floats are written.)
  return _mm_cvtps_pd(_mm_castsi128_ps(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
#elif defined(__aarch64__)
  return vcvt_f64_f32(vld1_f32(p));
#endif
}
template <class Arch>
OMNIMEANS_INLINE xsimd::batch<double, Arch> load_widened(const double* p) {
  return xsimd::batch<double, Arch>::load_unaligned(p);
}

/// The first `count` lanes of that, zeros after them; nothing beyond is touched.
template <class Arch, class T>
OMNIMEANS_INLINE xsimd::batch<double, Arch> load_widened_part(const T* p, std::size_t count) {
#if defined(__AVX512F__)
  const auto mask = static_cast<__mmask8>((1u << count) - 1);
  if constexpr (sizeof(T) == 4) {
    return _mm512_cvtps_pd(_mm256_maskz_loadu_ps(mask, p));
  } else {
    return _mm512_maskz_loadu_pd(mask, p);
  }
#else
  alignas(64) T part[xsimd::batch<double, Arch>::size] = {};
  for (std::size_t t = 0; t < count; ++t) part[t] = p[t];
  return load_widened<Arch>(part);
#endif
}

/// The bits of the lanes as 64-bit integers. (xsimd's bitwise_cast took the batch before release 11 and takes
/// the element since; the registers' own cast is the same in all.)
template <class Arch>
OMNIMEANS_INLINE xsimd::batch<std::uint64_t, Arch> as_integers(xsimd::batch<double, Arch> a) {
#if defined(__AVX512F__)
  return _mm512_castpd_si512(a);
#elif defined(__AVX__)
  return _mm256_castpd_si256(a);
#elif defined(__x86_64__)
  return _mm_castpd_si128(a);
#elif defined(__aarch64__)
  return vreinterpretq_u64_f64(a);
#endif
}

/// p[l] +-= bits of lane l, modulo 2^64.
template <class Arch>
OMNIMEANS_INLINE void add_bits(std::uint64_t* p, xsimd::batch<double, Arch> a) {
  (xsimd::batch<std::uint64_t, Arch>::load_unaligned(p) + as_integers<Arch>(a)).store_unaligned(p);
}
template <class Arch>
OMNIMEANS_INLINE void subtract_bits(std::uint64_t* p, xsimd::batch<double, Arch> a) {
  (xsimd::batch<std::uint64_t, Arch>::load_unaligned(p) - as_integers<Arch>(a)).store_unaligned(p);
}

#endif

}  // namespace
}  // namespace omnimeans::kernels
