// SPDX-License-Identifier: MIT
// The command line and the order of things; see harness.hpp.
#include "bench/harness.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <limits>
#include <map>
#include <sstream>

#include <CLI/CLI.hpp>

#include "bench/context.hpp"
#include "bench/workload.hpp"
#include "datasets/datasets.hpp"
#include "omnimeans/error.hpp"

namespace omnimeans::bench {
namespace {

std::atomic<bool> any_failure{false};

struct Arguments {
  std::string suite = "quick", data, dtype = "f32";
  std::size_t n = 20000, d = 16, k = 0;
  std::vector<int> threads;
  bool no_ceilings = false;
};

std::string suite_help() {
  std::string text = "What to measure:";
  for (const Suite& suite : suites())
    text += "\n" + std::string(suite.name) + ": " + std::string(suite.description);
  return text;
}

std::string kind_names() {
  std::string names;
  for (const auto& kind : datasets::kinds()) names += std::string(kind.name) + ", ";
  return names;
}

void add_options(CLI::App& app, Arguments& args) {
  std::vector<std::string> names;
  for (const Suite& suite : suites()) names.emplace_back(suite.name);
  const CLI::Range size(std::size_t{1}, std::size_t{1} << 40);
  app.add_option("--suite", args.suite, suite_help())->check(CLI::IsMember(names))->capture_default_str();
  auto* data = app.add_option("--data", args.data,
                              "Measure on this instead of the suite's cases: " + kind_names() +
                                  "or file:PATH (.npy .fvecs .bvecs .csv)");
  auto* k = app.add_option("-k,--k", args.k, "Clusters, with --data")->check(size)->needs(data);
  data->needs(k);
  app.add_option("--n", args.n, "Samples, with --data KIND")->check(size)->needs(data);
  app.add_option("--d", args.d, "Features, with --data KIND")->check(size)->needs(data);
  app.add_option("--dtype", args.dtype, "f32 or f64, with --data")
      ->check(CLI::IsMember({"f32", "f64"}))
      ->needs(data);
  app.add_option("--threads", args.threads, "Thread counts, e.g. 1,2,4; else the suite's")
      ->delimiter(',')
      ->check(CLI::Range(1, 4096));
  app.add_flag("--no-ceilings", args.no_ceilings,
               "Do not measure the machine's ceilings (saves two seconds; no peak_share)");
  app.allow_extras();
  app.footer(
      "Options of Google Benchmark (--benchmark_filter=REGEX, --benchmark_out=FILE, ...) are passed on. Set\n"
      "unless you say otherwise: the suite's repetitions, only aggregates on the screen. Problems run one "
      "after\n"
      "the other, the repetitions of one in random order; of all problems with --benchmark_format or\n"
      "--benchmark_out_format.");
}

/// The case of --data; throws InvalidArgument or FileError if there is no such thing.
Case case_of(const Arguments& args) {
  Case chosen{args.data, args.dtype, args.n, args.d, args.k};
  if (args.data.starts_with("file:")) {
    read_shape(chosen);
  } else if (std::ranges::find(datasets::kinds(), args.data, &datasets::KindInfo::name) ==
             datasets::kinds().end()) {
    throw InvalidArgument("--data: \"" + args.data + "\" is none of " + kind_names() + "file:PATH");
  }
  if (chosen.k > chosen.n) {
    throw InvalidArgument("-k " + std::to_string(chosen.k) + " exceeds the " + std::to_string(chosen.n) +
                          " samples");
  }
  return chosen;
}

Plan make_plan(const Arguments& args, const Suite& suite, const Program& program) {
  Plan plan{.suite = args.data.empty() ? &suite : nullptr,
            .threads = args.threads.empty() ? thread_counts(suite) : args.threads,
            .scalar_limit = suite.scalar_limit,
            .lone_limit = suite.lone_limit,
            .peer_limit = suite.peer_limit,
            .cell_seconds = (suite.*program.repetitions).seconds};
  std::ranges::sort(plan.threads);
  plan.threads.erase(std::unique(plan.threads.begin(), plan.threads.end()), plan.threads.end());
  plan.cases = args.data.empty() ? suite.*program.cases : std::vector{case_of(args)};
  return plan;
}

/// Ours first, so that a user's own setting, which comes later, wins. The program's path is cut to its name:
/// it becomes part of the JSON.
std::vector<std::string> benchmark_arguments(const Program& program, const Suite& suite,
                                             const std::vector<std::string>& users) {
  std::ostringstream min_time;
  min_time << "--benchmark_min_time=" << suite.min_seconds;
  std::vector<std::string> arguments{
      program.name, "--benchmark_enable_random_interleaving=true",
      "--benchmark_repetitions=" + std::to_string((suite.*program.repetitions).count), min_time.str()};
  arguments.insert(arguments.end(), users.begin(), users.end());
  return arguments;
}

/// Returns false, with a message, if something is left that is not a flag of Google Benchmark, which keeps a
/// pointer to the first argument: they must outlive the runs.
bool initialize_benchmark(std::vector<std::string>& arguments) {
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  int count = static_cast<int>(pointers.size());
  benchmark::Initialize(&count, pointers.data());
  for (int i = 1; i < count; ++i)
    std::cerr << arguments[0] << ": unknown argument " << pointers[std::size_t(i)] << '\n';
  return count == 1;
}

int run_checked(const Program& program, const Arguments& args, std::vector<std::string> users) {
  const auto suite = std::ranges::find(suites(), args.suite, &Suite::name);
  const ReportFlags report = take_report_flags(users);
  std::vector<std::string> arguments = benchmark_arguments(program, *suite, users);
  if (!initialize_benchmark(arguments)) return 2;

  Plan plan = make_plan(args, *suite, program);
  if (std::ranges::any_of(
          users, [](const std::string& user) { return user.starts_with("--benchmark_repetitions"); }))
    plan.cell_seconds = std::numeric_limits<double>::infinity();
  if (!args.no_ceilings) {
    show_progress("measuring the machine's ceilings");
    plan.ceilings = ceilings::measure(plan.threads);
  }
  add_context(args.data.empty() ? args.suite : "own data: " + plan.cases.front().name(), plan.ceilings);
  program.register_benchmarks(plan);
  const std::size_t n_run = run_benchmarks(report);
  show_progress("");
  benchmark::Shutdown();
  if (any_failure) {
    std::cerr << program.name << ": a result was wrong or missing; see the errors above\n";
    return 1;
  }
  return n_run > 0 ? 0 : 2;
}

}  // namespace

int run(int argc, char** argv, const Program& program) {
  CLI::App app(program.description, program.name);
  Arguments args;
  add_options(app, args);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::cout << app.help() << '\n';
    benchmark::PrintDefaultHelp();
    return 0;
  } catch (const CLI::ParseError& error) {
    std::cerr << program.name << ": " << error.what() << '\n';
    return 2;
  }
  try {
    return run_checked(program, args, app.remaining());
  } catch (const InvalidArgument& error) {
    std::cerr << program.name << ": " << error.what() << '\n';
    return 2;
  } catch (const std::exception& error) {
    std::cerr << program.name << ": " << error.what() << '\n';
    return 1;
  }
}

void fail(benchmark::State& state, const std::string& message) {
  any_failure = true;
  state.SkipWithError(message.c_str());
}

namespace {

/// Within the loop: a skipped repetition has to have as many iterations as the others, else Google
/// Benchmark's statistics abort the program.
void skip(benchmark::State& state, const std::string& message) {
  for ([[maybe_unused]] auto _ : state) {
    state.SkipWithError(message.c_str());
    break;
  }
}

}  // namespace

void leave_out(benchmark::State& state, const std::string& why) {
  skip(state, "skipped: " + why);
}

void report_exception(benchmark::State& state, std::exception_ptr error) {
  try {
    std::rethrow_exception(error);
  } catch (const MemoryLimitExceeded& e) {
    state.SkipWithError(e.what());
  } catch (const std::exception& e) {
    fail(state, e.what());
  }
}

namespace {

std::map<std::string, double>& spent_seconds() {
  static std::map<std::string, double> all;
  return all;
}

}  // namespace

bool enough(benchmark::State& state, const std::string& name, double cell_seconds) {
  const auto spent = spent_seconds().find(name);
  if (spent == spent_seconds().end() || spent->second < cell_seconds) return false;
  skip(state, std::string(enough_message));
  return true;
}

void spend(const std::string& name, double seconds) {
  spent_seconds()[name] += seconds;
}

void show_progress(std::string_view what) {
  static const bool terminal = ::isatty(STDERR_FILENO) == 1;
  if (!terminal) return;
  std::fprintf(stderr, "\r\033[K%.*s", static_cast<int>(what.size()), what.data());
  std::fflush(stderr);
}

}  // namespace omnimeans::bench
