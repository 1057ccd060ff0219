// SPDX-License-Identifier: MIT
// hamerly: exact k-means with one upper and one lower bound a sample. Greg Hamerly 2010, "Making k-means even
// faster", SDM; the lines named are those of its algorithms 1 to 4.
//
//   u_i >= |x_i - c_a(i)|     l_i <= |x_i - c_j| for every j != a(i)
//   s_j = half the way from c_j to the nearest other centroid
//   a(i) stays if u_i < max(l_i, s_a(i)).
//
// Needs O(n) additional memory: 2 n values. Three things differ from the paper, none in what is proved.
// Samples whose bounds meet are not searched one by one: a block's survivors are gathered into tiles of the
// dense kernel, which returns their labels and both bounds. Whether u_i is tightened first is asked of the
// costs: a lone distance must save more rows of the tile than it takes. And s_j is lowered by the drift
// instead of computed where the survivors of the step before were so few that k^2 distances would cost more
// than labelling them. Rounding: u up, l and s down; what compares equal survives, and the engine decides it.
// The first step is in first_step.hpp.
//
// Siblings: elkan.cpp (n k bounds), yinyang.cpp (n k / 10), exponion.cpp and annulus.cpp (these bounds, but
// fewer candidates a survivor).
#include <atomic>

#include "backends/backends.hpp"
#include "backends/bounds.hpp"
#include "backends/first_step.hpp"

namespace omnimeans::algorithms {
namespace {

template <class T>
class Hamerly final : public Backend<T> {
 public:
  explicit Hamerly(const Problem<T>& problem)
      : problem_(within_memory("hamerly", problem, needed(problem))),
        engine_(problem.samples, problem.n_clusters, problem.isa, problem.threads),
        bounds_(problem_, engine_.kernels()),
        half_(problem.n_clusters * static_cast<std::size_t>(problem.threads)) {}

  AssignmentStats assign(const Assignment<T>& step) override {
    engine_.set_centroids(step.centroids);
    AssignmentStats total;
    if (step.drift.empty()) {  // Initialize, algorithm 2
      n_survivors_ = problem_.samples.rows();
      bounds_.forget_separations();
      FirstStep<T> first(problem_, engine_, bounds_, step);
      if (first.begins_from_guesses()) separate(step.centroids, total);
      total += first.run();
      closed_share_ = first.proved_share();
      return total;
    }
    bounds_.take_drift(step.drift);
    if (n_survivors_ >= 2 * problem_.n_clusters) separate(step.centroids, total);

    std::atomic<std::size_t> tightened{0}, closed{0}, survivors{0};
    const bool tighten_all = closed_share_ * row_cycles(problem_, engine_.kernels()) > own_cycles(problem_);
    total += engine_.assign_listed(
        bounds_.labelling(step.labels), bounds_.block_rows(), [&](RowRange rows, auto& scratch) {
          std::vector<std::int32_t>& open = scratch.listed;
          double inertia = bounds_.move(rows, step.labels, open);  // algorithm 4, and lines 5 to 7 of 1
          // Every sixteenth block tells what tightening is good for.
          if (tighten_all || rows.begin / bounds_.block_rows() % 16 == 0) {
            const std::size_t before = open.size();
            inertia += bounds_.tighten(rows, step, open);  // lines 8 and 9
            scratch.stats.distances_computed += before;
            tightened += before;
            closed += before - open.size();
          }
          survivors += open.size();
          if (nearly_all(open.size(), rows)) {
            list_all(rows, open);
          } else {
            scratch.stats.inertia_bound += inertia;
          }
          // line 10, Point-All-Ctrs: the engine's tiles
        });
    if (tightened > 0) closed_share_ = static_cast<double>(closed) / static_cast<double>(tightened);
    n_survivors_ = survivors;
    return total;
  }

  std::uint64_t bytes() const override { return static_cast<std::uint64_t>(needed(problem_)); }

 private:
  static double needed(const Problem<T>& problem) {
    return DenseEngine<T>::bytes_needed(problem, false) + SampleBounds<T>::bytes_needed(problem) +
           pairs(problem.n_clusters, static_cast<std::size_t>(problem.threads)) * sizeof(T);
  }

  /// Lines 2 and 3: s.
  void separate(MatrixView<const T> centroids, AssignmentStats& stats) {
    const std::size_t k = problem_.n_clusters;
    parallel_blocks(centroid_threads(centroids, problem_.threads), k, [&](std::size_t j, int thread) {
      T* half = half_.data() + static_cast<std::size_t>(thread) * k;
      bounds_.set_separation(j, half_distances(engine_.kernels(), bounds_.rounding(), centroids, j, half));
    });
    stats.distances_computed += k * (k - 1);
  }

  Problem<T> problem_;
  DenseEngine<T> engine_;
  SampleBounds<T> bounds_;
  std::vector<T> half_;          ///< k a thread
  double closed_share_ = 0;      ///< of the samples that were tightened in the step before
  std::size_t n_survivors_ = 0;  ///< samples labelled in the step before
};

}  // namespace

const BackendEntry& hamerly() {
  static const BackendEntry entry{
      {.name = "hamerly",
       .exact = true,
       .memory = "3*n + 2*k*d values, 16*n bytes",
       .use_when = "as gap, where clusters are well separated: it keeps two bounds a sample",
       .avoid_when = "many features without clear clusters: nearly all samples survive its one lower bound",
       .reference = "Hamerly 2010, Making k-means even faster, SDM"},
      make<Hamerly, float>,
      make<Hamerly, double>};
  return entry;
}

}  // namespace omnimeans::algorithms
