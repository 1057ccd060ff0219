// SPDX-License-Identifier: MIT
// The bounds of blockbounds, of which blockbounds.cpp has the mathematics: for every block of samples and
// every centroid, in sixteen bits, how much farther the centroid is from any of the samples than that one's
// own centroid, at least.
//
// A bound is a word w, w q = g + what P_j and V_B were when it was written: P_j, how far c_j has moved since
// the bounds' epoch began, V_B, the sum over the steps of the largest drift of a centroid that a sample of B
// belongs to. So words are only read until they are renewed: g > 0 as long as w q > P_j + V_B. P_j is rounded
// up where it is compared, down where a bound is written; of V_B only differences count, which are never too
// small. An epoch ends before sums of words leave their range.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "aligned_buffer.hpp"
#include "dense_engine.hpp"
#include "kernels/kernels.hpp"
#include "parallel.hpp"
#include "prefetch.hpp"
#include "rounding.hpp"

namespace omnimeans::algorithms {

template <class T>
class BlockWords {
 public:
  /// `rows`: samples a block, a multiple of four.
  BlockWords(const DenseEngine<T>& engine, std::size_t n_blocks, std::size_t rows, std::size_t n_clusters)
      : engine_(engine),
        rows_(rows),
        n_clusters_(n_clusters),
        stride_(padded(n_clusters)),
        words_(AlignedBuffer<std::uint16_t>::for_overwrite(n_blocks * stride_)),
        own_path_(n_blocks),
        path_(n_clusters),
        moved_(n_clusters),
        path_words_(n_clusters),
        drift_words_(stride_),
        zeros_(stride_) {}

  static double bytes_needed(std::size_t n_blocks, std::size_t n_clusters) {
    const auto blocks = static_cast<double>(n_blocks), k = static_cast<double>(padded(n_clusters));
    return blocks * (k * sizeof(std::uint16_t) + sizeof(T)) +
           k * (sizeof(double) + 2 * sizeof(T) + 2 * sizeof(std::uint16_t));
  }
  /// Of a block.
  static std::size_t padded(std::size_t k) {
    return block_count(k, kernels::byte_lanes) * kernels::byte_lanes;
  }

  /// No bound is known. The unit is a part of the centroids' median length.
  void begin_run() {
    std::vector<double>& lengths = path_;  // which is to be cleared
    for (std::size_t j = 0; j < lengths.size(); ++j)
      lengths[j] = std::sqrt(2 * static_cast<double>(engine_.half_norm(j)));
    const auto middle = lengths.begin() + static_cast<std::ptrdiff_t>(lengths.size() / 2);
    std::ranges::nth_element(lengths, middle);
    per_length_ = spread / *middle;
    if (!(per_length_ > 0) || !std::isfinite(per_length_)) per_length_ = 1;
    std::ranges::fill(own_path_, T(0));
    begin_epoch();
  }
  /// All bounds of block b are about to be written.
  void begin_block(std::size_t b) { std::fill(of(b) + n_clusters_, of(b) + stride_, std::uint16_t{65535}); }

  /// The centroids have moved.
  void advance(std::span<const double> drift) {
    const double unit = per_length_ * engine_.scale();
    double longest = 0, largest = 0;
    for (std::size_t j = 0; j < path_.size(); ++j) {
      const double words = drift[j] * unit * (1 + 0x1p-40);
      path_[j] = (path_[j] + words) * (1 + 0x1p-50);
      moved_[j] = round_up<T>(words);
      drift_words_[j] = whole(path_[j]);
      path_words_[j] = round_down<T>(path_[j]);
      longest = std::max(longest, path_[j]);
      largest = std::max(largest, static_cast<double>(moved_[j]));
    }
    largest_own_path_ += largest;
    ends_epoch_ = !(longest < longest_path && largest_own_path_ < longest_path);
    // Bounds that are written in this step are of the next epoch.
    if (ends_epoch_) std::ranges::fill(path_words_, T(0));
  }
  /// After every step.
  void end_step() {
    if (ends_epoch_) begin_epoch();
  }

  /// Lists the centroids that may be nearest to a sample of block b, whose labels in the step before are
  /// `labels`, ascending; once a step. Returns how many.
  std::size_t list_open(std::size_t b, const std::int32_t* labels, std::int32_t* out) {
    constexpr T outward = 1 + 4 * std::numeric_limits<T>::epsilon();
    own_path_[b] = (own_path_[b] + farthest_move(labels)) * outward;
    const std::uint16_t own = whole(static_cast<double>(own_path_[b]));
    const auto& kernels = engine_.kernels();
    if (!ends_epoch_) return kernels.open_words(of(b), drift_words_.data(), own, stride_, out);
    kernels.lower_words(of(b), drift_words_.data(), own, stride_);
    begin_block(b);
    own_path_[b] = 0;
    return kernels.open_words(of(b), zeros_.data(), 0, stride_, out);
  }

  /// What a task needs to write bounds, and of block b.
  void take(kernels::BlockTask<T>& task) const {
    const double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
    const double d = static_cast<double>(engine_.n_features());
    const double theta = gamma_of(d / 8 + 8, unit_roundoff<double>());
    task.units = round_down<T>(per_length_ * (1 - 64 * eps - 16 * theta));
    task.reach_units = round_up<T>(per_length_ * 16 * theta);
    // And what underflow may take of a canonical distance.
    task.guard = round_up<T>(0x1p-4 + std::sqrt(d) * 0x1p-520 * engine_.scale() * per_length_);
    task.path = path_words_.data();
  }
  void take(std::size_t b, kernels::BlockTask<T>& task) {
    task.own_path = own_path_[b];
    task.words = of(b);
  }

  [[gnu::always_inline]] void ask_for(std::size_t b) const { prefetch(words_.data() + b * stride_, stride_); }

 private:
  static constexpr double most = 65535;
  static constexpr double spread =
      16384;  ///< the length of a typical centroid, from where the engine centres
  /// An epoch's, of a centroid, of a block. Together they stay far enough below `most` that V, which a
  /// rounding outward a step makes longer, can never open the padding.
  static constexpr double longest_path = 16000;

  std::uint16_t* of(std::size_t b) { return words_.data() + b * stride_; }
  static std::uint16_t whole(double path) {
    if (!(path < most)) return 65535;
    const auto below =
        static_cast<std::uint16_t>(static_cast<int>(path));  // std::ceil is a call without SSE4.1
    return static_cast<std::uint16_t>(below + (below < path));
  }
  void begin_epoch() {
    std::ranges::fill(path_, 0.0);
    std::ranges::fill(path_words_, T(0));
    largest_own_path_ = 0;
    ends_epoch_ = false;
  }

  /// Of the centroids that samples of a block belong to, in words.
  T farthest_move(const std::int32_t* labels) const {
    const auto move = [&](std::int32_t j) { return moved_[static_cast<std::size_t>(j)]; };
    T farthest[4] = {};
    for (std::size_t r = 0; r < rows_; r += 4) {
      for (std::size_t l = 0; l < 4; ++l) farthest[l] = std::max(farthest[l], move(labels[r + l]));
    }
    return std::max(std::max(farthest[0], farthest[1]), std::max(farthest[2], farthest[3]));
  }

  const DenseEngine<T>& engine_;
  std::size_t rows_, n_clusters_, stride_;
  AlignedBuffer<std::uint16_t> words_;              ///< n_blocks x stride
  std::vector<T> own_path_;                         ///< a block: V, in words
  std::vector<double> path_;                        ///< a centroid: P, in words
  std::vector<T> moved_, path_words_;               ///< likewise: the last drift; P rounded down
  std::vector<std::uint16_t> drift_words_, zeros_;  ///< likewise: P rounded up; padded
  double per_length_ = 1;                           ///< 1 / q, in the engine's units
  double largest_own_path_ = 0;
  bool ends_epoch_ = false;
};

}  // namespace omnimeans::algorithms
