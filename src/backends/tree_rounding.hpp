// SPDX-License-Identifier: MIT
// kdtree.cpp's proofs: margins of the box filter and of the leaves, and slacks, with their rounding errors.
//
// Rounding. With a = (c - m) s relative to a box of centre m (a value of T) and half-widths h, all in T, u
// its unit roundoff, eta its least subnormal, P = |a|^2, r^2 = |h|^2:
//   - a, and the samples y = (x - m) s of a leaf, are off by a relative u a feature;
//   - |a - b| h is off by u (|a| + |b|) h;
//   - the filter's three sums are off by gamma_{d+4} of themselves. Where their difference is positive none
//     is above P, so it is off by 4 gamma_{d+6} P + 2 u (P + r^2);
//   - a score |a|^2/2 - y.a is off by gamma_{2d+30} (C^2/2 + C r), C^2 the largest P, half norms summed in T;
//   - the canonical distance is off by theta = gamma_{d/8+8} of double, and D s^2 <= 2 (P + r^2);
//   - underflow takes 16 d eta (1 + C + r) at most, and of canonical distances 2 d 2^-1074 s^2.
//
// All of it is less than kappa (P + r^2) + floor, kappa = 8 gamma_{2d+32} + 32 d eta, floor = 64 d (eta +
// 2^-1074 s^2): the margin of the filter and, with P = C^2, of the leaves. Beyond a limit where sums might
// overflow nothing is dropped or proved.
#pragma once

#include <cmath>
#include <limits>

#include "rounding.hpp"

namespace omnimeans::algorithms {

template <class T>
class TreeRounding {
 public:
  TreeRounding(std::size_t n_features, double scale) {
    const double d = static_cast<double>(n_features),
                 eta = static_cast<double>(std::numeric_limits<T>::denorm_min());
    kappa_ = 8 * gamma_of(2 * d + 32, unit_roundoff<T>()) + 32 * d * eta;
    floor_ = 64 * d * (eta + 0x1p-1074 * scale * scale);
    inverse_scale_ = 1 / scale;
    theta_ = gamma_of(d / 8 + 8, unit_roundoff<double>());
    tiny_ = std::sqrt(d) * 0x1p-520;
  }

  /// The margin for P + r^2 = squares; per P alone, kappa.
  T kappa() const { return round_up<T>(kappa_); }
  T margin(double squares) const { return round_up<T>(kappa_ * squares + floor_); }
  /// Beyond it nothing is proved.
  static constexpr T limit() { return std::numeric_limits<T>::max() / 64; }

  /// sqrt(D^2 + E) - D in the samples' units, rounded down far enough that the canonical distances, too, keep
  /// their order while some of it is left.
  double slack_of(double excess, double reach) const {
    if (excess == std::numeric_limits<double>::infinity()) return excess;
    if (!(excess > 0) || !std::isfinite(reach)) return 0;
    const double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
    const double slack = excess / (reach + std::sqrt(reach * reach + excess)) * (1 - 64 * eps);
    const double less = (slack - 16 * theta_ * (reach + slack)) * inverse_scale_ - tiny_;
    return less > 0 ? less : 0;
  }

 private:
  double kappa_, floor_;
  double inverse_scale_;
  double theta_, tiny_;  ///< of a canonical distance, relative; of its root, by underflow
};

}  // namespace omnimeans::algorithms
