// SPDX-License-Identifier: MIT
// Watches operator new: the size of the largest block asked for since the last reset.
#pragma once

#include <cstddef>

namespace omnimeans::io::testing {

void reset_largest_allocation() noexcept;
std::size_t largest_allocation() noexcept;

}  // namespace omnimeans::io::testing
