// SPDX-License-Identifier: MIT
// The loops of the `textbook` baseline, compiled once an instruction set with -O3 -ffast-math: see
// textbook.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

namespace omnimeans::algorithms {

template <class T>
struct TextbookRows {
  const T* samples;
  std::size_t sample_stride, n_samples, n_features;
  const T* centroids;
  std::size_t centroid_stride, n_clusters;
  std::int32_t* labels;
  T* squared_distances;  ///< n_samples
};

}  // namespace omnimeans::algorithms
