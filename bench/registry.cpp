// SPDX-License-Identifier: MIT
#include "bench/registry.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string_view>
#include <utility>

#include "bench/harness.hpp"
#include "omnimeans/error.hpp"

namespace omnimeans::bench {
namespace {

std::vector<Entry>& entries() {
  static std::vector<Entry> all;
  return all;
}

void give(const Entry& entry) {
  auto* given = benchmark::RegisterBenchmark(entry.name.c_str(), [&entry](benchmark::State& state) {
    show_progress(entry.name);
    try {
      entry.body(state);
    } catch (...) {
      report_exception(state, std::current_exception());
    }
  });
  given->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime();
  if (entry.clock == Clock::manual) {
    given->UseManualTime();
  } else {
    given->UseRealTime();
  }
  if (entry.passes == Passes::one) given->Iterations(1);
}

/// One report on the screen and one JSON file over several runs of Google Benchmark, each of which believes
/// to be the only one.
class Report final : public benchmark::BenchmarkReporter {
 public:
  explicit Report(const ReportFlags& flags)
      : flags_(flags),
        console_(static_cast<Console::OutputOptions>((flags.colour ? Console::OO_Color : 0) |
                                                     (flags.tabular ? Console::OO_Tabular : 0))) {
    for (const Entry& entry : entries()) width_ = std::max(width_, entry.name.size());
    width_ += std::string_view("/iterations:1/process_time/manual_time_median").size();
    if (flags.out.empty()) return;
    file_.open(flags.out);
    if (!file_) throw FileError(flags.out + ": cannot be written");
    json_.SetOutputStream(&file_);
  }

  /// The next benchmarks follow after so many of other problems.
  void go_on(std::size_t families_before) { families_before_ = static_cast<std::int64_t>(families_before); }

  void finish() {
    show_single();
    if (!file_.is_open() || !begun_) return;
    json_.Finalize();
    file_.close();
    if (!file_) throw FileError(flags_.out + ": the results could not be written; is the disk full?");
  }

  bool ReportContext(const Context& context) override {
    if (std::exchange(begun_, true)) return true;
    Context wide = context;
    wide.name_field_width = width_;
    return console_.ReportContext(wide) && (!file_.is_open() || json_.ReportContext(wide));
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
      const bool theirs = !single_.empty() && single_.front().run_name.str() == runs.front().run_name.str();
      if (flags_.aggregates && theirs)
        std::erase_if(single_, [](const Run& run) { return !is_failure(run); });
      show_single();
      console_.ReportRuns(runs);
    } else {
      show_single();
      single_ = runs;
    }
    std::cout.flush();
  }

 private:
  using Console = benchmark::ConsoleReporter;

  /// What nobody may miss beside the aggregates of the other repetitions.
  static bool is_failure(const Run& run) {
    return run.error_occurred && !run.error_message.starts_with(enough_message);
  }

  void show_single() {
    if (!single_.empty()) console_.ReportRuns(single_);
    single_.clear();
  }

  const ReportFlags& flags_;
  Console console_;
  benchmark::JSONReporter json_;
  std::ofstream file_;
  std::size_t width_ = 0;
  std::vector<Run> single_;  ///< of a benchmark that may have aggregates, which would be next
  std::int64_t families_before_ = 0;
  bool begun_ = false;
};

/// As Google Benchmark reads it.
bool is_true(std::string value) {
  std::ranges::transform(value, value.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return value.empty() || (value != "0" && value != "no" && value != "n" && value != "off" && value != "f" &&
                           value != "false");
}

}  // namespace

void add_benchmark(Entry entry) {
  entries().push_back(std::move(entry));
}

ReportFlags take_report_flags(std::vector<std::string>& flags) {
  ReportFlags report;
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  report.colour = terminal;
  if (const char* out = std::getenv("BENCHMARK_OUT")) report.out = out;
  std::vector<std::string> others;
  for (const std::string& flag : flags) {
    const std::size_t equals = flag.find('=');
    const std::string name = flag.substr(0, equals),
                      value = equals == flag.npos ? "" : flag.substr(equals + 1);
    if (name == "--benchmark_out") {
      report.out = value;
    } else if (name == "--benchmark_color") {
      report.colour = value == "auto" ? terminal : is_true(value);
    } else if (name == "--benchmark_counters_tabular") {
      report.tabular = is_true(value);
    } else if (name == "--benchmark_display_aggregates_only") {
      report.aggregates = is_true(value);
    } else {
      others.push_back(flag);
      const bool usual = (name != "--benchmark_format" || value == "console") &&
                         (name != "--benchmark_out_format" || value == "json") &&
                         (name != "--benchmark_list_tests" || !is_true(value));
      report.ours = report.ours && usual;
    }
  }
  if (report.ours) {
    flags = std::move(others);
    // Whatever the environment says.
    flags.emplace_back("--benchmark_out=");
    flags.emplace_back("--benchmark_display_aggregates_only=false");
  } else {
    flags.insert(flags.begin(), "--benchmark_display_aggregates_only=true");
  }
  return report;
}

std::size_t run_benchmarks(const ReportFlags& flags) {
  if (!flags.ours) {
    for (const Entry& entry : entries()) give(entry);
    return benchmark::RunSpecifiedBenchmarks();
  }
  std::vector<std::string> problems;  // in the order of their first benchmarks
  for (const Entry& entry : entries()) {
    if (std::ranges::find(problems, entry.problem) == problems.end()) problems.push_back(entry.problem);
  }
  Report report(flags);
  std::size_t n_run = 0, before = 0;
  std::string error;
  for (const std::string& problem : problems) {
    std::size_t count = 0;
    for (const Entry& entry : entries()) {
      if (entry.problem != problem) continue;
      give(entry);
      ++count;
    }
    std::ostringstream errors;  // that the filter leaves nothing of this problem
    report.SetErrorStream(&errors);
    report.go_on(before);
    n_run += benchmark::RunSpecifiedBenchmarks(&report);
    benchmark::ClearRegisteredBenchmarks();
    before += count;
    error = errors.str();
  }
  report.SetErrorStream(&std::cerr);
  report.finish();
  if (n_run == 0) std::cerr << error;
  return n_run;
}

}  // namespace omnimeans::bench
