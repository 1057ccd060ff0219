// SPDX-License-Identifier: MIT
// What the operating system tells about the machine and this process.
#pragma once

#include <cstdint>
#include <string>

namespace omnimeans::cli {

/// "model name" of the first CPU, or "unknown".
std::string cpu_model();

/// 0 if it is not known.
std::uint64_t physical_memory_bytes();

/// The most memory this process has had resident so far.
std::uint64_t peak_memory_bytes();

/// "34.5 MiB".
std::string human_bytes(std::uint64_t bytes);

/// "430.0 us", "9.87 ms", "12.3 ms", "1.23 s", "123.4 s".
std::string human_seconds(double seconds);

}  // namespace omnimeans::cli
