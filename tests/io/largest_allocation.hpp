// SPDX-License-Identifier: MIT
// Watches operator new: the size of the largest block asked for since the last reset; and makes it fail on
// demand.
#pragma once

#include <cstddef>

namespace omnimeans::io::testing {

void reset_largest_allocation() noexcept;
std::size_t largest_allocation() noexcept;

/// While this lives, larger blocks are refused with std::bad_alloc.
class AllocationLimit {
 public:
  explicit AllocationLimit(std::size_t bytes) noexcept;
  ~AllocationLimit();
  AllocationLimit(const AllocationLimit&) = delete;
  AllocationLimit& operator=(const AllocationLimit&) = delete;
};

}  // namespace omnimeans::io::testing
