// SPDX-License-Identifier: MIT
// Whether auto (auto.cpp) takes boxes of samples (kdtree.cpp): rules. Of few features with many clusters;
// with fewer, or of some more features, where most values are equal or samples have structure.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "backends/auto_blocks.hpp"
#include "backends/backends.hpp"
#include "backends/dense_costs.hpp"
#include "backends/near_pairs.hpp"
#include "omnimeans/backend.hpp"

namespace omnimeans::algorithms {

/// Whether boxes exclude enough centroids to make up for the tree: with more features by more clusters, and
/// by more samples of each, so that boxes are small beside clusters; up to three features later with VNNI,
/// whose distances are faster.
/// The best other over kdtree, uniform points, blobs and photo pixels, one thread (of two the tree gains as
/// much where their cores are near each other, else it takes up to 1.4 times as long):
///
/// Up to three features, 25 steps: AVX2 and double 1.0 to 2.5 from k = 8 on. Zen 4 in float, d = 1 1.8 to
/// 2.5; d = 2 0.95 to 1.3 at k = 8, 1.0 to 1.5 at 32; d = 3 0.8 to 1.0 at 8, 0.9 to 1.5 at 16, 1.2 at 64; n =
/// 20,000 d = 2 0.85 to 1.2 below 64, d = 3 0.6 to 0.9 and from 128 on 1.2; 10 steps 0.6 to 1.2, for making
/// the tree takes so long, and 5 0.4 to 0.9, and 1.0 only from three and ten times as many clusters on. A
/// Xeon with AMX, whose simd is faster, d = 3: n = 60,000 and 120,000 0.73 to 1.1 at 16 to 32, 0.85 to 1.3 at
/// 48 and 64; n = 200,000 and 400,000 0.85 to 1.3 at 16 to 32; n = 1,500 to 4,500 d = 1 1.1 to 3.2 at 16 and
/// 64, d = 2 0.8 to 1.3 at 32, 0.9 to 1.5 at 64, 1.04 to 2.2 at 128, d = 3 0.7 to 1.2; n = 20,000 and 40,000
/// d = 3 0.8 to 1.1 at 64, 0.9 to 1.12 at 80, 1.0 to 1.4 at 95, n = 6,000 and 10,000 0.7 to 1.07.
///
/// From four on by pairs of samples and clusters, in units of 4^(d - 4) 1e6 of them, two threads: Zen 4 in
/// float, before trees were made as fast as now, 20 and more 1.0 to 2.5, 10 0.7 to 1.0 (a Xeon with VNNI, as
/// it is now, 0.96 to 1.2, `pixels` 1.6); AVX2 and double 10 and more 0.95 to 2.1, 5 0.7 to 1.0; 7 features
/// 0.7 to 0.9. With a quarter of the 4^(d - 1) samples a cluster 0.7 to 0.85, with half of the 3 * 2^d
/// clusters 0.8 to 1.05. 10 steps 0.87 to 0.9 at the limit for 25, 1.4 to 2.0 from four times as many pairs
/// on.
constexpr bool tree_pays(std::size_t n, std::size_t d, std::size_t k, std::size_t most_steps,
                         bool fast_integers) {
  if (d > 6 || n < (d <= 2 ? 1500 : 5000)) return false;
  const double steps = most_steps == 0 || most_steps > 25 ? 25 : static_cast<double>(most_steps);
  const double share = (steps - 3) / (25 - 3);  // the tree takes some three of them
  if (d <= 3) {
    constexpr double of_many[] = {8, 8, 16}, of_some[] = {8, 8, 40}, of_few[] = {8, 32, 96};
    const double least = n < 5000         ? (d == 1 ? 16 : 100)
                         : !fast_integers ? 8
                         : n < 50'000     ? (d == 3 && n >= 15'000 ? 80 : of_few[d - 1])
                         : n < 200'000    ? of_some[d - 1]
                                          : of_many[d - 1];
    return static_cast<double>(k) * share >= least && n >= k << (d + 2);
  }
  const double unit = 1e6 * static_cast<double>(std::size_t{1} << (2 * d - 8));
  return pairs(n, k) * share >= 10 * unit && k >= std::size_t{3} << d && n >= k << (2 * d - 2);
}

/// Whether samples are enough, in all and of a cluster, for boxes to be small by structure.
constexpr bool enough_for_boxes(std::size_t n, std::size_t k) {
  return n >= 5000 && n >= 32 * k;
}

/// Of pairs of up to 32 samples and 64 other ones, the share of features in which the two are equal: large
/// where most values are zeros. Some ten microseconds.
template <class T>
double equal_values_share(const Problem<T>& problem) {
  const MatrixView<const T>& x = problem.samples;
  const std::size_t n = x.rows(), n_samples = std::min<std::size_t>(n, 32),
                    n_others = std::min<std::size_t>(n, 64);
  std::size_t equal = 0, values = 0;
  for (std::size_t s = 0; s < n_samples; ++s) {
    const T* sample = x.row_data(s * n / n_samples);
    for (std::size_t o = 0; o < n_others; ++o) {
      const T* other = x.row_data(n / n_others / 2 + o * (n / n_others));
      if (sample == other) continue;
      for (std::size_t t = 0; t < x.cols(); ++t) equal += sample[t] == other[t] ? 1 : 0;
      values += x.cols();
    }
  }
  return values == 0 ? 0 : static_cast<double>(equal) / static_cast<double>(values);
}

/// Whether equal values decide, in fits of such sizes.
template <class T>
bool trees_ask_for_equal_values(const Problem<T>& problem) {
  const std::size_t n = problem.samples.rows(), d = problem.samples.cols(), k = problem.n_clusters;
  return d >= 2 && d <= 10 && k >= std::max<std::size_t>(8, 2 * d) && enough_for_boxes(n, k) &&
         (problem.most_steps == 0 || problem.most_steps >= 8) &&
         static_cast<double>(n) * work_per_sample(problem) >= 1e6 &&
         !tree_pays(n, d, k, problem.most_steps, has_fast_integers(problem));
}
/// Their share, if that decides.
template <class T>
double equal_values_if_asked(const Problem<T>& problem) {
  return trees_ask_for_equal_values(problem) ? equal_values_share(problem) : 0;
}

/// Whether most values are equal, `equal` being their share, so that boxes are flat and exclude more than the
/// features tell. It is 0.63 to 0.82 of `images`, most of whose pixels are zero, 0.125 of `grid`, 0.05 and
/// less of others, and of uniform points of which a fifth is zero. The best other over kdtree, `images`, Xeon
/// with VNNI, two threads, 25 steps: n = 50,000 d = 2 to 4 k = 8 to 40 1.1 to 2.5, d = 6 and 8 k = 16 to
/// 64 1.1 to 1.8, k = 10 0.82, d = 10 k = 40 and 100 1.1, n = 6,000 0.97 to 1.45; d = 4 to 8 with 15 clusters
/// a feature and more 0.9 to 1.9 (blockbounds), n = 20,000 k = 300 0.76; d = 12 and 16 0.88 to 0.99. 8
/// steps 1.25 to 1.7. (Uniform points of which a fifth is zero, d = 8: 0.5 to 0.6.)
template <class T>
bool tree_pays_of_equal_values(const Problem<T>& problem, double equal) {
  return trees_ask_for_equal_values(problem) && equal >= 0.4;
}

/// Whether structure decides, in fits of such sizes.
template <class T>
bool trees_need_structure(const Problem<T>& problem) {
  const std::size_t n = problem.samples.rows(), d = problem.samples.cols(), k = problem.n_clusters;
  return (d == 4 || d == 5) && k >= 15 * d && enough_for_boxes(n, k) &&
         (problem.most_steps == 0 || problem.most_steps >= 12) &&
         static_cast<double>(n) * work_per_sample(problem) >= 5e6 && !blocks_pay(problem);
}

/// Whether boxes are small for the number of features: `near`, the share of near pairs (1: of no pair can it
/// be said). Where samples fill D directions evenly, of m centroids 1.2^D are at most 1.2 times as far as the
/// nearest; D is 0.65 d to 1.05 d of `uniform`, `blobs` and `anisotropic`. Below 2.8 few are near: clusters
/// are apart, or samples lie along few directions. gap over kdtree, Xeon with VNNI, two threads, n = 20,000
/// to 100,000, 25 steps, k = 15 d to 30 d, `lattice`, `pixels`, `embedding` 1.07 to 1.7, once (`uniform`, D
/// 2.72) 0.74; elsewhere 0.6 to 1.5. In 12 steps 0.9 to 1.45. (Of more features D tells too little: `lattice`
/// 1.2 to 3.7, but `pixels`, whose D is hardly larger, 0.5 to 0.7.)
template <class T>
bool tree_pays_by_structure(const Problem<T>& problem, double near) {
  if (!trees_need_structure(problem)) return false;
  const std::size_t m = std::min<std::size_t>(problem.n_clusters, near_others);
  return std::log(near * static_cast<double>(m)) / std::log(1.2) < 2.8;
}

}  // namespace omnimeans::algorithms
