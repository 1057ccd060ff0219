// SPDX-License-Identifier: MIT
// What int8 and prefix are: a lower and an upper bound of every score in eight bits (int8_filter.hpp), which
// leave a few candidates of each sample to be scored in float.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "backends/backends.hpp"
#include "backends/bounds.hpp"
#include "backends/int8_rows.hpp"
#include "dense_engine.hpp"

namespace omnimeans::algorithms {

template <class T>
double int8_search_bytes(const Problem<T>& problem, Int8Rows rows) {
  const std::size_t d = problem.samples.cols(), k = problem.n_clusters;
  const double packed = static_cast<double>(k) * static_cast<double>(d + 16) * sizeof(T);
  const double work = static_cast<double>(problem.threads) *
                      (largest_block_rows * (2 * kernels::int8_lanes + 6) + 3 * static_cast<double>(k)) * 4;
  return DenseEngine<T>::bytes_needed(problem, false) + packed + int8_filter_bytes(problem, rows) + work;
}

template <class T>
class Int8Search : public Backend<T> {
 public:
  Int8Search(std::string_view name, const Problem<T>& problem, Int8Rows rows)
      : rows_(rows),
        bytes_(int8_search_bytes(problem, rows)),
        problem_(within_memory(name, problem, bytes_)),
        engine_(problem.samples, problem.n_clusters, problem.isa, problem.threads),
        works_(static_cast<std::size_t>(std::max(problem.threads, 1))) {
    for (Work& work : works_) work.x.resize(engine_.padded_features());
  }

  AssignmentStats assign(const Assignment<T>& step) override {
    engine_.set_centroids(step.centroids);
    if (filter_ == nullptr) filter_ = make_int8_filter(problem_, engine_, rows_);
    if (filter_ == nullptr) {
      AssignmentStats stats = engine_.assign(
          {.weights = problem_.sample_weights, .labels = step.labels, .observer = step.observer});
      stats.observed = step.observer != nullptr;
      return stats;
    }
    engine_.pack_rows();
    filter_->set_centroids();
    const AssignmentStats stats = engine_.over_samples(
        largest_block_rows, [&](RowRange rows, Scratch& scratch) { label_block(step, rows, scratch); });
    engine_.norms_found();
    loaded_ = true;
    return stats;
  }

  std::uint64_t bytes() const override { return static_cast<std::uint64_t>(bytes_); }

 private:
  using Scratch = typename DenseEngine<T>::Scratch;
  /// A thread's memory.
  struct Work {
    Int8Filter::Scratch int8;
    std::vector<std::size_t> open;  ///< rows of a block that have more than one candidate
    std::vector<T> x, scores;
  };

  void label_block(const Assignment<T>& step, RowRange rows, Scratch& scratch) {
    Work& work = works_[scratch.thread];
    if constexpr (sizeof(T) == sizeof(float)) {
      if (!loaded_) {
        engine_.find_norms(rows);
        filter_->load(rows, work.int8);
      }
    }
    filter_->find_candidates(rows, work.int8);
    scratch.stats.distances_computed += rows.size() * problem_.n_clusters;
    work.open.clear();
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const std::size_t i = rows.begin + r;
      if (work.int8.alone[r] != 0) {
        step.labels[i] = work.int8.nearest[r];
        scratch.stats.inertia_bound +=
            weight_of(problem_, i) *
            engine_.upper_squared(i, static_cast<T>(work.int8.least[r]), filter_->least_error(i));
      } else {
        work.open.push_back(r);
      }
    }
    for (std::size_t o = 0; o < work.open.size(); ++o) {
      constexpr std::size_t ahead = 2;
      if (o + ahead < work.open.size()) prefetch(rows.begin + work.open[o + ahead]);
      rank(step, work.open[o], rows.begin + work.open[o], work, scratch);
    }
  }

  /// Asks for what rank() reads of sample i.
  void prefetch(std::size_t i) const {
    const T* x = problem_.samples.row_data(i);
    for (std::size_t t = 0; t < problem_.samples.cols(); t += 64 / sizeof(T)) __builtin_prefetch(x + t);
  }

  /// The best of row r's candidates, sample i, by their scores in float: that of the lowest bound leaves the
  /// fewest of them.
  void rank(const Assignment<T>& step, std::size_t r, std::size_t i, Work& work, Scratch& scratch) {
    const T* x = engine_.sample(i, work.x.data());
    const std::int32_t nearest = filter_->nearest(r, work.int8);
    T score;
    engine_.listed_scores(x, {&nearest, 1}, &score);
    const std::span<const std::int32_t> index =
        filter_->candidates(r, i, static_cast<float>(score), work.int8);
    work.scores.resize(std::max(work.scores.size(), index.size()));
    if (index.size() == 1) {
      work.scores[0] = score;
    } else {
      engine_.listed_scores(x, index, work.scores.data());
    }
    const auto ranked = engine_.rank_listed(i, index, work.scores.data(), scratch);
    step.labels[i] = ranked.label;
    scratch.stats.distances_computed += index.size();
    scratch.stats.reranked += ranked.reranked;
    scratch.stats.inertia_bound += weight_of(problem_, i) * ranked.distance;
  }

  Int8Rows rows_;
  double bytes_;
  Problem<T> problem_;
  DenseEngine<T> engine_;
  std::unique_ptr<Int8Filter> filter_;  ///< null: the CPU has no 8-bit products, or T is double
  std::vector<Work> works_;             ///< a thread each
  bool loaded_ = false;                 ///< every sample has its eight bits
};

}  // namespace omnimeans::algorithms
