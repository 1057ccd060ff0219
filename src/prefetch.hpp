// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace omnimeans {

/// Asks for the cache lines of values[0 ... count - 1], which begin with one. Always inline: g++ takes a
/// function that does nothing else for one without effect, and leaves out its calls.
template <class T>
[[gnu::always_inline]] inline void prefetch(const T* values, std::size_t count) {
  constexpr std::size_t cache_line = 64;
  const char* bytes = reinterpret_cast<const char*>(values);
  for (std::size_t at = 0; at < count * sizeof(T); at += cache_line) __builtin_prefetch(bytes + at);
}

}  // namespace omnimeans
