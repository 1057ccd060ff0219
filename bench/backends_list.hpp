// SPDX-License-Identifier: MIT
// Every case x thread count x backend, `auto` last: what bench_fit and bench_assign both go through.
#pragma once

#include <string>

#include "bench/harness.hpp"
#include "bench/workload.hpp"
#include "omnimeans/backend.hpp"

namespace omnimeans::bench {

/// Calls body(case, backend name, whether exact, threads) for each that the plan affords with `passes` passes
/// a run.
template <class Body>
void for_each_run(const Plan& plan, std::size_t passes, Body&& body) {
  for (const Case& c : plan.cases) {
    for (const int threads : plan.threads) {
      const auto offer = [&](const std::string& name, bool exact) {
        if (runs(name, c, passes, threads, plan.scalar_limit)) body(c, name, exact, threads);
      };
      for (const BackendEntry& entry : backends()) offer(std::string(entry.info.name), entry.info.exact);
      offer("auto", true);
    }
  }
}

/// "fit/blobs/dtype:f32/n:1000/d:16/k:8/simd/threads:2"
inline std::string run_name(const char* family, const Case& c, const std::string& backend, int threads) {
  return std::string(family) + "/" + c.name() + "/" + backend + "/threads:" + std::to_string(threads);
}

}  // namespace omnimeans::bench
