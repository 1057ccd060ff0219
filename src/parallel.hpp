// SPDX-License-Identifier: MIT
// Threads: the only place that speaks OpenMP. Threads take blocks as they get free, so what a block adds up
// must not depend on the order; an exception in a block is carried out of the parallel region and thrown
// there.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>

#include <omp.h>

namespace omnimeans {

/// 0 (or less) asks for what OpenMP would use.
inline int resolve_threads(int threads) {
  return threads > 0 ? threads : std::max(1, omp_get_max_threads());
}

/// False in a child of fork() where OpenMP might wait for threads that only the parent has: see parallel.cpp.
bool may_start_threads();

/// Threads worth starting for `n_blocks` blocks.
inline int useful_threads(int threads, std::size_t n_blocks) {
  const auto useful = std::min<std::size_t>(static_cast<std::size_t>(std::max(threads, 1)), n_blocks);
  return useful <= 1 || may_start_threads() ? static_cast<int>(useful) : 1;
}

/// Threads worth starting to go over `n_values` values once, about a nanosecond each or less.
inline int threads_for_values(std::size_t n_values, int threads) {
  return n_values < 100'000 ? 1 : threads;
}

/// Calls body(block, thread) for every block in [0, n_blocks), each once; blocks are handed out as threads
/// get free. `thread` is in [0, useful_threads(threads, n_blocks)). Runs in the caller, without a parallel
/// region, if one thread does.
template <class Body>
void parallel_blocks(int threads, std::size_t n_blocks, Body&& body) {
  const int team = useful_threads(threads, n_blocks);
  if (team <= 1) {
    for (std::size_t block = 0; block < n_blocks; ++block) body(block, 0);
    return;
  }
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  std::exception_ptr error;
#pragma omp parallel num_threads(team)
  {
    const int thread = omp_get_thread_num();
    try {
      for (std::size_t block;
           !failed.load(std::memory_order_relaxed) && (block = next.fetch_add(1)) < n_blocks;) {
        body(block, thread);
      }
    } catch (...) {
      if (!failed.exchange(true)) error = std::current_exception();
    }
  }
  if (error) std::rethrow_exception(error);
}

/// Rows [begin, end) of a block.
struct RowRange {
  std::size_t begin, end;
  std::size_t size() const { return end - begin; }
};

inline std::size_t block_count(std::size_t n, std::size_t block_rows) {
  return (n + block_rows - 1) / block_rows;
}
inline RowRange block_range(std::size_t block, std::size_t n, std::size_t block_rows) {
  return {block * block_rows, std::min(n, (block + 1) * block_rows)};
}

/// Calls body(range) for pieces of n values, in parallel: to write large memory for the first time, which
/// costs a microsecond a page.
template <class Body>
void parallel_pieces(int threads, std::size_t n, Body&& body) {
  constexpr std::size_t piece = std::size_t{1} << 15;
  parallel_blocks(threads, block_count(n, piece),
                  [&](std::size_t block, int) { body(block_range(block, n, piece)); });
}

}  // namespace omnimeans
