// SPDX-License-Identifier: MIT
#include "centroid_update.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "parallel.hpp"

namespace omnimeans {
namespace {

constexpr std::size_t block_rows = 2048;

/// The least e with value <= 2^e; value > 0.
int ceil_log2(double value) {
  int e;
  const double fraction = std::frexp(value, &e);
  return fraction == 0.5 ? e - 1 : e;
}

double quantum_of(int exponent) {
  return std::ldexp(1.0, std::max(exponent, -1074));
}
double magic_of(double quantum) {
  return 1.5 * std::ldexp(quantum, 52);
}

/// round(v / q), offset by bits(magic).
std::uint64_t fixed(double v, double magic) {
  return std::bit_cast<std::uint64_t>(v + magic);
}

/// round(v / q).
std::int64_t integer(double v, double magic) {
  return static_cast<std::int64_t>(fixed(v, magic) - std::bit_cast<std::uint64_t>(magic));
}

/// What rounding v to a multiple of the quantum cuts off: exact.
double cut_off(double v, double magic) {
  return v - ((v + magic) - magic);
}

}  // namespace

template <class T>
CentroidUpdate<T>::CentroidUpdate(MatrixView<const T> samples, std::span<const T> weights,
                                  std::span<const T> absmax, std::size_t n_clusters, Isa isa, int threads)
    : samples_(samples),
      weights_(weights),
      n_clusters_(n_clusters),
      n_present_(samples.rows()),
      stride_(block_count(samples.cols(), 8) * 8),
      threads_(samples.rows() * samples.cols() < 50'000 ? 1 : threads),
      observed_(static_cast<std::size_t>(std::max(threads, 1))),
      kernels_(kernels::kernels_for<T>(isa)),
      magic_(stride_),
      magic2_(stride_),
      quantum_(samples.cols()),
      quantum2_(samples.cols()),
      absmax_(absmax.begin(), absmax.end()),
      parts_(n_clusters),
      mean_is_old_(n_clusters, 1),
      part_is_old_(n_clusters, 1),
      accounted_(AlignedBuffer<std::int32_t>::for_overwrite(samples.rows())) {
  parallel_pieces(threads, samples.rows(),
                  [&](RowRange range) { std::fill_n(accounted_.data() + range.begin, range.size(), -1); });
  double multiplicity = static_cast<double>(samples.rows()), counted = multiplicity;
  bool by_weight = false;
  if (weighted()) {
    double total = 0;
    bool whole = true;
    n_present_ = 0;
    for (T weight : weights) {
      const double w = static_cast<double>(weight);
      n_present_ += w > 0;
      total += w;
      whole = whole && w == std::floor(w);
    }
    weight_shift_ = 61 - ceil_log2(total);
    by_weight = whole && total <= 0x1p26;
    if (by_weight) multiplicity = total;
    counted = by_weight ? total : static_cast<double>(n_present_);
  }
  const int b = ceil_log2(multiplicity);
  const int e = std::max(b - 11, std::min(6, b));
  for (std::size_t t = 0; t < samples.cols(); ++t) {
    int a = -1000;
    if (absmax[t] > 0) std::frexp(static_cast<double>(absmax[t]), &a);
    quantum_[t] = quantum_of(a + e - 51);
    magic_[t] = magic_of(quantum_[t]);
    quantum2_[t] = quantum_of(a + e - 51 + e - 51);
    magic2_[t] = magic_of(quantum2_[t]);
  }
  if (sizeof(T) == sizeof(float) && !one_word_is_coarse(counted, by_weight)) words_ = 1;
  sums_ = empty_sums();
}

/// Whether, in some feature, too many values need not be multiples of the quantum. Of up to 256 samples in
/// equal steps of what they count (`multiplicity` in all): copies side by side are asked as one sample of
/// their weight is, absent ones never.
template <class T>
bool CentroidUpdate<T>::one_word_is_coarse(double multiplicity, bool by_weight) const {
  const std::size_t n = samples_.rows(), d = samples_.cols();
  const double asked = std::min(multiplicity, 256.0);
  const auto place = [&](double s) { return std::floor(s * multiplicity / asked); };
  const auto counts = [&](std::size_t i) {
    return by_weight ? static_cast<double>(weights_[i]) : static_cast<double>(present(i));
  };
  std::vector<std::size_t> inexact(d, 0), nonzero(d, 0);
  double next = 0, covered = 0;
  for (std::size_t i = 0; i < n && next < asked;) {
    covered = weighted() ? covered + counts(i) : static_cast<double>(i + 1);
    std::size_t times = 0;
    for (; next < asked && place(next) < covered; ++next) ++times;
    const T* x = samples_.row_data(i);
    for (std::size_t t = 0; times > 0 && t < d; ++t) {
      const double length = std::abs(static_cast<double>(x[t]));
      nonzero[t] += length > 0 ? times : 0;
      inexact[t] += length > 0 && length < 0x1p23 * quantum_[t] ? times : 0;
    }
    i = weighted() ? i + 1 : static_cast<std::size_t>(place(next));
  }
  for (std::size_t t = 0; t < d; ++t) {
    if (inexact[t] > 0 && 64 * inexact[t] >= nonzero[t]) return true;
  }
  return false;
}

template <class T>
typename CentroidUpdate<T>::Sums CentroidUpdate<T>::empty_sums() const {
  const std::size_t size = n_clusters_ * words_ * stride_;
  return {AlignedBuffer<std::uint64_t>(weighted() ? 0 : size), AlignedBuffer<Int128>(weighted() ? size : 0),
          std::vector<std::int64_t>(n_clusters_), std::vector<std::int64_t>(weighted() ? n_clusters_ : 0)};
}

template <class T>
std::int64_t CentroidUpdate<T>::integer_weight(std::size_t i) const {
  const double units = std::ldexp(static_cast<double>(weights_[i]), weight_shift_);
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(units + 0.5));
}

template <class T>
void CentroidUpdate<T>::apply_row(Sums& sums, const T* x, std::size_t i, std::size_t cluster,
                                  bool add) const {
  const std::size_t d = samples_.cols();
  if (weighted()) {
    const std::int64_t w = add ? integer_weight(i) : -integer_weight(i);
    Int128* row = sums.wide.data() + cluster * words_ * stride_;
    for (std::size_t t = 0; t < d; ++t) {
      const double v = static_cast<double>(x[t]);
      row[t] += Int128{w} * integer(v, magic_[t]);
      if (words_ > 1) row[stride_ + t] += Int128{w} * integer(cut_off(v, magic_[t]), magic2_[t]);
    }
    return;
  }
  std::uint64_t* row = sums.plain.data() + cluster * words_ * stride_;
  (add ? kernels_.add_row : kernels_.subtract_row)(x, magic_.data(), d, row);
  if (words_ > 1) {
    for (std::size_t t = 0; t < d; ++t) {
      const std::uint64_t rest = fixed(cut_off(static_cast<double>(x[t]), magic_[t]), magic2_[t]);
      row[stride_ + t] += add ? rest : std::uint64_t{0} - rest;
    }
  }
}

template <class T>
void CentroidUpdate<T>::apply_count(Sums& sums, std::size_t i, std::size_t cluster, bool add) const {
  sums.counts[cluster] += add ? 1 : -1;
  if (weighted()) sums.weights[cluster] += add ? integer_weight(i) : -integer_weight(i);
}

template <class T>
void CentroidUpdate<T>::apply(Sums& sums, const T* x, std::size_t i, std::size_t cluster, bool add) const {
  apply_row(sums, x, i, cluster, add);
  apply_count(sums, i, cluster, add);
}

/// Appends the samples of [begin, end) whose label is not the accounted one.
template <class T>
void CentroidUpdate<T>::find_moves(std::span<const std::int32_t> labels, std::size_t begin, std::size_t end,
                                   std::vector<std::size_t>& moves) const {
  constexpr std::size_t piece = 1024;
  std::int32_t found[piece];
  for (std::size_t i = begin; i < end; i += piece) {
    const std::size_t n =
        kernels_.differing(labels.data() + i, accounted_.data() + i, std::min(piece, end - i), found);
    for (std::size_t f = 0; f < n; ++f) {
      const std::size_t at = i + static_cast<std::size_t>(found[f]);
      if (present(at)) moves.push_back(at);
    }
  }
}

/// All of them, into moves_.
template <class T>
void CentroidUpdate<T>::find_all_moves(std::span<const std::int32_t> labels) {
  const std::size_t n = samples_.rows(), blocks = block_count(n, block_rows);
  const int team = useful_threads(threads_, blocks);
  std::vector<std::vector<std::size_t>> found(static_cast<std::size_t>(team));
  parallel_blocks(team, blocks, [&](std::size_t block, int thread) {
    const RowRange rows = block_range(block, n, block_rows);
    find_moves(labels, rows.begin, rows.end, found[static_cast<std::size_t>(thread)]);
  });
  moves_.clear();
  for (const auto& mine : found) moves_.insert(moves_.end(), mine.begin(), mine.end());
}

/// Takes samples from the clusters that they are accounted to (if any) to those of their labels: the listed
/// ones, or, without a list, all of [first, first + count), which are accounted to none.
template <class T>
void CentroidUpdate<T>::account(Sums& sums, std::span<const std::int32_t> labels, const std::size_t* moves,
                                std::size_t first, std::size_t count) const {
  if (words_ == 1 && !weighted()) {
    kernels_.account({.rows = samples_.data(),
                      .row_stride = samples_.row_stride(),
                      .n_features = samples_.cols(),
                      .index = moves,
                      .first = first,
                      .count = count,
                      .from = moves == nullptr ? nullptr : accounted_.data(),
                      .to = labels.data(),
                      .magic = magic_.data(),
                      .sums = sums.plain.data(),
                      .sums_stride = stride_,
                      .counts = sums.counts.data()});
    return;
  }
  const auto item = [&](std::size_t m) { return moves == nullptr ? first + m : moves[m]; };
  for (std::size_t m = 0; m < count; ++m) {
    // Moved samples are scattered: ask for the row that is due in a while.
    if (m + 8 < count) __builtin_prefetch(samples_.row_data(item(m + 8)));
    const std::size_t i = item(m);
    if (!present(i)) continue;
    const T* x = samples_.row_data(i);
    if (moves != nullptr && accounted_[i] >= 0)
      apply(sums, x, i, static_cast<std::size_t>(accounted_[i]), false);
    apply(sums, x, i, static_cast<std::size_t>(labels[i]), true);
  }
}

/// Adds a thread's own sum of one cluster to the whole, and clears it.
template <class T>
void CentroidUpdate<T>::take_from(Sums& own, std::size_t cluster) {
  const auto move = [&](auto& from, auto& to) {
    if (from.size() == 0) return;
    const std::size_t length = words_ * stride_;
    auto* source = from.data() + cluster * length;
    auto* target = to.data() + cluster * length;
    for (std::size_t v = 0; v < length; ++v) target[v] += source[v];
    std::fill_n(source, length, 0);
  };
  move(own.plain, sums_.plain);
  move(own.wide, sums_.wide);
  sums_.counts[cluster] += std::exchange(own.counts[cluster], 0);
  if (weighted()) sums_.weights[cluster] += std::exchange(own.weights[cluster], 0);
}

template <class T>
std::size_t CentroidUpdate<T>::accumulate(std::span<const std::int32_t> labels) {
  if (first_) forget_observed();  // all are added at once, told or not
  const std::size_t before = accumulate_observed();
  constexpr std::size_t private_bytes = std::size_t{1} << 20;
  const bool small = sums_.plain.bytes() + sums_.wide.bytes() <= private_bytes;
  if (!first_ && small && threads_ > 1) {
    // Also where most labels changed, which is rare, though a sum that is rebuilt costs a row less a sample.
    observe_all(labels);
    return before + accumulate_observed();
  }
  // At first all are to be added; who moved need not be known.
  if (!first_) find_all_moves(labels);
  const std::size_t changed = first_ ? n_present_ : moves_.size();
  first_ = false;
  if (changed == 0) return before;
  // A moved sample costs two rows, a rebuilt one costs one.
  const bool rebuild = changed > n_present_ / 2;
  if (rebuild) {
    sums_ = empty_sums();
    all_sums_changed();
  } else {
    for (const std::size_t i : moves_) {
      if (accounted_[i] >= 0) sum_changed(static_cast<std::size_t>(accounted_[i]));
      sum_changed(static_cast<std::size_t>(labels[i]));
    }
  }
  if (small || threads_ == 1) {
    apply_with_private_sums(labels, rebuild);
  } else {
    apply_by_cluster(labels, rebuild);
  }
  if (rebuild) {
    take_labels(labels);
  } else {
    for (std::size_t i : moves_) accounted_[i] = labels[i];
  }
  return changed + before;
}

/// The sums stand for these.
template <class T>
void CentroidUpdate<T>::take_labels(std::span<const std::int32_t> labels) {
  parallel_pieces(threads_, labels.size(), [&](RowRange range) {
    std::copy_n(labels.data() + range.begin, range.size(), accounted_.data() + range.begin);
  });
}

/// Each thread adds to sums of its own, which are then added up; one thread adds in place.
template <class T>
void CentroidUpdate<T>::apply_with_private_sums(std::span<const std::int32_t> labels, bool rebuild) {
  const std::size_t n_items = rebuild ? samples_.rows() : moves_.size();
  const std::size_t blocks = block_count(n_items, block_rows);
  const int team = useful_threads(threads_, blocks);
  std::vector<Sums> partial(static_cast<std::size_t>(team));
  parallel_blocks(team, blocks, [&](std::size_t block, int thread) {
    Sums& own = partial[static_cast<std::size_t>(thread)];
    if (team > 1 && own.counts.empty()) own = empty_sums();
    const RowRange items = block_range(block, n_items, block_rows);
    account(team > 1 ? own : sums_, labels, rebuild ? nullptr : moves_.data() + items.begin, items.begin,
            items.size());
  });
  for (Sums& own : partial) {
    for (std::size_t j = 0; j < own.counts.size(); ++j) take_from(own, j);
  }
}

/// Counting-sorts the rows to add and to take away by cluster; then each cluster's sum belongs to one thread.
template <class T>
void CentroidUpdate<T>::apply_by_cluster(std::span<const std::int32_t> labels, bool rebuild) {
  const std::size_t n_items = rebuild ? samples_.rows() : moves_.size();
  std::vector<std::size_t> start(n_clusters_ + 1, 0);
  const auto for_each_change = [&](auto&& visit) {
    for (std::size_t m = 0; m < n_items; ++m) {
      const std::size_t i = rebuild ? m : moves_[m];
      if (!present(i)) continue;
      if (!rebuild && accounted_[i] >= 0) visit(i, static_cast<std::size_t>(accounted_[i]), false);
      visit(i, static_cast<std::size_t>(labels[i]), true);
    }
  };
  for_each_change([&](std::size_t i, std::size_t j, bool add) {
    ++start[j + 1];
    apply_count(sums_, i, j, add);
  });
  for (std::size_t j = 0; j < n_clusters_; ++j) start[j + 1] += start[j];
  std::vector<std::size_t> changes(start.back()), next(start.begin(), start.end() - 1);
  for_each_change(
      [&](std::size_t i, std::size_t j, bool add) { changes[next[j]++] = 2 * i + (add ? 1 : 0); });
  parallel_blocks(threads_, n_clusters_, [&](std::size_t j, int) {
    for (std::size_t m = start[j]; m < start[j + 1]; ++m) {
      if (m + 8 < start[j + 1]) __builtin_prefetch(samples_.row_data(changes[m + 8] / 2));
      apply_row(sums_, samples_.row_data(changes[m] / 2), changes[m] / 2, j, changes[m] % 2 == 1);
    }
  });
}

template <class T>
void CentroidUpdate<T>::move(std::size_t i, std::int32_t from, std::int32_t to) {
  apply(sums_, samples_.row_data(i), i, static_cast<std::size_t>(from), false);
  apply(sums_, samples_.row_data(i), i, static_cast<std::size_t>(to), true);
  sum_changed(static_cast<std::size_t>(from));
  sum_changed(static_cast<std::size_t>(to));
}

template class CentroidUpdate<float>;
template class CentroidUpdate<double>;

}  // namespace omnimeans
