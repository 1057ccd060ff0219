// SPDX-License-Identifier: MIT
// Scores in eight bits with a proven error, beside a dense engine: they leave a candidate or two of each
// sample to be scored in float, at a quarter of a float pass's cost. Only where the CPU has the instructions
// (kernels::int8_kernels), and for float.
//
// With x' = x^ + e and c' = c^ + f, where x^ and c^ are what eight bits hold (kernels/int8.hpp) and |e|, |f|
// are measured:
//   |x'.c' - x^.c^| = |e.c' + x^.f| <= |e| |c'| + (N + |e|) |f| =: off,     N >= |x'|
// So the kernels' b = |c'|^2/2 - x^.c^ - off is a lower bound of the score s, and b + 2 off an upper one.
// With C >= |c'| and F >= |f| of every centroid no value on the way is above 2 (N + |e|) (C + F) + C^2/2 =:
// Z; the kernels' roundings, a dozen at most, are 16 u Z at most. A place in its lane written into the lowest
// t bits changes b by 2^t u 2 Z.
//
// Or of x~ and c~ in place of x' and c', a few coordinates each (principal_prefix.hpp), with N and C the
// largest |x~| and |c~|, E_x and E_c added to |e| and |f|, and 2 t_x t_c more in the upper bound and in Z.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "aligned_buffer.hpp"
#include "dense_engine.hpp"
#include "kernels/int8.hpp"
#include "parallel.hpp"
#include "principal_prefix.hpp"
#include "rounding.hpp"

namespace omnimeans {

/// The 8-bit kernels that may be used for a problem, or null.
template <class T>
const kernels::Int8Kernels* int8_kernels_for(const Problem<T>& problem) {
  const std::size_t d = problem.samples.cols();
  // A place in a lane must leave most of a float's bits.
  constexpr std::size_t most_clusters = std::size_t{1} << 24;
  if (sizeof(T) != sizeof(float) || d < 16 || d > kernels::int8_longest || problem.n_clusters > most_clusters)
    return nullptr;
  return kernels::int8_kernels(problem.isa);
}

class Int8Filter {
 public:
  /// What is rounded: all features, or the coordinates of a prefix if it is not null.
  Int8Filter(const DenseEngine<float>& engine, const kernels::Int8Kernels& kernels, std::size_t n_samples,
             std::size_t n_features, std::size_t n_clusters, int threads,
             std::unique_ptr<PrincipalPrefix> prefix = nullptr);

  /// For samples of so many values.
  static double bytes_needed(std::size_t n_samples, std::size_t n_values, std::size_t n_clusters);

  /// Takes the engine's centroids, after its pack_rows().
  void set_centroids();

  /// Working memory of one thread, and what find_candidates() finds: a value a row.
  struct Scratch {
    std::vector<float> least;           ///< an upper bound of the lowest score, but for least_error()
    std::vector<std::int32_t> nearest;  ///< the centroid of the lowest bound
    std::vector<std::uint8_t> alone;    ///< whether it is the only candidate
    AlignedBuffer<float> bounds;        ///< of listed rows, bounds_stride() apart

    std::vector<float> reach;
    AlignedBuffer<float> lanes;  ///< as kernels::Int8Lowest
    std::vector<std::int32_t> found, lane;
    std::vector<float> lane_bounds;
    AlignedBuffer<float> x, projected, extended;  ///< of rows to be rounded
    AlignedBuffer<std::int8_t> rows;              ///< of listed rows, with what belongs to them
    std::vector<float> scale, cut_off, length, tail;
    std::vector<std::int32_t> sum;
  };

  /// Rounds samples, once, after set_centroids() and the engine's find_norms().
  void load(RowRange rows, Scratch& scratch);
  /// One of them, whole; `x` as DenseEngine::sample() gives it.
  void load(std::size_t i, const float* x);

  /// Finds which centroids may be the nearest of each of `rows`, or of the samples begin + listed[r], by
  /// these bounds alone; on request the bounds of every pair, in scratch.bounds.
  void find_candidates(RowRange rows, Scratch& scratch) const;
  void find_candidates(std::size_t begin, std::span<const std::int32_t> listed, Scratch& scratch) const;
  /// Those of row r, sample i, in ascending order: one at least, the nearest among them. `score` is the
  /// engine's of any centroid (the nearest one's leaves the fewest), or scratch.least[r]. Valid until the
  /// next call.
  std::span<const std::int32_t> candidates(std::size_t r, std::size_t i, float score, Scratch& scratch) const;
  /// The centroid of row r's lowest bound.
  std::int32_t nearest(std::size_t r, const Scratch& scratch) const {
    // Where nothing is finite it may be padding.
    return std::min(scratch.nearest[r], static_cast<std::int32_t>(n_clusters_ - 1));
  }
  std::size_t bounds_stride() const { return n_vectors_ * kernels::int8_lanes; }
  /// Features, or coordinates that stand for them.
  std::size_t n_values() const { return n_values_; }

  /// Lower bounds of the scores of sample i and the centroids that `index` lists, but for rounding(i).
  void pair_bounds(std::size_t i, std::span<const std::int32_t> index, float* out) const;
  /// An upper bound of the score of sample i and centroid j from the lower one, likewise.
  float upper_bound(std::size_t i, std::size_t j, float lower) const {
    return lower + 2 * (sample_length_[i] * cut_off_[j] + sample_cut_off_[i] * length_[j] +
                        (prefix_ != nullptr ? sample_tail_[i] * tail_[j] : 0));
  }
  /// How far above the upper bound of any centroid's score the lower one of the canonical winner may be: both
  /// bounds are off, and canonical distances by what the margin says.
  float reach(std::size_t i) const {
    return round_up<float>((2 * least_error(i) + engine_.score_margin(i)) * 1.01);
  }
  /// Asks for what pair_bounds() reads of sample i.
  void prefetch(std::size_t i) const {
    for (std::size_t t = 0; t < stride_; t += 64) __builtin_prefetch(samples_.data() + i * stride_ + t);
  }

  double least_error(std::size_t i) const { return rounding(i) + tag_error_ * largest(i); }
  double rounding(std::size_t i) const { return 16 * unit_roundoff<float>() * largest(i); }

 private:
  kernels::Int8Rows samples_from(std::size_t i, std::size_t count) const {
    return {samples_.data() + i * stride_,
            stride_,
            &sample_scale_[i],
            &sample_sum_[i],
            &sample_cut_off_[i],
            &sample_length_[i],
            sample_tail_.data() + i,
            count};
  }
  /// Z
  double largest(std::size_t i) const {
    const double longest = engine_.longest();
    return 2 * static_cast<double>(sample_length_[i]) * (largest_length_ + largest_cut_off_) +
           longest * longest +
           (prefix_ != nullptr ? 2 * static_cast<double>(sample_tail_[i]) * largest_tail_ : 0);
  }
  /// What `x` is rounded to, and how far that is off.
  struct Rounded {
    float scale, cut_off, length, tail;
    std::int32_t sum;
  };
  Rounded round(const float* x, double norm, const float* projected, float* extended,
                std::int8_t* values) const;
  void put(std::size_t i, const Rounded& rounded);
  void set_centroid(std::size_t j, const float* projected, float* extended, std::int8_t* values);
  void search(std::size_t begin, std::span<const std::int32_t> listed, const kernels::Int8Rows& rows,
              float* bounds, Scratch& scratch) const;

  const DenseEngine<float>& engine_;
  const kernels::Int8Kernels& kernels_;
  std::size_t n_features_, n_clusters_, n_values_, n_vectors_, stride_;
  int threads_;
  std::unique_ptr<PrincipalPrefix> prefix_;
  AlignedBuffer<std::int8_t> samples_;
  std::vector<float> sample_scale_, sample_cut_off_, sample_length_;  ///< ..., |e|, N + |e|
  std::vector<float> sample_tail_;                                    ///< of a prefix
  std::vector<std::int32_t> sample_sum_;
  AlignedBuffer<std::uint8_t> panels_, rows_;
  AlignedBuffer<float> scale_, half_norms_, length_, cut_off_, tail_;
  kernels::Int8Centroids centroids_;
  double largest_cut_off_ = 0, largest_length_ = 0, largest_tail_ = 0;  ///< F, C, of t_c
  double tag_error_;  ///< of a bound whose lowest bits gave way, relative
};

}  // namespace omnimeans
