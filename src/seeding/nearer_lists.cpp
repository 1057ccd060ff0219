// SPDX-License-Identifier: MIT
#include "seeding/nearer_lists.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <utility>

#include "parallel.hpp"
#include "rounding.hpp"

namespace omnimeans::seeding {

template <class T>
double NearerLists<T>::bytes_needed(const Task<T>& task) {
  const Problem<T> problem{.samples = task.samples,
                           .sample_weights = task.weights,
                           .n_clusters = most,
                           .threads = task.threads,
                           .isa = task.isa};
  const double n = static_cast<double>(task.samples.rows()), d = static_cast<double>(task.samples.cols());
  // Vectors may be twice as large as what is in them.
  return 3 * n * (2 * sizeof(Entry) + sizeof(std::size_t) + sizeof(double)) + most * d * sizeof(T) +
         DenseEngine<T>::bytes_needed(problem, true);
}

template <class T>
std::size_t NearerLists<T>::find(std::span<const std::size_t> proposals, const NearestSeeds<T>& nearest) {
  std::size_t count = std::min(proposals.size(), most);
  while (!pass(proposals.first(count), nearest)) count /= 2;
  sort(count);
  return count;
}

/// False if the lists are too long together.
template <class T>
bool NearerLists<T>::pass(std::span<const std::size_t> proposals, const NearestSeeds<T>& nearest) {
  const std::size_t count = proposals.size(), d = task_.samples.cols();
  if (!engine_ || rows_.rows() != count) {
    rows_ = Matrix<T>(count, d);
    engine_.emplace(task_.samples, count, task_.isa, task_.threads);
  }
  for (std::size_t p = 0; p < count; ++p)
    std::ranges::copy(task_.samples.row(proposals[p]), rows_.row(p).begin());
  engine_->set_centroids(rows_);
  found_.resize(static_cast<std::size_t>(task_.threads));
  for (auto& found : found_) found.clear();

  const double root_error = gamma_of(static_cast<double>(d) / 8 + 16, unit_roundoff<double>());
  const double factor = static_cast<double>(engine_->lower_factor());
  const double squared_factor = (1 + 2 * root_error) / (factor * factor);
  const double floor = 4 * static_cast<double>(d) * 0x1p-1074;
  const std::vector<T> zeros(count, T(0));
  std::atomic<std::size_t> total{0};
  const AssignmentStats stats = engine_->over_scores([&](RowRange rows, auto& scratch) {
    std::vector<Entry>& found = found_[scratch.thread];
    std::size_t listed = 0, computed = 0;
    const bool keep = total.load(std::memory_order_relaxed) <= limit();
    for (std::size_t i = rows.begin; i < rows.end; ++i) {
      const double now = nearest.squared(i);
      if (!(now > 0) || !(task_.weight(i) > 0)) continue;
      const T* scores = scratch.scores.data() + (i - rows.begin) * engine_->padded_clusters();
      // Those with 2 s + base <= D_i / factor^2, and NaN.
      const double base = static_cast<double>(engine_->lower_terms(i).base);
      const double reach = ((now + floor) * squared_factor - base) / 2;
      const T highest = narrow<T>(reach + std::abs(reach) * 4 * unit_roundoff<T>() +
                                  static_cast<double>(std::numeric_limits<T>::min()));
      const std::size_t open = engine_->kernels().open_candidates(scores, zeros.data(), scores, highest,
                                                                  count, scratch.candidates.data());
      if (open == 0) continue;
      task_.kernels.canonical_distances(task_.samples.row_data(i), rows_.data(), rows_.cols(),
                                        scratch.candidates.data(), open, d, scratch.distances.data());
      computed += open;
      for (std::size_t o = 0; o < open; ++o) {
        if (!(scratch.distances[o] < now)) continue;
        ++listed;
        if (keep) found.push_back({i, scratch.distances[o], static_cast<std::size_t>(scratch.candidates[o])});
      }
    }
    total += listed;
    scratch.stats.distances_computed += computed;
  });
  task_.distances_computed += stats.distances_computed;
  ++task_.passes;
  return count == 1 || total <= limit();
}

/// By proposal; within one by thread, so that nothing may depend on the order.
template <class T>
void NearerLists<T>::sort(std::size_t n_proposals) {
  const std::size_t parts = found_.size();
  std::vector<std::size_t> next(parts * n_proposals, 0);  // of each thread and proposal
  parallel_blocks(task_.threads, parts, [&](std::size_t part, int) {
    for (const Entry& entry : found_[part]) ++next[part * n_proposals + entry.proposal];
  });
  begins_.assign(n_proposals + 1, 0);
  std::size_t sum = 0;
  for (std::size_t p = 0; p < n_proposals; ++p) {
    begins_[p] = sum;
    for (std::size_t part = 0; part < parts; ++part) sum += std::exchange(next[part * n_proposals + p], sum);
  }
  begins_[n_proposals] = sum;
  samples_.resize(sum);
  squared_.resize(sum);
  parallel_blocks(task_.threads, parts, [&](std::size_t part, int) {
    for (const Entry& entry : found_[part]) {
      const std::size_t at = next[part * n_proposals + entry.proposal]++;
      samples_[at] = entry.sample;
      squared_[at] = entry.squared;
    }
  });
}

template class NearerLists<float>;
template class NearerLists<double>;

}  // namespace omnimeans::seeding
