// SPDX-License-Identifier: MIT
// AVX-512 VNNI (Cascade Lake 2019, Zen 4 and later): vpdpwssd, 32 products an instruction.
#include "kernels/int16-inl.hpp"

namespace omnimeans::kernels {

extern const Int16Kernels int16_avx512vnni;
constexpr Int16Kernels int16_avx512vnni = make_int16_kernels<xsimd::avx512bw>();

}  // namespace omnimeans::kernels
