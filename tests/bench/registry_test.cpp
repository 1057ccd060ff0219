// SPDX-License-Identifier: MIT
// Benchmarks problem by problem: one file of all of them, their order, filters, and the flags about reports.
#include "bench/registry.hpp"

#include <gtest/gtest.h>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "bench/harness.hpp"
#include "omnimeans/error.hpp"

namespace omnimeans::bench {
namespace {

std::vector<std::string> ran;  // bodies, in order

void add(const std::string& problem, const std::string& name, const char* left_out = nullptr) {
  add_benchmark({problem, problem + '/' + name, Clock::manual,
                 [name, problem, left_out](benchmark::State& state) {
                   if (left_out != nullptr) return leave_out(state, left_out);
                   for ([[maybe_unused]] auto _ : state) {
                     ran.push_back(problem);
                     state.SetIterationTime(1e-3);
                   }
                 },
                 Passes::one});
}

/// What is registered stays: four benchmarks of two problems.
void add_all() {
  static const bool once = [] {
    add("near", "a");
    add("far", "b");
    add("near", "c");
    add("near", "d", "too long");
    return true;
  }();
  static_cast<void>(once);
}

struct Outcome {
  std::size_t count = 0;
  std::string out, shown, errors;
};

Outcome run_with(std::vector<std::string> flags) {
  add_all();
  ran.clear();
  // ctest runs the tests side by side.
  const std::string out =
      testing::TempDir() + testing::UnitTest::GetInstance()->current_test_info()->name() + ".json";
  std::remove(out.c_str());
  flags.push_back("--benchmark_out=" + out);
  const ReportFlags report = take_report_flags(flags);
  flags.insert(flags.begin(),
               {"registry_test", "--benchmark_repetitions=3", "--benchmark_enable_random_interleaving=true"});
  std::vector<char*> pointers;
  for (std::string& flag : flags) pointers.push_back(flag.data());
  int count = static_cast<int>(pointers.size());
  benchmark::Initialize(&count, pointers.data());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Outcome done;
  done.count = run_benchmarks(report);
  done.shown = testing::internal::GetCapturedStdout();
  done.errors = testing::internal::GetCapturedStderr();
  std::ifstream file(out);
  done.out.assign(std::istreambuf_iterator<char>(file), {});
  std::remove(out.c_str());
  return done;
}

std::set<std::string> names_of(const nlohmann::json& file) {
  std::set<std::string> names;
  for (const auto& entry : file.at("benchmarks")) names.insert(entry.at("run_name").get<std::string>());
  return names;
}

TEST(Registry, ProblemsRunOneAfterTheOtherIntoOneFile) {
  const Outcome done = run_with({"--benchmark_filter=."});
  EXPECT_EQ(done.count, 4u);
  EXPECT_EQ(ran,
            (std::vector<std::string>{"near", "near", "near", "near", "near", "near", "far", "far", "far"}));
  const auto file = nlohmann::json::parse(done.out);
  EXPECT_EQ(names_of(file).size(), 4u);
  std::map<int, std::string> problem_of;  // of a family
  for (const auto& entry : file.at("benchmarks"))
    problem_of[entry.at("family_index").get<int>()] = entry.at("name").get<std::string>().substr(0, 3);
  EXPECT_EQ(problem_of, (std::map<int, std::string>{{0, "nea"}, {1, "nea"}, {2, "nea"}, {3, "far"}}))
      << "the report sorts by it";
  EXPECT_NE(done.shown.find("near/a/iterations:1/process_time/manual_time_median"), std::string::npos)
      << done.shown;
  EXPECT_NE(done.shown.find("too long"), std::string::npos) << "rows without aggregates are shown, too";
  EXPECT_EQ(done.shown.find("near/a/iterations:1/process_time/manual_time "), std::string::npos)
      << "those of aggregates are not";
}

TEST(Registry, FilterLeavesOutWholeProblems) {
  const Outcome done = run_with({"--benchmark_filter=b"});
  EXPECT_EQ(done.count, 1u);
  EXPECT_EQ(done.errors.find("match"), std::string::npos) << done.errors;
  EXPECT_EQ(names_of(nlohmann::json::parse(done.out)).size(), 1u);
}

TEST(Registry, WhatMatchesNothingSaysSo) {
  const Outcome done = run_with({"--benchmark_filter=nothing"});
  EXPECT_EQ(done.count, 0u);
  EXPECT_NE(done.errors.find("nothing"), std::string::npos) << done.errors;
  EXPECT_EQ(done.out, "");
}

TEST(Registry, RepetitionsAreShownWhereAskedFor) {
  const Outcome done = run_with({"--benchmark_filter=b", "--benchmark_display_aggregates_only=false"});
  EXPECT_NE(done.shown.find("far/b/iterations:1/process_time/manual_time "), std::string::npos) << done.shown;
}

TEST(Registry, OtherReportsAreLeftToGoogleBenchmark) {
  std::vector<std::string> flags{"--benchmark_format=csv", "--benchmark_out=x"};
  const ReportFlags report = take_report_flags(flags);
  EXPECT_FALSE(report.ours);
  EXPECT_EQ(flags, (std::vector<std::string>{"--benchmark_display_aggregates_only=true",
                                             "--benchmark_format=csv", "--benchmark_out=x"}));
  flags = {"--benchmark_format=console", "--benchmark_out_format=json", "--benchmark_list_tests=false"};
  EXPECT_TRUE(take_report_flags(flags).ours);
}

TEST(Registry, FileOfTheEnvironment) {
  ::setenv("BENCHMARK_OUT", "from-environment.json", 1);
  std::vector<std::string> flags;
  EXPECT_EQ(take_report_flags(flags).out, "from-environment.json");
  EXPECT_EQ(flags,
            (std::vector<std::string>{"--benchmark_out=", "--benchmark_display_aggregates_only=false"}))
      << "else it would be written once a problem";
  flags = {"--benchmark_out=mine.json"};
  EXPECT_EQ(take_report_flags(flags).out, "mine.json");
  ::unsetenv("BENCHMARK_OUT");
}

TEST(Registry, FileThatCannotBeWritten) {
  ReportFlags flags;
  flags.out = "/nowhere/x.json";
  EXPECT_THROW(run_benchmarks(flags), FileError);
}

}  // namespace
}  // namespace omnimeans::bench
