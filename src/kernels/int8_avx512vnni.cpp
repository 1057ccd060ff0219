// SPDX-License-Identifier: MIT
// AVX-512 VNNI (Cascade Lake 2019, Zen 4 and later): vpdpbusd multiplies 64 pairs of bytes.
#include "kernels/int8-avx512-inl.hpp"

namespace omnimeans::kernels {

extern const Int8Kernels int8_avx512vnni;
constexpr Int8Kernels int8_avx512vnni = make_int8_kernels<Int8Avx512>();

}  // namespace omnimeans::kernels
