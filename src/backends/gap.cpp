// SPDX-License-Identifier: MIT
// gap: exact k-means with one number a sample that is only read while its label stays: how much nearer its
// own centroid was than any other, when it was labelled. While the centroids have not moved by as much since,
// no distance is computed. (Our own; the bounds are those of Hamerly 2010, sample_gaps.hpp has the
// mathematics.)
//
//   for each sample i:  label_i stays if g_i > p_label(i)                                            #1
//   the others, in tiles of the dense kernel: label, both bounds, g_i                                #2
//                 (in sixteen bits where the CPU can: int16_rows.hpp)
//
// #1 is eight bytes of a sample (of float) and no write, a gather from k values and a comparison: one or two
// cycles, where Hamerly's bounds take 10 to 20. So it pays where exhaustive search itself is cheap: few
// features or few centroids. Where most of a block is open, all of it is labelled in place.
//
// Needs O(n) additional memory: n values. The inertia is left to fit(), which has it from the sums of the
// clusters. Siblings: hamerly.cpp, which tightens u_i, too; bytebounds.cpp for many features and clusters.
#include <limits>

#include "backends/backends.hpp"
#include "backends/first_step.hpp"
#include "backends/sample_gaps.hpp"

namespace omnimeans::algorithms {
namespace {

template <class T>
class Gap final : public Backend<T> {
 public:
  explicit Gap(const Problem<T>& problem)
      : problem_(within_memory("gap", problem, needed(problem))),
        engine_(problem.samples, problem.n_clusters, problem.isa, problem.threads, int16(problem)),
        gaps_(problem_, engine_.kernels()) {
    // Of a listed row 30 cycles more, measured like those of first_step.hpp: memory is not read in order.
    const double d = static_cast<double>(problem.samples.cols());
    const double products = int16(problem) != nullptr ? (d / 2 + 4) / (d + 4) : 1;
    const double in_place = row_cycles(problem, engine_.kernels()) * products + own_cycles(problem);
    listed_share_ = in_place / (in_place + 30);
  }

  AssignmentStats assign(const Assignment<T>& step) override {
    engine_.set_centroids(step.centroids);
    Labelling<T> out = gaps_.labelling(step.labels, step.observer);
    out.inertia = step.drift.empty();
    AssignmentStats stats;
    if (step.drift.empty() || !gaps_.take_drift(step.drift)) {
      gaps_.begin();
      stats = engine_.assign(out);
    } else {
      stats = engine_.assign_listed(out, gaps_.block_rows(), [&](RowRange rows, auto& scratch) {
        std::vector<std::int32_t>& open = scratch.listed;
        gaps_.find_open(rows, step.labels, open);  // #1
        if (static_cast<double>(open.size()) > listed_share_ * static_cast<double>(rows.size())) {
          list_all(rows, open);
        }
        // #2 is the engine's
      });
      stats.inertia_bound = std::numeric_limits<double>::infinity();  // also where nothing was open
    }
    stats.observed = step.observer != nullptr;
    return stats;
  }

  std::uint64_t bytes() const override { return static_cast<std::uint64_t>(needed(problem_)); }

 private:
  static double needed_in_float(const Problem<T>& problem) {
    return DenseEngine<T>::bytes_needed(problem, false) + SampleGaps<T>::bytes_needed(problem);
  }
  static double needed(const Problem<T>& problem) {
    return needed_in_float(problem) + (int16(problem) != nullptr ? Int16Rows::bytes_needed(problem) : 0);
  }
  /// For the searches in sixteen bits, where that is possible and its rows fit the memory limit.
  static const kernels::Int16Kernels* int16(const Problem<T>& problem) {
    const auto limit = static_cast<double>(problem.memory_limit_bytes);
    const bool fits = limit == 0 || needed_in_float(problem) + Int16Rows::bytes_needed(problem) <= limit;
    // Of fewer features the products are the smaller part of the work, of fewer clusters the rounding is
    // much.
    const bool pays = problem.samples.cols() >= 4 && problem.n_clusters >= 16;
    return fits && pays ? int16_kernels_for(problem) : nullptr;
  }

  Problem<T> problem_;
  DenseEngine<T> engine_;
  SampleGaps<T> gaps_;
  double listed_share_;  ///< where more of a block is open, labelling all of it is cheaper
};

}  // namespace

const BackendEntry& gap() {
  static const BackendEntry entry{
      {.name = "gap",
       .exact = true,
       .memory = "2*n + 2*k*d values, 16*n bytes; in sixteen bits 2*n*d bytes more",
       .use_when =
           "many iterations, clusters times (features + 4) from some 700 to 64,000 or, with VNNI, 32,000",
       .avoid_when = "many features and clusters: nearly all samples stay open",
       .reference = "own; bounds of Hamerly 2010, Making k-means even faster, SDM"},
      make<Gap, float>,
      make<Gap, double>};
  return entry;
}

}  // namespace omnimeans::algorithms
