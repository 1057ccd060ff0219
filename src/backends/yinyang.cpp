// SPDX-License-Identifier: MIT
// yinyang: exact k-means with one lower bound for every group of about ten centroids. Yufei Ding and others
// 2015, "Yinyang k-means: a drop-in replacement of the classic k-means with consistent speedup", ICML; the
// filters are the paper's.
//
//   u_i >= |x_i - c_a(i)|     l_ig <= |x_i - c_j| for every j != a(i) of group g
//   global filter: the label stays if u_i < l_ig for all g
//   group filter:  nothing of group g takes the label if u_i < l_ig
//   local filter:  nor does c_j of g if u_i < l_ig before this step - drift_j
//
// Groups come from a few k-means steps over the first centroids. Needs O(n k / 10) additional memory.
//
// As in elkan.cpp, bounds are not rewritten each iteration: l_ig is kept plus the drift that its group had
// accumulated when it was stored. A sample that leaves a centroid lowers the bound of the centroid's group,
// which had left it out (a version that forgets this is wrong: ELKI issue 108). Rounding: u and drifts up, l
// down; what compares equal is computed, and the canonical distance decides what the errors leave open.
// Siblings: hamerly.cpp (one group), elkan.cpp (a group for every centroid).
#include <algorithm>
#include <cmath>
#include <numeric>

#include "backends/backends.hpp"
#include "backends/lone_search.hpp"

namespace omnimeans::algorithms {
namespace {

template <class T>
class Yinyang final : public Backend<T> {
  using Scratch = typename LoneSearch<T>::Scratch;

 public:
  explicit Yinyang(const Problem<T>& problem)
      : problem_(within_memory("yinyang", problem, needed(problem))),
        engine_(problem.samples, problem.n_clusters, problem.isa, problem.threads),
        search_(problem_, engine_.kernels()),
        n_groups_(groups_of(problem.n_clusters)),
        group_(problem.n_clusters),
        members_(problem.n_clusters),
        first_(n_groups_ + 1),
        upper_(problem.samples.rows()),
        lower_(problem.samples.rows() * n_groups_),
        group_drift_(n_groups_),
        given_(n_groups_),
        nothing_(n_groups_),
        champions_(n_groups_ * static_cast<std::size_t>(problem.threads)) {}

  AssignmentStats assign(const Assignment<T>& step) override {
    search_.set_centroids(step.centroids);
    if (step.drift.empty()) {
      std::ranges::fill(given_, T(0));
      find_groups(step.centroids);
      return first_pass(step);
    }
    drift_.take(step.drift);
    for (std::size_t g = 0; g < n_groups_; ++g) {
      group_drift_[g] = 0;
      for (const std::int32_t j : group(g))
        group_drift_[g] = std::max(group_drift_[g], drift_.of[static_cast<std::size_t>(j)]);
      given_[g] = round_up<T>(static_cast<double>(given_[g]) + static_cast<double>(group_drift_[g]));
    }
    return search_.over_blocks(256, [&](RowRange rows, Scratch& scratch) {
      for (std::size_t i = rows.begin; i < rows.end; ++i) assign_sample(step, i, scratch);
    });
  }

  std::uint64_t bytes() const override { return static_cast<std::uint64_t>(needed(problem_)); }

 private:
  /// What the local filter left of a group: the nearest that it computed, and a bound for all others.
  struct Champion {
    std::int32_t label;
    T distance, others;
  };

  static std::size_t groups_of(std::size_t k) { return (k + 9) / 10; }

  static double needed(const Problem<T>& problem) {
    const std::size_t n = problem.samples.rows(), k = problem.n_clusters, groups = groups_of(k);
    const double t = static_cast<double>(groups);
    // With the engine that finds the groups: k samples, t centroids.
    const Problem<T> grouping{.samples = {problem.samples.data(), k, problem.samples.cols()},
                              .sample_weights = {},
                              .n_clusters = groups,
                              .threads = 1,
                              .isa = problem.isa,
                              .memory_limit_bytes = 0};
    return DenseEngine<T>::bytes_needed(problem, true) + LoneSearch<T>::bytes_needed(problem) +
           DenseEngine<T>::bytes_needed(grouping, false) +
           t * static_cast<double>(problem.samples.cols()) * 16 +
           (pairs(n, groups) + static_cast<double>(n + k) + 3 * t) * sizeof(T) +
           t * problem.threads * sizeof(Champion) + static_cast<double>(2 * k) * sizeof(std::int32_t) +
           t * sizeof(std::size_t);
  }

  std::span<const std::int32_t> group(std::size_t g) const {
    return {members_.data() + first_[g], first_[g + 1] - first_[g]};
  }

  /// Five k-means steps over the centroids; any partition is right, near ones together prune better.
  void find_groups(MatrixView<const T> centroids) {
    const std::size_t k = centroids.rows(), d = centroids.cols();
    Matrix<T> centres(n_groups_, d);
    for (std::size_t g = 0; g < n_groups_; ++g)
      std::ranges::copy(centroids.row(g * k / n_groups_), centres.row(g).begin());
    DenseEngine<T> engine(centroids, n_groups_, problem_.isa, 1);
    for (int round = 0; round < 5; ++round) {
      engine.set_centroids(centres.view());
      engine.assign({.weights = {}, .labels = group_});
      Matrix<double> sums(n_groups_, d);
      std::ranges::fill(first_, std::size_t{0});
      for (std::size_t j = 0; j < k; ++j) {
        const auto g = static_cast<std::size_t>(group_[j]);
        ++first_[g + 1];
        for (std::size_t t = 0; t < d; ++t) sums(g, t) += static_cast<double>(centroids(j, t));
      }
      for (std::size_t g = 0; g < n_groups_; ++g) {
        for (std::size_t t = 0; t < d && first_[g + 1] > 0; ++t)
          centres(g, t) = static_cast<T>(sums(g, t) / static_cast<double>(first_[g + 1]));
      }
    }
    std::partial_sum(first_.begin(), first_.end(), first_.begin());
    std::iota(members_.begin(), members_.end(), 0);
    std::ranges::stable_sort(members_, {},
                             [&](std::int32_t j) { return group_[static_cast<std::size_t>(j)]; });
  }

  /// Each group's bound is its least, the label's left out.
  AssignmentStats first_pass(const Assignment<T>& step) {
    return search_.first_pass(engine_, step, upper_,
                              [&](std::size_t i, std::size_t label, std::span<const T> lower) {
                                for (std::size_t g = 0; g < n_groups_; ++g) {
                                  T least = std::numeric_limits<T>::max();
                                  for (const std::int32_t member : group(g)) {
                                    const auto j = static_cast<std::size_t>(member);
                                    if (j != label) least = std::min(least, lower[j]);
                                  }
                                  lower_[i * n_groups_ + g] = least;
                                }
                              });
  }

  void assign_sample(const Assignment<T>& step, std::size_t i, Scratch& scratch) {
    const auto old = static_cast<std::size_t>(step.labels[i]);
    T u = round_up<T>(static_cast<double>(upper_[i]) + static_cast<double>(drift_.of[old]));
    const auto open_groups = [&] {
      // The subtraction in T is off by one rounding: ask with a little more.
      return engine_.kernels().open_candidates(lower_.data() + i * n_groups_, given_.data(), nothing_.data(),
                                               round_up<T>(static_cast<double>(u)), n_groups_,
                                               scratch.open.data());
    };
    if (open_groups() > 0) {  // the global filter
      const T squared = search_.squared_distance(i, old, scratch.stats);
      u = search_.rounding().upper_root(static_cast<double>(squared));
      if (const std::size_t n_open = open_groups();
          n_open > 0)  // the global filter again, and the group filter
        u = search_groups(step, i, {scratch.open.data(), n_open}, squared, scratch);
    }
    upper_[i] = u;
    scratch.stats.inertia_bound += inertia_within(problem_, i, u);
  }

  /// The local filter, group by group. Returns u.
  T search_groups(const Assignment<T>& step, std::size_t i, std::span<const std::int32_t> open, T old_squared,
                  Scratch& scratch) {
    const Rounding<T>& rounding = search_.rounding();
    const auto old = static_cast<std::size_t>(step.labels[i]);
    std::size_t label = old;
    T nearest = old_squared, u = rounding.upper_root(static_cast<double>(nearest));
    T* lower = lower_.data() + i * n_groups_;
    Champion* champions = champions_.data() + scratch.thread * n_groups_;
    for (std::size_t o = 0; o < open.size(); ++o) {
      const auto g = static_cast<std::size_t>(open[o]);
      // What the group's bound was before this step; a rounding in T below is less than what storing takes
      // off.
      const T before = round_down<T>(static_cast<double>(lower[g]) - static_cast<double>(given_[g]) +
                                     static_cast<double>(group_drift_[g]));
      const T reach = round_up<T>(static_cast<double>(u));
      constexpr T infinity = std::numeric_limits<T>::infinity();
      T skipped = std::numeric_limits<T>::max();
      std::size_t n_left = 0;
      for (const std::int32_t member : group(g)) {  // without branches: who is left is hard to predict
        const auto j = static_cast<std::size_t>(member);
        const T bound = before - drift_.of[j];
        const bool closed = bound > reach;
        skipped = closed && j != old && bound < skipped ? bound : skipped;
        scratch.candidates[n_left] = member;
        n_left += !closed && j != old;
      }
      search_.squared_distances(i, {scratch.candidates.data(), n_left}, scratch.squared.data(),
                                scratch.stats);
      std::int32_t champion = -1;
      T least = infinity, second = infinity;
      for (std::size_t c = 0; c < n_left; ++c) {
        const T squared = scratch.squared[c];
        const auto j = static_cast<std::size_t>(scratch.candidates[c]);
        if (search_.takes(i, j, squared, label, nearest, scratch.stats)) {
          label = j;
          nearest = squared;
        }
        second = std::min(second, std::max(squared, least));
        if (squared < least) champion = scratch.candidates[c];
        least = std::min(least, squared);
      }
      u = rounding.upper_root(static_cast<double>(nearest));
      const auto distance = [&](T squared, std::size_t least_left) {
        return n_left < least_left ? std::numeric_limits<T>::max() : rounding.lower_root(squared);
      };
      champions[o] = {champion, distance(least, 1), std::min(skipped, distance(second, 2))};
    }
    const auto store = [&](std::size_t g, T bound) {
      lower[g] = round_down<T>(static_cast<double>(bound) + static_cast<double>(given_[g]));
    };
    for (std::size_t o = 0; o < open.size(); ++o) {
      const Champion& c = champions[o];
      const bool owner = c.label == static_cast<std::int32_t>(label);
      store(static_cast<std::size_t>(open[o]), owner ? c.others : std::min(c.others, c.distance));
    }
    if (label != old) {  // its group's bound had left it out
      const auto g = static_cast<std::size_t>(group_[old]);
      const T bound = round_down<T>(static_cast<double>(lower[g]) - static_cast<double>(given_[g]));
      store(g, std::min(bound, rounding.lower_root(old_squared)));
      step.labels[i] = static_cast<std::int32_t>(label);
    }
    return u;
  }

  Problem<T> problem_;
  DenseEngine<T> engine_;
  LoneSearch<T> search_;
  std::size_t n_groups_;
  std::vector<std::int32_t> group_;    ///< k: the group of each centroid
  std::vector<std::int32_t> members_;  ///< k: group by group
  std::vector<std::size_t> first_;     ///< n_groups + 1: where a group's members begin
  std::vector<T> upper_;               ///< n
  std::vector<T> lower_;               ///< n x n_groups: l_ig + given_g when it was stored
  Drift<T> drift_;                     ///< k
  std::vector<T> group_drift_;         ///< n_groups: G
  std::vector<T> given_;               ///< n_groups: accumulated G
  std::vector<T> nothing_;             ///< n_groups zeros: no separation to ask for
  std::vector<Champion> champions_;    ///< n_groups a thread
};

}  // namespace

const BackendEntry& yinyang() {
  static const BackendEntry entry{
      {.name = "yinyang",
       .lone = true,
       .exact = true,
       .memory = "n*k/10 (k/10 rounded up) + 3*n + 2*k*d values, 16*n bytes",
       .use_when = "comparisons; it skips most with tens of features, hundreds of clusters, where the dense "
                   "kernel is faster all the same",
       .avoid_when = "n*k values fit (elkan skips more), or clusters are few (the dense kernel is faster)",
       .reference = "Ding et al. 2015, Yinyang k-means: a drop-in replacement of the classic k-means, ICML"},
      make<Yinyang, float>,
      make<Yinyang, double>};
  return entry;
}

}  // namespace omnimeans::algorithms
