// SPDX-License-Identifier: MIT
// AArch64 Advanced SIMD: four floats with FMA.
#include "kernels/table-inl.hpp"

namespace omnimeans::kernels {

extern const KernelTable table_neon;
constexpr KernelTable table_neon = make_table<xsimd::neon64>(Isa::neon);

}  // namespace omnimeans::kernels
