// SPDX-License-Identifier: MIT
// elkan: exact k-means that skips distances by the triangle inequality, one lower bound a sample-centroid
// pair. Charles Elkan 2003, "Using the triangle inequality to accelerate k-means", ICML. The step numbers are
// the paper's.
//
//   u_i  >= |x_i - c_a(i)|     l_ij <= |x_i - c_j|     s_j = min over j' != j of |c_j - c_j'| / 2
//   c_j cannot be nearer to x_i than c_a if  u_i < l_ij  or  u_i < |c_a - c_j| / 2.
//
// Needs O(n k) additional memory: n*k values. Two things differ from the paper, neither in what is skipped.
// The bounds are not rewritten each iteration: l_ij is kept plus the drift that c_j had accumulated when it
// was stored, and the accumulated drift of today is taken off when it is read (step 5 costs nothing). The
// first pass takes its bounds from the dense kernel. Rounding: u is rounded up, l, s and half distances down;
// what compares equal is not skipped, and D decides it.
#include <algorithm>
#include <vector>

#include "backends/backends.hpp"
#include "backends/lone_search.hpp"

namespace omnimeans::algorithms {
namespace {

template <class T>
class Elkan final : public Backend<T> {
  using Scratch = typename LoneSearch<T>::Scratch;

 public:
  explicit Elkan(const Problem<T>& problem)
      : problem_(within_memory("elkan", problem, elkan_bytes(problem))),
        engine_(problem.samples, problem.n_clusters, problem.isa, problem.threads),
        search_(problem_, engine_.kernels()),
        k_(problem.n_clusters) {
    const std::size_t n = problem.samples.rows();
    lower_.resize(n * k_);
    upper_.resize(n);
    half_.resize(k_ * k_);
    nearest_half_.resize(k_);
  }

  AssignmentStats assign(const Assignment<T>& step) override {
    search_.set_centroids(step.centroids);
    if (step.drift.empty()) {
      drift_.assign(k_, T(0));
      return search_.first_pass(engine_, step, upper_,
                                [&](std::size_t i, std::size_t, std::span<const T> lower) {
                                  std::ranges::copy(lower, lower_.data() + i * k_);
                                });
    }
    // Steps 5 and 6, all at once: the drift that bounds have to give since they were stored.
    for (std::size_t j = 0; j < k_; ++j)
      drift_[j] = round_up<T>(static_cast<double>(drift_[j]) + step.drift[j]);
    centroid_distances(step.centroids);
    AssignmentStats total = search_.over_blocks(256, [&](RowRange rows, Scratch& scratch) {
      for (std::size_t i = rows.begin; i < rows.end; ++i) assign_sample(step, i, scratch);
    });
    total.distances_computed += k_ * (k_ - 1);
    return total;
  }

  std::uint64_t bytes() const override { return static_cast<std::uint64_t>(elkan_bytes(problem_)); }

 private:
  /// Step 1: half of every centroid-to-centroid distance, and the least of each.
  void centroid_distances(MatrixView<const T> centroids) {
    parallel_blocks(centroid_threads(centroids, problem_.threads), k_, [&](std::size_t j, int) {
      nearest_half_[j] = half_distances(engine_.kernels(), rounding(), centroids, j, half_.data() + j * k_);
    });
  }

  void assign_sample(const Assignment<T>& step, std::size_t i, Scratch& scratch) {
    T* lower = lower_.data() + i * k_;
    auto a = static_cast<std::size_t>(step.labels[i]);
    T u = round_up<T>(static_cast<double>(upper_[i]) + step.drift[a]);
    const auto squared_to = [&](std::size_t j) {
      const T squared = search_.squared_distance(i, j, scratch.stats);
      lower[j] =
          round_down<T>(static_cast<double>(rounding().lower_root(squared)) + static_cast<double>(drift_[j]));
      return squared;
    };
    // #2: nothing can be nearer than half the way to the nearest other centroid.
    if (!(u < nearest_half_[a])) {
      // #3: who is left by both bounds. The subtraction in T is off by one rounding: ask with a little more.
      const auto candidates = [&] {
        return engine_.kernels().open_candidates(lower, drift_.data(), half_.data() + a * k_,
                                                 round_up<T>(static_cast<double>(u)), k_,
                                                 scratch.open.data());
      };
      std::size_t n_open = candidates();
      if (n_open > 0) {
        // #3a: tighten u, ask again.
        T nearest = squared_to(a);
        u = rounding().upper_root(static_cast<double>(nearest));
        n_open = candidates();
        // #3b: compute what is still open.
        for (std::size_t c = 0; c < n_open; ++c) {
          const auto j = static_cast<std::size_t>(scratch.open[c]);
          if (j == a) continue;
          const T reach = round_up<T>(static_cast<double>(u));
          if (lower[j] - drift_[j] > reach || half_[a * k_ + j] > reach) continue;
          const T squared = squared_to(j);
          if (!search_.takes(i, j, squared, a, nearest, scratch.stats)) continue;
          nearest = squared;
          a = j;
          u = rounding().upper_root(static_cast<double>(nearest));
        }
        step.labels[i] = static_cast<std::int32_t>(a);
      }
    }
    upper_[i] = u;
    scratch.stats.inertia_bound += inertia_within(problem_, i, u);
  }

  const Rounding<T>& rounding() const { return search_.rounding(); }

  Problem<T> problem_;
  DenseEngine<T> engine_;
  LoneSearch<T> search_;
  std::size_t k_;
  std::vector<T> lower_;         ///< n x k: l_ij + the drift of c_j when it was stored
  std::vector<T> upper_;         ///< n
  std::vector<T> half_;          ///< k x k: |c_j - c_j'| / 2
  std::vector<T> nearest_half_;  ///< k: s_j
  std::vector<T> drift_;         ///< k: accumulated drift
};

}  // namespace

const BackendEntry& elkan() {
  static const BackendEntry entry{
      {.name = "elkan",
       .lone = true,
       .exact = true,
       .memory = "n*k + k*k values",
       .use_when =
           "comparisons; with 160 features or more and 64 clusters or more it skips most, if n*k values fit "
           "in memory, but bytebounds is faster in a byte for each",
       .avoid_when = "few clusters or features (the dense kernel is faster), or n*k values do not fit",
       .reference = "Elkan 2003, Using the triangle inequality to accelerate k-means, ICML"},
      make<Elkan, float>,
      make<Elkan, double>};
  return entry;
}

}  // namespace omnimeans::algorithms
