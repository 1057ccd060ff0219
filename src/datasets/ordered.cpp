// SPDX-License-Identifier: MIT
// Data with an order that real sets of low dimension have: lattice (centres in rows, as in BIRCH1) and pixels
// (colours).
#include <algorithm>
#include <cmath>

#include "datasets/kinds.hpp"

namespace omnimeans::datasets {

// Component j sits at column j % side and row j / side of a square in the first two features. The step is
// that of BIRCH1 (Zhang, Ramakrishnan & Livny 1996): 4 sqrt(2) standard deviations.
RowWriter make_lattice(const Spec& spec) {
  std::size_t side = 1;
  while (side * side < spec.n_clusters) ++side;
  const double step = spec.separation > 0 ? spec.separation : 4 * std::sqrt(2.0);
  return [spec, side, step](std::size_t i, std::span<double> row) {
    CounterRng rng = stream(spec, Draw::rows, i);
    const std::size_t j = rng.next_below(spec.n_clusters);
    for (double& value : row) value = rng.next_normal();
    row[0] += step * static_cast<double>(j % side);
    if (row.size() > 1) row[1] += step * static_cast<double>(j / side);
  };
}

// A picture of patches, n_clusters of them, each with a base colour that light fades along it: rows that
// follow each other are neighbours. The light is shared by all features (channels of a photograph go
// together), the noise is each one's own.
RowWriter make_pixels(const Spec& spec) {
  constexpr std::size_t run = 256;  // pixels of a patch that follow each other
  return [spec](std::size_t i, std::span<double> row) {
    CounterRng patch_rng = stream(spec, Draw::maps, i / run);
    const std::size_t patch = patch_rng.next_below(spec.n_clusters);
    const double along = static_cast<double>(i % run) / static_cast<double>(run);
    const double light = 0.35 + 0.5 * patch_rng.next_uniform() + 0.3 * (along - 0.5);
    CounterRng base = stream(spec, Draw::centres, patch), noise = stream(spec, Draw::rows, i);
    const double grey = base.next_uniform();
    for (double& value : row) {
      const double shade = 0.6 * grey + 0.4 * base.next_uniform();
      value = std::floor(std::clamp(255 * light * (0.2 + shade) + 6 * noise.next_normal(), 0.0, 255.0));
    }
  };
}

}  // namespace omnimeans::datasets
