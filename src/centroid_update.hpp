// SPDX-License-Identifier: MIT
// The update step: weighted means of the clusters, from sums that do not depend on the order of addition.
//
// Every addend w_i x_it is rounded once to a multiple of a quantum q_t and added as a 64-bit integer, so that
// threads, blocks, instruction sets, and whether sums were rebuilt or only moved samples were added and taken
// away, cannot show. Adding the "magic" number m = 1.5 * 2^52 * q to a double v with |v| <= 2^51 q rounds v
// to a multiple of q and leaves that multiple in the low bits (all such sums share one binade): bits(v + m) -
// bits(m) = round(v / q). So a row costs one addition in double and one in integers a feature, and `count *
// bits(m)` is taken off at the end, modulo 2^64.
//
// Choice of q_t: let max_t = max |x_it| < 2^A, the largest weight <= 2^C and their total <= 2^B (without
// weights C = 0, B = ceil(log2 n)). With e = max(C, B - 11, min(6, B)), q_t = 2^(A + e - 51): an addend is at
// most 2^51 q_t, a sum at most 2^62 q_t. For n = 2^20 that keeps 2^-42 of max_t; the error of a mean is at
// most q_t / 2 * (rows of the cluster) / (its weight), plus one rounding to T. double keeps a second word for
// what the first one cut off, with the quantum q_t * 2^(e - 51) (never below 2^-1074). Weights below one are
// first scaled by a power of two so that C = 0. While e <= 16, x is rounded before it is multiplied by its
// weight, so that an integer weight w gives the same bits as w copies of the sample.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "aligned_buffer.hpp"
#include "kernels/kernels.hpp"
#include "omnimeans/matrix_view.hpp"

namespace omnimeans {

template <class T>
class CentroidUpdate {
 public:
  /// `absmax`: the largest |value| of each feature over the samples of positive weight.
  CentroidUpdate(MatrixView<const T> samples, std::span<const T> weights, std::span<const T> absmax,
                 std::size_t n_clusters, Isa isa, int threads);

  /// Brings the sums to `labels` (all in [0, n_clusters)). Returns how many samples of positive weight
  /// changed.
  std::size_t accumulate(std::span<const std::int32_t> labels);

  /// Samples of positive weight in each cluster.
  std::span<const std::int64_t> counts() const { return counts_; }

  /// Takes sample i from one cluster's sum to another's; its label stays as it is.
  void move(std::size_t i, std::int32_t from, std::int32_t to);

  /// Writes the mean of every cluster that has samples; the rows of the others are left as they are.
  void write_means(Matrix<T>& centroids) const;

 private:
  static constexpr std::size_t words = sizeof(T) == sizeof(double) ? 2 : 1;

  double weight(std::size_t i) const;
  bool present(std::size_t i) const { return weights_.empty() || weights_[i] > 0; }
  void apply(std::size_t i, bool add, std::uint64_t* row) const;
  void apply_general(const T* x, double w, bool add, std::uint64_t* row) const;
  void count(std::size_t i, bool add, std::int64_t& rows, std::uint64_t& weight_sum) const;
  void find_moves(std::span<const std::int32_t> labels);
  void apply_with_private_sums(std::span<const std::int32_t> labels, bool rebuild);
  void apply_by_cluster(std::span<const std::int32_t> labels, bool rebuild);
  std::uint64_t* sum_row(std::size_t j) { return sums_.data() + j * words * samples_.cols(); }

  MatrixView<const T> samples_;
  std::span<const T> weights_;
  std::size_t n_clusters_, n_present_;
  int threads_;
  const kernels::Kernels<T>& kernels_;

  double weight_scale_ = 1;   ///< a power of two
  bool round_first_ = false;  ///< round x, then multiply by the weight
  double weight_magic_ = 0, weight_quantum_ = 1;
  AlignedBuffer<double> magic_;   ///< n_features, word one
  AlignedBuffer<double> magic2_;  ///< word two (double only)
  std::vector<double> quantum_, quantum2_;

  AlignedBuffer<std::uint64_t> sums_;  ///< [cluster][word][feature]
  std::vector<std::uint64_t> weight_sums_;
  std::vector<std::int64_t> counts_;
  std::vector<std::size_t> moves_;       ///< of the current step
  std::vector<std::int32_t> accounted_;  ///< the labels that the sums stand for; -1: none
};

}  // namespace omnimeans
