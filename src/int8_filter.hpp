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
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "aligned_buffer.hpp"
#include "dense_engine.hpp"
#include "kernels/int8.hpp"
#include "parallel.hpp"
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
  Int8Filter(const DenseEngine<float>& engine, const kernels::Int8Kernels& kernels, std::size_t n_samples,
             std::size_t n_features, std::size_t n_clusters, int threads);

  static double bytes_needed(std::size_t n_samples, std::size_t n_features, std::size_t n_clusters);

  /// Takes the engine's centroids, after its pack_rows().
  void set_centroids();

  /// Rounds sample i, once; `x` as DenseEngine::load_sample() left it.
  void load(std::size_t i, const float* x);

  /// Working memory of one thread, and what find_candidates() finds: a value a row.
  struct Scratch {
    std::vector<float> least;     ///< an upper bound of the lowest score, but for least_error()
    AlignedBuffer<float> bounds;  ///< of listed rows, bounds_stride() apart

    std::vector<float> reach;
    std::vector<std::int32_t> index, count;  ///< as kernels::Int8Candidates
    std::vector<std::uint32_t> more;
    std::vector<std::int32_t> lane;  ///< centroids of a lane
    std::vector<float> lane_bounds;
    AlignedBuffer<std::int8_t> rows;  ///< of listed rows, with what belongs to them
    std::vector<float> scale, cut_off, length;
    std::vector<std::int32_t> sum;
  };

  /// Finds which centroids may be the nearest of each of `rows`, or of the samples begin + listed[r], by
  /// these bounds alone; on request the bounds of every pair, in scratch.bounds.
  void find_candidates(RowRange rows, Scratch& scratch) const;
  void find_candidates(std::size_t begin, std::span<const std::int32_t> listed, Scratch& scratch) const;
  /// Those of row r, sample i, in ascending order: one at least, the nearest among them. Valid until the next
  /// call.
  std::span<const std::int32_t> candidates(std::size_t r, std::size_t i, Scratch& scratch) const;
  std::size_t bounds_stride() const { return n_vectors_ * kernels::int8_lanes; }

  /// Lower bounds of the scores of sample i and the centroids that `index` lists, but for rounding(i).
  void pair_bounds(std::size_t i, std::span<const std::int32_t> index, float* out) const;

  double least_error(std::size_t i) const { return rounding(i) + tag_error_ * largest(i); }
  double rounding(std::size_t i) const { return 16 * unit_roundoff<float>() * largest(i); }

 private:
  kernels::Int8Rows sample(std::size_t i) const {
    return {samples_.data() + i * stride_,
            stride_,
            &sample_scale_[i],
            &sample_sum_[i],
            &sample_cut_off_[i],
            &sample_length_[i],
            1};
  }
  /// Z
  double largest(std::size_t i) const {
    const double longest = engine_.longest();
    return 2 * static_cast<double>(sample_length_[i]) * (longest + largest_cut_off_) + longest * longest;
  }
  void search(std::size_t begin, std::span<const std::int32_t> listed, const kernels::Int8Rows& rows,
              float* bounds, Scratch& scratch) const;

  const DenseEngine<float>& engine_;
  const kernels::Int8Kernels& kernels_;
  std::size_t n_features_, n_clusters_, n_vectors_, stride_;
  int threads_;
  AlignedBuffer<std::int8_t> samples_;
  std::vector<float> sample_scale_, sample_cut_off_, sample_length_;  ///< ..., |e|, N + |e|
  std::vector<std::int32_t> sample_sum_;
  AlignedBuffer<std::uint8_t> panels_, rows_;
  AlignedBuffer<float> scale_, half_norms_, length_, cut_off_;
  kernels::Int8Centroids centroids_;
  double largest_cut_off_ = 0;  ///< F
  double tag_error_;            ///< of a bound whose lowest bits gave way, relative
};

}  // namespace omnimeans
