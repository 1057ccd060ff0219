// SPDX-License-Identifier: MIT
// AVX-512 F, BW, CD, DQ, VL: sixteen floats (Skylake-X 2017, Zen 4 and later).
#include "kernels/table-inl.hpp"

namespace omnimeans::kernels {

extern const KernelTable table_avx512;
constexpr KernelTable table_avx512 = make_table<xsimd::avx512bw>(Isa::avx512);

}  // namespace omnimeans::kernels
