// SPDX-License-Identifier: MIT
#include "bench/context.hpp"

#include <array>
#include <cstdio>
#include <ctime>
#include <fstream>

#include <benchmark/benchmark.h>

#include "bench/build_info.hpp"
#include "omnimeans/isa.hpp"
#include "omnimeans/version.hpp"
#include "parallel.hpp"

namespace omnimeans::bench {
namespace {

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) {
      const std::size_t value = line.find_first_not_of(" \t", line.find(':') + 1);
      if (value != line.npos) return line.substr(value);
    }
  }
  return "unknown";
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

std::string rounded(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f", value);
  return text.data();
}

}  // namespace

void add_context(const std::string& suite, const ceilings::Ceilings& ceilings) {
  const auto add = [](const std::string& key, const std::string& value) {
    benchmark::AddCustomContext(key, value);
  };
  add("omnimeans_version", OMNIMEANS_VERSION);
  add("git_commit", OMNIMEANS_GIT_COMMIT);
  add("compiler", OMNIMEANS_COMPILER);
  add("build_flags", OMNIMEANS_BUILD_FLAGS);
  add("cpu_model", cpu_model());
  add("isa", std::string(to_string(default_isa())));
  add("integer_products", std::string(integer_products(default_isa())));
  add("threads_available", std::to_string(resolve_threads(0)));
  add("ram_bytes", std::to_string(ceilings::physical_memory_bytes()));
  add("suite", suite);
  add("date", utc_now());
  for (const auto& peak : ceilings.peaks) {
    add("peak_gflops/" + std::string(to_string(peak.isa)) + "/" + std::string(peak.dtype) +
            "/threads:" + std::to_string(peak.threads),
        rounded(peak.gflops));
  }
  for (const auto& bandwidth : ceilings.bandwidths) {
    add("read_bandwidth_gbs/threads:" + std::to_string(bandwidth.threads),
        rounded(bandwidth.gbytes_per_second));
  }
}

}  // namespace omnimeans::bench
