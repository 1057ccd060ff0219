// SPDX-License-Identifier: MIT
// int8: exhaustive search in eight bits, exact all the same. Products of bytes run at four times the rate of
// float multiply-adds (AVX-512 VNNI, AVX-VNNI), and what the rounding to eight bits cuts off is measured, so
// that each score is known within a proven error E_ij:
//
//   candidates_i = {j: s8_ij - E_ij <= min_j (s8_ij + E_ij) + margin_i}
//   label_i      = the only candidate, or the best of them by the scores of the dense engine in float, or,
//                  where the engine's margin proves nothing, by D
//
// The error is derived in int8_filter.hpp. Most samples have one candidate or two. Needs n*d bytes. Without
// such instructions, and for double, this is `simd`.
//
// Siblings: simd.cpp (the same search in float), bytebounds.cpp (the same scores for what bounds leave).
#include <algorithm>

#include "backends/backends.hpp"
#include "backends/bounds.hpp"
#include "dense_engine.hpp"
#include "int8_filter.hpp"

namespace omnimeans::algorithms {
namespace {

constexpr std::size_t block_rows = largest_block_rows;

template <class T>
double int8_bytes(const Problem<T>& problem) {
  const std::size_t n = problem.samples.rows(), d = problem.samples.cols(), k = problem.n_clusters;
  const double rows = static_cast<double>(k) * static_cast<double>(d + 16) * sizeof(T);
  const double filter = int8_kernels_for(problem) != nullptr ? Int8Filter::bytes_needed(n, d, k) : 0;
  const double work = static_cast<double>(problem.threads) *
                      (block_rows * (kernels::int8_lanes + 4) + 3 * static_cast<double>(k)) * 4;
  return DenseEngine<T>::bytes_needed(problem, false) + rows + filter + work;
}

template <class T>
class Int8 final : public Backend<T> {
 public:
  explicit Int8(const Problem<T>& problem)
      : problem_(within_memory("int8", problem, int8_bytes(problem))),
        engine_(problem.samples, problem.n_clusters, problem.isa, problem.threads),
        works_(static_cast<std::size_t>(std::max(problem.threads, 1))) {
    if constexpr (sizeof(T) == sizeof(float)) {
      if (const auto* kernels = int8_kernels_for(problem); kernels != nullptr)
        filter_ = std::make_unique<Int8Filter>(engine_, *kernels, problem.samples.rows(),
                                               problem.samples.cols(), problem.n_clusters, problem.threads);
    }
    for (Work& work : works_) work.x.resize(engine_.padded_features());
  }

  AssignmentStats assign(const Assignment<T>& step) override {
    engine_.set_centroids(step.centroids);
    if (filter_ == nullptr) {
      AssignmentStats stats = engine_.assign(
          {.weights = problem_.sample_weights, .labels = step.labels, .observer = step.observer});
      stats.observed = step.observer != nullptr;
      return stats;
    }
    engine_.pack_rows();
    filter_->set_centroids();
    const AssignmentStats stats = engine_.over_samples(
        block_rows, [&](RowRange rows, Scratch& scratch) { label_block(step, rows, scratch); });
    engine_.norms_found();
    loaded_ = true;
    return stats;
  }

  std::uint64_t bytes() const override { return static_cast<std::uint64_t>(int8_bytes(problem_)); }

 private:
  using Scratch = typename DenseEngine<T>::Scratch;
  /// A thread's memory.
  struct Work {
    Int8Filter::Scratch int8;
    std::vector<T> x, scores;
  };

  void label_block(const Assignment<T>& step, RowRange rows, Scratch& scratch) {
    Work& work = works_[scratch.thread];
    if (!loaded_) load(rows, work);
    filter_->find_candidates(rows, work.int8);
    scratch.stats.distances_computed += rows.size() * problem_.n_clusters;
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const std::size_t i = rows.begin + r;
      const std::span<const std::int32_t> index = filter_->candidates(r, i, work.int8);
      if (index.size() == 1) {
        step.labels[i] = index[0];
        scratch.stats.inertia_bound +=
            weight_of(problem_, i) *
            engine_.upper_squared(i, static_cast<T>(work.int8.least[r]), filter_->least_error(i));
      } else {
        rank(step, i, index, work, scratch);
      }
    }
  }

  void load(RowRange rows, Work& work) {
    engine_.find_norms(rows);
    if constexpr (sizeof(T) == sizeof(float)) {
      for (std::size_t i = rows.begin; i < rows.end; ++i) filter_->load(i, engine_.sample(i, work.x.data()));
    }
  }

  /// The best of some candidates, by their scores in float.
  void rank(const Assignment<T>& step, std::size_t i, std::span<const std::int32_t> index, Work& work,
            Scratch& scratch) {
    work.scores.resize(std::max(work.scores.size(), index.size()));
    engine_.listed_scores(engine_.sample(i, work.x.data()), index, work.scores.data());
    const auto ranked = engine_.rank_listed(i, index, work.scores.data(), scratch);
    step.labels[i] = ranked.label;
    scratch.stats.distances_computed += index.size();
    scratch.stats.reranked += ranked.reranked;
    scratch.stats.inertia_bound += weight_of(problem_, i) * ranked.distance;
  }

  Problem<T> problem_;
  DenseEngine<T> engine_;
  std::unique_ptr<Int8Filter> filter_;  ///< null: the CPU has no 8-bit products, or T is double
  std::vector<Work> works_;             ///< a thread each
  bool loaded_ = false;                 ///< every sample has its eight bits
};

}  // namespace

const BackendEntry& int8() {
  static const BackendEntry entry{
      {.name = "int8",
       .exact = true,
       .memory = "n*d + 32*n bytes, n + 3*k*d values",
       .use_when =
           "AVX-512 VNNI or AVX-VNNI, float data, 96 features or more, features times clusters from some "
           "32,000 to 128,000",
       .avoid_when = "few features or clusters, double, or a CPU without products of bytes (then it is simd)",
       .reference = "Lloyd 1982; scores in eight bits with a measured error are this project's own"},
      make<Int8, float>,
      make<Int8, double>};
  return entry;
}

}  // namespace omnimeans::algorithms
