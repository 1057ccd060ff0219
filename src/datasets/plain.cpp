// SPDX-License-Identifier: MIT
// Data without a mixture behind them: uniform, duplicates, grid.
#include <algorithm>

#include "datasets/kinds.hpp"

namespace omnimeans::datasets {

RowWriter make_uniform(const Spec& spec) {
  return [spec](std::size_t i, std::span<double> row) {
    CounterRng rng = stream(spec, Draw::rows, i);
    for (double& value : row) value = rng.next_uniform();
  };
}

// The first n_clusters rows are the distinct points, so that each is there; the others repeat one of them.
// Point j has its first feature in [j, j + 1/2) / n_clusters, which keeps the points apart after rounding to
// float as well.
RowWriter make_duplicates(const Spec& spec) {
  const std::size_t n_distinct = std::min(spec.n_clusters, spec.n_samples);
  return [spec, n_distinct](std::size_t i, std::span<double> row) {
    const std::size_t point = i < n_distinct ? i : stream(spec, Draw::rows, i).next_below(n_distinct);
    CounterRng rng = stream(spec, Draw::centres, point);
    for (double& value : row) value = rng.next_uniform();
    row[0] = (static_cast<double>(point) + row[0] / 2) / static_cast<double>(n_distinct);
  };
}

RowWriter make_grid(const Spec& spec) {
  return [spec](std::size_t i, std::span<double> row) {
    CounterRng rng = stream(spec, Draw::rows, i);
    for (double& value : row) value = static_cast<double>(rng.next_below(8));
  };
}

}  // namespace omnimeans::datasets
