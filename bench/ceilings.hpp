// SPDX-License-Identifier: MIT
// What this machine can do at most, measured: the peak multiply-add rate of each instruction set, and the
// bandwidth of reading memory. A target of its own (omnimeans_ceilings), for the benchmarks and for
// `omnimeans info`.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "omnimeans/isa.hpp"

namespace omnimeans::ceilings {

/// Multiply-adds in registers, two operations each: fused where the instruction set has that, else a
/// multiplication and an addition. `dtype` is "f32" or "f64".
struct PeakRate {
  Isa isa = Isa::scalar;
  std::string_view dtype;
  int threads = 1;
  double gflops = 0;  ///< 10^9 operations a second
};

/// Reading more than the caches hold (four times the last-level cache, 1 GiB at most), in order.
struct ReadBandwidth {
  int threads = 1;
  double gbytes_per_second = 0;  ///< 10^9 bytes a second
};

struct Ceilings {
  std::vector<PeakRate> peaks;
  std::vector<ReadBandwidth> bandwidths;

  /// The measured peak, or none if that combination was not measured.
  std::optional<double> peak_gflops(Isa isa, std::string_view dtype, int threads) const;
  std::optional<double> read_bandwidth(int threads) const;  ///< in 10^9 bytes a second
};

/// Measures every usable instruction set, both types and the thread counts given. Each value is the median of
/// five runs of a few milliseconds; the whole takes about two seconds for two thread counts.
Ceilings measure(std::span<const int> thread_counts);

/// Physical memory in bytes; 0 if the system does not say.
std::uint64_t physical_memory_bytes();

}  // namespace omnimeans::ceilings
