// SPDX-License-Identifier: MIT
#include "seeding/nearest_seeds.hpp"

#include <algorithm>
#include <limits>

#include "dense_engine.hpp"
#include "parallel.hpp"

namespace omnimeans::seeding {
template <class T>
double NearestSeeds<T>::bytes_needed(const Task<T>& task, std::size_t most) {
  const Problem<T> problem{.samples = task.samples,
                           .sample_weights = task.weights,
                           .n_clusters = most,
                           .threads = task.threads,
                           .isa = task.isa};
  const double n = static_cast<double>(task.samples.rows()), d = static_cast<double>(task.samples.cols());
  const double kept = n * (sizeof(double) + sizeof(std::int32_t)) + n / MassSums::block_rows * sizeof(double);
  if (most == 1) return kept;  // take_one() needs no more
  return kept + n * sizeof(std::int32_t) + 2 * static_cast<double>(most) * d * sizeof(T) +
         DenseEngine<T>::bytes_needed(problem, false);
}

template <class T>
NearestSeeds<T>::NearestSeeds(Task<T>& task, std::size_t most) : task_(task) {
  within_memory(task, bytes_needed(task, most));
  const std::size_t n = task.samples.rows();
  squared_.assign(n, std::numeric_limits<double>::infinity());
  labels_.assign(n, 0);
}

template <class T>
void NearestSeeds<T>::take(std::span<const std::size_t> chosen) {
  const std::span<const std::size_t> batch = chosen.subspan(taken_);
  const std::size_t n = task_.samples.rows();
  if (batch.empty()) return;
  if (batch.size() == 1) {
    take_one(batch[0]);
  } else {
    batch_labels_.resize(n);
    batch_ = Matrix<T>(batch.size(), task_.samples.cols());
    for (std::size_t j = 0; j < batch.size(); ++j)
      std::ranges::copy(task_.samples.row(batch[j]), batch_.row(j).begin());
    DenseEngine<T> engine(task_.samples, batch.size(), task_.isa, task_.threads);
    engine.set_centroids(batch_);
    const AssignmentStats stats = engine.assign({.weights = {}, .labels = batch_labels_, .observer = this});
    task_.distances_computed += stats.distances_computed;
  }
  task_.distances_computed += n;
  ++task_.passes;
  taken_ = chosen.size();
  sum_up();
}

template <class T>
void NearestSeeds<T>::sum_up() {
  sums_.build(task_.samples.rows(), task_.threads, [&](std::size_t i) { return mass(i); });
}

/// One seed needs no engine: n distances, as many at a time as a call takes.
template <class T>
void NearestSeeds<T>::take_one(std::size_t seed) {
  constexpr std::size_t block_rows = 1024;
  const MatrixView<const T> samples = task_.samples;
  const std::size_t n = samples.rows();
  const auto label = static_cast<std::int32_t>(taken_);
  parallel_blocks(distance_threads(task_, n), block_count(n, block_rows), [&](std::size_t block, int) {
    const RowRange rows = block_range(block, n, block_rows);
    double found[block_rows];
    task_.kernels.canonical_distances(samples.row_data(seed), samples.row_data(rows.begin),
                                      samples.row_stride(), nullptr, rows.size(), samples.cols(), found);
    for (std::size_t r = 0; r < rows.size(); ++r) come_nearer(rows.begin + r, found[r], label);
  });
}

template <class T>
void NearestSeeds<T>::labelled(std::size_t begin, std::size_t end, int) {
  const std::size_t d = task_.samples.cols();
  const auto first = static_cast<std::int32_t>(taken_);
  for (std::size_t i = begin; i < end; ++i) {
    double found;
    task_.kernels.canonical_distances(task_.samples.row_data(i), batch_.data(), batch_.cols(),
                                      &batch_labels_[i], 1, d, &found);
    come_nearer(i, found, first + batch_labels_[i]);
  }
}

template <class T>
void NearestSeeds<T>::hand_over() {
  task_.inertia = total();
  task_.labels = std::move(labels_);
}

template <class T>
std::size_t draw_by_weight(Task<T>& task) {
  if (task.weights.empty()) return task.rng.next_below(task.samples.rows());
  MassSums sums;
  const auto weight = [&](std::size_t i) { return task.weight(i); };
  sums.build(task.samples.rows(), task.threads, weight);
  return sums.draw(task.rng.next_uniform(), weight);
}

template class NearestSeeds<float>;
template class NearestSeeds<double>;
template std::size_t draw_by_weight(Task<float>&);
template std::size_t draw_by_weight(Task<double>&);

}  // namespace omnimeans::seeding
