// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace omnimeans::kernels {

/// Longest chain of FMAs in the dense kernel: its rounding-error bound is gamma of this plus the number of
/// chains.
inline constexpr std::size_t dense_chain = 128;

}  // namespace omnimeans::kernels
