// SPDX-License-Identifier: MIT
// SSE4.2: four floats, no FMA (Nehalem 2008 and later).
#include "kernels/table-inl.hpp"

namespace omnimeans::kernels {

extern const KernelTable table_sse42;
constexpr KernelTable table_sse42 = make_table<xsimd::sse4_2>(Isa::sse42);

}  // namespace omnimeans::kernels
