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
    has_labels_ = !step.drift.empty() || step.guessed;
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
    // Of a block's rows with pairs:
    std::vector<const T*> sample, pair_sample;
    AlignedBuffer<T> rows;  ///< where they do not lie in place
    std::vector<T> best, second;
    std::vector<std::int32_t> nearest;
  };

  void label_block(const Assignment<T>& step, RowRange rows, Scratch& scratch) {
    Work& work = works_[scratch.thread];
    known_->load(rows, work.int8);
    scratch.stats.distances_computed += rows.size() * problem_.n_clusters;
    work.open.clear();
    const bool compared =
        has_labels_ && filter_->find_near(rows, step.labels.subspan(rows.begin, rows.size()), work.int8);
    if (compared) {
      // By their own centroids: another one is nearer still.
      if (tells_inertia_) scratch.stats.inertia_bound += own_squares(rows, work);
      rank_pairs(step, rows, work, scratch);
      for (std::size_t r = 0; r < rows.size(); ++r) {
        if (work.int8.found_of[r] == kernels::Int8Found::many) work.open.push_back(r);
      }
    } else {
      filter_->find_candidates(rows, work.int8);
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
    }
    for (std::size_t o = 0; o < work.open.size(); ++o) {
      constexpr std::size_t ahead = 2;
      if (o + ahead < work.open.size()) ask_for(rows.begin + work.open[o + ahead]);
      rank(step, work.open[o], rows.begin + work.open[o], compared, work, scratch);
    }
  }

  double own_squares(RowRange rows, const Work& work) const {
    if constexpr (sizeof(T) == sizeof(float))
      return filter_->own_squares(
          rows, problem_.sample_weights.empty() ? nullptr : problem_.sample_weights.data(), work.int8);
    return 0;
  }

  /// The rows whose pairs are listed: all scores, and the two lowest of each row. Which rows, and how many
  /// pairs, cannot be foreseen: no branches on them.
  void rank_pairs(const Assignment<T>& step, RowRange rows, Work& work, Scratch& scratch) const {
    const std::size_t n_pairs = work.int8.n_pairs, n_listed = work.int8.n_listed, n_rows = rows.size();
    if (n_pairs == 0) return;
    const std::int32_t *row = work.int8.pair_row.data(), *centroid = work.int8.pair_centroid.data(),
                       *listed = work.int8.listed.data();
    const auto place = [](std::int32_t r) { return static_cast<std::size_t>(r); };
    work.sample.resize(n_rows);
    work.pair_sample.resize(std::max(work.pair_sample.size(), n_pairs));
    work.scores.resize(std::max(work.scores.size(), n_pairs));
    work.rows.reserve(n_rows * engine_.padded_features());
    work.best.assign(n_rows, std::numeric_limits<T>::infinity());
    work.second.assign(n_rows, std::numeric_limits<T>::infinity());
    work.nearest.resize(n_rows);
    for (std::size_t l = 0; l < n_listed; ++l) {
      constexpr std::size_t ahead = 4;
      if (l + ahead < n_listed) ask_for(rows.begin + place(listed[l + ahead]));
      work.sample[place(listed[l])] = engine_.pair_sample(rows.begin + place(listed[l]),
                                                          work.rows.data() + l * engine_.padded_features());
    }
    for (std::size_t p = 0; p < n_pairs; ++p) work.pair_sample[p] = work.sample[place(row[p])];
    engine_.paired_scores({work.pair_sample.data(), n_pairs}, centroid, work.scores.data());
    T *best = work.best.data(), *second = work.second.data();
    std::int32_t* nearest = work.nearest.data();
    for (std::size_t p = 0; p < n_pairs; ++p) {
      const std::size_t r = place(row[p]);
      const T score = work.scores[p], before = best[r];
      second[r] = std::min(second[r], std::max(score, before));
      nearest[r] ^= (nearest[r] ^ centroid[p]) & -static_cast<std::int32_t>(score < before);
      best[r] = std::min(score, before);
    }
    for (std::size_t l = 0; l < n_listed; ++l) {
      const std::size_t r = place(listed[l]), i = rows.begin + r;
      if (second[r] > best[r] + engine_.reach_of(i)) {
        step.labels[i] = nearest[r];
      } else {
        rank_row(step, i, r, work, scratch);
      }
    }
    scratch.stats.distances_computed += n_pairs;
  }

  /// Row r, sample i, whose scores lie too close.
  void rank_row(const Assignment<T>& step, std::size_t i, std::size_t r, Work& work, Scratch& scratch) const {
    const std::int32_t* begin = work.int8.pair_row.data();
    const auto [first, last] =
        std::equal_range(begin, begin + work.int8.n_pairs, static_cast<std::int32_t>(r));
    const auto p = static_cast<std::size_t>(first - begin), count = static_cast<std::size_t>(last - first);
    const auto ranked =
        engine_.rank_listed(i, {work.int8.pair_centroid.data() + p, count}, work.scores.data() + p, scratch);
    step.labels[i] = ranked.label;
    scratch.stats.reranked += ranked.reranked;
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
    work.scores.resize(std::max(work.scores.size(), index.size()));
    engine_.listed_scores(x, index, work.scores.data());
    const auto ranked = engine_.rank_listed(i, index, work.scores.data(), scratch);
    step.labels[i] = ranked.label;
    scratch.stats.distances_computed += 1 + index.size();
    scratch.stats.reranked += ranked.reranked;
    if (!compared) scratch.stats.inertia_bound += weight_of(problem_, i) * ranked.distance;
  }

  std::vector<Work> works_;  ///< a thread each
  bool tells_inertia_ = true;
  bool has_labels_ = false;  ///< in this step: of centroids near these
};

}  // namespace omnimeans::algorithms
