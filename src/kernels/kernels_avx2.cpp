// SPDX-License-Identifier: MIT
// AVX2 with FMA: eight floats (Haswell 2013, Zen and later).
#include "kernels/table-inl.hpp"

namespace omnimeans::kernels {

extern const KernelTable table_avx2;
constexpr KernelTable table_avx2 = make_table<xsimd::fma3<xsimd::avx2>>(Isa::avx2);

}  // namespace omnimeans::kernels
