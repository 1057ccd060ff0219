// SPDX-License-Identifier: MIT
// The least lane of each of W vectors, as one vector: turned within 128 bits, then the quarters are merged,
// so that a vector costs two shuffles and one operation.
#pragma once

#include "kernels/simd-inl.hpp"
#include "kernels/transpose-inl.hpp"

namespace omnimeans::kernels {
namespace {

/// Min::min(a, b) is the lesser lane by lane, of whatever the vectors stand for.
template <class T, class Arch, class Min>
struct LaneMins {
  using S = Simd<T, Arch>;
  using vec = typename S::vec;
  static constexpr std::size_t W = S::lanes;

  /// The least lane of a[l] in lane l < W.
  static OMNIMEANS_INLINE vec of(const vec* a) {
    if constexpr (W == 1) {
      return a[0];
    } else {
      using Turn = Transpose<T, Arch>;
      constexpr std::size_t Q = 16 / sizeof(T), parts = W / Q;
      vec of_part[parts];  // each 128 bits of it hold a part of Q mins
      unroll<parts>([&](auto p) __attribute__((always_inline)) {
        const vec* four = a + p.value * Q;
        const vec low = Min::min(Turn::template interleave<false, false>(four[0], four[1]),
                                 Turn::template interleave<true, false>(four[0], four[1]));
        if constexpr (Q == 2) {
          of_part[p.value] = low;
        } else {
          const vec high = Min::min(Turn::template interleave<false, false>(four[2], four[3]),
                                    Turn::template interleave<true, false>(four[2], four[3]));
          of_part[p.value] = Min::min(Turn::template interleave<false, true>(low, high),
                                      Turn::template interleave<true, true>(low, high));
        }
      });
      if constexpr (parts == 1) {
        return of_part[0];
      } else if constexpr (parts == 2) {
        return Min::min(quarters<0x20>(of_part[0], of_part[1]), quarters<0x31>(of_part[0], of_part[1]));
      } else {
        const vec low =
            Min::min(quarters<0x44>(of_part[0], of_part[1]), quarters<0xee>(of_part[0], of_part[1]));
        const vec high =
            Min::min(quarters<0x44>(of_part[2], of_part[3]), quarters<0xee>(of_part[2], of_part[3]));
        return Min::min(quarters<0x88>(low, high), quarters<0xdd>(low, high));
      }
    }
  }

 private:
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
};

}  // namespace
}  // namespace omnimeans::kernels
