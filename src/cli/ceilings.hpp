// SPDX-License-Identifier: MIT
// The machine's measured ceilings, as `omnimeans info` shows them. The measuring is part of the benchmarks.
#pragma once

#include <string>
#include <vector>

namespace omnimeans::cli {

struct Ceiling {
  std::string name;  ///< "multiply-add f32 avx2", "memory read"
  int threads = 1;
  double value = 0;
  std::string unit;  ///< "GFLOP/s" or "GB/s"
};

/// Peak arithmetic of each usable instruction set and read bandwidth, on one and on `threads` threads. Empty
/// in a build without the benchmarks.
std::vector<Ceiling> measure_ceilings(int threads);

}  // namespace omnimeans::cli
