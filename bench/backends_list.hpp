// SPDX-License-Identifier: MIT
// Every case x thread count x backend, `auto` last: what bench_fit and bench_assign both go through.
#pragma once

#include <string>

#include "bench/harness.hpp"
#include "bench/workload.hpp"
#include "omnimeans/backend.hpp"

namespace omnimeans::bench {

/// "fit/blobs/dtype:f32/n:1000/d:16/k:8/simd/threads:2"
inline std::string run_name(const char* family, const Case& c, const std::string& backend, int threads) {
  return std::string(family) + "/" + c.name() + "/" + backend + "/threads:" + std::to_string(threads);
}

/// Registers them all. `measure(state, case, backend name, whether exact, threads)` returns the seconds that
/// it measured. What the plan does not afford with `passes` passes a run is a row that says so; `naive` has
/// one thread.
template <class Measure>
void register_runs(const Plan& plan, const char* family, std::size_t passes, Measure measure) {
  for (const Case& c : plan.cases) {
    for (const int threads : plan.threads) {
      const auto offer = [&](const std::string& backend, bool exact) {
        if (backend == "naive" && threads != 1) return;
        const std::string name = run_name(family, c, backend, threads);
        const auto body = [=, &plan](benchmark::State& state) {
          if (!affords(plan, backend, c, passes)) return leave_out(state, "it would take too long");
          if (!enough(state, name, plan.cell_seconds))
            spend(name, measure(state, c, backend, exact, threads));
        };
        add_benchmark({c.name(), name, Clock::manual, body});
      };
      for (const BackendEntry& entry : backends()) offer(std::string(entry.info.name), entry.info.exact);
      offer("auto", true);
    }
  }
}

}  // namespace omnimeans::bench
