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

struct Added {
  std::string problem;  ///< those of one problem run together
  std::string name;
  Clock clock;
  std::function<void(benchmark::State&)> body;
  Passes passes;
};

void add_benchmark(Added added);

/// Takes --benchmark_out=FILE out of the flags, for run_benchmarks() to write it; unless another one asks for
/// a report that only Google Benchmark itself writes, of all problems together (--benchmark_format, a list of
/// the names, ...): then nothing.
std::string take_out_file(std::vector<std::string>& flags);

/// Runs them as the flags of Google Benchmark say, which are set (`users`: the caller's); returns how many
/// ran. `out`: the file for the results as JSON, or empty. Throws FileError if it cannot be written.
std::size_t run_benchmarks(const std::vector<std::string>& users, const std::string& out);

}  // namespace omnimeans::bench
