// SPDX-License-Identifier: MIT
// Labels of samples that a backend keeps in groups, in an order of its own: kdtree's leaves, blockbounds'
// blocks. Those that change go to the caller's labels, unless it leaves them here, and the update step is
// told: with their samples, if those are at hand.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "aligned_buffer.hpp"
#include "omnimeans/backend.hpp"
#include "omnimeans/error.hpp"
#include "parallel.hpp"
#include "sample_order.hpp"

namespace omnimeans::algorithms {

/// The problem, if its samples can be put in order.
template <class T>
const Problem<T>& orderable(const std::string& backend, const Problem<T>& problem) {
  if (static_cast<double>(problem.samples.rows()) > most_samples_in_order) {
    throw MemoryLimitExceeded(
        backend + " takes at most 4294967295 samples; n_samples = " + std::to_string(problem.samples.rows()));
  }
  return problem;
}

/// Labels of the samples of a group, of which a kernel has proved all but the `open` ones, as bits: those get
/// rank(r). Returns which labels are not as `before`, `changed` being right for the others.
template <class Rank>
std::uint64_t rank_open(std::uint64_t open, std::uint64_t changed, const std::int32_t* before,
                        std::int32_t* labels, Rank&& rank) {
  changed &= ~open;
  for (std::uint64_t bits = open; bits != 0; bits &= bits - 1) {
    const auto r = static_cast<std::size_t>(std::countr_zero(bits));
    labels[r] = rank(r);
    changed |= std::uint64_t{labels[r] != before[r]} << r;
  }
  return changed;
}

template <class T>
class OrderedLabels {
 public:
  /// Groups of at most `rows` samples. `at_first`: the update step is told of a first step, too, in which all
  /// labels are new; where a group's samples go two or three ways that is faster than all samples in order.
  OrderedLabels(const Problem<T>& problem, std::size_t n_groups, std::size_t rows, bool at_first)
      : told_at_first_(at_first && sizeof(T) == sizeof(float) && problem.sample_weights.empty()),
        threads_(problem.threads),
        rows_(rows),
        labels_(AlignedBuffer<std::int32_t>::for_overwrite(n_groups * rows)) {}

  /// In a step without drift all labels count as new.
  void begin_step(const Assignment<T>& step) {
    step_ = step;
    if (!step.drift.empty()) return;
    parallel_pieces(team(), labels_.size(),
                    [&](RowRange range) { std::fill_n(labels_.data() + range.begin, range.size(), -1); });
  }

  /// Whether the update step is told. Not in a first step where fit() knows labels already, or sums more than
  /// a word a value, nor where that was not asked for: it reads the samples in order.
  bool observed() const {
    return step_.observer != nullptr && (!step_.drift.empty() || (told_at_first_ && !step_.guessed));
  }

  const std::int32_t* of(std::size_t group) const { return labels_.data() + group * rows_; }

  /// The labels of a group: `now`, of which those in `changed`, as bits, are new; `order`: which samples they
  /// are of; `values`: those samples, feature-major, `rows` a feature.
  void set(std::size_t group, std::uint64_t changed, const std::int32_t* now, const std::uint32_t* order,
           const T* values, int thread) {
    if (changed == 0) return;
    if (!step_.keep_labels) write(changed, now, order);
    if (observed()) {
      const MovedSamples<T> moved{.values = values,
                                  .stride = rows_,
                                  .rows = changed,
                                  .index = order,
                                  .labels = now,
                                  .before = of(group)};
      step_.observer->moved(moved, thread);
    }
    std::copy_n(now, rows_, labels_.data() + group * rows_);
  }
  /// The same of samples that are not at hand: tell() follows, and knows of them by `told`.
  void set(std::size_t group, std::uint64_t changed, const std::int32_t* now, const std::uint32_t* order,
           std::vector<std::int32_t>& told, int thread) {
    write(changed, now, order);
    for (std::uint64_t bits = changed; bits != 0 && observed(); bits &= bits - 1) {
      const std::uint32_t i = order[std::countr_zero(bits)];
      if (i <= std::uint32_t{std::numeric_limits<std::int32_t>::max()}) {
        told.push_back(static_cast<std::int32_t>(i));
      } else {
        step_.observer->labelled(i, std::size_t{i} + 1, thread);
      }
    }
    std::copy_n(now, rows_, labels_.data() + group * rows_);
  }

  /// All labels to where the caller has them; group g is of the first count_of(g) samples of order_of(g).
  template <class OrderOf, class CountOf>
  void write_all(std::span<std::int32_t> out, OrderOf&& order_of, CountOf&& count_of) const {
    // Blocks of some 10,000 labels; a line that is asked for is there two groups later.
    constexpr std::size_t groups = 256, ahead = 2;
    const std::size_t n_groups = labels_.size() / rows_, blocks = block_count(n_groups, groups);
    parallel_blocks(team(), blocks, [&](std::size_t block, int) {
      const RowRange range = block_range(block, n_groups, groups);
      for (std::size_t g = range.begin; g < range.end; ++g) {
        const std::size_t next = std::min(g + ahead, n_groups - 1);
        for (std::size_t r = 0; r < count_of(next); ++r) __builtin_prefetch(&out[order_of(next)[r]], 1);
        for (std::size_t r = 0; r < count_of(g); ++r) out[order_of(g)[r]] = of(g)[r];
      }
    });
  }

  void tell(std::vector<std::int32_t>& told, int thread) const {
    if (!told.empty()) step_.observer->labelled_some(0, told, thread);
    told.clear();
  }

 private:
  int team() const { return labels_.size() < 50'000 ? 1 : threads_; }

  void write(std::uint64_t changed, const std::int32_t* now, const std::uint32_t* order) {
    // Stores that miss the cache wait for each other, requests do not: 6 % of a fit of photo pixels by kdtree
    // (Zen 3).
    for (std::uint64_t bits = changed; bits != 0; bits &= bits - 1)
      __builtin_prefetch(&step_.labels[order[std::countr_zero(bits)]], 1);
    for (std::uint64_t bits = changed; bits != 0; bits &= bits - 1) {
      const auto r = static_cast<std::size_t>(std::countr_zero(bits));
      step_.labels[order[r]] = now[r];
    }
  }

  bool told_at_first_;
  int threads_;
  std::size_t rows_;
  AlignedBuffer<std::int32_t> labels_;
  Assignment<T> step_;
};

}  // namespace omnimeans::algorithms
