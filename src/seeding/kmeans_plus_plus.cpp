// SPDX-License-Identifier: MIT
// k-means++ (Arthur & Vassilvitskii 2007, "k-means++: the advantages of careful seeding", SODA).
//
//   c_1 drawn with probability w_i / sum w;  then each c_m with probability w_i D_i^2 / sum w D^2,
//   where D_i^2 = min over the centres so far of D(x_i, c)
//
// Canonical distances and sums over fixed blocks of samples, so that every thread count and instruction set
// draws the same. One pass over the data a centre: n*k distances. Needs n doubles.
#include <algorithm>
#include <limits>

#include "parallel.hpp"
#include "seeding/methods.hpp"

namespace omnimeans::seeding {
namespace {

constexpr std::size_t block_rows = 1024;

/// The index at which the running sum of mass(i) over [rows.begin, rows.end) passes `rest`; the last of
/// positive mass if rounding lets none.
template <class Mass>
std::size_t pick(RowRange rows, double rest, Mass&& mass) {
  std::size_t last = rows.begin;
  for (std::size_t i = rows.begin; i < rows.end; ++i) {
    const double m = mass(i);
    if (!(m > 0)) continue;
    last = i;
    if (rest < m) return i;
    rest -= m;
  }
  return last;
}

}  // namespace

template <class T>
std::vector<std::size_t> kmeans_plus_plus(Task<T>& task) {
  const MatrixView<const T> samples = task.samples;
  const std::size_t n = samples.rows(), d = samples.cols();
  const std::size_t blocks = block_count(n, block_rows);
  const int threads = n * d < 20'000 ? 1 : task.threads;
  std::vector<double> nearest(n, 1.0);  // of the first draw: every sample counts by its weight alone
  std::vector<double> block_mass(blocks, 0);
  const auto mass = [&](std::size_t i) { return task.weight(i) * nearest[i]; };

  std::vector<std::size_t> chosen;
  while (chosen.size() < task.n_clusters) {
    parallel_blocks(threads, blocks, [&](std::size_t block, int) {
      const RowRange rows = block_range(block, n, block_rows);
      if (!chosen.empty()) {
        double to_newest[block_rows];
        task.kernels.canonical_distances(samples.row_data(chosen.back()), samples.row_data(rows.begin),
                                         samples.row_stride(), nullptr, rows.size(), d, to_newest);
        const bool first = chosen.size() == 1;
        for (std::size_t r = 0; r < rows.size(); ++r) {
          double& kept = nearest[rows.begin + r];
          kept = first ? to_newest[r] : std::min(kept, to_newest[r]);
        }
      }
      double sum = 0;
      for (std::size_t i = rows.begin; i < rows.end; ++i) sum += mass(i);
      block_mass[block] = sum;
    });
    if (!chosen.empty()) task.distances_computed += n;
    double total = 0;
    for (double m : block_mass) total += m;
    if (!(total > 0)) break;  // every sample left equals a chosen one
    double rest = task.rng.next_uniform() * total;
    const std::size_t block = pick({0, blocks}, rest, [&](std::size_t b) { return block_mass[b]; });
    for (std::size_t b = 0; b < block; ++b) rest -= block_mass[b];
    chosen.push_back(pick(block_range(block, n, block_rows), std::max(rest, 0.0), mass));
  }
  if (chosen.size() < task.n_clusters) fill_at_random(task, chosen);
  return chosen;
}

template std::vector<std::size_t> kmeans_plus_plus(Task<float>&);
template std::vector<std::size_t> kmeans_plus_plus(Task<double>&);

}  // namespace omnimeans::seeding
