// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <unistd.h>

namespace omnimeans {

/// What Options::memory_limit_bytes = 0 stands for: half of the physical memory (4 GiB where that is not
/// known).
inline std::uint64_t default_memory_limit() {
  const long pages = sysconf(_SC_PHYS_PAGES), page_size = sysconf(_SC_PAGESIZE);
  if (pages <= 0 || page_size <= 0) return std::uint64_t{4} << 30;
  return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page_size) / 2;
}

}  // namespace omnimeans
