// SPDX-License-Identifier: MIT
// Threads: the only place that speaks OpenMP. A thread does the same part of the blocks in every pass, so
// that it finds in its own caches what it wrote (between two of a CPU's groups of cores a line takes some 250
// ns); one that is done early helps another. So what a block adds up must not depend on who does it. An
// exception in a block is carried out of the parallel region and thrown there.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
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

/// Threads worth starting to go over `n_values` values once, about a nanosecond each or less. All or one, for
/// OpenMP ends threads that a smaller team leaves over.
inline int threads_for_values(std::size_t n_values, int threads) {
  return n_values < 100'000 ? 1 : threads;
}

/// The same in the steps of a fit, whose threads are awake: some microseconds for few threads.
inline int threads_for_centroids(std::size_t n_values, int threads) {
  constexpr std::size_t least = 10'000, most = 100'000;
  return n_values < std::min(most, least * static_cast<std::size_t>(threads)) ? 1 : threads;
}

/// Blocks shared out in advance: as many contiguous parts of nearly equal length as threads, 64 at most (of
/// more threads some share one).
class SharedBlocks {
 public:
  /// Of fewer than 2^32 blocks; one thread or more.
  SharedBlocks(std::size_t n_blocks, int threads)
      : threads_(static_cast<std::size_t>(threads)), n_parts_(std::min(threads_, most_parts)) {
    const std::uint64_t all = n_blocks;
    for (std::size_t p = 0; p < n_parts_; ++p)
      parts_[p].left = all * p / n_parts_ | all * (p + 1) / n_parts_ << 32;
  }

  /// The next block of this thread's part, or the last one of another; false: there is none.
  bool take(std::size_t thread, std::size_t& block) {
    const std::size_t own = thread * n_parts_ / threads_;
    if (take_from(parts_[own], false, block)) return true;
    for (std::size_t p = 1; p < n_parts_; ++p) {
      if (take_from(parts_[(own + p) % n_parts_], true, block)) return true;
    }
    return false;
  }

 private:
  static constexpr std::size_t most_parts = 64;

  struct alignas(128) Part {
    std::atomic<std::uint64_t> left;  ///< the first block, in the lower half, and the one past the last
  };

  static bool take_from(Part& part, bool last, std::size_t& block) {
    std::uint64_t left = part.left.load(std::memory_order_relaxed), then = 0;
    do {
      const std::uint64_t begin = left & 0xffff'ffff, end = left >> 32;
      if (begin >= end) return false;
      block = static_cast<std::size_t>(last ? end - 1 : begin);
      then = last ? begin | (end - 1) << 32 : (begin + 1) | end << 32;
    } while (!part.left.compare_exchange_weak(left, then, std::memory_order_relaxed));
    return true;
  }

  std::size_t threads_, n_parts_;
  Part parts_[most_parts];
};

/// Calls body(block, thread) for every block in [0, n_blocks), each once. `thread` is in [0,
/// useful_threads(threads, n_blocks)). Runs in the caller, without a parallel region, if one thread does.
template <class Body>
void parallel_blocks(int threads, std::size_t n_blocks, Body&& body) {
  const int team = useful_threads(threads, n_blocks);
  if (team <= 1) {
    for (std::size_t block = 0; block < n_blocks; ++block) body(block, 0);
    return;
  }
  SharedBlocks blocks(n_blocks, team);
  std::atomic<bool> failed{false};
  std::exception_ptr error;
#pragma omp parallel num_threads(team)
  {
    const int thread = omp_get_thread_num();
    try {
      // Within a parallel region of the caller's there may be no other: then in order.
      if (omp_get_num_threads() == 1) {
        for (std::size_t block = 0; block < n_blocks; ++block) body(block, 0);
      } else {
        for (std::size_t block; !failed.load(std::memory_order_relaxed) &&
                                blocks.take(static_cast<std::size_t>(thread), block);) {
          body(block, thread);
        }
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
