// SPDX-License-Identifier: MIT
// exponion: hamerly, with a ball of candidates for a sample whose bounds meet. James Newling and Francois
// Fleuret 2016, "Fast k-means with accurate bounds", ICML.
//
//   u >= |x - c_a|,  s_a = min over j of |c_a - c_j| / 2: the two centroids nearest to x are in the ball
//   |c_j - c_a| <= 2 u + 2 s_a,  for any other c_j has  |x - c_j| >= |c_j - c_a| - u > u + 2 s_a >= |x - c_b|
//   with c_b the neighbour of c_a.
//
// A list of centroids for every centroid, by distance: not sorted but cut into rings, each as large as all
// before it, so that a step costs k^2 and not k^2 log k, and a sample computes at most twice the candidates
// in its ball. Needs O(n + k^2) additional memory: 2 n values, k^2 values and k^2 indices.
//
// Rounding: half distances down, u up, so that the ball is never too small; what is left out enters the lower
// bound with the distance that its ring proves. Siblings: hamerly.cpp (all centroids in dense tiles),
// annulus.cpp (candidates by norm).
#include <numeric>

#include "backends/backends.hpp"
#include "backends/first_step.hpp"
#include "backends/lone_search.hpp"

namespace omnimeans::algorithms {
namespace {

template <class T>
class Exponion final : public Backend<T> {
 public:
  explicit Exponion(const Problem<T>& problem)
      : problem_(within_memory("exponion", problem, needed(problem))),
        engine_(problem.samples, problem.n_clusters, problem.isa, problem.threads),
        bounds_(problem_, engine_.kernels()),
        search_(problem_, engine_.kernels()),
        half_(problem.n_clusters * problem.n_clusters),
        order_(problem.n_clusters * problem.n_clusters) {}

  AssignmentStats assign(const Assignment<T>& step) override {
    if (step.drift.empty()) {
      engine_.set_centroids(step.centroids);
      FirstStep<T> first(problem_, engine_, bounds_, step);
      AssignmentStats total;
      if (first.begins_from_guesses())
        total = over_centroids(step.centroids, [&](std::size_t j) { separate(step.centroids, j); });
      return total += first.run();
    }
    bounds_.take_drift(step.drift);
    search_.set_centroids(step.centroids);
    AssignmentStats total =
        over_centroids(step.centroids, [&](std::size_t j) { find_rings(step.centroids, j); });
    total += search_.label_open(
        bounds_, step, [&](std::size_t i, auto&) { return ball(i, step.labels[i]); }, [](auto&&...) {});
    return total;
  }

  std::uint64_t bytes() const override { return static_cast<std::uint64_t>(needed(problem_)); }

 private:
  static double needed(const Problem<T>& problem) {
    return DenseEngine<T>::bytes_needed(problem, false) + SampleBounds<T>::bytes_needed(problem) +
           LoneSearch<T>::bytes_needed(problem) +
           pairs(problem.n_clusters, problem.n_clusters) * (sizeof(T) + sizeof(std::int32_t));
  }

  template <class Body>
  AssignmentStats over_centroids(MatrixView<const T> centroids, Body&& body) {
    const std::size_t k = centroids.rows();
    parallel_blocks(centroid_threads(centroids, problem_.threads), k, [&](std::size_t j, int) { body(j); });
    return {.distances_computed = k * (k - 1)};
  }

  void separate(MatrixView<const T> centroids, std::size_t j) {
    T* half = half_.data() + j * centroids.rows();
    bounds_.set_separation(j, half_distances(engine_.kernels(), search_.rounding(), centroids, j, half));
  }

  /// The centroids by their distance from c_j: itself, and then rings that end at 2, 4, 8, ... of them.
  void find_rings(MatrixView<const T> centroids, std::size_t j) {
    const std::size_t k = problem_.n_clusters;
    separate(centroids, j);
    T* half = half_.data() + j * k;
    half[j] = 0;
    std::int32_t* order = order_.data() + j * k;
    std::iota(order, order + k, 0);
    std::swap(order[0], order[j]);
    std::size_t end = k, ring = 2;
    while (ring < k) ring *= 2;
    for (ring /= 2; ring >= 2; ring /= 2) {
      // The first one beyond the ring is the nearest of those beyond it.
      std::nth_element(order + 1, order + ring, order + end, [half](std::int32_t a, std::int32_t b) {
        return half[static_cast<std::size_t>(a)] < half[static_cast<std::size_t>(b)];
      });
      end = ring;
    }
  }

  /// The smallest prefix of the rings that has the ball of x_i in it.
  typename LoneSearch<T>::Candidates ball(std::size_t i, std::int32_t label) {
    const std::size_t k = problem_.n_clusters, a = static_cast<std::size_t>(label);
    const std::int32_t* order = order_.data() + a * k;
    const double u = static_cast<double>(bounds_.upper(i));
    const T radius = round_up<T>(u + static_cast<double>(bounds_.separation(a)));  // of half distances
    for (std::size_t end = 2; end < k; end *= 2) {
      const T outside = half_[a * k + static_cast<std::size_t>(order[end])];
      if (outside > radius) return {{order, end}, round_down<T>(2 * static_cast<double>(outside) - u)};
    }
    return {{order, k}, std::numeric_limits<T>::max()};
  }

  Problem<T> problem_;
  DenseEngine<T> engine_;
  SampleBounds<T> bounds_;
  LoneSearch<T> search_;
  std::vector<T> half_;              ///< k x k: |c_j - c_j'| / 2
  std::vector<std::int32_t> order_;  ///< k x k: all centroids, ring by ring
};

}  // namespace

const BackendEntry& exponion() {
  static const BackendEntry entry{
      {.name = "exponion",
       .lone = true,
       .exact = true,
       .memory = "3*n + k*k + 2*k*d values, 16*n + 4*k*k bytes",
       .use_when =
           "comparisons; it skips most with 2 to 4 features and many clusters, where kdtree is faster",
       .avoid_when = "many features: every centroid is in the ball, and lone distances cost more than tiles",
       .reference = "Newling and Fleuret 2016, Fast k-means with accurate bounds, ICML"},
      make<Exponion, float>,
      make<Exponion, double>};
  return entry;
}

}  // namespace omnimeans::algorithms
