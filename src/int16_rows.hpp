// SPDX-License-Identifier: MIT
// Samples and centroids in sixteen bits, beside a dense engine, for its nearest-centroid kernel and for
// blocks (backends/block_samples.hpp): twice the products an instruction, half the memory, and an error so
// small that few labels are left to be re-ranked: 0.2 to 2 % of the samples of mixtures, 2 to 10 % of word
// embeddings. Only where the CPU has the instructions (kernels::int16_kernels), and for float.
//
// With x' = h (q + e) and c' = h (p + f), where q and p are integers and h is the unit:
//   |x'.c' / h^2 - q.p| = |e.c' / h + q.f| <= D C / h + (N / h + D) G
// for N >= |x'|, C >= |c'|, D >= |e| of every sample and G >= |f| of every centroid. Each |e_t| is at most
// 1/2 and what the rounding of x'/h itself adds, 2^-8 below 2^15, so .504 sqrt(d) is such a D; once all
// samples are rounded the largest |e| is known, some 2/3 of it.
// The accumulator starts at |c'|^2 / 2h^2, rounded (1/2), and its lowest 3 bits give way to a tag (7). So a
// score is off by
//   F(N) = h (D C + G N) + h^2 (D G + 8) + 2^-22 (C^2/2 + N C)
// the last for its conversion to float; beside what the engine's margin, 2 E(N), holds: the labels' margin is
// 2 E(N) + 2 F(N).
//
// Unit. Partial sums are at most (N/h + D)(C/h + G) + (C/h)^2/2 in magnitude; h is the least with which, for
// N and C up to the limit L, they fit 30 bits less a little. L is chosen so that the first centroids and
// nearly all samples are below: longer samples are re-ranked, and while a centroid is longer the engine does
// without; blocks do from then on.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "aligned_buffer.hpp"
#include "kernels/int16.hpp"
#include "omnimeans/backend.hpp"

namespace omnimeans {

/// The 16-bit kernels that may be used for a problem, or null.
template <class T>
const kernels::Int16Kernels* int16_kernels_for(const Problem<T>& problem) {
  // Of longer rows D is no small error any more.
  constexpr std::size_t longest = 4096;
  if (sizeof(T) != sizeof(float) || problem.samples.cols() > longest) return nullptr;
  return kernels::int16_kernels(problem.isa);
}

/// Whether sixteen bits are faster than float over a few steps: of fewer features the products are the
/// smaller part of the work, of fewer clusters the rounding is much (measured: from 16 of them on with VNNI,
/// from 64 without). Six features where float has two units: a Xeon with AMX, seconds of gap in sixteen bits
/// over those in float, n = 3,000 to 1,000,000, k = 16 to 128 d = 4 and 5 0.97 to 1.2, d = 6 0.85 to 1.15, d
/// = 8 to 12 0.75 to 1.1; one whose virtual machine has none, n = 100,000, d = 4 and 5 `pixels`, `lattice`
/// and `blobs` 1.0 to 1.5, `uniform` 0.86 to 1.05; a Zen 5 `pixels`, `lattice`, `images` 1.2 to 1.4, `blobs`
/// and `uniform` 0.91 to 1.2.
template <class T>
bool int16_pays(const Problem<T>& problem) {
  const kernels::Int16Kernels* kernels = int16_kernels_for(problem);
  if (kernels == nullptr) return false;
  const std::size_t least_features = kernels::has_two_float_units(problem.isa) ? 6 : 4;
  return problem.samples.cols() >= least_features &&
         static_cast<double>(problem.n_clusters) * (kernels->rate - 1) >= 16;
}

class Int16Rows {
 public:
  Int16Rows(const kernels::Int16Kernels& kernels, std::size_t n_samples, std::size_t n_features,
            std::size_t n_clusters);

  template <class T>
  static double bytes_needed(const Problem<T>& problem) {
    return bytes_needed(static_cast<double>(problem.samples.rows()),
                        static_cast<double>(problem.samples.cols()), static_cast<double>(problem.n_clusters));
  }
  static double bytes_needed(double n, double d, double k) {
    return ((n + k) * std::ceil(d / 2) + k) * sizeof(float) + k * sizeof(double);
  }

  /// Chooses the unit, for lengths up to `limit`.
  void choose_unit(double limit);
  /// Or for `room` times the longest centroid and, but for one in two hundred, the longest of some samples.
  void choose_unit(std::vector<double> lengths, double longest_centroid, double room);
  bool unit_chosen() const { return unit_chosen_; }
  double unit() const { return unit_; }

  /// Whether centroids up to this length fit.
  bool fits(double longest_centroid) const { return unit_ > 0 && longest_centroid < limit_; }

  /// Samples that somebody else rounds, n_words() words each, in the order that he likes; note_residual():
  /// the largest |e|^2 of some of them.
  float* samples() { return samples_.data(); }
  const float* samples() const { return samples_.data(); }
  void note_residual(float squared);
  double limit() const { return limit_; }

  /// Rounds the samples of a task in float, which begin with sample `begin`, and writes their norms: once,
  /// before take_over(). `residuals` is working memory of as many values.
  void round_samples(const kernels::NearestTask<float>& task, std::size_t begin, float* residuals);
  bool samples_rounded() const { return samples_rounded_; }
  void all_rounded() { samples_rounded_ = true; }

  /// Centroids are about to be packed, and all have been.
  void begin_centroids() { std::ranges::fill(residuals_, 0.0); }
  void end_centroids();

  /// Word w of centroid j with value(t) in the engine's units. A centroid is for one thread.
  template <class Value>
  float word(std::size_t j, std::size_t w, Value&& value) {
    const std::uint32_t low = negated_integer(value(2 * w), residuals_[j]);
    const std::uint32_t high = 2 * w + 1 < n_features_ ? negated_integer(value(2 * w + 1), residuals_[j]) : 0;
    return std::bit_cast<float>(low | high << 16);
  }
  /// Where centroid j's accumulators start.
  void set_start(std::size_t j, double squared_norm);

  /// What the labels' margin grows by, of a sample of length N: constant + linear N.
  struct Margin {
    double constant = 0, linear = 0;
  };
  Margin margin(double longest_centroid) const;

  /// Makes a task on samples from `begin` on in float one in sixteen bits; `longest_centroid` is C.
  void take_over(kernels::NearestTask<float>& task, std::size_t begin, double longest_centroid) const;

  std::size_t n_words() const { return n_words_; }
  float* centroids() { return centroids_.data(); }
  const float* starts() const { return starts_.data(); }
  const kernels::Int16Kernels& kernels() const { return kernels_; }

 private:
  double at_most(double squared) const;

  /// The nearest integer of sixteen bits, negated; adds the square of what that leaves.
  std::uint32_t negated_integer(float value, double& residual) const {
    constexpr double magic = 0x1.8p52;  // near it the last bit of a double is worth 1
    const double units = static_cast<double>(value) * inverse_unit_, integer = (units + magic) - magic;
    residual += (units - integer) * (units - integer);
    return static_cast<std::uint32_t>(-static_cast<std::int32_t>(integer)) & 0xffff;
  }

  const kernels::Int16Kernels& kernels_;
  std::size_t n_features_, n_words_;
  AlignedBuffer<float> samples_;             ///< n_samples x n_words
  AlignedBuffer<float> centroids_, starts_;  ///< as GroupedCentroids, or row by row
  std::vector<double> residuals_;            ///< n_clusters: |f|^2
  double largest_residual_;                  ///< .504 sqrt(d)
  double centroids_residual_ = 0;            ///< G
  std::atomic<float> samples_squared_{0};    ///< the largest |e|^2 of the samples so far
  double unit_ = 0, inverse_unit_ = 0;       ///< h
  double limit_ = 0;                         ///< L
  bool unit_chosen_ = false, samples_rounded_ = false;
};

}  // namespace omnimeans
