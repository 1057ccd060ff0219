// SPDX-License-Identifier: MIT
// The progress line; see progress_line.hpp.
#include "cli/progress_line.hpp"

#include <cstdio>

#include <unistd.h>

namespace omnimeans::cli {

ProgressLine::ProgressLine(bool wanted) : enabled_(wanted && ::isatty(STDERR_FILENO) != 0) {}

void ProgressLine::show(const Progress& progress) {
  if (!begin(progress.run, progress.n_init)) return;
  const IterationStats& stats = progress.iteration;
  std::fprintf(stderr, "iteration %zu/%zu  inertia %s %.6g  labels changed %zu", stats.iteration + 1,
               progress.max_iter, stats.inertia_is_exact ? "=" : "<=", stats.inertia_bound,
               stats.labels_changed);
  end();
}

void ProgressLine::show(const SeedingProgress& progress, std::size_t n_init) {
  if (!begin(progress.run, n_init)) return;
  std::fprintf(stderr, "seeding %zu/%zu", progress.n_chosen, progress.n_clusters);
  end();
}

bool ProgressLine::begin(std::size_t run, std::size_t n_init) {
  if (!enabled_) return false;
  const Clock::time_point now = Clock::now();
  if (shown_ && now - last_ < std::chrono::milliseconds(100)) return false;
  last_ = now;
  shown_ = true;
  std::fputc('\r', stderr);
  if (n_init > 1) std::fprintf(stderr, "run %zu/%zu  ", run + 1, n_init);
  return true;
}

void ProgressLine::end() {
  std::fprintf(stderr, "  %.1f s\x1b[K", std::chrono::duration<double>(last_ - start_).count());
  std::fflush(stderr);
}

void ProgressLine::clear() {
  if (!shown_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  shown_ = false;
}

}  // namespace omnimeans::cli
