// SPDX-License-Identifier: MIT
// The first step of backends with one upper and one lower bound a sample: every distance, in tiles, unless
// labels are guessed (Assignment::guessed) and most of the guesses are proved at once.
//
//   u_i = |x_i - c_a(i)|, one distance a sample;   a(i) is the label if u_i < s_a(i), whoever guessed it
//
// What is not proved goes through the tiles. Of the others no more is known than that: l_i = 0, and the
// separations prove them again in the steps that follow, or the tiles find l_i then.
//
// Lower bounds that the seeding keeps itself prove hardly more: the update step that follows moves the seeds
// farther than they reach (docs/dead-ends.md).
#pragma once

#include <atomic>
#include <vector>

#include "backends/bounds.hpp"
#include "backends/dense_costs.hpp"

namespace omnimeans::algorithms {

// Cycles, measured on a Xeon of 2023 with AVX-512: a row of the tile is k (d + 4) multiply-adds, two vectors
// of them at a time; a lone distance reads its row at some four bytes a cycle; a list of rows instead of all.
template <class T>
double row_cycles(const Problem<T>& problem, const kernels::Kernels<T>& kernels) {
  return work_per_sample(problem) / (2 * static_cast<double>(kernels.lanes));
}
template <class T>
double own_cycles(const Problem<T>& problem) {
  return 6 + static_cast<double>(problem.samples.cols() * sizeof(T)) / 4;
}
inline constexpr double list_cycles = 12;

/// Whether so many open rows of a block are better read in place, with the others.
inline bool nearly_all(std::size_t open, RowRange rows) {
  return 5 * open > 4 * rows.size();
}

template <class T>
class FirstStep {
 public:
  /// The engine has the step's centroids.
  FirstStep(const Problem<T>& problem, DenseEngine<T>& engine, SampleBounds<T>& bounds,
            const Assignment<T>& step)
      : engine_(engine),
        bounds_(bounds),
        step_(step),
        n_(problem.samples.rows()),
        threads_(problem.threads),
        cost_(own_cycles(problem) + list_cycles),
        row_(row_cycles(problem, engine.kernels())),
        begins_from_guesses_(step.guessed && cost_ < row_ && n_ >= 16 * problem.n_clusters) {}

  /// Then run() needs separations: k^2 distances, of which the tiles' n k spare some.
  bool begins_from_guesses() const { return begins_from_guesses_; }

  /// Canonical labels, and bounds.
  AssignmentStats run() {
    const Labelling<T> out = bounds_.labelling(step_.labels);
    AssignmentStats total;
    if (!begins_from_guesses_ || !pays(total)) {
      total += engine_.assign(out);
      return total;
    }
    std::atomic<std::size_t> proved{0};
    total += engine_.assign_listed(out, bounds_.block_rows(), [&](RowRange rows, auto& scratch) {
      engine_.find_norms(rows);
      const double inertia = prove(rows, scratch.listed);
      proved += rows.size() - scratch.listed.size();
      scratch.stats.distances_computed += rows.size();
      if (nearly_all(scratch.listed.size(), rows)) {
        list_all(rows, scratch.listed);
      } else {
        scratch.stats.inertia_bound += inertia;
      }
    });
    engine_.norms_found();
    proved_share_ = static_cast<double>(proved) / static_cast<double>(n_);
    return total;
  }

  /// The share of guesses that run() proved; 0 if it did not try.
  double proved_share() const { return proved_share_; }

 private:
  /// Leaves in `open` whose guess is not proved; returns what the others add to the inertia at most.
  double prove(RowRange rows, std::vector<std::int32_t>& open) {
    list_all(rows, open);
    for (std::size_t i = rows.begin; i < rows.end; ++i) bounds_.lower(i) = 0;
    return bounds_.tighten(rows, step_, open);
  }

  /// Asked of every 32nd block: what is spared against what a distance and a list take for every sample.
  bool pays(AssignmentStats& stats) {
    constexpr std::size_t apart = 32;
    const std::size_t block_rows = bounds_.block_rows();
    std::atomic<std::size_t> asked{0}, open{0};
    parallel_blocks(threads_, block_count(block_count(n_, block_rows), apart), [&](std::size_t part, int) {
      const RowRange rows = block_range(part * apart, n_, block_rows);
      std::vector<std::int32_t> list;
      prove(rows, list);
      asked += rows.size();
      open += list.size();
    });
    stats.distances_computed += asked;
    return static_cast<double>(asked - open) * row_ > static_cast<double>(asked) * cost_;
  }

  DenseEngine<T>& engine_;
  SampleBounds<T>& bounds_;
  const Assignment<T>& step_;
  std::size_t n_;
  int threads_;
  double cost_, row_;  ///< cycles that a guess takes to be proved, and may spare
  bool begins_from_guesses_;
  double proved_share_ = 0;
};

}  // namespace omnimeans::algorithms
