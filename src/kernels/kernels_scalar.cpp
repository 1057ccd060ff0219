// SPDX-License-Identifier: MIT
// Plain C++ at the baseline, one lane: what runs on any CPU.
#define OMNIMEANS_KERNELS_SCALAR 1
#include "kernels/table-inl.hpp"

namespace omnimeans::kernels {

extern const KernelTable table_scalar;
constexpr KernelTable table_scalar = make_table<ScalarArch>(Isa::scalar);

}  // namespace omnimeans::kernels
