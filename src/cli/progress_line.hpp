// SPDX-License-Identifier: MIT
// The line on stderr that tells how far a fit is.
#pragma once

#include <chrono>

#include "omnimeans/options.hpp"

namespace omnimeans::cli {

/// Overwrites itself after each iteration, at most ten times a second, and is gone at the end.
class ProgressLine {
 public:
  /// Nothing is shown unless `wanted` and stderr is a terminal.
  explicit ProgressLine(bool wanted);
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(const Progress& progress);
  void show(const SeedingProgress& progress, std::size_t n_init);
  void clear();

 private:
  /// Whether it is time to; then begins the line.
  bool begin(std::size_t run, std::size_t n_init);
  void end();

  using Clock = std::chrono::steady_clock;
  bool enabled_;
  bool shown_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_{};
};

}  // namespace omnimeans::cli
