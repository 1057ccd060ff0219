// SPDX-License-Identifier: MIT
// AVX-VNNI (Alder Lake 2021, Zen 5 and later): vpdpbusd of 256 bits.
#include "kernels/int8-bits256-inl.hpp"

namespace omnimeans::kernels {
namespace {

struct Int8AvxVnni : Int8Bits256 {
  static constexpr Int8Limits samples{}, centroids{};
  static constexpr bool sums_in_words = false;

  /// acc += c . x, by fours. Written out because g++ 12 copies the accumulator before and after the
  /// intrinsic.
  static OMNIMEANS_INLINE void multiply_add(ints& acc, ints c, ints x) {
    __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(acc) : "x"(c), "x"(x));
  }
};

}  // namespace

extern const Int8Kernels int8_avxvnni;
constexpr Int8Kernels int8_avxvnni = make_int8_kernels<Int8AvxVnni>();

}  // namespace omnimeans::kernels
