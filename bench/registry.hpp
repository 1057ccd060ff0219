// SPDX-License-Identifier: MIT
// The benchmarks of an executable, run problem by problem: what is compared is measured within seconds of
// each other, repetitions at random in between, so that a machine which is slow for a while is slow for all
// of them. Google Benchmark alone would shuffle the whole suite: minutes apart, two runs of the same code
// differ by a third on a shared machine.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

namespace omnimeans::bench {

/// `manual`: the body sets its times itself.
enum class Clock { real, manual };

/// Runs of a body in one repetition: as many as fill the suite's min_seconds, or one.
enum class Passes { many, one };

struct Entry {
  std::string problem;  ///< those of one problem run together
  std::string name;
  Clock clock;
  std::function<void(benchmark::State&)> body;
  Passes passes = Passes::many;
};

void add_benchmark(Entry entry);

/// What a caller's flags ask of the report.
struct ReportFlags {
  bool ours = true;        ///< else Google Benchmark writes its own, of all problems together
  bool aggregates = true;  ///< of repetitions only these are shown
  bool tabular = false, colour = false;
  std::string out;  ///< file for the results as JSON, or empty
};

/// Takes the flags about reports out of `flags`: --benchmark_out (or $BENCHMARK_OUT), _color,
/// _counters_tabular, _display_aggregates_only. With another format than the usual one, or for a list of the
/// names, `ours` is false and they stay.
ReportFlags take_report_flags(std::vector<std::string>& flags);

/// Runs them as the flags of Google Benchmark say, which are set; returns how many ran. Throws FileError if
/// the results cannot be written.
std::size_t run_benchmarks(const ReportFlags& flags);

}  // namespace omnimeans::bench
