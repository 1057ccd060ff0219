// SPDX-License-Identifier: MIT
// What the benchmark executables share: options, ceilings, the JSON's context, and the exit code.
#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/ceilings.hpp"
#include "bench/registry.hpp"
#include "bench/suites.hpp"

namespace omnimeans::bench {

/// What an executable is asked to measure: the command line, resolved.
struct Plan {
  std::vector<Case> cases = {};
  const Suite* suite = nullptr;  ///< null with --data: then the cases are all there is
  std::vector<int> threads = {};
  double scalar_limit = 0, lone_limit = 0;
  double peer_limit = 0;
  double cell_seconds =
      0;  ///< see Repetitions; infinite where the caller says how many repetitions there are
  ceilings::Ceilings ceilings = {};  ///< empty with --no-ceilings
};

struct Program {
  const char* name;
  const char* description;
  std::vector<Case> Suite::*cases;                ///< which of a suite's lists is this program's
  void (*register_benchmarks)(const Plan& plan);  ///< the plan outlives the runs
  Repetitions Suite::*repetitions = &Suite::repetitions;
};

/// main(): parses, measures the ceilings, registers, runs. Returns 0; 1 if a result was wrong or a file
/// unreadable; 2 for a wrong command line or where the filter matches nothing.
int run(int argc, char** argv, const Program& program);

/// Skips the benchmark with this message and lets the program fail at its end.
void fail(benchmark::State& state, const std::string& message);

/// Skips the benchmark, before its loop, for a reason that is no failure: the report names it.
void leave_out(benchmark::State& state, const std::string& why);

/// Skips the benchmark for an exception: one that needs too much memory is merely skipped, any other error is
/// a failure.
void report_exception(benchmark::State& state, std::exception_ptr error);

/// The message of a repetition that enough() skips.
inline constexpr std::string_view enough_message = "enough: the repetitions before took long";

/// Whether the repetitions of this benchmark so far took the plan's cell_seconds: then this one is skipped,
/// and the report counts the others.
bool enough(benchmark::State& state, const std::string& name, double cell_seconds);
void spend(const std::string& name, double seconds);

/// Shows what is being done on stderr, if that is a terminal.
void show_progress(std::string_view what);

}  // namespace omnimeans::bench
