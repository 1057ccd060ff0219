// SPDX-License-Identifier: MIT
// Small data sets for the tests of single properties.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "omnimeans/omnimeans.hpp"

/// n rows of d features around `groups` random centres in [-10, 10]; noise of standard deviation `spread`.
template <class T>
omnimeans::Matrix<T> blobs(std::size_t n, std::size_t d, std::size_t groups, std::uint64_t seed,
                           double spread = 1) {
  Random random(seed);
  omnimeans::Matrix<T> centres(groups, d), samples(n, d);
  for (std::size_t g = 0; g < groups; ++g) {
    for (std::size_t t = 0; t < d; ++t) centres(g, t) = static_cast<T>(random.uniform(-10, 10));
  }
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t g = random.below(groups);
    for (std::size_t t = 0; t < d; ++t)
      samples(i, t) = centres(g, t) + static_cast<T>(spread * random.normal());
  }
  return samples;
}

/// A matrix written out.
template <class T>
omnimeans::Matrix<T> matrix(std::size_t cols, const std::vector<double>& values) {
  omnimeans::Matrix<T> result(values.size() / cols, cols);
  for (std::size_t i = 0; i < values.size(); ++i) result.data()[i] = static_cast<T>(values[i]);
  return result;
}

/// Rows `rows` of `samples`, in that order.
template <class T>
omnimeans::Matrix<T> take(const omnimeans::Matrix<T>& samples, const std::vector<std::size_t>& rows) {
  omnimeans::Matrix<T> result(rows.size(), samples.cols());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t t = 0; t < samples.cols(); ++t) result(i, t) = samples(rows[i], t);
  }
  return result;
}

/// Names of the exact backends.
inline std::vector<std::string> exact_backends() {
  std::vector<std::string> names;
  for (const omnimeans::BackendEntry& entry : omnimeans::backends()) {
    if (entry.info.exact) names.emplace_back(entry.info.name);
  }
  return names;
}
