// SPDX-License-Identifier: MIT
// Bit-for-bit comparison of results, with messages that say where they part.
#pragma once

#include <gtest/gtest.h>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <iomanip>
#include <span>
#include <type_traits>
#include <vector>

#include "omnimeans/omnimeans.hpp"

/// Equal bits: unlike ==, tells -0 from 0 and finds a NaN equal to itself.
template <class T>
bool same_bits(T a, T b) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  return std::bit_cast<Bits>(a) == std::bit_cast<Bits>(b);
}

template <class T>
testing::AssertionResult same_matrix(omnimeans::MatrixView<const T> a, omnimeans::MatrixView<const T> b) {
  if (a.rows() != b.rows() || a.cols() != b.cols()) {
    return testing::AssertionFailure()
           << "shapes " << a.rows() << " x " << a.cols() << " and " << b.rows() << " x " << b.cols();
  }
  for (std::size_t j = 0; j < a.rows(); ++j) {
    for (std::size_t t = 0; t < a.cols(); ++t) {
      if (!same_bits(a(j, t), b(j, t))) {
        return testing::AssertionFailure()
               << "[" << j << "][" << t << "]: " << std::setprecision(17) << a(j, t) << " and " << b(j, t);
      }
    }
  }
  return testing::AssertionSuccess();
}

template <class T>
testing::AssertionResult same_matrix(const omnimeans::Matrix<T>& a, const omnimeans::Matrix<T>& b) {
  return same_matrix(a.view(), b.view());
}

inline testing::AssertionResult same_labels(std::span<const std::int32_t> a,
                                            std::span<const std::int32_t> b) {
  if (a.size() != b.size())
    return testing::AssertionFailure() << a.size() << " and " << b.size() << " labels";
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i]) return testing::AssertionFailure() << "label " << i << ": " << a[i] << " and " << b[i];
  }
  return testing::AssertionSuccess();
}

/// All that the contract promises to be the same for every exact backend, thread count and instruction set.
template <class T>
testing::AssertionResult same_result(const omnimeans::Result<T>& a, const omnimeans::Result<T>& b) {
  if (a.n_iter != b.n_iter)
    return testing::AssertionFailure() << "n_iter: " << a.n_iter << " and " << b.n_iter;
  if (a.stop_reason != b.stop_reason) {
    return testing::AssertionFailure() << "stop_reason: " << omnimeans::to_string(a.stop_reason) << " and "
                                       << omnimeans::to_string(b.stop_reason);
  }
  if (a.history.size() != b.history.size()) return testing::AssertionFailure() << "length of the history";
  for (std::size_t i = 0; i < a.history.size(); ++i) {
    const omnimeans::IterationStats &x = a.history[i], &y = b.history[i];
    if (x.labels_changed != y.labels_changed || x.empty_clusters != y.empty_clusters ||
        !same_bits(x.centroid_shift, y.centroid_shift)) {
      return testing::AssertionFailure()
             << "iteration " << i << ": labels changed " << x.labels_changed << " and " << y.labels_changed
             << ", empty " << x.empty_clusters << " and " << y.empty_clusters << ", shift "
             << std::setprecision(17) << x.centroid_shift << " and " << y.centroid_shift;
    }
  }
  if (auto same = same_matrix(a.centroids, b.centroids); !same) return same << " (centroids)";
  if (auto same = same_labels(a.labels, b.labels); !same) return same;
  if (!same_bits(a.inertia, b.inertia)) {
    return testing::AssertionFailure()
           << "inertia: " << std::setprecision(17) << a.inertia << " and " << b.inertia;
  }
  if (a.n_nonempty != b.n_nonempty) {
    return testing::AssertionFailure() << "n_nonempty: " << a.n_nonempty << " and " << b.n_nonempty;
  }
  if (a.run != b.run) return testing::AssertionFailure() << "run: " << a.run << " and " << b.run;
  return testing::AssertionSuccess();
}
