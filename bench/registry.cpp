// SPDX-License-Identifier: MIT
#include "bench/registry.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <initializer_list>
#include <iostream>
#include <sstream>
#include <string_view>
#include <utility>

#include "bench/harness.hpp"
#include "omnimeans/error.hpp"

namespace omnimeans::bench {
namespace {

std::vector<Added>& all() {
  static std::vector<Added> added;
  return added;
}

void give(const Added& added) {
  auto* registered = benchmark::RegisterBenchmark(added.name.c_str(), [&added](benchmark::State& state) {
    show_progress(added.name);
    try {
      added.body(state);
    } catch (...) {
      report_exception(state, std::current_exception());
    }
  });
  registered->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();
  if (added.clock == Clock::manual) {
    registered->UseManualTime();
  } else {
    registered->UseRealTime();
  }
  if (added.passes == Passes::one) registered->Iterations(1);
}

/// One console report, of aggregates where there are some, and one JSON file over several runs of Google
/// Benchmark, each of which believes to be the only one.
class Report final : public benchmark::BenchmarkReporter {
 public:
  explicit Report(const std::string& out)
      : console_(::isatty(STDOUT_FILENO) == 1 ? Console::OO_Color : Console::OO_None) {
    if (out.empty()) return;
    file_.open(out);
    if (!file_) throw FileError(out + ": cannot be written");
    json_.SetOutputStream(&file_);
  }

  /// The next benchmarks follow after so many of other problems.
  void go_on(std::size_t families_before) { families_before_ = static_cast<std::int64_t>(families_before); }

  void finish() {
    show_single();
    if (!file_.is_open()) return;
    json_.Finalize();
    file_.close();
    if (!file_) throw FileError("the results could not be written: is the disk full?");
  }

  bool ReportContext(const Context& context) override {
    return std::exchange(begun_, true) ||
           (console_.ReportContext(context) && (!file_.is_open() || json_.ReportContext(context)));
  }

  void ReportRuns(const std::vector<Run>& runs) override {
    if (runs.empty()) return;
    if (file_.is_open()) {
      std::vector<Run> numbered = runs;
      for (Run& run : numbered) run.family_index += families_before_;
      json_.ReportRuns(numbered);
      file_.flush();
    }
    if (runs.front().run_type == Run::RT_Aggregate) {
      single_.clear();  // which they are of
      console_.ReportRuns(runs);
    } else {
      show_single();
      single_ = runs;
    }
    std::cout.flush();
  }

 private:
  using Console = benchmark::ConsoleReporter;

  void show_single() {
    if (!single_.empty()) console_.ReportRuns(single_);
    single_.clear();
  }

  Console console_;
  benchmark::JSONReporter json_;
  std::ofstream file_;
  std::vector<Run> single_;  ///< of a benchmark that may have aggregates, which would be next
  std::int64_t families_before_ = 0;
  bool begun_ = false;
};

bool starts_with_any(const std::string& text, std::initializer_list<std::string_view> starts) {
  return std::ranges::any_of(starts, [&](std::string_view start) { return text.starts_with(start); });
}

bool wants_other_report(const std::vector<std::string>& flags) {
  return std::ranges::any_of(flags, [](const std::string& flag) {
    return flag != "--benchmark_out_format=json" &&
           starts_with_any(flag, {"--benchmark_format", "--benchmark_out_format", "--benchmark_list_tests",
                                  "--benchmark_color", "--benchmark_counters_tabular",
                                  "--benchmark_display_aggregates_only"});
  });
}

}  // namespace

void add_benchmark(Added added) {
  all().push_back(std::move(added));
}

std::string take_out_file(std::vector<std::string>& flags) {
  constexpr std::string_view start = "--benchmark_out=";
  std::string out;
  if (wants_other_report(flags)) return out;
  std::erase_if(flags, [&](const std::string& flag) {
    if (!flag.starts_with(start)) return false;
    out = flag.substr(start.size());
    return true;
  });
  return out;
}

std::size_t run_benchmarks(const std::vector<std::string>& users, const std::string& out) {
  std::vector<Added>& added = all();
  std::vector<std::string> problems;  // in the order of their first benchmarks
  for (const Added& one : added) {
    if (std::ranges::find(problems, one.problem) == problems.end()) problems.push_back(one.problem);
  }
  std::ranges::stable_sort(added, {},
                           [&](const Added& one) { return std::ranges::find(problems, one.problem); });

  if (wants_other_report(users)) {
    for (const Added& one : added) give(one);
    return benchmark::RunSpecifiedBenchmarks();
  }
  Report report(out);
  std::ostringstream errors;  // that the filter leaves nothing of a problem
  report.SetErrorStream(&errors);
  std::size_t n_run = 0, before = 0;
  for (auto first = added.begin(); first != added.end();) {
    const auto end =
        std::find_if(first, added.end(), [&](const Added& one) { return one.problem != first->problem; });
    std::for_each(first, end, give);
    report.go_on(before);
    n_run += benchmark::RunSpecifiedBenchmarks(&report);
    benchmark::ClearRegisteredBenchmarks();
    before += static_cast<std::size_t>(end - first);
    first = end;
  }
  report.finish();
  if (n_run == 0) std::cerr << "no benchmark matches the filter\n";
  return n_run;
}

}  // namespace omnimeans::bench
