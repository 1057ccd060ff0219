// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

namespace omnimeans {

/// Asks for the cache lines of values[0 ... count - 1]. Always inline: g++ takes a function that does nothing
/// else for one without effect, and leaves out its calls.
template <class T>
[[gnu::always_inline]] inline void prefetch(const T* values, std::size_t count) {
  constexpr std::size_t cache_line = 64;
  const char* const end = reinterpret_cast<const char*>(values + count);
  const char* line = reinterpret_cast<const char*>(values);
  line -= reinterpret_cast<std::uintptr_t>(line) % cache_line;
  for (; line < end; line += cache_line) __builtin_prefetch(line);
}

}  // namespace omnimeans
