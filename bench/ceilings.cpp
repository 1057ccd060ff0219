// SPDX-License-Identifier: MIT
// Times the loops of ceilings/. Compiled at the baseline; a loop is called only if this CPU runs its
// instruction set.
#include "bench/ceilings.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <new>

#include "bench/ceilings/loops.hpp"
#include "parallel.hpp"

namespace omnimeans::ceilings {

extern const Loops loops_scalar;
#if defined(__x86_64__)
extern const Loops loops_sse42;
extern const Loops loops_avx2;
extern const Loops loops_avx512;
#elif defined(__aarch64__)
extern const Loops loops_neon;
#endif

namespace {

constexpr std::array kAllLoops {
  &loops_scalar,
#if defined(__x86_64__)
      &loops_sse42, &loops_avx2, &loops_avx512,
#elif defined(__aarch64__)
      &loops_neon,
#endif
};
constexpr std::size_t kRuns = 5;
constexpr double kRunSeconds = 0.004;

/// What the loops compute ends here, so that it counts as used.
std::atomic<std::uint64_t> sink;

template <class Work>
double seconds_of(Work&& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Median of kRuns runs, after one that wakes the threads and the vector units up.
template <class Work>
double median_seconds(Work&& work) {
  work();
  std::array<double, kRuns> seconds;
  for (double& value : seconds) value = seconds_of(work);
  std::nth_element(seconds.begin(), seconds.begin() + kRuns / 2, seconds.end());
  return seconds[kRuns / 2];
}

/// Rounds that take kRunSeconds on one core: by the faster of two tries, lest an interruption pass for work.
std::uint64_t calibrate(double (*loop)(std::uint64_t)) {
  const auto once = [&](std::uint64_t rounds) {
    return seconds_of([&] { sink.fetch_add(static_cast<std::uint64_t>(loop(rounds))); });
  };
  std::uint64_t rounds = 1024;
  while (std::min(once(rounds), once(rounds)) < kRunSeconds) rounds *= 2;
  return rounds;
}

double peak_gflops(double (*loop)(std::uint64_t), double flops_a_round, std::uint64_t rounds, int threads) {
  const double seconds = median_seconds([&] {
    parallel_blocks(threads, static_cast<std::size_t>(threads), [&](std::size_t, int) {
      sink.fetch_add(static_cast<std::uint64_t>(loop(rounds)), std::memory_order_relaxed);
    });
  });
  return static_cast<double>(threads) * static_cast<double>(rounds) * flops_a_round / seconds * 1e-9;
}

std::size_t stream_bytes() {
  constexpr std::size_t most = std::size_t{1} << 30, granule = std::size_t{1} << 20;
  std::size_t bytes = most;
#if defined(_SC_LEVEL3_CACHE_SIZE)
  const long last_level = sysconf(_SC_LEVEL3_CACHE_SIZE);
  if (last_level > 0) bytes = std::min(most, 4 * static_cast<std::size_t>(last_level) + granule);
#endif
  if (const std::uint64_t memory = physical_memory_bytes(); memory > 0) {
    bytes = std::min<std::size_t>(bytes, memory / 4);  // a small machine shall not swap
  }
  return std::max(granule, bytes / granule * granule);
}

const Loops& widest_usable() {
  const std::vector<Isa> usable = usable_isas();
  const auto is_usable = [&](const Loops* loops) { return std::ranges::count(usable, loops->isa) > 0; };
  const auto found = std::find_if(kAllLoops.rbegin(), kAllLoops.rend(), is_usable);
  return found == kAllLoops.rend() ? loops_scalar : **found;
}

void measure_bandwidths(std::span<const int> thread_counts, std::vector<ReadBandwidth>& bandwidths) {
  constexpr std::size_t block_words = (std::size_t{1} << 20) / sizeof(std::uint64_t);
  constexpr std::align_val_t line{64};
  const std::size_t bytes = stream_bytes(), n_blocks = bytes / sizeof(std::uint64_t) / block_words;
  struct Free {
    std::align_val_t alignment;
    void operator()(std::uint64_t* words) const { ::operator delete(words, alignment); }
  };
  const std::unique_ptr<std::uint64_t[], Free> words(static_cast<std::uint64_t*>(::operator new(bytes, line)),
                                                     Free{line});
  // Pages exist, and belong to a core's memory, once written.
  parallel_blocks(resolve_threads(0), n_blocks, [&](std::size_t block, int) {
    std::fill_n(words.get() + block * block_words, block_words, block);
  });
  const Loops& loops = widest_usable();
  for (const int threads : thread_counts) {
    const double seconds = median_seconds([&] {
      parallel_blocks(threads, n_blocks, [&](std::size_t block, int) {
        sink.fetch_add(loops.sum_words(words.get() + block * block_words, block_words),
                       std::memory_order_relaxed);
      });
    });
    bandwidths.push_back({threads, static_cast<double>(bytes) / seconds * 1e-9});
  }
}

}  // namespace

std::optional<double> Ceilings::peak_gflops(Isa isa, std::string_view dtype, int threads) const {
  const auto found = std::ranges::find_if(peaks, [&](const PeakRate& peak) {
    return peak.isa == isa && peak.dtype == dtype && peak.threads == threads;
  });
  if (found == peaks.end()) return std::nullopt;
  return found->gflops;
}

std::optional<double> Ceilings::read_bandwidth(int threads) const {
  const auto found = std::ranges::find(bandwidths, threads, &ReadBandwidth::threads);
  if (found == bandwidths.end()) return std::nullopt;
  return found->gbytes_per_second;
}

Ceilings measure(std::span<const int> thread_counts) {
  Ceilings ceilings;
  const std::vector<Isa> usable = usable_isas();
  for (const Loops* loops : kAllLoops) {
    if (std::ranges::count(usable, loops->isa) == 0) continue;
    const auto measure_loop = [&](std::string_view dtype, double (*loop)(std::uint64_t),
                                  double flops_a_round) {
      const std::uint64_t rounds = calibrate(loop);
      for (const int threads : thread_counts) {
        ceilings.peaks.push_back(
            {loops->isa, dtype, threads, peak_gflops(loop, flops_a_round, rounds, threads)});
      }
    };
    measure_loop("f32", loops->f32, loops->f32_flops);
    measure_loop("f64", loops->f64, loops->f64_flops);
  }
  measure_bandwidths(thread_counts, ceilings.bandwidths);
  return ceilings;
}

std::uint64_t physical_memory_bytes() {
  const long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
  if (pages <= 0 || page_bytes <= 0) return 0;
  return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page_bytes);
}

}  // namespace omnimeans::ceilings
