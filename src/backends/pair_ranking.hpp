// SPDX-License-Identifier: MIT
// Labels from the scores of a few pairs a sample, of many samples at once. How many pairs a sample has cannot
// be foreseen, nor which samples have any: so pairs are scored in the order they come, whatever samples they
// are of, and no branch depends on them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "aligned_buffer.hpp"
#include "dense_engine.hpp"
#include "omnimeans/matrix_view.hpp"
#include "parallel.hpp"
#include "prefetch.hpp"

namespace omnimeans::algorithms {

/// A thread's memory for it.
template <class T>
class PairRanking {
 public:
  /// Of a block's rows those that have pairs; of each pair its row and centroid, row by row in the order of
  /// the listed ones, a row's centroids ascending. The nearest centroid of a listed row is among its pairs.
  struct Pairs {
    std::span<const std::int32_t> listed, row, centroid;
  };

  /// Bytes at most, with so many pairs.
  static double bytes_needed(std::size_t block_rows, std::size_t most_pairs, std::size_t padded_features) {
    const double rows = static_cast<double>(block_rows), pairs = static_cast<double>(most_pairs);
    return rows * (static_cast<double>(padded_features + 2) * sizeof(T) + sizeof(const T*) + 4) +
           pairs * (sizeof(const T*) + sizeof(T));
  }

  /// The canonical labels of the listed rows, after engine.pack_rows(). Returns how many were re-ranked.
  std::uint64_t label(const DenseEngine<T>& engine, MatrixView<const T> samples, RowRange rows,
                      const Pairs& pairs, std::span<std::int32_t> labels,
                      typename DenseEngine<T>::Scratch& scratch) {
    if (pairs.listed.empty()) return 0;
    score(engine, samples, rows, pairs);
    find_lowest(rows.size(), pairs);
    std::uint64_t reranked = 0;
    std::size_t next = 0;  // of rank()
    for (const std::int32_t r : pairs.listed) {
      const std::size_t at = place(r), i = rows.begin + at;
      if (second_[at] > best_[at] + engine.reach_of(i)) {
        labels[i] = nearest_[at];
      } else {
        const auto ranked = rank(engine, i, r, pairs, next, scratch);
        labels[i] = ranked.label;
        reranked += ranked.reranked;
        second_[at] = -std::numeric_limits<T>::infinity();
      }
    }
    return reranked;
  }

  /// Of a listed row: a lower bound of the scores of those pairs that are not with its label.
  T others(const DenseEngine<T>& engine, RowRange rows, std::int32_t r) const {
    return second_[place(r)] - engine.reach_of(rows.begin + place(r));
  }

 private:
  static std::size_t place(std::int32_t index) { return static_cast<std::size_t>(index); }

  void score(const DenseEngine<T>& engine, MatrixView<const T> samples, RowRange rows, const Pairs& pairs) {
    constexpr std::size_t ahead = 8;
    const std::size_t n_listed = pairs.listed.size(), n_pairs = pairs.row.size(),
                      width = engine.padded_features();
    make_room(sample_, rows.size());
    make_room(pair_sample_, n_pairs);
    make_room(scores_, n_pairs);
    const bool moves = engine.moves_samples();
    if (moves) make_room(moved_, rows.size() * width);
    for (std::size_t l = 0; l < n_listed; ++l) {
      if (l + ahead < n_listed)
        prefetch(samples.row_data(rows.begin + place(pairs.listed[l + ahead])), samples.cols());
      const std::size_t at = place(pairs.listed[l]);
      sample_[at] = engine.pair_sample(rows.begin + at, moves ? moved_.data() + l * width : nullptr);
    }
    for (std::size_t p = 0; p < n_pairs; ++p) pair_sample_[p] = sample_[place(pairs.row[p])];
    engine.paired_scores({pair_sample_.data(), n_pairs}, pairs.centroid.data(), scores_.data());
  }

  /// Of each row the two lowest scores, and whose the lowest is.
  void find_lowest(std::size_t n_rows, const Pairs& pairs) {
    best_.assign(n_rows, std::numeric_limits<T>::infinity());
    second_.assign(n_rows, std::numeric_limits<T>::infinity());
    make_room(nearest_, n_rows);
    T *best = best_.data(), *second = second_.data();
    std::int32_t* nearest = nearest_.data();
    for (std::size_t p = 0; p < pairs.row.size(); ++p) {
      const std::size_t r = place(pairs.row[p]);
      const T score = scores_[p], before = best[r];
      second[r] = std::min(second[r], std::max(score, before));
      nearest[r] ^= (nearest[r] ^ pairs.centroid[p]) & -static_cast<std::int32_t>(score < before);
      best[r] = std::min(score, before);
    }
  }

  /// Row r, sample i, whose scores lie too close, or are NaNs; its pairs are at `next` or later, which moves
  /// on behind them.
  typename DenseEngine<T>::Ranked rank(const DenseEngine<T>& engine, std::size_t i, std::int32_t r,
                                       const Pairs& pairs, std::size_t& next,
                                       typename DenseEngine<T>::Scratch& scratch) const {
    while (pairs.row[next] != r) ++next;
    const std::size_t begin = next;
    while (next < pairs.row.size() && pairs.row[next] == r) ++next;
    const std::size_t count = next - begin;
    return engine.rank_listed(i, pairs.centroid.subspan(begin, count), scores_.data() + begin, scratch);
  }

  std::vector<const T*> sample_, pair_sample_;  ///< of a row, of a pair
  AlignedBuffer<T> moved_;                      ///< where samples are not read in place
  std::vector<T> scores_, best_, second_;
  std::vector<std::int32_t> nearest_;
};

}  // namespace omnimeans::algorithms
