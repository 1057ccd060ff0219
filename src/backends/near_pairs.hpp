// SPDX-License-Identifier: MIT
// How clusters lie around samples, asked of a few: which share of the pairs of a sample and a centroid is
// hardly farther than the nearest one, and which at most twice as far. A centroid's bound stays of use until
// it has moved by what lies between; in many features without structure all centroids are equally far, and no
// bound lasts. Where few centroids are around a sample, few are near a box or a block of neighbours.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

#include "kernels/kernels.hpp"
#include "omnimeans/backend.hpp"

namespace omnimeans::algorithms {

inline constexpr std::size_t near_others = 128;

/// Shares of pairs: within 1.2 times the nearest one's distance, and within twice that.
struct NearShares {
  double near = 1, around = 1;
};

/// Of 8 to 64 samples and up to near_others other ones in the centroids' place; nearest is what is not the
/// same sample; 1 where no distance can be told from zero or infinity. One thread, 5 to 100 microseconds: a
/// hundredth of a fit of 25 exhaustive steps or less, of the shortest that ask two.
template <class T>
NearShares near_shares(const Problem<T>& problem) {
  const MatrixView<const T>& x = problem.samples;
  const std::size_t n = x.rows(), n_samples = std::clamp<std::size_t>(n / 128, 8, 64),
                    n_others = std::min<std::size_t>({problem.n_clusters, near_others, n});
  const auto& kernels = kernels::kernels_for<T>(problem.isa);
  std::vector<T> squared(n_others);
  std::size_t near = 0, around = 0;
  for (std::size_t s = 0; s < n_samples; ++s) {
    kernels.squared_distances(x.row_data(s * n / n_samples), x.row_data(n / n_others / 2),
                              n / n_others * x.row_stride(), nullptr, n_others, x.cols(), squared.data());
    T nearest = std::numeric_limits<T>::infinity();
    for (const T value : squared) nearest = value > 0 ? std::min(nearest, value) : nearest;
    for (const T value : squared) {
      near += value <= T(1.44) * nearest ? 1 : 0;
      around += value <= T(4) * nearest ? 1 : 0;
    }
  }
  const auto pairs = static_cast<double>(n_samples * n_others);
  return {.near = static_cast<double>(near) / pairs, .around = static_cast<double>(around) / pairs};
}

}  // namespace omnimeans::algorithms
