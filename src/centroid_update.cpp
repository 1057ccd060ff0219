// SPDX-License-Identifier: MIT
#include "centroid_update.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

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

/// round(v / q) as an integer in the low bits, offset by bits(magic).
std::uint64_t fixed(double v, double magic) {
  return std::bit_cast<std::uint64_t>(v + magic);
}

/// v rounded to a multiple of the magic number's quantum.
double rounded(double v, double magic) {
  return (v + magic) - magic;
}

}  // namespace

template <class T>
CentroidUpdate<T>::CentroidUpdate(MatrixView<const T> samples, std::span<const T> weights,
                                  std::span<const T> absmax, std::size_t n_clusters, Isa isa, int threads)
    : samples_(samples),
      weights_(weights),
      n_clusters_(n_clusters),
      n_present_(samples.rows()),
      threads_(samples.rows() * samples.cols() < 50'000 ? 1 : threads),
      kernels_(kernels::kernels_for<T>(isa)),
      magic_(samples.cols()),
      magic2_(words > 1 ? samples.cols() : 0),
      quantum_(samples.cols()),
      quantum2_(words > 1 ? samples.cols() : 0),
      sums_(n_clusters * samples.cols() * words),
      weight_sums_(n_clusters),
      counts_(n_clusters),
      accounted_(samples.rows(), -1) {
  double total = static_cast<double>(samples.rows());
  double largest = 1;
  if (!weights.empty()) {
    total = 0;
    largest = 0;
    n_present_ = 0;
    for (T w : weights) {
      n_present_ += w > 0;
      total += static_cast<double>(w);
      largest = std::max(largest, static_cast<double>(w));
    }
    if (largest < 1) {
      weight_scale_ = std::ldexp(1.0, -ceil_log2(largest));
      total *= weight_scale_;
      largest *= weight_scale_;
    }
  }
  const int b = ceil_log2(total), c = std::max(0, ceil_log2(largest));
  const int e = std::max({c, b - 11, std::min(6, b)});
  round_first_ = !weights.empty() && e <= 16;
  weight_quantum_ = quantum_of(std::max(c, b - 11) - 51);
  weight_magic_ = magic_of(weight_quantum_);
  for (std::size_t t = 0; t < samples.cols(); ++t) {
    int a = -1000;
    if (absmax[t] > 0) std::frexp(static_cast<double>(absmax[t]), &a);
    quantum_[t] = quantum_of(a + e - 51);
    magic_[t] = magic_of(quantum_[t]);
    if constexpr (words > 1) {
      quantum2_[t] = quantum_of(a + e - 51 + e - 51);
      magic2_[t] = magic_of(quantum2_[t]);
    }
  }
}

template <class T>
double CentroidUpdate<T>::weight(std::size_t i) const {
  return weights_.empty() ? 1.0 : static_cast<double>(weights_[i]) * weight_scale_;
}

/// One sample with a weight, or of two words: what the kernels do not do.
template <class T>
void CentroidUpdate<T>::apply_general(const T* x, double w, bool add, std::uint64_t* row) const {
  const std::size_t d = samples_.cols();
  for (std::size_t t = 0; t < d; ++t) {
    double v = static_cast<double>(x[t]);
    double rest = 0;
    if (round_first_ || weights_.empty()) {
      const double high = rounded(v, magic_[t]);
      if constexpr (words > 1) rest = w * rounded(v - high, magic2_[t]);
      v = high;
    }
    v *= w;
    const std::uint64_t first = fixed(v, magic_[t]);
    row[t] += add ? first : std::uint64_t{0} - first;
    if constexpr (words > 1) {
      const std::uint64_t second = fixed((v - rounded(v, magic_[t])) + rest, magic2_[t]);
      row[d + t] += add ? second : std::uint64_t{0} - second;
    }
  }
}

template <class T>
void CentroidUpdate<T>::apply(std::size_t i, bool add, std::uint64_t* row) const {
  const T* x = samples_.row_data(i);
  if constexpr (words == 1) {
    if (weights_.empty()) {
      (add ? kernels_.add_row : kernels_.subtract_row)(x, magic_.data(), samples_.cols(), row);
      return;
    }
  }
  apply_general(x, weight(i), add, row);
}

template <class T>
void CentroidUpdate<T>::count(std::size_t i, bool add, std::int64_t& rows, std::uint64_t& weight_sum) const {
  rows += add ? 1 : -1;
  if (weights_.empty()) return;
  const std::uint64_t w = fixed(weight(i), weight_magic_);
  weight_sum += add ? w : std::uint64_t{0} - w;
}

/// Samples whose label is not the accounted one, into moves_.
template <class T>
void CentroidUpdate<T>::find_moves(std::span<const std::int32_t> labels) {
  const std::size_t n = samples_.rows(), blocks = block_count(n, block_rows);
  const int team = useful_threads(threads_, blocks);
  std::vector<std::vector<std::size_t>> found(static_cast<std::size_t>(team));
  parallel_blocks(team, blocks, [&](std::size_t block, int thread) {
    std::vector<std::size_t>& mine = found[static_cast<std::size_t>(thread)];
    const RowRange rows = block_range(block, n, block_rows);
    for (std::size_t i = rows.begin; i < rows.end; ++i) {
      if (labels[i] != accounted_[i] && present(i)) mine.push_back(i);
    }
  });
  moves_.clear();
  for (const auto& mine : found) moves_.insert(moves_.end(), mine.begin(), mine.end());
}

template <class T>
std::size_t CentroidUpdate<T>::accumulate(std::span<const std::int32_t> labels) {
  find_moves(labels);
  const std::size_t changed = moves_.size();
  if (changed == 0) return 0;
  // A moved sample costs two rows, a rebuilt one costs one.
  const bool rebuild = changed > n_present_ / 2;
  if (rebuild) {
    std::fill_n(sums_.data(), sums_.size(), 0);
    std::fill(counts_.begin(), counts_.end(), 0);
    std::fill(weight_sums_.begin(), weight_sums_.end(), 0);
  }
  constexpr std::size_t private_bytes = std::size_t{1} << 20;
  if (threads_ == 1 || sums_.bytes() <= private_bytes) {
    apply_with_private_sums(labels, rebuild);
  } else {
    apply_by_cluster(labels, rebuild);
  }
  if (rebuild) {
    std::copy(labels.begin(), labels.end(), accounted_.begin());
  } else {
    for (std::size_t i : moves_) accounted_[i] = labels[i];
  }
  return changed;
}

/// Each thread adds to sums of its own, which are then added up; one thread adds in place.
template <class T>
void CentroidUpdate<T>::apply_with_private_sums(std::span<const std::int32_t> labels, bool rebuild) {
  const std::size_t n_items = rebuild ? samples_.rows() : moves_.size();
  const auto item = [&](std::size_t m) { return rebuild ? m : moves_[m]; };
  const std::size_t row = words * samples_.cols(), blocks = block_count(n_items, block_rows);
  const int team = useful_threads(threads_, blocks);
  struct Private {
    AlignedBuffer<std::uint64_t> sums;
    std::vector<std::uint64_t> weights;
    std::vector<std::int64_t> counts;
  };
  std::vector<Private> partial(static_cast<std::size_t>(team));
  parallel_blocks(team, blocks, [&](std::size_t block, int thread) {
    Private& mine = partial[static_cast<std::size_t>(thread)];
    std::uint64_t* sums = sums_.data();
    std::uint64_t* weights = weight_sums_.data();
    std::int64_t* counts = counts_.data();
    if (team > 1) {
      if (mine.counts.empty()) {
        mine.sums = AlignedBuffer<std::uint64_t>(sums_.size());
        mine.weights.resize(n_clusters_);
        mine.counts.resize(n_clusters_);
      }
      sums = mine.sums.data();
      weights = mine.weights.data();
      counts = mine.counts.data();
    }
    const auto put = [&](std::size_t i, std::int32_t label, bool add) {
      const auto j = static_cast<std::size_t>(label);
      apply(i, add, sums + j * row);
      count(i, add, counts[j], weights[j]);
    };
    const RowRange items = block_range(block, n_items, block_rows);
    for (std::size_t m = items.begin; m < items.end; ++m) {
      // Moved samples are scattered: ask for the row that is due in a while.
      if (m + 8 < items.end) __builtin_prefetch(samples_.row_data(item(m + 8)));
      const std::size_t i = item(m);
      if (!present(i)) continue;
      if (!rebuild && accounted_[i] >= 0) put(i, accounted_[i], false);
      put(i, labels[i], true);
    }
  });
  for (const Private& mine : partial) {
    if (mine.counts.empty()) continue;
    for (std::size_t v = 0; v < sums_.size(); ++v) sums_[v] += mine.sums[v];
    for (std::size_t j = 0; j < n_clusters_; ++j) {
      weight_sums_[j] += mine.weights[j];
      counts_[j] += mine.counts[j];
    }
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
    count(i, add, counts_[j], weight_sums_[j]);
  });
  for (std::size_t j = 0; j < n_clusters_; ++j) start[j + 1] += start[j];
  std::vector<std::size_t> changes(start.back()), next(start.begin(), start.end() - 1);
  for_each_change(
      [&](std::size_t i, std::size_t j, bool add) { changes[next[j]++] = 2 * i + (add ? 1 : 0); });
  parallel_blocks(threads_, n_clusters_, [&](std::size_t j, int) {
    for (std::size_t m = start[j]; m < start[j + 1]; ++m) {
      if (m + 8 < start[j + 1]) __builtin_prefetch(samples_.row_data(changes[m + 8] / 2));
      apply(changes[m] / 2, changes[m] % 2 == 1, sum_row(j));
    }
  });
}

template <class T>
void CentroidUpdate<T>::move(std::size_t i, std::int32_t from, std::int32_t to) {
  const auto change = [&](std::size_t j, bool add) {
    apply(i, add, sum_row(j));
    count(i, add, counts_[j], weight_sums_[j]);
  };
  change(static_cast<std::size_t>(from), false);
  change(static_cast<std::size_t>(to), true);
}

template <class T>
void CentroidUpdate<T>::write_means(Matrix<T>& centroids) const {
  const std::size_t d = samples_.cols();
  const int team = n_clusters_ * d < 100'000 ? 1 : threads_;
  parallel_blocks(team, n_clusters_, [&](std::size_t j, int) {
    if (counts_[j] == 0) return;
    const auto rows = static_cast<std::uint64_t>(counts_[j]);
    const auto value = [&](std::uint64_t bits, double magic, double quantum) {
      const std::uint64_t integer = bits - rows * std::bit_cast<std::uint64_t>(magic);
      return static_cast<double>(static_cast<std::int64_t>(integer)) * quantum;
    };
    const double total =
        weights_.empty() ? static_cast<double>(rows) : value(weight_sums_[j], weight_magic_, weight_quantum_);
    const std::uint64_t* sums = sums_.data() + j * words * d;
    for (std::size_t t = 0; t < d; ++t) {
      double sum = value(sums[t], magic_[t], quantum_[t]);
      if constexpr (words > 1) sum += value(sums[d + t], magic2_[t], quantum2_[t]);
      centroids(j, t) = static_cast<T>(sum / total);
    }
  });
}

template class CentroidUpdate<float>;
template class CentroidUpdate<double>;

}  // namespace omnimeans
