// SPDX-License-Identifier: MIT
// What int8 and prefix are: a lower and an upper bound of every score in eight bits (int8_filter.hpp), which
// leave a few candidates of each sample to be scored in float.
//
//   labels known     what is not above the upper bound of the sample's own centroid: mostly that one alone;
//                    of centroids that have moved, if it is known how far the others are (int8_moved.hpp)
//   else             the lowest bounds of all, and what is not above the upper bound of the lowest: twice the
//                    time, fewer candidates. Also of fewer than 49 clusters, of blocks that have products
//                    which might be too large (kernels/int8.hpp), and in some steps after one in which many
//                    rows had many near.
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
#include "backends/pair_ranking.hpp"
#include "dense_engine.hpp"
#include "int8_filter.hpp"
#include "prefetch.hpp"

namespace omnimeans::algorithms {

template <class T>
double int8_search_bytes(const Problem<T>& problem, Int8Filter::Rows rows) {
  const std::size_t n = problem.samples.rows(), d = problem.samples.cols(), k = problem.n_clusters;
  const double engine = DenseEngine<T>::bytes_needed(problem, false);
  const kernels::Int8Kernels* kernels = int8_kernels_for(problem);
  if (kernels == nullptr) return engine;
  const double packed = static_cast<double>(k) * static_cast<double>(d + 16) * sizeof(T);
  // Of a thread: a block's rows with their lowest bounds, bits of every pair, pairs that are near, and copies
  // of rows with what is theirs.
  const std::size_t rows_at_once = Int8Filter::most_block_rows(*kernels, n, d, problem.threads, rows),
                    most_pairs = 2 * kernels::Int8Near::room_for_pairs(rows_at_once);
  const double work =
      static_cast<double>(problem.threads) *
      (static_cast<double>(rows_at_once) *
           (4.0 * (2 * kernels::int8_lanes + 14) + static_cast<double>(k + kernels::int8_lanes) / 8 +
            static_cast<double>(d + kernels::int8_stride) + 49) +
       8.0 * static_cast<double>(most_pairs) +
       PairRanking<T>::bytes_needed(rows_at_once, most_pairs, d + 16) + 24 * static_cast<double>(k));
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
    if (filter_ == nullptr) return search_all(engine_, problem_, step, true);
    const bool has_labels = !step.drift.empty() || step.guessed;
    tells_inertia_ = !has_labels || !sums_tell_inertia(problem_);
    compares_ = has_labels && steps_to_rest_ == 0;
    if (steps_to_rest_ > 0) --steps_to_rest_;
    for (Work& work : works_) work.many = work.pairs = 0;
    if (compares_ && !step.drift.empty()) filter_->labels_are_of_step_before(step.drift);
    AssignmentStats stats = engine_.over_samples(
        filter_->block_rows(), [&](RowRange rows, Scratch& scratch) { label_block(step, rows, scratch); });
    known_->all_loaded();
    rest_if_many();
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
    PairRanking<T> ranking;
    std::vector<std::size_t> open;  ///< rows of a block to be ranked one by one
    std::vector<T> x, scores;
    std::size_t many = 0, pairs = 0;  ///< of a step: rows that compared in vain; pairs listed
  };

  void label_block(const Assignment<T>& step, RowRange rows, Scratch& scratch) {
    Work& work = works_[scratch.thread];
    known_->load(rows, work.int8);
    work.open.clear();
    const bool compared =
        compares_ && filter_->find_near(rows, step.labels.subspan(rows.begin, rows.size()), work.int8);
    const std::uint64_t all = std::uint64_t{rows.size()} * problem_.n_clusters,
                        computed = compared ? work.int8.near.n_compared : all;
    scratch.stats.distances_computed += computed;
    scratch.stats.left_out += all - computed;
    if (compared) {
      take_near(step, rows, work, scratch);
    } else {
      take_lowest(step, rows, work, scratch);
    }
    for (std::size_t o = 0; o < work.open.size(); ++o) {
      constexpr std::size_t ahead = 2;
      if (o + ahead < work.open.size()) ask_for(rows.begin + work.open[o + ahead]);
      rank(step, work.open[o], rows.begin + work.open[o], compared, work, scratch);
    }
  }

  /// Labels where the lowest bounds leave one candidate.
  void take_lowest(const Assignment<T>& step, RowRange rows, Work& work, Scratch& scratch) const {
    filter_->find_candidates(rows, work.int8);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const std::size_t i = rows.begin + r;
      if (work.int8.alone[r] == 0) {
        work.open.push_back(r);
        continue;
      }
      step.labels[i] = work.int8.nearest[r];
      if (tells_inertia_)
        scratch.stats.inertia_bound +=
            weight_of(problem_, i) *
            engine_.upper_squared(i, static_cast<T>(work.int8.least[r]), filter_->least_error(i));
    }
  }

  /// Labels where few centroids, if any, are near beside the row's own.
  void take_near(const Assignment<T>& step, RowRange rows, Work& work, Scratch& scratch) const {
    const Int8Filter::Near& near = work.int8.near;
    // By the labels before: where one changes, the distance is less.
    if (tells_inertia_) scratch.stats.inertia_bound += own_squares(rows, work);
    scratch.stats.reranked += work.ranking.label(engine_, problem_.samples, rows,
                                                 {{near.listed.data(), near.n_listed},
                                                  {near.pair_row.data(), near.n_pairs},
                                                  {near.pair_centroid.data(), near.n_pairs}},
                                                 step.labels, scratch);
    scratch.stats.distances_computed += near.n_pairs;
    if constexpr (sizeof(T) == sizeof(float)) {
      for (std::size_t l = 0; l < near.n_listed; ++l)
        filter_->others_are_above(rows.begin + static_cast<std::size_t>(near.listed[l]),
                                  work.ranking.others(engine_, rows, near.listed[l]));
    }
    for (std::size_t r = 0; r < rows.size(); ++r) {
      if (near.found[r] != kernels::Int8Found::many) continue;
      work.open.push_back(r);
      filter_->forget_others(rows.begin + r);
    }
    work.many += work.open.size();
    work.pairs += near.n_pairs;
  }

  /// Rows that have many near each cost more than comparing saves.
  void rest_if_many() {
    constexpr std::size_t one_in = 16, rest = 8;
    if (!compares_) return;
    std::size_t many = 0, pairs = 0;
    for (const Work& work : works_) {
      many += work.many;
      pairs += work.pairs;
    }
    const std::size_t n = problem_.samples.rows();
    const bool too_many = many * one_in > n, looked_farther = filter_->looks_farther();
    if (too_many && !looked_farther) steps_to_rest_ = rest;
    // Had it looked farther there would have been more: up to twice as many are foreseen.
    filter_->look_farther(!too_many && (looked_farther ? pairs < n : 2 * pairs < n));
  }

  double own_squares(RowRange rows, const Work& work) const {
    if constexpr (sizeof(T) == sizeof(float)) {
      const auto weights = problem_.sample_weights;
      return filter_->own_squares(rows, weights.empty() ? nullptr : weights.data(), work.int8);
    }
    return 0;
  }

  /// What rank() reads of sample i.
  [[gnu::always_inline]] void ask_for(std::size_t i) const {
    prefetch(problem_.samples.row_data(i), problem_.samples.cols());
  }

  /// The best of row r's candidates, sample i, by their scores in float.
  void rank(const Assignment<T>& step, std::size_t r, std::size_t i, bool compared, Work& work,
            Scratch& scratch) {
    const T* x = engine_.sample(i, work.x.data());
    std::span<const std::int32_t> index;
    if constexpr (sizeof(T) == sizeof(float)) {
      index = compared ? filter_->near_candidates(r, i, step.labels[i], x, work.int8)
                       : filter_->candidates(r, i, x, work.int8);
    }
    make_room(work.scores, index.size());
    engine_.listed_scores(x, index, work.scores.data());
    const auto ranked = engine_.rank_listed(i, index, work.scores.data(), scratch);
    step.labels[i] = ranked.label;
    scratch.stats.distances_computed += 1 + index.size();
    scratch.stats.reranked += ranked.reranked;
    if (!compared) scratch.stats.inertia_bound += weight_of(problem_, i) * ranked.distance;
  }

  std::vector<Work> works_;  ///< a thread each
  bool tells_inertia_ = true;
  bool compares_ = false;          ///< in this step: with the labels before, of centroids near these
  std::size_t steps_to_rest_ = 0;  ///< not to compare in
};

}  // namespace omnimeans::algorithms
