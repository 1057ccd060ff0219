// SPDX-License-Identifier: MIT
// The update step: weighted means of the clusters, from sums that do not depend on the order of addition.
//
// Every value x_it is rounded once to an integer multiple of a quantum q_t, and integers are added: threads,
// blocks, instruction sets, and whether sums were rebuilt or only moved samples were added and taken away,
// cannot show.
//
// Rounding. Adding the "magic" number m = 1.5 * 2^52 * q to a double v with |v| <= 2^51 q rounds v to a
// multiple of q and leaves that multiple in the low bits (all such sums share one binade): bits(v + m) -
// bits(m) = round(v / q). So without weights a row costs one addition in double and one in 64-bit integers a
// feature, and count * bits(m) is taken off at the end, modulo 2^64. With weights the integer is multiplied
// by the weight's, W_i = max(1, round(w_i / q_w)), into 128 bits.
//
// Quanta. Let max_t = max |x_it| < 2^A and n <= 2^B. q_t = 2^(A + e - 51) with e = max(B - 11, min(6, B)), so
// that a value is at most 2^51 q_t and a sum of n at most 2^62 q_t; n = 2^20 keeps 2^-42 of max_t. q_w =
// 2^(ceil(log2(sum w)) - 61). double keeps a second word for what the first one cut off, with the quantum q_t
// * 2^(e - 51), never below 2^-1074; so does float in all features where the values of one differ so much in
// size that one word would round many of them (an outlier of 1e15 among values near 1): where, of 256 samples
// in equal steps, one in 64 or more that are not zero are below 2^23 q_t. Where the weights are integers that
// add up to at most 2^26, their sum takes the place of n: then a sample of weight w gives the same bits as w
// samples (side by side, where float is about to take a second word).
//
// Error of a mean: half a quantum (of the last word); with weights, also each w_i is off by at most q_w, or,
// below q_w, counts as q_w; then one rounding to T (of a quotient that is right to a few units of 2^-100).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "aligned_buffer.hpp"
#include "exact_quotient.hpp"
#include "kernels/kernels.hpp"
#include "omnimeans/backend.hpp"
#include "omnimeans/matrix_view.hpp"

namespace omnimeans {

template <class T>
class CentroidUpdate final : public LabelObserver {
 public:
  /// `absmax`: the largest |value| of each feature over the samples of positive weight.
  CentroidUpdate(MatrixView<const T> samples, std::span<const T> weights, std::span<const T> absmax,
                 std::size_t n_clusters, Isa isa, int threads);

  /// Brings the sums to `labels` (all in [0, n_clusters)). Returns how many samples of positive weight
  /// changed.
  std::size_t accumulate(std::span<const std::int32_t> labels);

  /// The same in the pass that finds the labels: who is told of each of them (null: the sums are too large
  /// for every thread to have its own in a cache), and how many changed, once all were. `kept`: labels are
  /// with the backend (Assignment::keep_labels), and `labels` right only where accumulate() gets them.
  LabelObserver* observe(std::span<const std::int32_t> labels, bool kept = false);
  /// Whether it is told at all, as above.
  bool observes() const;
  void labelled(std::size_t begin, std::size_t end, int thread) override;
  void labelled_some(std::size_t begin, std::span<const std::int32_t> listed, int thread) override;
  void moved(const MovedSamples<float>& samples, int thread) override;
  void moved(const MovedSamples<double>& samples, int thread) override;
  std::size_t accumulate_observed();

  /// Samples of positive weight in each cluster.
  std::span<const std::int64_t> counts() const { return sums_.counts; }

  /// Takes sample i from one cluster's sum to another's; its label stays as it is.
  void move(std::size_t i, std::int32_t from, std::int32_t to);

  /// V = sum_i w_i (|x_i - c_label(i)|^2 - |x_i - o|^2) for the labels that the sums stand for, from the
  /// sums: sum_j W_j (|c_j - m_j|^2 - |m_j - o|^2), m_j a cluster's mean, W_j its weight; o is always the
  /// same. So two values of V differ as two inertias do.
  struct Variation {
    double value, error;  ///< V is value, give or take error
  };
  /// `centroids`: as at the last call, but for clusters that write_means() wrote or move() touched since.
  Variation inertia_variation(MatrixView<const T> centroids);

  /// sum_i w_i |x_i - o|^2, at most: a pass over the samples. After inertia_variation().
  double moment() const;

  /// Writes the mean of every cluster that has samples and whose sum changed since the last call, which was
  /// for the same matrix; the other rows are left as they are.
  void write_means(Matrix<T>& centroids);

 private:
  /// Sums of all clusters; of `plain` and `wide` only one is used, [cluster][word][feature], rows stride_
  /// apart.
  struct Sums {
    AlignedBuffer<std::uint64_t> plain;  ///< without weights: bits(x + m), modulo 2^64
    AlignedBuffer<Int128> wide;          ///< with weights
    std::vector<std::int64_t> counts;
    std::vector<std::int64_t> weights;
  };

  bool weighted() const { return !weights_.empty(); }
  bool present(std::size_t i) const { return !weighted() || weights_[i] > 0; }
  std::int64_t integer_weight(std::size_t i) const;
  bool one_word_is_coarse(double multiplicity, bool by_weight) const;
  Sums empty_sums() const;
  void apply(Sums& sums, const T* x, std::size_t i, std::size_t cluster, bool add) const;
  void apply_row(Sums& sums, const T* x, std::size_t i, std::size_t cluster, bool add) const;
  void apply_count(Sums& sums, std::size_t i, std::size_t cluster, bool add) const;
  void find_moves(std::span<const std::int32_t> labels, std::size_t begin, std::size_t end,
                  std::vector<std::size_t>& moves) const;
  void find_all_moves(std::span<const std::int32_t> labels);
  void account(Sums& sums, std::span<const std::int32_t> labels, const std::size_t* moves, std::size_t first,
               std::size_t count) const;
  void take_from(Sums& own, std::size_t cluster);
  void forget_observed();
  void observe_all(std::span<const std::int32_t> labels);
  void take_labels(std::span<const std::int32_t> labels);
  void apply_with_private_sums(std::span<const std::int32_t> labels, bool rebuild);
  double total_weight(std::size_t cluster) const;
  double mean(std::size_t cluster, std::size_t feature) const;
  template <class Body>
  void each_mean(std::size_t cluster, Body&& body) const;
  /// What inertia_variation() says of a cluster: |c - m|^2, |m - o|^2, and what an error of the mean does to
  /// them.
  struct Part {
    double near = 0, far = 0, error = 0;
  };
  Part variation_of(std::size_t cluster, const T* centroid) const;
  void write_mean(std::size_t cluster, T* out) const;
  void sum_changed(std::size_t cluster) { mean_is_old_[cluster] = part_is_old_[cluster] = 1; }
  void all_sums_changed() {
    std::ranges::fill(mean_is_old_, std::uint8_t{1});
    std::ranges::fill(part_is_old_, std::uint8_t{1});
  }
  std::int64_t plain_sum(std::size_t cluster, std::size_t word, std::size_t feature) const;
  Int128 sum(std::size_t cluster, std::size_t word, std::size_t feature) const;
  int centroid_threads() const;
  void apply_by_cluster(std::span<const std::int32_t> labels, bool rebuild);

  MatrixView<const T> samples_;
  std::span<const T> weights_;
  std::size_t n_clusters_, n_present_, stride_;
  int threads_;

  /// What a thread has seen of the current step, if labels are observed. On cache lines of its own.
  struct alignas(128) Observed {
    Sums sums;
    std::vector<std::uint8_t> touched;  ///< n_clusters: a sample joined or left it in this step
    std::vector<std::size_t> moves;
    std::vector<T> row;  ///< a sample's values, from columns
    std::size_t changed = 0;
    bool labels_to_take = false;  ///< moved() of a first step leaves accounted_ to accumulate_observed()
  };
  void prepare(Observed& own) const;
  void account_moves(Observed& own);
  template <class U>
  void account_moved(const MovedSamples<U>& samples, int thread);
  void account_columns(Observed& own, const MovedSamples<T>& samples, std::uint64_t moved,
                       const std::int32_t* from) const;
  void keep_if_moved(std::size_t i, std::vector<std::size_t>& moves) const {
    if (observed_labels_[i] != accounted_[i] && present(i)) moves.push_back(i);
  }
  std::vector<Observed> observed_;  ///< one for each of all threads
  std::span<const std::int32_t> observed_labels_;
  bool labels_are_kept_ = false;  ///< observe(): moved() goes by the labels before, not by accounted_

  const kernels::Kernels<T>& kernels_;

  std::size_t words_ = 2;                 ///< of a sum, 1 or 2
  int weight_shift_ = 0;                  ///< 1 / q_w = 2^weight_shift
  AlignedBuffer<double> magic_, magic2_;  ///< n_features, of word one and word two
  std::vector<double> quantum_, quantum2_;
  std::vector<double> absmax_, origin_;  ///< origin: o, once it is known

  Sums sums_;
  std::vector<Part> parts_;  ///< n_clusters
  /// Of a cluster: its mean must be written, its part found anew.
  std::vector<std::uint8_t> mean_is_old_, part_is_old_;
  bool first_ = true;               ///< nothing has been added yet
  std::vector<std::size_t> moves_;  ///< of the current step
  /// The labels that the sums stand for; -1: none. Where labels are kept, of the last accumulate().
  AlignedBuffer<std::int32_t> accounted_;
};

}  // namespace omnimeans
