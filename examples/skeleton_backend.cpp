// SPDX-License-Identifier: MIT
// skeleton: a backend to copy. Open the file with the mathematics, so that the code below can be read against
// it:
//
//   for each block of samples, in parallel:                             #1
//     for each sample i of the block:  label_i = argmin_j D(x_i, c_j)   #2
//     block total = sum_i w_i D(x_i, c_label(i))                        #3
//   inertia = the block totals, added in order                          #4
//
// then what it costs beyond the data (here: one number a block), and its siblings: naive.cpp is this in one
// thread, simd.cpp replaces #2 by vector kernels that prove their labels.
//
// How to make it yours: CONTRIBUTING.md, "Add a backend". What must hold is in omnimeans/backend.hpp: an
// exact backend writes the canonical label of every sample, whatever the number of threads and the
// instruction set.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "backends/backends.hpp"
#include "canonical.hpp"
#include "parallel.hpp"

namespace omnimeans::algorithms {
namespace {

template <class T>
class Skeleton final : public Backend<T> {
 public:
  /// Made once a run: allocate here, and refuse what the caller's memory limit does not allow.
  explicit Skeleton(const Problem<T>& problem) : problem_(problem) {
    const std::size_t n_blocks = block_count(problem.samples.rows(), block_rows);
    check_memory("skeleton", static_cast<double>(n_blocks * sizeof(double)), problem.memory_limit_bytes);
    block_totals_.resize(n_blocks);
  }

  /// Called once an iteration. `step.labels` holds the labels of the iteration before (-1 at first) and
  /// `step.drift` how far each centroid can have moved since: a backend that keeps bounds starts from these
  /// two.
  AssignmentStats assign(const Assignment<T>& step) override {
    const MatrixView<const T> samples = problem_.samples;
    parallel_blocks(problem_.threads, block_totals_.size(), [&](std::size_t block, int) {  // #1
      const RowRange rows = block_range(block, samples.rows(), block_rows);
      double total = 0;
      for (std::size_t i = rows.begin; i < rows.end; ++i) {
        const Nearest nearest = canonical_nearest(samples.row_data(i), step.centroids);  // #2
        step.labels[i] = nearest.label;
        total += weight(i) * nearest.distance;  // #3
      }
      block_totals_[block] = total;
    });
    AssignmentStats stats{.distances_computed = samples.rows() * problem_.n_clusters,
                          .inertia_is_exact = true};
    for (const double total : block_totals_) stats.inertia_bound += total;  // #4
    return stats;
  }

  std::uint64_t bytes() const override { return block_totals_.size() * sizeof(double); }

 private:
  /// Blocks depend on the problem alone, never on the threads, so that their totals always add up to the same
  /// bits.
  static constexpr std::size_t block_rows = 256;

  double weight(std::size_t i) const {
    return problem_.sample_weights.empty() ? 1.0 : static_cast<double>(problem_.sample_weights[i]);
  }

  Problem<T> problem_;
  std::vector<double> block_totals_;
};

}  // namespace

/// What the registry lists. The texts are read by users of `omnimeans backends`.
const BackendEntry& skeleton() {
  static const BackendEntry entry{{.name = "skeleton",
                                   .exact = true,
                                   .memory = "n/32 bytes",
                                   .use_when = "writing a backend: copy it",
                                   .avoid_when = "time matters",
                                   .reference = "Lloyd 1982, Least squares quantization in PCM"},
                                  make<Skeleton, float>,
                                  make<Skeleton, double>};
  return entry;
}

}  // namespace omnimeans::algorithms
