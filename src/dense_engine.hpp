// SPDX-License-Identifier: MIT
// Exhaustive assignment on the dense kernels, certified: a label is taken from the fast scores only where a
// rounding-error bound proves that the canonical rule decides the same; the other samples are re-ranked with
// the canonical distance.
//
// Scores. With x' = (x - m) * 2^e and c' = (c - m) * 2^e, the kernel computes s_j = |c'_j|^2/2 - x'.c'_j, so
// that |x' - c'_j|^2 = |x'|^2 + 2 s_j. Usually m = 0, e = 0 and samples are read in place. Where the
// centroids' common offset is large against their spread, m is their mean; where squares would over- or
// underflow in T, 2^e brings them near one.
//
// Error bound. u is T's unit roundoff, gamma_g = g u / (1 - g u) (Higham 2002, lemma 3.1), C >= max_j |c'_j|,
// N >= |x'|.
//   chains of at most L = dense_chain FMAs, b = ceil(d / L) of them added:      gamma_{L+b} (C^2/2 + N C)
//   product and sum rounded apart where there is no FMA, |c'|^2/2 rounded to T,
//   c' and x' rounded to T (x' - x'' is at most u N long, and so on):           4 more roundings, so
//   gamma_{L+b+8} is safe |c'|^2/2 itself summed in double (matters for T = double only):             d/8 + 8
//   more underflow of products and of x', c': at most eta = the least subnormal each: 8 d eta (1 + C)
// give |s^_j - s_j| <= E(N) = gamma_g (C^2/2 + N C) + 8 d eta (1 + C). The canonical distance itself is off
// by a relative theta = gamma_{d/8+8} in double (and 2 d 2^-1074 2^2e by underflow). So the canonical rule
// takes the lowest score's centroid, and no other, if second - best > 2 E + theta (N + C)^2 + underflow =:
// margin(N), a quadratic in N.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "aligned_buffer.hpp"
#include "kernels/kernels.hpp"
#include "omnimeans/backend.hpp"
#include "omnimeans/matrix_view.hpp"
#include "parallel.hpp"

namespace omnimeans {

template <class T>
class DenseEngine {
 public:
  DenseEngine(MatrixView<const T> samples, std::size_t n_clusters, Isa isa, int threads);

  /// Working memory of one thread.
  struct Scratch {
    AlignedBuffer<T> rows;    ///< transformed rows
    AlignedBuffer<T> scores;  ///< block_rows x padded_clusters()
    std::vector<T> best, second;
    std::vector<std::int32_t> index, candidates;
    std::vector<double> distances;
    AssignmentStats stats;
  };

  /// Takes the centroids for the next assignments; the view must stay valid until then.
  void set_centroids(MatrixView<const T> centroids);

  /// The canonical label of every sample.
  AssignmentStats assign(std::span<const T> sample_weights, std::span<std::int32_t> labels);

  /// Calls body(rows, scratch) over blocks of samples, in parallel; sums up what the scratches' stats hold.
  template <class Body>
  AssignmentStats over_blocks(Body&& body) {
    const std::size_t n = samples_.rows(), blocks = block_count(n, block_rows_);
    prepare_scratch(useful_threads(threads_, blocks));
    for (Scratch& scratch : scratch_) scratch.stats = {};
    parallel_blocks(threads_, blocks, [&](std::size_t block, int thread) {
      body(block_range(block, n, block_rows_), scratch_[static_cast<std::size_t>(thread)]);
    });
    norms_known_ = true;
    return sum_stats();
  }

  /// Every score of the rows, into scratch.scores (row stride padded_clusters()).
  void score(RowRange rows, Scratch& scratch);

  /// Lower bounds of |x_i - c_j| for all j from sample i's scores.
  void lower_distances(std::size_t i, const T* scores, T* out) const;

  /// The canonical label and its distance D from sample i's scores: re-ranks all that the margin leaves open.
  struct Ranked {
    std::int32_t label;
    double distance;
    bool reranked;
  };
  Ranked rank(std::size_t i, const T* scores, Scratch& scratch) const;

  std::size_t padded_clusters() const { return n_vectors_ * kernels_.lanes; }
  const kernels::Kernels<T>& kernels() const { return kernels_; }
  std::uint64_t bytes() const;

 private:
  void prepare_scratch(int team);
  void choose_transform();
  void pack();
  kernels::RowBlock<T> load_rows(RowRange rows, Scratch& scratch);
  kernels::PackedCentroids<T> packed() const;
  void find_norms(RowRange rows, const kernels::RowBlock<T>& block);
  void assign_block(RowRange rows, std::span<const T> weights, std::span<std::int32_t> labels,
                    Scratch& scratch);
  void rerank(std::span<const std::size_t> open, std::span<const T> weights, std::span<std::int32_t> labels,
              Scratch& scratch);
  AssignmentStats sum_stats() const;

  /// Infinite where the kernel's arithmetic might overflow: then nothing is proved.
  double margin(double norm) const {
    return norm <= norm_limit_ ? (margin2_ * norm + margin1_) * norm + margin0_
                               : std::numeric_limits<double>::infinity();
  }
  /// Upper bound of D from a score.
  double upper_squared(double norm, double score) const {
    const double squared = 2 * (score + margin(norm)) + norm * norm;
    return squared > 0 ? squared * inverse_scale2_ : 0;
  }

  MatrixView<const T> samples_;
  MatrixView<const T> centroids_;
  const kernels::Kernels<T>& kernels_;
  int threads_;
  std::size_t n_clusters_, n_vectors_, block_rows_;

  bool transformed_ = false, transform_chosen_ = false;
  std::vector<T> offset_;  ///< m
  T scale_ = 1;            ///< 2^e
  double inverse_scale2_ = 1;

  AlignedBuffer<T> panels_, half_norms_;
  double largest_norm_ = 0;                         ///< C
  double margin0_ = 0, margin1_ = 0, margin2_ = 0;  ///< margin(N) = (margin2 N + margin1) N + margin0
  double norm_limit_ = 0;
  std::vector<T> norms_;   ///< N of each sample, an upper bound
  double norm_slack_ = 0;  ///< |x'| >= N (1 - norm_slack) - tiny
  bool norms_known_ = false;
  std::vector<Scratch> scratch_;
};

}  // namespace omnimeans
