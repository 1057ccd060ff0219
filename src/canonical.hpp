// SPDX-License-Identifier: MIT
// The oracle, plain: the canonical distance and the canonical label. Nobody optimises this file; a fast
// kernel may decide a label only where it can prove that this one decides the same.
//
//   D(x, c) = sum over t of (double(x_t) - double(c_t))^2, in double, without contraction, in one order:
//   eight partial sums p_l over t = l (mod 8), t increasing, then ((p0+p4)+(p2+p6)) + ((p1+p5)+(p3+p7)).
//   label(x) = argmin_j D(x, c_j), the lowest j where several are equal.
#pragma once

#include <cstddef>
#include <cstdint>

#include "omnimeans/matrix_view.hpp"

#if defined(__FAST_MATH__)
#error "omnimeans needs the arithmetic as written: -ffast-math would change the canonical distance"
#endif

namespace omnimeans {

/// Partial sums of the canonical order.
inline constexpr std::size_t canonical_lanes = 8;

/// D(x, c) of two rows of n_features values.
template <class T>
inline double canonical_distance(const T* x, const T* c, std::size_t n_features) {
  double p[canonical_lanes] = {};
  for (std::size_t t = 0; t < n_features; ++t) {
    const double difference = static_cast<double>(x[t]) - static_cast<double>(c[t]);
    const double square = difference * difference;
    p[t % canonical_lanes] += square;
  }
  const double q0 = p[0] + p[4], q1 = p[1] + p[5], q2 = p[2] + p[6], q3 = p[3] + p[7];
  return (q0 + q2) + (q1 + q3);
}

struct Nearest {
  std::int32_t label;
  double distance;  ///< D(x, c_label)
};

/// The canonical label of one sample among the rows of `centroids`.
template <class T>
inline Nearest canonical_nearest(const T* x, MatrixView<const T> centroids) {
  Nearest nearest{0, canonical_distance(x, centroids.row_data(0), centroids.cols())};
  for (std::size_t j = 1; j < centroids.rows(); ++j) {
    const double distance = canonical_distance(x, centroids.row_data(j), centroids.cols());
    if (distance < nearest.distance) nearest = {static_cast<std::int32_t>(j), distance};
  }
  return nearest;
}

}  // namespace omnimeans
