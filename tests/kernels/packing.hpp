// SPDX-License-Identifier: MIT
// Centroids as the dense kernels want them (kernels.hpp says how), and the margin within which their scores
// prove nothing (dense_engine.hpp derives it). Written down once more, so that the kernels are tested without
// the engine.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "core/oracle.hpp"
#include "kernels/dense_limits.hpp"
#include "kernels/kernels.hpp"
#include "omnimeans/matrix_view.hpp"

/// n rounding errors in a row, relative (Higham 2002, lemma 3.1).
template <class T>
double gamma_of(double n) {
  const double u = static_cast<double>(std::numeric_limits<T>::epsilon()) / 2;
  return n * u / (1 - n * u);
}

/// Centroids moved by an offset and scaled, and what is known of their lengths.
template <class T>
struct Moved {
  omnimeans::Matrix<T> centroids;
  std::vector<T> half_norms;
  double longest = 0;
};

template <class T>
Moved<T> moved_centroids(omnimeans::MatrixView<const T> c, const T* offset, T scale) {
  Moved<T> moved{omnimeans::Matrix<T>(c.rows(), c.cols()), std::vector<T>(c.rows())};
  for (std::size_t j = 0; j < c.rows(); ++j) {
    oracle::Quad squared = 0;
    for (std::size_t t = 0; t < c.cols(); ++t) {
      const oracle::Quad by = offset != nullptr ? static_cast<oracle::Quad>(offset[t]) : 0;
      const oracle::Quad value = (static_cast<oracle::Quad>(c(j, t)) - by) * static_cast<oracle::Quad>(scale);
      moved.centroids(j, t) = static_cast<T>(value);
      squared += value * value;
    }
    moved.half_norms[j] = static_cast<T>(squared / 2);
    moved.longest = std::max(moved.longest, std::sqrt(static_cast<double>(squared)) * (1 + 0x1p-40));
  }
  return moved;
}

/// For Kernels::nearest: chunks of features, in a chunk groups of centroids, in a group feature-major.
template <class T>
std::vector<T> packed_groups(const omnimeans::Matrix<T>& c, std::size_t n_groups) {
  const std::size_t k = c.rows(), d = c.cols();
  std::vector<T> packed;
  packed.reserve(k * d);
  for (std::size_t from = 0; from < d; from += omnimeans::kernels::dense_chain) {
    const std::size_t to = std::min(d, from + omnimeans::kernels::dense_chain);
    for (std::size_t g = 0, j = 0; g < n_groups; ++g) {
      const std::size_t size = k / n_groups + (g < k % n_groups ? 1 : 0);
      for (std::size_t t = from; t < to; ++t) {
        for (std::size_t i = 0; i < size; ++i) packed.push_back(c(j + i, t));
      }
      j += size;
    }
  }
  return packed;
}

/// For Kernels::scores: panels of two vectors of centroids (the last may hold one), feature-major.
template <class T>
std::vector<T> packed_panels(const omnimeans::Matrix<T>& c, std::size_t lanes) {
  const std::size_t vectors = (c.rows() + lanes - 1) / lanes;
  std::vector<T> packed;
  for (std::size_t vector = 0; vector < vectors; vector += 2) {
    const std::size_t width = std::min<std::size_t>(2, vectors - vector) * lanes;
    for (std::size_t t = 0; t < c.cols(); ++t) {
      for (std::size_t l = 0; l < width; ++l) {
        const std::size_t j = vector * lanes + l;
        packed.push_back(j < c.rows() ? c(j, t) : T(0));
      }
    }
  }
  return packed;
}

/// margin(N) = (margin2 N + margin1) N + margin0 in a task, and what its norms are made with.
template <class T>
void set_margin(omnimeans::kernels::NearestTask<T>& task, double d, double longest, T scale) {
  const auto up = [](double value) {
    const double relative = 1 + 8 * static_cast<double>(std::numeric_limits<T>::epsilon());
    return static_cast<T>(value * relative + static_cast<double>(std::numeric_limits<T>::denorm_min()));
  };
  const double chain = static_cast<double>(omnimeans::kernels::dense_chain);
  const double eta = static_cast<double>(std::numeric_limits<T>::denorm_min());
  const double largest = static_cast<double>(std::numeric_limits<T>::max());
  const double s = static_cast<double>(scale);
  double roundings = std::min(d, chain) + std::ceil(d / chain) + 8 + 15;
  if (sizeof(T) == sizeof(double)) roundings += d / 8 + 8;
  const double g = gamma_of<T>(roundings), theta = gamma_of<double>(d / 8 + 8);
  const double C = longest + std::sqrt(d) * 0x1p-500;
  task.margin2 = up(theta);
  task.margin1 = up(2 * (g + theta) * C);
  task.margin0 = up((g + theta) * C * C + 16 * d * eta * (1 + C) + 4 * d * 0x1p-1074 * s * s);
  task.norm_limit =
      static_cast<T>(std::clamp(C > 0 ? (largest / 8 - C * C) / C : largest, 0.0, std::sqrt(largest) / 8));
  task.norm_floor = up(2 * d * eta);
  task.norm_factor = up(1 + 2 * gamma_of<T>(d + 8));
}
