// SPDX-License-Identifier: MIT
// The list of backends. Tests, benchmarks, the program's help and the README's table all come from here:
// a new backend is one file in this folder, and one line below.
#include "backends/backends.hpp"

#define OMNIMEANS_BACKENDS(X) \
  X(naive)                    \
  X(openmp)                   \
  X(simd)                     \
  X(gap)                      \
  X(int16)                    \
  X(int8)                     \
  X(prefix)                   \
  X(elkan)                    \
  X(bytebounds)               \
  X(kdtree)                   \
  X(blockbounds)              \
  X(hamerly)                  \
  X(exponion)                 \
  X(annulus)                  \
  X(yinyang)                  \
  X(textbook)

namespace omnimeans {

namespace algorithms {
#define X(name) const BackendEntry& name();
OMNIMEANS_BACKENDS(X)
#undef X
}  // namespace algorithms

std::span<const BackendEntry> backends() {
#define X(name) algorithms::name(),
  static const BackendEntry entries[] = {OMNIMEANS_BACKENDS(X)};
#undef X
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
