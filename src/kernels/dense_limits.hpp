// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace omnimeans::kernels {

/// Longest chain of FMAs in the dense kernel: its rounding-error bound is gamma of this plus the number of
/// chains.
inline constexpr std::size_t dense_chain = 128;

/// The nearest-centroid kernel writes a number below this into the lowest bits of a score.
inline constexpr std::size_t nearest_tags = 8;

}  // namespace omnimeans::kernels
