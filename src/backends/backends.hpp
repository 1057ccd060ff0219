// SPDX-License-Identifier: MIT
// What backends share: making an entry, checking memory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "dense_engine.hpp"
#include "omnimeans/backend.hpp"
#include "omnimeans/error.hpp"

namespace omnimeans::algorithms {

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
                              "; raise the limit or use \"auto\", which picks a backend that fits");
  }
}

/// The problem, checked: for initialiser lists, so that nothing is allocated before the limit was asked.
template <class T>
const Problem<T>& within_memory(std::string_view backend, const Problem<T>& problem, double bytes) {
  check_memory(backend, bytes, problem.memory_limit_bytes);
  return problem;
}

/// Elements n * k of a bounds matrix in double, which cannot overflow.
inline double pairs(std::size_t n, std::size_t k) {
  return static_cast<double>(n) * static_cast<double>(k);
}

/// What Elkan's algorithm holds: the engine, n*k and k*k bounds.
template <class T>
double elkan_bytes(const Problem<T>& problem) {
  const std::size_t n = problem.samples.rows(), k = problem.n_clusters;
  return DenseEngine<T>::bytes_needed(problem, true) +
         (pairs(n, k) + pairs(k, k) + static_cast<double>(n + 2 * k)) * sizeof(T) +
         pairs(k, static_cast<std::size_t>(problem.threads)) * 2 * (sizeof(T) + sizeof(std::int32_t));
}

}  // namespace omnimeans::algorithms
