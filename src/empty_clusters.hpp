// SPDX-License-Identifier: MIT
// What becomes of clusters that no sample is nearest to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "centroid_update.hpp"
#include "kernels/kernels.hpp"
#include "omnimeans/matrix_view.hpp"

namespace omnimeans {

struct Relocation {
  std::size_t sample;
  std::int32_t from, to;
};

/// Pairs each empty cluster (lowest first) with a sample farthest from its centroid (lowest index first where
/// equal), as scikit-learn's relocation does. Never picks a sample of zero weight or zero distance, one equal
/// to another picked, or the last one of its cluster; clusters for which none is left stay empty.
template <class T>
std::vector<Relocation> plan_relocations(MatrixView<const T> samples, std::span<const T> weights,
                                         MatrixView<const T> centroids, std::span<const std::int32_t> labels,
                                         std::span<const std::int64_t> counts,
                                         const kernels::Kernels<T>& kernels, int threads);

}  // namespace omnimeans
