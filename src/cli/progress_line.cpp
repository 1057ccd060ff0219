// SPDX-License-Identifier: MIT
// The progress line; see progress_line.hpp.
#include "cli/progress_line.hpp"

#include <cstdio>

#include <unistd.h>

namespace omnimeans::cli {

ProgressLine::ProgressLine(bool wanted) : enabled_(wanted && ::isatty(STDERR_FILENO) != 0) {}

void ProgressLine::show(const Progress& progress) {
  if (!enabled_) return;
  const Clock::time_point now = Clock::now();
  if (shown_ && now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  shown_ = true;
  const IterationStats& stats = progress.iteration;
  std::fputc('\r', stderr);
  if (progress.n_init > 1) std::fprintf(stderr, "run %zu/%zu  ", progress.run + 1, progress.n_init);
  std::fprintf(stderr, "iteration %zu/%zu  inertia %s %.6g  labels changed %zu  %.1f s\x1b[K",
               stats.iteration + 1, progress.max_iter,
               stats.inertia_is_exact ? "=" : "<=", stats.inertia_bound, stats.labels_changed,
               std::chrono::duration<double>(now - start_).count());
  std::fflush(stderr);
}

void ProgressLine::clear() {
  if (!shown_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  shown_ = false;
}

}  // namespace omnimeans::cli
