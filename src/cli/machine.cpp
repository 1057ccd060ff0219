// SPDX-License-Identifier: MIT
// The machine, as the operating system tells it; see machine.hpp.
#include "cli/machine.hpp"

#include <array>
#include <cstdio>
#include <fstream>

#include <sys/resource.h>
#include <unistd.h>

namespace omnimeans::cli {
namespace {

/// What follows "key ... :" in a file of such lines; empty if there is none.
std::string value_after(const char* path, const std::string& key) {
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    if (line.compare(0, key.size(), key) != 0) continue;
    const std::size_t colon = line.find(':');
    if (colon == line.npos) continue;
    const std::size_t value = line.find_first_not_of(" \t", colon + 1);
    if (value != line.npos) return line.substr(value);
  }
  return {};
}

}  // namespace

std::string cpu_model() {
  std::string model = value_after("/proc/cpuinfo", "model name");
  return model.empty() ? "unknown" : model;
}

std::uint64_t physical_memory_bytes() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page = ::sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page) : 0;
}

std::uint64_t peak_memory_bytes() {
  // VmHWM starts anew with the program; ru_maxrss, the fallback, may include the process that started it.
  const std::string high_water = value_after("/proc/self/status", "VmHWM");
  if (!high_water.empty()) return std::stoull(high_water) * 1024;
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

std::string human_bytes(std::uint64_t bytes) {
  static constexpr std::array units = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
  return text;
}

std::string human_seconds(double seconds) {
  double value = 1e6 * seconds;
  const char* unit = "us";
  for (const char* const larger : {"ms", "s"}) {
    if (value < 999.95) break;  // 1000.0 with one digit behind the point
    value /= 1e3;
    unit = larger;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.*f %s", value < 9.995 ? 2 : 1, value, unit);
  return text;
}

}  // namespace omnimeans::cli
