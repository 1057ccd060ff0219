// SPDX-License-Identifier: MIT
// How long bounds will last, foretold from a few samples: which share of the pairs of a sample and a centroid
// is hardly farther than the nearest one. A centroid's bound stays of use until it has moved by what lies
// between; in many features without structure all centroids are equally far, and no bound lasts.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

#include "kernels/kernels.hpp"
#include "omnimeans/backend.hpp"

namespace omnimeans::algorithms {

inline constexpr std::size_t near_others = 128;

/// Of 8 to 64 samples and up to near_others other ones in the centroids' place: the share of pairs whose
/// distance is at most 1.2 times that of the nearest that is not the same sample; 1 where no distance can be
/// told from zero or infinity. One thread, 30 to 100 microseconds: a hundredth of a fit of 25 exhaustive
/// steps or less, of the shortest that ask two.
template <class T>
double near_share(const Problem<T>& problem) {
  const MatrixView<const T>& x = problem.samples;
  const std::size_t n = x.rows(), n_samples = std::clamp<std::size_t>(n / 128, 8, 64),
                    n_others = std::min<std::size_t>({problem.n_clusters, near_others, n});
  const auto& kernels = kernels::kernels_for<T>(problem.isa);
  std::vector<T> squared(n_others);
  std::size_t near = 0;
  for (std::size_t s = 0; s < n_samples; ++s) {
    kernels.squared_distances(x.row_data(s * n / n_samples), x.row_data(n / n_others / 2),
                              n / n_others * x.row_stride(), nullptr, n_others, x.cols(), squared.data());
    T nearest = std::numeric_limits<T>::infinity();
    for (const T value : squared) nearest = value > 0 ? std::min(nearest, value) : nearest;
    near += static_cast<std::size_t>(
        std::ranges::count_if(squared, [&](T value) { return value <= T(1.44) * nearest; }));
  }
  return static_cast<double>(near) / static_cast<double>(n_samples * n_others);
}

}  // namespace omnimeans::algorithms
