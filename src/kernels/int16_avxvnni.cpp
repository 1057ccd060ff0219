// SPDX-License-Identifier: MIT
// AVX-VNNI (Alder Lake 2021, Zen 5 and later): the same on 256 bits, 16 products an instruction.
#include "kernels/int16-inl.hpp"

namespace omnimeans::kernels {

extern const Int16Kernels int16_avxvnni;
constexpr Int16Kernels int16_avxvnni = make_int16_kernels<xsimd::fma3<xsimd::avx2>>();

}  // namespace omnimeans::kernels
