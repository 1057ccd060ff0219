// SPDX-License-Identifier: MIT
// What int8 and prefix are: a lower and an upper bound of every score in eight bits (int8_filter.hpp), which
// leave a few candidates of each sample to be scored in float.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "backends/backends.hpp"
#include "backends/bounds.hpp"
#include "backends/dense_search.hpp"
#include "backends/eight_bits.hpp"
#include "dense_engine.hpp"
#include "int8_filter.hpp"
#include "prefetch.hpp"

namespace omnimeans::algorithms {

template <class T>
double int8_search_bytes(const Problem<T>& problem, Int8Filter::Rows rows) {
  const std::size_t n = problem.samples.rows(), d = problem.samples.cols(), k = problem.n_clusters;
  const double engine = DenseEngine<T>::bytes_needed(problem, false);
  if (int8_kernels_for(problem) == nullptr) return engine;
  const double packed = static_cast<double>(k) * static_cast<double>(d + 16) * sizeof(T);
  const double work = static_cast<double>(problem.threads) *
                      (largest_block_rows * (2 * kernels::int8_lanes + 6) + 3 * static_cast<double>(k)) * 4;
  return engine + packed + Int8Filter::bytes_needed(n, d, k, problem.threads, rows) + work;
}

template <class T>
class Int8Search : public KnowsEightBits<T> {
 public:
  Int8Search(std::string_view name, const Problem<T>& problem, Int8Filter::Rows rows)
      : KnowsEightBits<T>(name, problem, int8_search_bytes(problem, rows), rows),
        works_(static_cast<std::size_t>(std::max(problem.threads, 1))) {
    for (Work& work : works_) work.x.resize(engine_.padded_features());
  }

  AssignmentStats assign(const Assignment<T>& step) override {
    known_->set_centroids(step.centroids);
    if (filter_ == nullptr) return search_all(engine_, problem_, step);
    tells_inertia_ = step.drift.empty() || !sums_tell_inertia(problem_);
    AssignmentStats stats = engine_.over_samples(
        filter_->block_rows(), [&](RowRange rows, Scratch& scratch) { label_block(step, rows, scratch); });
    known_->all_loaded();
    if (!tells_inertia_) stats.inertia_bound = std::numeric_limits<double>::infinity();
    return stats;
  }

 private:
  using KnowsEightBits<T>::problem_, KnowsEightBits<T>::known_, KnowsEightBits<T>::engine_,
      KnowsEightBits<T>::filter_;
  using Scratch = typename DenseEngine<T>::Scratch;
  /// A thread's memory.
  struct Work {
    Int8Filter::Scratch int8;
    std::vector<std::size_t> open;  ///< rows of a block that have more than one candidate
    std::vector<T> x, scores;
  };

  void label_block(const Assignment<T>& step, RowRange rows, Scratch& scratch) {
    Work& work = works_[scratch.thread];
    known_->load(rows, work.int8);
    filter_->find_candidates(rows, work.int8);
    scratch.stats.distances_computed += rows.size() * problem_.n_clusters;
    work.open.clear();
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const std::size_t i = rows.begin + r;
      if (work.int8.alone[r] != 0) {
        step.labels[i] = work.int8.nearest[r];
        if (tells_inertia_)
          scratch.stats.inertia_bound +=
              weight_of(problem_, i) *
              engine_.upper_squared(i, static_cast<T>(work.int8.least[r]), filter_->least_error(i));
      } else {
        work.open.push_back(r);
      }
    }
    for (std::size_t o = 0; o < work.open.size(); ++o) {
      constexpr std::size_t ahead = 2;
      if (o + ahead < work.open.size()) ask_for(rows.begin + work.open[o + ahead]);
      rank(step, work.open[o], rows.begin + work.open[o], work, scratch);
    }
  }

  /// What rank() reads of sample i.
  [[gnu::always_inline]] void ask_for(std::size_t i) const {
    prefetch(problem_.samples.row_data(i), problem_.samples.cols());
  }

  /// The best of row r's candidates, sample i, by their scores in float.
  void rank(const Assignment<T>& step, std::size_t r, std::size_t i, Work& work, Scratch& scratch) {
    const T* x = engine_.sample(i, work.x.data());
    std::span<const std::int32_t> index;
    if constexpr (sizeof(T) == sizeof(float)) index = filter_->candidates(r, i, x, work.int8);
    work.scores.resize(std::max(work.scores.size(), index.size()));
    engine_.listed_scores(x, index, work.scores.data());
    const auto ranked = engine_.rank_listed(i, index, work.scores.data(), scratch);
    step.labels[i] = ranked.label;
    scratch.stats.distances_computed += 1 + index.size();
    scratch.stats.reranked += ranked.reranked;
    scratch.stats.inertia_bound += weight_of(problem_, i) * ranked.distance;
  }

  std::vector<Work> works_;  ///< a thread each
  bool tells_inertia_ = true;
};

}  // namespace omnimeans::algorithms
