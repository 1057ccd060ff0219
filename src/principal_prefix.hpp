// SPDX-License-Identifier: MIT
// Samples and centroids in a few coordinates that bound their products: the part of a row along some axes,
// and how long the rest is.
//
// With axes p_r, the rows of P, y_x = P x + eta_x (|eta_x| <= eps_x, the rounding of d products added) and
// r_x = x - P^T y_x, likewise of c, and P P^T = I + D:
//   x.c = y_x.(I + D) y_c + y_x.P r_c + y_c.P r_x + r_x.r_c,     P r_x = -eta_x - D y_x
// (A product that underflows is off by 2^-149 at most, which eps_x has, too.)
// So with delta >= |D|, E_x = eps_x + 3/2 delta |y_x|, and t_x >= |r_x|:
//   |x.c - y_x.y_c| <= t_x t_c + |y_x| E_c + |y_c| E_x
//   |r_x|^2 <= |x|^2 - |y_x|^2 + 2 |y_x| eps_x + delta |y_x|^2
// t is split evenly among n_tails more coordinates: in x~ = (y_x, t_x/2, ...) products are those of y plus
// t_x t_c, so half |c|^2 - x~.c~ is a lower bound of the score, but for the E, and 2 t_x t_c more an upper
// one.
//
// The bounds hold for any axes that are nearly orthonormal. They are tight for the principal ones, which
// leave short tails: of some of the samples, by one step of subspace iteration from a few of them (as Halko,
// Martinsson & Tropp 2011, section 4.5, who start at random). They are then turned at random among
// themselves, so that no coordinate is much larger than another and eight bits hold them all alike.
//
// Measured on a Xeon of 2023, two threads: 0.1 % of the squares of `embedding` (d = 768) are in the tails of
// 60 axes, a step with 28, 60, 124 axes takes 26, 23, 30 ms; 3 to 4 % of those of `images` (d = 784), 1 % of
// 124: 35, 23, 20 ms. 512 samples or 1,024: tails alike, half the time. It takes some 10 to 25 ms.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "aligned_buffer.hpp"
#include "dense_engine.hpp"
#include "kernels/kernels.hpp"

namespace omnimeans {

class PrincipalPrefix {
 public:
  static constexpr std::size_t n_tails = 4;         ///< so many complete a group of four bytes
  static constexpr std::size_t most_samples = 512;  ///< that axes are found from
  /// Pairs of samples and centroids from which on looking for a prefix costs less than a step.
  static constexpr double least_pairs = 5e6;

  /// Coordinates of the longest prefix of so many features, the tails among them; 0: there is none.
  static constexpr std::size_t most_values(std::size_t n_features) {
    return n_features >= 256 ? 128 : n_features >= 96 ? 64 : n_features >= 32 ? 16 : 0;
  }
  /// Working memory at most, in bytes.
  static double bytes_needed(std::size_t n_samples, std::size_t n_features);

  /// For the engine's samples as it moves and scales them for its current centroids: half as long as it may
  /// be where that leaves short tails. With `half` always half as long. most_values() must not be 0.
  static std::unique_ptr<PrincipalPrefix> of(const DenseEngine<float>& engine, std::size_t n_samples,
                                             std::size_t n_features, int threads, bool half = false);

  /// What share of the samples' squared lengths is in their tails: on average, of those the axes come from.
  double tail_share() const { return tail_share_; }
  /// Whether so few axes are enough for a search of its own.
  bool has_short_tails() const { return tail_share_ <= 0.01; }
  /// Whether bounds are narrow enough to save time.
  bool worthwhile() const { return tail_share_ <= 0.04; }

  std::size_t n_values() const { return n_axes_ + n_tails; }

  /// Rows that are projected at a time.
  static constexpr std::size_t batch_rows = 24;

  /// -x.p_r of `count` rows, `stride` values apart, to `out`: a row padded_axes() apart.
  void project(const float* rows, std::size_t stride, std::size_t count, float* out) const;
  std::size_t padded_axes() const { return padded_axes_; }

  /// x~, n_values() of them, from what project() wrote and |x| at most; E_x, |x~| and t_x at most. Where |x|
  /// is not finite x~ is not either.
  struct Measured {
    double error, length;
    float tail;
  };
  Measured extend(const float* projected, double norm, float* out) const;

 private:
  PrincipalPrefix(const kernels::Kernels<float>& kernels, const AlignedBuffer<float>& some, std::size_t count,
                  std::size_t n_features, std::size_t n_values, int threads);
  void find_axes(const AlignedBuffer<float>& some, std::size_t count, int threads);
  void make_orthonormal(AlignedBuffer<float>& rows, std::size_t length, std::size_t stride) const;
  void pack();
  void measure();
  void project_all(const AlignedBuffer<float>& some, std::size_t count, int threads,
                   AlignedBuffer<float>& products) const;

  const kernels::Kernels<float>& kernels_;
  std::size_t n_features_, n_axes_, padded_axes_, stride_;
  AlignedBuffer<float> axes_;                 ///< n_axes x stride
  AlignedBuffer<float> panels_, half_norms_;  ///< packed for the score kernel
  double delta_ = 0;                          ///< of D
  double rounding_ = 0;                       ///< eps_x / |x|
  double floor_ = 0;                          ///< of eps_x, by underflow
  double tail_share_ = 1;
};

}  // namespace omnimeans
