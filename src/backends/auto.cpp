// SPDX-License-Identifier: MIT
// What "auto" stands for. Elkan's bounds pay where a distance costs more than looking at a bound (many
// features) and where there is much to skip (many clusters); otherwise the dense kernel is faster. Elkan's
// n*k values must fit.
#include "backends/auto.hpp"

#include "backends/backends.hpp"

namespace omnimeans::algorithms {

template <class T>
const BackendEntry& choose(const Problem<T>& problem) {
  constexpr std::size_t fewest_features = 48, fewest_clusters = 48;
  const std::size_t n = problem.samples.rows(), k = problem.n_clusters;
  const bool pays = problem.samples.cols() >= fewest_features && k >= fewest_clusters;
  const double bytes = (pairs(n, k) + pairs(k, k)) * sizeof(T);
  const bool fits =
      problem.memory_limit_bytes == 0 || bytes <= static_cast<double>(problem.memory_limit_bytes);
  return pays && fits ? elkan() : simd();
}

template const BackendEntry& choose(const Problem<float>&);
template const BackendEntry& choose(const Problem<double>&);

}  // namespace omnimeans::algorithms
