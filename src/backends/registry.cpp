// SPDX-License-Identifier: MIT
// The list of backends. Tests, benchmarks, the program's help and the README's table all come from here:
// a new backend is one file, and one line below (with its declaration in backends.hpp).
#include <array>

#include "backends/backends.hpp"

namespace omnimeans {

std::span<const BackendEntry> backends() {
  static const std::array entries{
      algorithms::naive(), algorithms::openmp(),   algorithms::simd(),
      algorithms::elkan(), algorithms::textbook(),
  };
  return entries;
}

const BackendEntry& find_backend(std::string_view name) {
  std::string names;
  for (const BackendEntry& entry : backends()) {
    if (entry.info.name == name) return entry;
    names += std::string(entry.info.name) + ", ";
  }
  throw UnknownBackend("no backend is called \"" + std::string(name) + "\"; there are " + names + "and auto");
}

}  // namespace omnimeans
