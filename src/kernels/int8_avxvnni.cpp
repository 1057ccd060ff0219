// SPDX-License-Identifier: MIT
// AVX-VNNI (Alder Lake 2021, Zen 5 and later): vpdpbusd on 256 bits.
#include "kernels/int8-bits256-inl.hpp"

namespace omnimeans::kernels {

extern const Int8Kernels int8_avxvnni;
constexpr Int8Kernels int8_avxvnni = make_int8_kernels<Int8Bits256>();

}  // namespace omnimeans::kernels
