// SPDX-License-Identifier: MIT
// AVX2 (Haswell 2013, Zen 1 and later): vpmaddubsw and vpmaddwd, three instructions for a product of four
// bytes.
#include "kernels/int8-bits256-inl.hpp"

namespace omnimeans::kernels {

extern const Int8Kernels int8_avx2;
constexpr Int8Kernels int8_avx2 = make_int8_kernels<Int8Bits256>();

}  // namespace omnimeans::kernels
