// SPDX-License-Identifier: MIT
// annulus: hamerly, with candidates by their norm for a sample whose bounds meet. Jonathan Drake 2013,
// "Faster k-means clustering", MSc thesis, Baylor University; Greg Hamerly and Jonathan Drake 2015,
// "Accelerating Lloyd's algorithm for k-means clustering", in Partitional Clustering Algorithms.
//
//   r = max(u, |x - c_b|), c_b the second nearest when last searched: the two centroids nearest to x have
//   | |c_j| - |x| | <= r,  for any other has  |x - c_j| >= | |c_j| - |x| | > r.
//
// With the centroids sorted by norm, candidates are one run of the list, found by two binary searches. Needs
// O(n) additional memory: 3 n values and n indices.
//
// Norms are distances from the mean of the first centroids instead of from zero: the inequality holds from
// any point, and an offset of the data would leave all norms alike. c_b is not known before the first search:
// until then the neighbour of c_a stands for it. Rounding: norms are off by slack() of themselves, r is
// rounded up. Siblings: hamerly.cpp, exponion.cpp (candidates in a ball around c_a).
#include <numeric>

#include "backends/backends.hpp"
#include "backends/first_step.hpp"
#include "backends/lone_search.hpp"

namespace omnimeans::algorithms {
namespace {

template <class T>
class Annulus final : public Backend<T> {
 public:
  explicit Annulus(const Problem<T>& problem)
      : problem_(within_memory("annulus", problem, needed(problem))),
        engine_(problem.samples, problem.n_clusters, problem.isa, problem.threads),
        bounds_(problem_, engine_.kernels()),
        search_(problem_, engine_.kernels()),
        origin_(problem.samples.cols()),
        norms_(problem.samples.rows()),
        second_(problem.samples.rows(), -1),
        half_(problem.n_clusters * static_cast<std::size_t>(problem.threads)),
        neighbour_(problem.n_clusters),
        order_(problem.n_clusters),
        centroid_norms_(problem.n_clusters),
        sorted_norms_(problem.n_clusters) {}

  AssignmentStats assign(const Assignment<T>& step) override {
    if (step.drift.empty()) {
      find_norms(step.centroids);
      engine_.set_centroids(step.centroids);
      FirstStep<T> first(problem_, engine_, bounds_, step);
      AssignmentStats total;
      if (first.begins_from_guesses()) total = sort_centroids(step.centroids);
      return total += first.run();
    }
    bounds_.take_drift(step.drift);
    search_.set_centroids(step.centroids);
    AssignmentStats total = sort_centroids(step.centroids);
    total += search_.label_open(
        bounds_, step, [&](std::size_t i, auto& scratch) { return ring(i, step.labels[i], scratch.stats); },
        [&](std::size_t i, const auto& found) { second_[i] = found.second; });
    return total;
  }

  std::uint64_t bytes() const override { return static_cast<std::uint64_t>(needed(problem_)); }

 private:
  static double needed(const Problem<T>& problem) {
    const double n = static_cast<double>(problem.samples.rows()), k = static_cast<double>(problem.n_clusters);
    const double d = static_cast<double>(problem.samples.cols());
    return DenseEngine<T>::bytes_needed(problem, false) + SampleBounds<T>::bytes_needed(problem) +
           LoneSearch<T>::bytes_needed(problem) + (n + d + k * problem.threads) * sizeof(T) +
           (n + 2 * k) * sizeof(std::int32_t) + 2 * k * sizeof(double);
  }

  double norm(const T* x) const {
    double squared;
    engine_.kernels().canonical_distances(x, origin_.data(), 0, nullptr, 1, origin_.size(), &squared);
    return std::sqrt(squared);
  }

  void find_norms(MatrixView<const T> centroids) {
    const double k = static_cast<double>(centroids.rows());
    for (std::size_t t = 0; t < origin_.size(); ++t) {
      double mean = 0;
      for (std::size_t j = 0; j < centroids.rows(); ++j) mean += static_cast<double>(centroids(j, t)) / k;
      origin_[t] = static_cast<T>(mean);
    }
    search_.over_blocks(bounds_.block_rows(), [&](RowRange rows, auto&) {
      for (std::size_t i = rows.begin; i < rows.end; ++i)
        norms_[i] = narrow<T>(norm(problem_.samples.row_data(i)));
    });
  }

  /// The separations, the neighbours, and the centroids by norm.
  AssignmentStats sort_centroids(MatrixView<const T> centroids) {
    const std::size_t k = problem_.n_clusters;
    parallel_blocks(centroid_threads(centroids, problem_.threads), k, [&](std::size_t j, int thread) {
      T* half = half_.data() + static_cast<std::size_t>(thread) * k;
      bounds_.set_separation(j, half_distances(engine_.kernels(), search_.rounding(), centroids, j, half));
      neighbour_[j] = static_cast<std::int32_t>(std::min_element(half, half + k) - half);
      centroid_norms_[j] = norm(centroids.row_data(j));
    });
    const auto norm_of = [&](std::int32_t j) { return centroid_norms_[static_cast<std::size_t>(j)]; };
    std::iota(order_.begin(), order_.end(), 0);
    std::ranges::sort(order_, {}, norm_of);
    std::ranges::transform(order_, sorted_norms_.begin(), norm_of);
    return {.distances_computed = k * k};
  }

  /// The run of centroids in the annulus around x_i's norm.
  typename LoneSearch<T>::Candidates ring(std::size_t i, std::int32_t label, AssignmentStats& stats) {
    const std::int32_t known = second_[i];
    const std::int32_t b = known >= 0 && known != label ? known : neighbour_[static_cast<std::size_t>(label)];
    const T to_b = search_.squared_distance(i, static_cast<std::size_t>(b), stats);
    const T r = std::max(bounds_.upper(i), search_.rounding().upper_root(static_cast<double>(to_b)));
    const double radius = static_cast<double>(r), at = static_cast<double>(norms_[i]);
    const double error = 4 * (search_.rounding().slack() * (at + radius) + search_.rounding().tiny());
    const auto first = std::ranges::lower_bound(sorted_norms_, at - radius - error);
    const auto last = std::ranges::upper_bound(sorted_norms_, at + radius + error);
    const auto begin = static_cast<std::size_t>(first - sorted_norms_.begin());
    return {{order_.data() + begin, static_cast<std::size_t>(last - first)}, round_down<T>(radius)};
  }

  Problem<T> problem_;
  DenseEngine<T> engine_;
  SampleBounds<T> bounds_;
  LoneSearch<T> search_;
  std::vector<T> origin_;                              ///< d: where norms are taken from
  std::vector<T> norms_;                               ///< n
  std::vector<std::int32_t> second_;                   ///< n: b, -1 until it is known
  std::vector<T> half_;                                ///< k a thread
  std::vector<std::int32_t> neighbour_, order_;        ///< k
  std::vector<double> centroid_norms_, sorted_norms_;  ///< k
};

}  // namespace

const BackendEntry& annulus() {
  static const BackendEntry entry{
      {.name = "annulus",
       .lone = true,
       .exact = true,
       .memory = "4*n + 2*k*d values, 20*n bytes",
       .use_when = "comparisons; as exponion, without room for its k*k lists",
       .avoid_when = "many features: norms are all alike, and lone distances cost more than tiles",
       .reference = "Drake 2013, Faster k-means clustering; Hamerly and Drake 2015"},
      make<Annulus, float>,
      make<Annulus, double>};
  return entry;
}

}  // namespace omnimeans::algorithms
