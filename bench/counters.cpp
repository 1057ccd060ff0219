// SPDX-License-Identifier: MIT
#include "bench/counters.hpp"

#include <cmath>

namespace omnimeans::bench {

void set_rate(benchmark::State& state, double flops, double seconds, Isa isa, std::string_view dtype,
              int threads, const ceilings::Ceilings& ceilings) {
  const double gflops = flops / seconds * 1e-9;
  state.counters["GFLOPs"] = gflops;
  if (const auto peak = ceilings.peak_gflops(isa, dtype, threads))
    state.counters["peak_share"] = gflops / *peak;
  // "threads" is a field of Google Benchmark's own.
  state.counters["n_threads"] = threads;
}

void set_counters(benchmark::State& state, const Work& work, const ceilings::Ceilings& ceilings) {
  const Case& c = work.problem;
  const double passes = static_cast<double>(work.passes), n_iter = static_cast<double>(work.n_iter);
  const double pairs = static_cast<double>(c.n) * static_cast<double>(c.k);
  const double sample_bytes =
      static_cast<double>(c.n) * static_cast<double>(c.d) * (c.dtype == "f32" ? 4 : 8);

  set_rate(state, 2 * c.work() * passes, work.seconds, work.isa, c.dtype, work.threads, ceilings);
  state.counters["bytes_per_second"] = sample_bytes * passes / work.seconds;
  state.counters["distances"] = static_cast<double>(work.distances);
  state.counters["distances_share"] = static_cast<double>(work.distances) / (pairs * n_iter);
  state.counters["reranked"] = static_cast<double>(work.reranked);
  state.counters["n_iter"] = n_iter;
  state.counters["inertia"] = work.inertia;
  state.counters["memory_bytes"] = static_cast<double>(work.memory_bytes);
  state.counters["seconds_per_iteration"] = work.seconds / passes;
}

void set_inexact(benchmark::State& state, double inertia, double right_inertia) {
  // Duplicates may leave nothing: 0 / 0 counts as right.
  const double ratio = inertia == right_inertia ? 1 : inertia / right_inertia;
  state.counters["inertia_ratio"] = ratio;
  state.counters["inertia_ok"] = std::abs(ratio - 1) <= 0.01 ? 1 : 0;
}

std::string label(std::string_view backend, Isa isa) {
  return std::string(backend) + "/" + std::string(to_string(isa));
}

}  // namespace omnimeans::bench
