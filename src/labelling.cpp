// SPDX-License-Identifier: MIT
#include "labelling.hpp"

#include <vector>

#include "kernels/kernels.hpp"
#include "parallel.hpp"

namespace omnimeans {

template <class T>
AssignmentStats label_samples(DenseEngine<T>& engine, std::span<std::int32_t> labels) {
  // A tile of samples costs the same however few of its rows are in use. Every score of 24 samples takes 55
  // us where a tile of 48 takes 73 (AVX-512, 1000 clusters, 128 features).
  const bool few = labels.size() <= engine.kernels().nearest_tile / 2;
  if (!few) return engine.assign({.weights = {}, .labels = labels});
  const std::size_t stride = engine.padded_clusters();
  return engine.over_scores([&](RowRange rows, typename DenseEngine<T>::Scratch& scratch) {
    for (std::size_t i = rows.begin; i < rows.end; ++i) {
      const auto ranked = engine.rank(i, scratch.scores.data() + (i - rows.begin) * stride, scratch);
      labels[i] = ranked.label;
      scratch.stats.reranked += ranked.reranked ? 1 : 0;
    }
  });
}

template <class T>
AssignmentStats label_samples(MatrixView<const T> samples, MatrixView<const T> centroids, Isa isa,
                              int threads, std::span<std::int32_t> labels) {
  DenseEngine<T> engine(samples, centroids.rows(), isa, threads);
  engine.set_centroids(centroids);
  return label_samples(engine, labels);
}

template <class T>
double canonical_inertia(MatrixView<const T> samples, std::span<const T> weights,
                         MatrixView<const T> centroids, std::span<const std::int32_t> labels, Isa isa,
                         int threads) {
  const auto& kernels = kernels::kernels_for<T>(isa);
  constexpr std::size_t block_rows = 1024;
  const std::size_t n = samples.rows();
  std::vector<double> block_sums(block_count(n, block_rows), 0);
  parallel_blocks(n * samples.cols() < 50'000 ? 1 : threads, block_sums.size(), [&](std::size_t block, int) {
    const RowRange rows = block_range(block, n, block_rows);
    // A few distances at a time: the sum waits for each addition, while the next distances are found.
    constexpr std::size_t few = 32;
    double distances[few], sum = 0;
    for (std::size_t from = rows.begin; from < rows.end; from += few) {
      const std::size_t count = std::min(few, rows.end - from);
      kernels.canonical_own({samples.row_data(from), samples.row_stride(), count},
                            {centroids.data(), centroids.row_stride(), centroids.rows()}, &labels[from],
                            samples.cols(), distances);
      for (std::size_t r = 0; r < count; ++r)
        sum += weights.empty() ? distances[r] : static_cast<double>(weights[from + r]) * distances[r];
    }
    block_sums[block] = sum;
  });
  double total = 0;
  for (double sum : block_sums) total += sum;
  return total;
}

template AssignmentStats label_samples(DenseEngine<float>&, std::span<std::int32_t>);
template AssignmentStats label_samples(DenseEngine<double>&, std::span<std::int32_t>);
template AssignmentStats label_samples(MatrixView<const float>, MatrixView<const float>, Isa, int,
                                       std::span<std::int32_t>);
template AssignmentStats label_samples(MatrixView<const double>, MatrixView<const double>, Isa, int,
                                       std::span<std::int32_t>);
template double canonical_inertia(MatrixView<const float>, std::span<const float>, MatrixView<const float>,
                                  std::span<const std::int32_t>, Isa, int);
template double canonical_inertia(MatrixView<const double>, std::span<const double>, MatrixView<const double>,
                                  std::span<const std::int32_t>, Isa, int);

}  // namespace omnimeans
