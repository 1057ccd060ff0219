// SPDX-License-Identifier: MIT
#include "empty_clusters.hpp"

#include <algorithm>
#include <numeric>

#include "parallel.hpp"
#include "row_hash.hpp"

namespace omnimeans {

template <class T>
std::vector<Relocation> plan_relocations(MatrixView<const T> samples, std::span<const T> weights,
                                         MatrixView<const T> centroids, std::span<const std::int32_t> labels,
                                         std::span<const std::int64_t> counts,
                                         const kernels::Kernels<T>& kernels, int threads) {
  std::vector<std::int32_t> empty;
  for (std::size_t j = 0; j < counts.size(); ++j) {
    if (counts[j] == 0) empty.push_back(static_cast<std::int32_t>(j));
  }
  if (empty.empty()) return {};

  const std::size_t n = samples.rows();
  std::vector<double> distances(n);
  constexpr std::size_t block_rows = 1024;
  parallel_blocks(threads, block_count(n, block_rows), [&](std::size_t block, int) {
    const RowRange rows = block_range(block, n, block_rows);
    kernels.canonical_own({samples.row_data(rows.begin), samples.row_stride(), rows.size()},
                          {centroids.data(), centroids.row_stride(), centroids.rows()}, &labels[rows.begin],
                          samples.cols(), &distances[rows.begin]);
  });
  std::vector<std::size_t> candidates;
  for (std::size_t i = 0; i < n; ++i) {
    if (distances[i] > 0 && (weights.empty() || weights[i] > 0)) candidates.push_back(i);
  }
  const auto farther = [&](std::size_t a, std::size_t b) {
    return distances[a] != distances[b] ? distances[a] > distances[b] : a < b;
  };
  // A heap: only the head of the order is looked at, as a rule.
  const auto nearer = [&](std::size_t a, std::size_t b) { return farther(b, a); };
  std::make_heap(candidates.begin(), candidates.end(), nearer);

  std::vector<std::int64_t> left(counts.begin(), counts.end());
  std::vector<Relocation> plan;
  RowSet<T> picked;
  for (auto end = candidates.end(); end != candidates.begin() && plan.size() < empty.size(); --end) {
    std::pop_heap(candidates.begin(), end, nearer);
    const std::size_t i = *(end - 1);
    std::int64_t& donor = left[static_cast<std::size_t>(labels[i])];
    if (donor < 2 || !picked.insert(samples.row(i))) continue;
    --donor;
    plan.push_back({i, labels[i], empty[plan.size()]});
  }
  return plan;
}

template std::vector<Relocation> plan_relocations(MatrixView<const float>, std::span<const float>,
                                                  MatrixView<const float>, std::span<const std::int32_t>,
                                                  std::span<const std::int64_t>,
                                                  const kernels::Kernels<float>&, int);
template std::vector<Relocation> plan_relocations(MatrixView<const double>, std::span<const double>,
                                                  MatrixView<const double>, std::span<const std::int32_t>,
                                                  std::span<const std::int64_t>,
                                                  const kernels::Kernels<double>&, int);

}  // namespace omnimeans
