// SPDX-License-Identifier: MIT
// openmp: the loops of naive.cpp, blocks of samples shared out to threads; still scalar code.
//
//   for each sample i, in parallel:  label_i = argmin_j D(x_i, c_j)
//
// Shows what threads alone bring. simd.cpp adds the vector units.
#include <vector>

#include "backends/backends.hpp"
#include "canonical.hpp"
#include "parallel.hpp"

namespace omnimeans::algorithms {
namespace {

template <class T>
class OpenMp final : public Backend<T> {
 public:
  explicit OpenMp(const Problem<T>& problem)
      : problem_(within_memory("openmp", problem, static_cast<double>(n_blocks(problem) * sizeof(double)))),
        block_sums_(n_blocks(problem)) {}

  AssignmentStats assign(const Assignment<T>& step) override {
    const auto& samples = problem_.samples;
    const auto& weights = problem_.sample_weights;
    parallel_blocks(problem_.threads, block_sums_.size(), [&](std::size_t block, int) {
      const RowRange rows = block_range(block, samples.rows(), block_rows);
      double sum = 0;
      for (std::size_t i = rows.begin; i < rows.end; ++i) {
        const Nearest nearest = canonical_nearest(samples.row_data(i), step.centroids);
        step.labels[i] = nearest.label;
        sum += (weights.empty() ? 1.0 : static_cast<double>(weights[i])) * nearest.distance;
      }
      block_sums_[block] = sum;
    });
    AssignmentStats stats{.distances_computed = samples.rows() * problem_.n_clusters,
                          .inertia_is_exact = true};
    for (double sum : block_sums_) stats.inertia_bound += sum;
    return stats;
  }

  std::uint64_t bytes() const override { return block_sums_.size() * sizeof(double); }

 private:
  static constexpr std::size_t block_rows = 64;
  static std::size_t n_blocks(const Problem<T>& problem) {
    return block_count(problem.samples.rows(), block_rows);
  }

  Problem<T> problem_;
  std::vector<double> block_sums_;
};

}  // namespace

const BackendEntry& openmp() {
  static const BackendEntry entry{{.name = "openmp",
                                   .vectorised = false,
                                   .exact = true,
                                   .memory = "n/8 bytes",
                                   .use_when = "measuring what threads alone bring",
                                   .avoid_when = "time matters",
                                   .reference = "Lloyd 1982, Least squares quantization in PCM"},
                                  make<OpenMp, float>,
                                  make<OpenMp, double>};
  return entry;
}

}  // namespace omnimeans::algorithms
