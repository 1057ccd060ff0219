// SPDX-License-Identifier: MIT
// What "auto" stands for. Elkan's bounds pay where a distance costs more than looking at a bound (many
// features) and where there is much to skip (many clusters); otherwise the dense kernel is faster: on a Xeon
// of 2023 an iteration of 50k x 64, k = 256 takes 40 ms against 24, one of 20k x 256, k = 256 takes 13 ms
// against 35. What does not fit the memory limit gives way: elkan to simd, simd to openmp, openmp to naive,
// which needs none.
#include "backends/auto.hpp"

#include "backends/backends.hpp"

namespace omnimeans::algorithms {

template <class T>
const BackendEntry& choose(const Problem<T>& problem) {
  constexpr std::size_t fewest_features = 160, fewest_clusters = 64;
  const std::size_t n = problem.samples.rows(), d = problem.samples.cols(), k = problem.n_clusters;
  const auto fits = [&](double bytes) {
    return problem.memory_limit_bytes == 0 || bytes <= static_cast<double>(problem.memory_limit_bytes);
  };
  if (d >= fewest_features && k >= fewest_clusters && fits(elkan_bytes(problem)))
    return find_backend("elkan");
  if (fits(DenseEngine<T>::bytes_needed(problem, false))) return find_backend("simd");
  return find_backend(fits(static_cast<double>(n)) ? "openmp" : "naive");
}

template const BackendEntry& choose(const Problem<float>&);
template const BackendEntry& choose(const Problem<double>&);

}  // namespace omnimeans::algorithms
