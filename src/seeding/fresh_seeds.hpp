// SPDX-License-Identifier: MIT
// Seeds chosen since the last pass over the samples, side by side, for lone canonical distances to them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "omnimeans/matrix_view.hpp"
#include "seeding/methods.hpp"

namespace omnimeans::seeding {

template <class T>
class FreshSeeds {
 public:
  FreshSeeds(const Task<T>& task, std::size_t most) : task_(task), rows_(most, task.samples.cols()) {}

  std::size_t size() const { return size_; }
  void clear() { size_ = 0; }
  void add(std::size_t sample) { std::ranges::copy(task_.samples.row(sample), rows_.row(size_++).begin()); }

  /// The lesser of `squared` and the distances from a sample to seeds [begin, end); not all of them, once it
  /// is at most `enough`. Counts distances.
  double nearest(std::size_t sample, double squared, double enough, std::size_t begin, std::size_t end,
                 std::uint64_t& distances) const {
    constexpr std::size_t at_once = 16;
    double found[at_once];
    while (begin < end && squared > enough) {
      const std::size_t count = std::min(at_once, end - begin);
      task_.kernels.canonical_distances(task_.samples.row_data(sample), rows_.data() + begin * rows_.cols(),
                                        rows_.cols(), nullptr, count, rows_.cols(), found);
      squared = std::min(squared, *std::min_element(found, found + count));
      distances += count;
      begin += count;
    }
    return squared;
  }

 private:
  const Task<T>& task_;
  Matrix<T> rows_;
  std::size_t size_ = 0;
};

}  // namespace omnimeans::seeding
