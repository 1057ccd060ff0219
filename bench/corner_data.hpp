// SPDX-License-Identifier: MIT
// More samples than any cache holds, whose clusters are known: one buffer that is read as rows of 16, 32, ...
// or 256 features, and is clustered at once with k = 2, 4 or 8.
//
// Every feature is uniform in [-1, 1). On top of it the first three of each 16 features have an offset: +-16,
// +-8, +-4, by the bits of the sample's corner of a cube. So k = 2 splits by the first bit alone, k = 4 by
// two, k = 8 by three, and centroids that start in the corners find every label in the first iteration.
#pragma once

#include <cstddef>
#include <cstdint>

#include "aligned_buffer.hpp"
#include "omnimeans/matrix_view.hpp"

namespace omnimeans::bench {

class CornerData {
 public:
  /// At least n * d values.
  CornerData(std::size_t n, std::size_t d);

  /// Of d = 16, 32, 64, 128 or 256 features; n * d within what there is room for.
  MatrixView<const float> samples(std::size_t n, std::size_t d) const { return {values_.data(), n, d}; }
  std::size_t size() const { return values_.size(); }

  /// Of sample i of d features among k clusters.
  static std::int32_t label(std::size_t i, std::size_t d, std::size_t k);

  /// The corners themselves, k of them: 2, 4 or 8.
  static Matrix<float> centroids(std::size_t d, std::size_t k);

 private:
  AlignedBuffer<float> values_;
};

}  // namespace omnimeans::bench
