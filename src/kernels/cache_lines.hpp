// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace omnimeans::kernels {

inline constexpr std::size_t cache_line = 64;  // bytes
/// How far ahead rows without gaps are asked for: 0.6 microseconds of a core's share of memory bandwidth,
/// Xeon of 2023.
inline constexpr std::size_t ahead_bytes = 8192;
/// The same of few bytes a sample, labels and bounds: a block's worth.
inline constexpr std::size_t label_ahead_bytes = 4096;

}  // namespace omnimeans::kernels
