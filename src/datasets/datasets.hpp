// SPDX-License-Identifier: MIT
// Synthetic data sets by name, seed and size: the same bits on every machine and for every thread count.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "omnimeans/matrix_view.hpp"

namespace omnimeans::datasets {

struct Spec {
  std::size_t n_samples = 1000;
  std::size_t n_features = 2;
  std::size_t n_clusters = 8;  ///< components of the mixture (what the kind makes of it is in KindInfo)
  std::uint64_t seed = 0;
  double separation = 0;  ///< distance between components in units of their spread; 0: the kind's default
  int threads = 0;
};

struct KindInfo {
  std::string_view name;
  std::string_view description;  ///< one line for --help and the report
};

/// blobs, anisotropic, uniform, imbalanced, duplicates, grid, embedding, images, lattice, pixels.
std::span<const KindInfo> kinds();

/// n_samples x n_features values of T in {float, double}; the float version is the double version rounded.
/// Throws InvalidArgument for an unknown kind (listing those there are), a size of zero, or a separation that
/// is not in [0, 1e9]; MemoryLimitExceeded for a matrix larger than the address space.
template <class T>
Matrix<T> generate(std::string_view kind, const Spec& spec);

}  // namespace omnimeans::datasets
