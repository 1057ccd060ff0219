// SPDX-License-Identifier: MIT
// The update step in the pass that finds the labels: every thread has sums of its own for what it is told,
// and accumulate_observed() adds those of the clusters that a sample joined or left.
#include <bit>
#include <cassert>
#include <type_traits>
#include <utility>

#include "centroid_update.hpp"
#include "parallel.hpp"

namespace omnimeans {

template <class T>
void CentroidUpdate<T>::prepare(Observed& own) const {
  if (!own.touched.empty()) return;
  own.sums = empty_sums();
  own.touched.resize(n_clusters_);
  own.row.resize(samples_.cols());
}

template <class T>
bool CentroidUpdate<T>::observes() const {
  constexpr std::size_t cached_bytes = std::size_t{256} << 10;
  return sums_.plain.bytes() + sums_.wide.bytes() <= cached_bytes;
}

template <class T>
LabelObserver* CentroidUpdate<T>::observe(std::span<const std::int32_t> labels, bool kept) {
  if (!observes()) return nullptr;
  observed_labels_ = labels;
  labels_are_kept_ = kept;
  return this;
}

template <class T>
void CentroidUpdate<T>::labelled(std::size_t begin, std::size_t end, int thread) {
  Observed& own = observed_[static_cast<std::size_t>(thread)];
  if (first_) {  // who moved need not be found: all did
    prepare(own);
    account(own.sums, observed_labels_, nullptr, begin, end - begin);
    for (std::size_t i = begin; i < end; ++i) {
      assert(accounted_[i] < 0 && "told of once a step");
      if (!present(i)) continue;
      accounted_[i] = observed_labels_[i];
      own.touched[static_cast<std::size_t>(observed_labels_[i])] = 1;
      ++own.changed;
    }
    return;
  }
  own.moves.clear();
  find_moves(observed_labels_, begin, end, own.moves);
  account_moves(own);
}

template <class T>
void CentroidUpdate<T>::labelled_some(std::size_t begin, std::span<const std::int32_t> listed, int thread) {
  Observed& own = observed_[static_cast<std::size_t>(thread)];
  own.moves.clear();
  for (const std::int32_t r : listed) keep_if_moved(begin + static_cast<std::size_t>(r), own.moves);
  account_moves(own);
}

/// From where the samples are.
template <class T>
template <class U>
void CentroidUpdate<T>::account_moved(const MovedSamples<U>& samples, int thread) {
  Observed& own = observed_[static_cast<std::size_t>(thread)];
  if constexpr (std::is_same_v<T, U>) {
    std::int32_t from[64];
    std::uint64_t moved = 0;
    prepare(own);
    for (std::uint64_t rows = samples.rows; rows != 0; rows &= rows - 1) {
      const auto r = static_cast<std::size_t>(std::countr_zero(rows));
      const std::int32_t to = samples.labels[r];
      if (weighted() && !present(samples.index[r])) continue;
      if (first_) {
        from[r] = -1;  // accounted_ is written in one go, by accumulate_observed()
      } else {
        if (labels_are_kept_) {
          assert(samples.before != nullptr && samples.before[r] >= 0);
          from[r] = samples.before[r];
        } else {
          std::int32_t& accounted = accounted_[samples.index[r]];
          from[r] = samples.before != nullptr && samples.before[r] >= 0 ? samples.before[r] : accounted;
          accounted = to;
        }
        if (from[r] == to) continue;
        own.touched[static_cast<std::size_t>(from[r])] = 1;
      }
      own.touched[static_cast<std::size_t>(to)] = 1;
      moved |= std::uint64_t{1} << r;
    }
    own.labels_to_take |= first_ && !labels_are_kept_;
    own.changed += static_cast<std::size_t>(std::popcount(moved));
    account_columns(own, samples, moved, from);
  } else {
    own.moves.clear();
    for (std::uint64_t rows = samples.rows; rows != 0; rows &= rows - 1)
      keep_if_moved(samples.index[std::countr_zero(rows)], own.moves);
    account_moves(own);
  }
}

/// Those of `moved` from the clusters `from` (-1: none) to those of their labels.
template <class T>
void CentroidUpdate<T>::account_columns(Observed& own, const MovedSamples<T>& samples, std::uint64_t moved,
                                        const std::int32_t* from) const {
  if (words_ == 1 && !weighted()) {
    kernels_.account_leaf({.values = samples.values,
                           .stride = samples.stride,
                           .n_features = samples_.cols(),
                           .rows = moved,
                           .from = from,
                           .to = samples.labels,
                           .magic = magic_.data(),
                           .sums = own.sums.plain.data(),
                           .sums_stride = stride_,
                           .counts = own.sums.counts.data()});
    return;
  }
  for (; moved != 0; moved &= moved - 1) {
    const auto r = static_cast<std::size_t>(std::countr_zero(moved));
    for (std::size_t t = 0; t < own.row.size(); ++t) own.row[t] = samples.values[t * samples.stride + r];
    const std::size_t i = samples.index[r];
    if (from[r] >= 0) apply(own.sums, own.row.data(), i, static_cast<std::size_t>(from[r]), false);
    apply(own.sums, own.row.data(), i, static_cast<std::size_t>(samples.labels[r]), true);
  }
}

template <class T>
void CentroidUpdate<T>::moved(const MovedSamples<float>& samples, int thread) {
  account_moved(samples, thread);
}
template <class T>
void CentroidUpdate<T>::moved(const MovedSamples<double>& samples, int thread) {
  account_moved(samples, thread);
}

/// A thread's moves of a block into its sums.
template <class T>
void CentroidUpdate<T>::account_moves(Observed& own) {
  if (own.moves.empty()) return;
  prepare(own);
  account(own.sums, observed_labels_, own.moves.data(), 0, own.moves.size());
  for (const std::size_t i : own.moves) {
    if (accounted_[i] >= 0) own.touched[static_cast<std::size_t>(accounted_[i])] = 1;
    own.touched[static_cast<std::size_t>(observed_labels_[i])] = 1;
    accounted_[i] = observed_labels_[i];
  }
  own.changed += own.moves.size();
}

template <class T>
std::size_t CentroidUpdate<T>::accumulate_observed() {
  std::size_t changed = 0;
  bool labels_to_take = false;
  for (Observed& own : observed_) {
    labels_to_take |= std::exchange(own.labels_to_take, false);
    changed += std::exchange(own.changed, 0);
  }
  if (changed == 0) return 0;
  const std::size_t values = observed_.size() * n_clusters_ * words_ * stride_;
  parallel_blocks(threads_for_centroids(values, threads_), n_clusters_, [&](std::size_t j, int) {
    for (Observed& own : observed_) {
      if (own.touched.empty() || std::exchange(own.touched[j], 0) == 0) continue;
      take_from(own.sums, j);
      sum_changed(j);
    }
  });
  if (labels_to_take) take_labels(observed_labels_);
  first_ = false;
  return changed;
}

/// What was told of a step.
template <class T>
void CentroidUpdate<T>::forget_observed() {
  for (Observed& own : observed_) own = {};
}

/// As observe(), all of them at once.
template <class T>
void CentroidUpdate<T>::observe_all(std::span<const std::int32_t> labels) {
  constexpr std::size_t rows = 512;
  observed_labels_ = labels;
  const std::size_t blocks = block_count(labels.size(), rows);
  parallel_blocks(useful_threads(threads_, blocks), blocks, [&](std::size_t block, int thread) {
    const RowRange range = block_range(block, labels.size(), rows);
    labelled(range.begin, range.end, thread);
  });
}

template bool CentroidUpdate<float>::observes() const;
template LabelObserver* CentroidUpdate<float>::observe(std::span<const std::int32_t>, bool);
template void CentroidUpdate<float>::labelled(std::size_t, std::size_t, int);
template void CentroidUpdate<float>::labelled_some(std::size_t, std::span<const std::int32_t>, int);
template void CentroidUpdate<float>::moved(const MovedSamples<float>&, int);
template void CentroidUpdate<float>::moved(const MovedSamples<double>&, int);
template std::size_t CentroidUpdate<float>::accumulate_observed();
template void CentroidUpdate<float>::forget_observed();
template void CentroidUpdate<float>::observe_all(std::span<const std::int32_t>);
template bool CentroidUpdate<double>::observes() const;
template LabelObserver* CentroidUpdate<double>::observe(std::span<const std::int32_t>, bool);
template void CentroidUpdate<double>::labelled(std::size_t, std::size_t, int);
template void CentroidUpdate<double>::labelled_some(std::size_t, std::span<const std::int32_t>, int);
template void CentroidUpdate<double>::moved(const MovedSamples<float>&, int);
template void CentroidUpdate<double>::moved(const MovedSamples<double>&, int);
template std::size_t CentroidUpdate<double>::accumulate_observed();
template void CentroidUpdate<double>::forget_observed();
template void CentroidUpdate<double>::observe_all(std::span<const std::int32_t>);

}  // namespace omnimeans
