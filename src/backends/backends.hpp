// SPDX-License-Identifier: MIT
// The entries of the registry: each backend's file defines one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "omnimeans/backend.hpp"
#include "omnimeans/error.hpp"

namespace omnimeans::algorithms {

const BackendEntry& naive();
const BackendEntry& openmp();
const BackendEntry& simd();
const BackendEntry& elkan();
const BackendEntry& textbook();

/// make_f32 and make_f64 of a class template derived from Backend<T>.
template <template <class> class B, class T>
std::unique_ptr<Backend<T>> make(const Problem<T>& problem) {
  return std::make_unique<B<T>>(problem);
}

/// Throws MemoryLimitExceeded if `bytes` is more than the problem allows (0: no limit).
inline void check_memory(std::string_view backend, double bytes, std::uint64_t limit) {
  if (limit != 0 && bytes > static_cast<double>(limit)) {
    throw MemoryLimitExceeded(std::string(backend) + " needs " +
                              std::to_string(static_cast<std::uint64_t>(bytes)) +
                              " bytes, memory_limit_bytes = " + std::to_string(limit) +
                              "; raise the limit or use the backend \"simd\"");
  }
}

/// Elements n * k of a bounds matrix in double, which cannot overflow.
inline double pairs(std::size_t n, std::size_t k) {
  return static_cast<double>(n) * static_cast<double>(k);
}

}  // namespace omnimeans::algorithms
