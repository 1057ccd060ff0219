// SPDX-License-Identifier: MIT
// Scores in eight bits with a proven error, beside a dense engine: they leave a candidate or two of each
// sample to be scored in float, at a quarter of a float pass's cost. Only where the CPU has the instructions
// (kernels::int8_kernels), and for float.
//
// With x' = x^ + e and c' = c^ + f, where x^ and c^ are what eight bits hold (kernels/int8.hpp) and |e|, |f|
// are measured:
//   |x'.c' - x^.c^| = |e.c' + x^.f| <= |e| C + (N + |e|) F,     C >= |c'|, N >= |x'|, F >= |f| of every
//   centroid
// The kernel's four roundings add 4 u ((N + |e|) (C + F) + C^2/2) at most; the bound below takes 16 u.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "aligned_buffer.hpp"
#include "dense_engine.hpp"
#include "kernels/int8.hpp"
#include "parallel.hpp"

namespace omnimeans {

class Int8Filter {
 public:
  Int8Filter(const DenseEngine<float>& engine, const kernels::Int8Kernels& kernels, std::size_t n_samples,
             std::size_t n_features, std::size_t n_clusters, int threads);

  static double bytes_needed(std::size_t n_samples, std::size_t n_features, std::size_t n_clusters);

  /// Takes the engine's centroids, after its pack_rows().
  void set_centroids();

  /// Rounds sample i, once; `x` as DenseEngine::load_sample() left it.
  void load(std::size_t i, const float* x);

  /// Scores of the samples begin + listed[r] and all centroids, scores_stride() apart.
  struct Scratch {
    AlignedBuffer<float> scores;
    AlignedBuffer<std::int8_t> rows;
    std::vector<float> scale;
    std::vector<std::int32_t> sum;
  };
  void score(std::size_t begin, std::span<const std::int32_t> listed, Scratch& scratch) const;
  std::size_t scores_stride() const { return n_vectors_ * kernels::int8_lanes; }

  /// Scores of sample i and the centroids that `index` lists.
  void score_pairs(std::size_t i, std::span<const std::int32_t> index, float* out) const;

  /// How far a score of sample i is off at most.
  double error(std::size_t i) const;

 private:
  const DenseEngine<float>& engine_;
  const kernels::Int8Kernels& kernels_;
  std::size_t n_features_, n_clusters_, n_vectors_, stride_;
  int threads_;
  AlignedBuffer<std::int8_t> samples_;
  std::vector<float> sample_scale_, sample_cut_off_;  ///< cut off: |e|
  std::vector<std::int32_t> sample_sum_;
  AlignedBuffer<std::uint8_t> panels_, rows_;
  AlignedBuffer<float> scale_, half_norms_;
  double largest_cut_off_ = 0;  ///< F
  kernels::Int8Centroids centroids_;
};

}  // namespace omnimeans
