// SPDX-License-Identifier: MIT
// Draws from 0 ... n-1 with probability proportional to a mass that is known for each.
//
// Sums over fixed blocks, each added up in order, then the blocks in order: the same bits whatever the
// threads. A draw finds its block by bisection and walks the block.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "parallel.hpp"
#include "rng.hpp"

namespace omnimeans::seeding {

class MassSums {
 public:
  static constexpr std::size_t block_rows = 256;

  /// mass(i) >= 0 for i < n.
  template <class Mass>
  void build(std::size_t n, int threads, Mass&& mass) {
    n_ = n;
    const std::size_t blocks = block_count(n, block_rows);
    ends_.resize(blocks);
    parallel_blocks(n < 50'000 ? 1 : threads, block_count(blocks, blocks_at_once),
                    [&](std::size_t part, int) {
                      const RowRange range = block_range(part, blocks, blocks_at_once);
                      for (std::size_t b = range.begin; b < range.end; ++b) {
                        const RowRange rows = block_range(b, n, block_rows);
                        double sum = 0;
                        for (std::size_t i = rows.begin; i < rows.end; ++i) sum += mass(i);
                        ends_[b] = sum;
                      }
                    });
    for (std::size_t b = 1; b < blocks; ++b) ends_[b] += ends_[b - 1];
  }

  double total() const { return ends_.back(); }

  /// Where the running sum passes `uniform` (in [0, 1)) of the total, which is above 0: always an i of
  /// positive mass.
  template <class Mass>
  std::size_t draw(double uniform, Mass&& mass) const {
    const double target = uniform * total();
    auto block =
        static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), target) - ends_.begin());
    if (block == ends_.size()) --block;  // rounding made it the total
    double rest = target - (block == 0 ? 0.0 : ends_[block - 1]);
    // Rounding may leave a little at the end of a block, or choose one without mass; the last before it that
    // has some takes it.
    for (;; --block, rest = total()) {
      const RowRange rows = block_range(block, n_, block_rows);
      std::size_t last = rows.end;
      for (std::size_t i = rows.begin; i < rows.end; ++i) {
        const double m = mass(i);
        if (!(m > 0)) continue;
        last = i;
        if (rest < m) return i;
        rest -= m;
      }
      if (last != rows.end) return last;
    }
  }

 private:
  static constexpr std::size_t blocks_at_once = 16;
  std::size_t n_ = 0;
  std::vector<double> ends_;  ///< of each block: the sum up to its end
};

}  // namespace omnimeans::seeding
