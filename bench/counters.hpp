// SPDX-License-Identifier: MIT
// The numbers beside the time of a row; bench/README.md explains each.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <benchmark/benchmark.h>

#include "bench/ceilings.hpp"
#include "bench/suites.hpp"
#include "omnimeans/isa.hpp"

namespace omnimeans::bench {

/// What one measured repetition did, as totals over its passes (an assignment of all samples is a pass).
struct Work {
  const Case& problem;
  Isa isa = Isa::scalar;
  int threads = 1;
  std::size_t n_iter = 1;
  std::size_t passes = 1;
  double seconds = 0;
  std::uint64_t distances = 0;  ///< over the iterations, without a final labelling
  std::uint64_t reranked = 0;
  double inertia = 0;
  std::uint64_t memory_bytes = 0;
};

/// GFLOPs, peak_share, bytes_per_second, distances, distances_share, reranked, n_iter, inertia, memory_bytes,
/// seconds_per_iteration, n_threads.
void set_counters(benchmark::State& state, const Work& work, const ceilings::Ceilings& ceilings);

/// n_threads and, where there are operations to count, GFLOPs and peak_share (if the peak is known).
void set_rate(benchmark::State& state, double flops, double seconds, Isa isa, std::string_view dtype,
              int threads, const ceilings::Ceilings& ceilings);

/// An inexact backend has inertia_ratio (its inertia over the right one) and inertia_ok (1: within 1 %).
void set_inexact(benchmark::State& state, double inertia, double right_inertia);

/// "simd/avx512"
std::string label(std::string_view backend, Isa isa);

}  // namespace omnimeans::bench
