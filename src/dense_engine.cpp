// SPDX-License-Identifier: MIT
#include "dense_engine.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "canonical.hpp"
#include "kernels/dense_chain.hpp"

namespace omnimeans {
namespace {

constexpr std::size_t largest_block_rows = 240;  // a multiple of every tile height
constexpr std::size_t panel_bytes = std::size_t{512}
                                    << 10;  // of packed centroids kept in L2 while a block passes
constexpr double up = 1 + 0x1p-40;          // outward rounding of a few double operations

template <class T>
double unit_roundoff() {
  return static_cast<double>(std::numeric_limits<T>::epsilon()) / 2;
}

double gamma_of(double g, double u) {
  return g * u / (1 - g * u);
}

std::size_t block_rows_for(std::size_t n, int threads) {
  const std::size_t share = n / (4 * static_cast<std::size_t>(std::max(threads, 1))) / 12 * 12;
  return std::clamp<std::size_t>(share, 12, largest_block_rows);
}

}  // namespace

template <class T>
DenseEngine<T>::DenseEngine(MatrixView<const T> samples, std::size_t n_clusters, Isa isa, int threads)
    : samples_(samples),
      kernels_(kernels::kernels_for<T>(isa)),
      // Starting threads costs more than this little work.
      threads_(static_cast<double>(samples.rows()) * static_cast<double>(n_clusters) *
                           static_cast<double>(samples.cols()) <
                       1e5
                   ? 1
                   : threads),
      n_clusters_(n_clusters),
      n_vectors_((n_clusters + kernels_.lanes - 1) / kernels_.lanes),
      block_rows_(block_rows_for(samples.rows(), threads_)),
      panels_(n_vectors_ * kernels_.lanes * samples.cols()),
      half_norms_(n_vectors_ * kernels_.lanes),
      norms_(samples.rows()) {
  const double d = static_cast<double>(samples.cols());
  norm_slack_ = 4 * gamma_of(d + 8, unit_roundoff<T>());
}

template <class T>
std::uint64_t DenseEngine<T>::bytes() const {
  std::uint64_t total = panels_.bytes() + half_norms_.bytes() + norms_.size() * sizeof(T);
  for (const Scratch& s : scratch_) total += s.rows.bytes() + s.scores.bytes();
  return total;
}

template <class T>
void DenseEngine<T>::prepare_scratch(int team) {
  if (scratch_.size() < static_cast<std::size_t>(team)) scratch_.resize(static_cast<std::size_t>(team));
  for (Scratch& scratch : scratch_) {
    if (transformed_) scratch.rows.reserve(block_rows_ * samples_.cols());
    if (scratch.best.size() == block_rows_) continue;
    scratch.best.resize(block_rows_);
    scratch.second.resize(block_rows_);
    scratch.index.resize(block_rows_);
    scratch.candidates.resize(n_clusters_);
    scratch.distances.resize(n_clusters_);
  }
}

template <class T>
void DenseEngine<T>::set_centroids(MatrixView<const T> centroids) {
  centroids_ = centroids;
  if (!transform_chosen_) choose_transform();
  pack();
}

/// Centres where the common offset is more than three times the spread, scales where squares leave T's range.
template <class T>
void DenseEngine<T>::choose_transform() {
  transform_chosen_ = true;
  const std::size_t d = centroids_.cols(), k = centroids_.rows();
  std::vector<double> mean(d, 0);
  for (std::size_t j = 0; j < k; ++j) {
    for (std::size_t t = 0; t < d; ++t)
      mean[t] += static_cast<double>(centroids_(j, t)) / static_cast<double>(k);
  }
  double largest = 0, centred_largest = 0;
  for (std::size_t j = 0; j < k; ++j) {
    for (std::size_t t = 0; t < d; ++t) {
      const double c = static_cast<double>(centroids_(j, t));
      largest = std::max(largest, std::abs(c));
      centred_largest = std::max(centred_largest, std::abs(c - mean[t]));
    }
  }
  // Squares relative to the largest value: they cannot over- or underflow.
  double offset2 = 0, spread2 = 0;
  for (std::size_t t = 0; t < d; ++t) {
    offset2 += largest > 0 ? (mean[t] / largest) * (mean[t] / largest) : 0;
    for (std::size_t j = 0; j < k; ++j) {
      const double r = largest > 0 ? (static_cast<double>(centroids_(j, t)) - mean[t]) / largest : 0;
      spread2 += r * r / static_cast<double>(k);
    }
  }
  offset_.assign(d, T(0));
  const bool centre = spread2 > 0 && offset2 > 9 * spread2;
  if (centre) {
    for (std::size_t t = 0; t < d; ++t) offset_[t] = static_cast<T>(mean[t]);
    largest = centred_largest;
  }
  int exponent = 0;
  if (largest > 0) std::frexp(largest, &exponent);
  const int limit = sizeof(T) == sizeof(float) ? 40 : 400;
  const bool rescale = std::abs(exponent) > limit;
  // 2^-exponent may itself be out of T's range; a large part of it does as well.
  const int most = sizeof(T) == sizeof(float) ? 120 : 1000;
  scale_ = rescale ? static_cast<T>(std::ldexp(1.0, std::clamp(-exponent, -most, most))) : T(1);
  inverse_scale2_ = 1 / static_cast<double>(scale_) / static_cast<double>(scale_);
  transformed_ = centre || rescale;
}

template <class T>
void DenseEngine<T>::pack() {
  const std::size_t d = centroids_.cols(), lanes = kernels_.lanes;
  const double scale = static_cast<double>(scale_);
  std::vector<double> largest_per_vector(n_vectors_, 0);
  const int team = n_clusters_ * d < 100'000 ? 1 : threads_;
  parallel_blocks(team, n_vectors_, [&](std::size_t vector, int) {
    // Panels of two vectors; the last may hold one.
    const std::size_t panel = vector / 2 * 2;
    const std::size_t width = (panel + 2 <= n_vectors_ ? 2 : 1) * lanes;
    T* base = panels_.data() + panel * lanes * d + (vector - panel) * lanes;
    for (std::size_t l = 0; l < lanes; ++l) {
      const std::size_t j = vector * lanes + l;
      if (j >= n_clusters_) {
        half_norms_[j] = std::numeric_limits<T>::infinity();  // the panel's padding is zero since it was made
        continue;
      }
      const T* c = centroids_.row_data(j);
      double p[canonical_lanes] = {};
      for (std::size_t t = 0; t < d; ++t) {
        const double v = (static_cast<double>(c[t]) - static_cast<double>(offset_[t])) * scale;
        base[t * width + l] = static_cast<T>(v);
        p[t % canonical_lanes] += v * v;
      }
      const double squared = ((p[0] + p[4]) + (p[2] + p[6])) + ((p[1] + p[5]) + (p[3] + p[7]));
      half_norms_[j] = static_cast<T>(squared / 2);
      largest_per_vector[vector] = std::max(largest_per_vector[vector], squared);
    }
  });
  const double squared = *std::max_element(largest_per_vector.begin(), largest_per_vector.end());
  const double dd = static_cast<double>(d);
  const double eta = static_cast<double>(std::numeric_limits<T>::denorm_min());
  const double C = std::sqrt(squared) * (1 + 0x1p-20) + std::sqrt(dd) * 0x1p-500;
  largest_norm_ = C;
  const double chains = std::ceil(dd / static_cast<double>(kernels::dense_chain));
  double g = std::min(dd, static_cast<double>(kernels::dense_chain)) + chains + 8;
  if (sizeof(T) == sizeof(double)) g += dd / 8 + 8;
  const double gamma = gamma_of(g, unit_roundoff<T>());
  const double theta = gamma_of(dd / 8 + 8, unit_roundoff<double>());
  // Every partial sum of the kernel is at most C^2 + N C in magnitude.
  norm_limit_ = C > 0 ? (static_cast<double>(std::numeric_limits<T>::max()) / 8 - C * C) / C
                      : static_cast<double>(std::numeric_limits<T>::max());
  // 2 E + theta (N + C)^2 + underflow, as a polynomial of N.
  margin2_ = theta * up;
  margin1_ = (2 * gamma * C + 2 * theta * C) * up;
  margin0_ =
      (gamma * C * C + theta * C * C + 16 * dd * eta * (1 + C) + 4 * dd * 0x1p-1074 * scale * scale) * up;
}

template <class T>
kernels::PackedCentroids<T> DenseEngine<T>::packed() const {
  const std::size_t panel = 2 * kernels_.lanes * samples_.cols() * sizeof(T);
  return {panels_.data(), half_norms_.data(), n_vectors_, samples_.cols(),
          std::max<std::size_t>(1, panel_bytes / panel)};
}

/// The rows in place, or their transformed copy.
template <class T>
kernels::RowBlock<T> DenseEngine<T>::load_rows(RowRange rows, Scratch& scratch) {
  kernels::RowBlock<T> block{samples_.row_data(rows.begin), samples_.row_stride(), rows.size()};
  if (transformed_) {
    const std::size_t d = samples_.cols();
    for (std::size_t i = rows.begin; i < rows.end; ++i) {
      const T* x = samples_.row_data(i);
      T* out = scratch.rows.data() + (i - rows.begin) * d;
      for (std::size_t t = 0; t < d; ++t) out[t] = (x[t] - offset_[t]) * scale_;
    }
    block = {scratch.rows.data(), d, rows.size()};
  }
  if (!norms_known_) find_norms(rows, block);
  return block;
}

template <class T>
void DenseEngine<T>::find_norms(RowRange rows, const kernels::RowBlock<T>& block) {
  const std::size_t d = samples_.cols();
  const double eta = static_cast<double>(std::numeric_limits<T>::denorm_min());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double squared = static_cast<double>(kernels_.squared_norm(block.rows + i * block.row_stride, d));
    const double norm = std::sqrt(squared + 2 * static_cast<double>(d) * eta) * (1 + norm_slack_ / 2);
    norms_[rows.begin + i] =
        static_cast<T>(norm * (1 + static_cast<double>(std::numeric_limits<T>::epsilon())));
  }
}

template <class T>
AssignmentStats DenseEngine<T>::sum_stats() const {
  AssignmentStats total;
  for (const Scratch& scratch : scratch_) {
    total.distances_computed += scratch.stats.distances_computed;
    total.reranked += scratch.stats.reranked;
    total.inertia_bound += scratch.stats.inertia_bound;
  }
  return total;
}

template <class T>
AssignmentStats DenseEngine<T>::assign(std::span<const T> sample_weights, std::span<std::int32_t> labels) {
  return over_blocks(
      [&](RowRange rows, Scratch& scratch) { assign_block(rows, sample_weights, labels, scratch); });
}

template <class T>
void DenseEngine<T>::assign_block(RowRange rows, std::span<const T> weights, std::span<std::int32_t> labels,
                                  Scratch& scratch) {
  const kernels::RowBlock<T> block = load_rows(rows, scratch);
  kernels_.best_two(packed(), block, scratch.best.data(), scratch.second.data(), scratch.index.data());
  std::size_t open[largest_block_rows];
  std::size_t n_open = 0;
  double bound = 0;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const std::size_t i = rows.begin + r;
    const double norm = static_cast<double>(norms_[i]), best = static_cast<double>(scratch.best[r]);
    // Written so that a NaN or an infinity anywhere leaves the sample open.
    if (static_cast<double>(scratch.second[r]) - best > margin(norm)) {
      labels[i] = scratch.index[r];
      bound += (weights.empty() ? 1.0 : static_cast<double>(weights[i])) * upper_squared(norm, best);
    } else {
      open[n_open++] = i;
    }
  }
  scratch.stats.inertia_bound += bound;
  scratch.stats.distances_computed += rows.size() * n_clusters_;
  if (n_open > 0) rerank({open, n_open}, weights, labels, scratch);
}

/// The open samples once more in tiles, with every score; the canonical distance decides among those within
/// the margin.
template <class T>
void DenseEngine<T>::rerank(std::span<const std::size_t> open, std::span<const T> weights,
                            std::span<std::int32_t> labels, Scratch& scratch) {
  constexpr std::size_t batch = 24;
  const std::size_t d = samples_.cols(), stride = padded_clusters();
  scratch.rows.reserve(block_rows_ * d);
  scratch.scores.reserve(batch * stride);
  for (std::size_t from = 0; from < open.size(); from += batch) {
    const std::size_t count = std::min(batch, open.size() - from);
    for (std::size_t r = 0; r < count; ++r) {
      const T* x = samples_.row_data(open[from + r]);
      T* out = scratch.rows.data() + r * d;
      for (std::size_t t = 0; t < d; ++t) out[t] = (x[t] - offset_[t]) * scale_;
    }
    kernels_.scores(packed(), {scratch.rows.data(), d, count}, scratch.scores.data(), stride);
    for (std::size_t r = 0; r < count; ++r) {
      const std::size_t i = open[from + r];
      const Ranked ranked = rank(i, scratch.scores.data() + r * stride, scratch);
      labels[i] = ranked.label;
      scratch.stats.inertia_bound +=
          (weights.empty() ? 1.0 : static_cast<double>(weights[i])) * ranked.distance;
    }
    scratch.stats.distances_computed += count * n_clusters_;
  }
  scratch.stats.reranked += open.size();
}

template <class T>
typename DenseEngine<T>::Ranked DenseEngine<T>::rank(std::size_t i, const T* scores, Scratch& scratch) const {
  // The threshold is rounded in T: off by at most 2 u (C^2/2 + N C), less than a quarter of the margin.
  const T reach = static_cast<T>(1.25 * margin(static_cast<double>(norms_[i])));
  const std::size_t count = kernels_.near_lowest(scores, n_clusters_, reach, scratch.candidates.data());
  kernels_.canonical_distances(samples_.row_data(i), centroids_.data(), centroids_.row_stride(),
                               scratch.candidates.data(), count, samples_.cols(), scratch.distances.data());
  std::size_t winner = 0;
  for (std::size_t c = 1; c < count; ++c) {
    if (scratch.distances[c] < scratch.distances[winner]) winner = c;
  }
  return {scratch.candidates[winner], scratch.distances[winner], count > 1};
}

template <class T>
void DenseEngine<T>::score(RowRange rows, Scratch& scratch) {
  scratch.scores.reserve(block_rows_ * padded_clusters());
  const kernels::RowBlock<T> block = load_rows(rows, scratch);
  kernels_.scores(packed(), block, scratch.scores.data(), padded_clusters());
  scratch.stats.distances_computed += rows.size() * n_clusters_;
}

template <class T>
void DenseEngine<T>::lower_distances(std::size_t i, const T* scores, T* out) const {
  const double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  const double eta = static_cast<double>(std::numeric_limits<T>::denorm_min());
  const double norm = static_cast<double>(norms_[i]);
  const double least =
      std::max(0.0, norm * (1 - norm_slack_) - 2 * std::sqrt(static_cast<double>(samples_.cols()) * eta));
  // |x - c|^2 >= 2 (s^ - E) + |x|^2; the kernel's sum of the two is rounded in T, off by eps (N + C)^2 at
  // most.
  const double sum = norm + largest_norm_;
  const double base = least * least - 2 * margin(norm) - 2 * eps * sum * sum;
  const double factor = std::sqrt(inverse_scale2_) * (1 - 4 * eps);
  kernels_.lower_distances(scores, n_clusters_, static_cast<T>(base), static_cast<T>(factor), out);
}

template class DenseEngine<float>;
template class DenseEngine<double>;

}  // namespace omnimeans
