// SPDX-License-Identifier: MIT
// The dense engine's centroids: how they are moved, scaled and packed for the kernels, and the margin that
// follows.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "canonical.hpp"
#include "dense_engine.hpp"
#include "kernels/dense_limits.hpp"
#include "rounding.hpp"

namespace omnimeans {

/// Centres unless the common offset is small against the spread (and for sixteen bits always), scales where
/// squares leave T's range.
template <class T>
void DenseEngine<T>::choose_transform() {
  transform_chosen_ = true;
  const std::size_t d = centroids_.cols(), k = centroids_.rows();
  const double share = 1 / static_cast<double>(k);
  // Of each feature, row by row: no sum or maximum waits for the one before.
  std::vector<double> mean(d, 0), farthest(d, 0), centred_farthest(d, 0), squares(d, 0);
  const auto each_value = [&](auto&& use) {
    for (std::size_t j = 0; j < k; ++j) {
      const T* c = centroids_.row_data(j);
      for (std::size_t t = 0; t < d; ++t) use(t, static_cast<double>(c[t]));
    }
  };
  each_value([&](std::size_t t, double c) { mean[t] += c * share; });
  each_value([&](std::size_t t, double c) {
    const double length = std::abs(c), centred = std::abs(c - mean[t]);
    farthest[t] = length > farthest[t] ? length : farthest[t];
    centred_farthest[t] = centred > centred_farthest[t] ? centred : centred_farthest[t];
  });
  // Squares relative to a power of two near the largest value: they cannot over- or underflow.
  int exponent = 0;
  std::frexp(*std::ranges::max_element(farthest), &exponent);
  const double unit = std::ldexp(1.0, std::clamp(-exponent, -1000, 1000));
  each_value([&](std::size_t t, double c) { squares[t] += (c - mean[t]) * unit * ((c - mean[t]) * unit); });
  double offset2 = 0, spread2 = 0;
  for (std::size_t t = 0; t < d; ++t) {
    offset2 += mean[t] * unit * (mean[t] * unit);
    spread2 += squares[t] * share;
  }
  offset_.assign(d, T(0));
  const bool centre = spread2 > 0 && offset2 > centre_from_ * spread2;
  if (centre) {
    for (std::size_t t = 0; t < d; ++t) offset_[t] = static_cast<T>(mean[t]);
    std::frexp(*std::ranges::max_element(centred_farthest), &exponent);
  }
  const int limit = sizeof(T) == sizeof(float) ? 40 : 400;
  const bool rescale = std::abs(exponent) > limit;
  // 2^-exponent may itself be out of T's range; a large part of it does as well.
  const int most = sizeof(T) == sizeof(float) ? 120 : 1000;
  scale_ = rescale ? static_cast<T>(std::ldexp(1.0, std::clamp(-exponent, -most, most))) : T(1);
  inverse_scale2_ = 1 / static_cast<double>(scale_) / static_cast<double>(scale_);
  lower_factor_ = narrow<T>((1 - 4 * static_cast<double>(std::numeric_limits<T>::epsilon())) /
                            static_cast<double>(scale_));
  transformed_ = centre || rescale;
}

/// Half of each squared length, and the margin from the largest.
template <class T>
void DenseEngine<T>::measure_centroids() {
  const std::size_t d = centroids_.cols(), k = n_clusters_, chunk = 16;
  const double scale = static_cast<double>(scale_);
  squared_norms_.resize(k);
  parallel_blocks(threads_for_centroids(k * d, threads_), block_count(k, chunk), [&](std::size_t b, int) {
    const RowRange range = block_range(b, k, chunk);
    if (scale == 1) {
      kernels_.canonical_distances(offset_.data(), centroids_.row_data(range.begin), centroids_.row_stride(),
                                   nullptr, range.size(), d, squared_norms_.data() + range.begin);
      return;
    }
    // Scaled first: squares of the values as they are might over- or underflow.
    for (std::size_t j = range.begin; j < range.end; ++j) {
      squared_norms_[j] = 0;
      for (std::size_t t = 0; t < d; ++t) {
        const double v = (static_cast<double>(centroids_(j, t)) - static_cast<double>(offset_[t])) * scale;
        squared_norms_[j] += v * v;
      }
    }
  });
  for (std::size_t j = 0; j < k; ++j) half_norms_[j] = narrow<T>(squared_norms_[j] / 2);
  find_margin(*std::max_element(squared_norms_.begin(), squared_norms_.end()));
}

/// c' of feature t: moved and scaled.
template <class T>
T DenseEngine<T>::packed(T value, std::size_t t) const {
  if (!transformed_) return value;
  return narrow<T>((static_cast<double>(value) - static_cast<double>(offset_[t])) *
                   static_cast<double>(scale_));
}

/// As GroupedCentroids, from centroids of `length` values: value(j, t).
template <class T>
template <class Value>
void DenseEngine<T>::pack_grouped(std::size_t length, T* out, Value&& value) const {
  const std::size_t k = n_clusters_, small = k / n_groups_, large_groups = k % n_groups_;
  parallel_blocks(threads_for_centroids(k * length, threads_), n_groups_, [&](std::size_t g, int) {
    const std::size_t start = g * small + std::min(g, large_groups),
                      size = small + (g < large_groups ? 1 : 0);
    for (std::size_t j = start; j < start + size; ++j) {
      for (std::size_t from = 0; from < length; from += kernels::dense_chain) {
        const std::size_t chunk = std::min(kernels::dense_chain, length - from);
        T* to = out + from * k + start * chunk + (j - start);
        for (std::size_t t = 0; t < chunk; ++t) to[t * size] = value(j, from + t);
      }
    }
  });
}

template <class T>
void DenseEngine<T>::pack_groups() {
  if (groups_packed_) return;
  pack_grouped(centroids_.cols(), grouped_.data(),
               [&](std::size_t j, std::size_t t) { return packed(centroids_(j, t), t); });
  groups_packed_ = true;
}

/// Packs what the labels of a pass are found with: of all samples, or of some.
template <class T>
void DenseEngine<T>::pack_for_labels(bool all_samples) {
  if constexpr (sizeof(T) == sizeof(float)) {
    in_int16_ = int16_ != nullptr && (all_samples || int16_->samples_rounded()) && int16_fits();
    if (in_int16_) {
      int16_->begin_centroids();
      for (std::size_t j = 0; j < n_clusters_; ++j) int16_->set_start(j, squared_norms_[j]);
      pack_grouped(int16_->n_words(), int16_->centroids(), [&](std::size_t j, std::size_t w) {
        return int16_->word(j, w, [&](std::size_t t) { return packed(centroids_(j, t), t); });
      });
      int16_->end_centroids();
      return;
    }
  }
  pack_groups();
}

/// Whether the centroids are short enough for sixteen bits; the unit is chosen at the first time, with room
/// for those that were not asked.
template <class T>
bool DenseEngine<T>::int16_fits() {
  if (!int16_->unit_chosen()) int16_->choose_unit(some_norms(1024), largest_norm_, 1.1);
  return int16_->fits(largest_norm_);
}

template <class T>
std::vector<double> DenseEngine<T>::some_norms(std::size_t count) {
  const std::size_t n = samples_.rows(), step = block_count(n, count);
  AlignedBuffer<T> x(row_stride_);
  std::vector<double> norms;
  for (std::size_t i = 0; i < n; i += step) {
    set_norm(i, kernels_.squared_norm(sample(i, x.data()), samples_.cols()));
    norms.push_back(std::isfinite(norms_[i]) ? norm(i) : std::numeric_limits<double>::infinity());
  }
  return norms;
}

template <class T>
void DenseEngine<T>::find_margin(double largest_squared_norm) {
  const double d = static_cast<double>(samples_.cols()), scale = static_cast<double>(scale_);
  const double eta = static_cast<double>(std::numeric_limits<T>::denorm_min());
  const double C = std::sqrt(largest_squared_norm) * (1 + 0x1p-20) + std::sqrt(d) * 0x1p-500;
  const double chain = static_cast<double>(kernels::dense_chain);
  double g = std::min(d, chain) + std::ceil(d / chain) + 8 + 15;
  if (sizeof(T) == sizeof(double)) g += d / 8 + 8;
  const double gamma = gamma_of(g, unit_roundoff<T>());
  const double theta = gamma_of(d / 8 + 8, unit_roundoff<double>());
  // 2 E + theta (N + C)^2 + underflow, as a polynomial of N.
  margin2_ = round_up<T>(theta);
  margin1_ = round_up<T>(2 * gamma * C + 2 * theta * C + 16 * d * eta);
  margin0_ =
      round_up<T>(gamma * C * C + theta * C * C + 16 * d * eta * (1 + C) + 4 * d * 0x1p-1074 * scale * scale);
  // Every partial sum of the kernels is at most C^2 + N C in magnitude.
  const double largest = static_cast<double>(std::numeric_limits<T>::max());
  const double limit = C > 0 ? (largest / 8 - C * C) / C : largest;
  norm_limit_ = narrow<T>(std::clamp(limit, 0.0, std::sqrt(largest) / 8));
  largest_norm_ = C;
}

/// The same centroids for the score kernel: panels of two vectors (the last may hold one), feature-major.
template <class T>
void DenseEngine<T>::pack_panels() {
  if (panels_packed_) return;
  const std::size_t d = centroids_.cols(), lanes = kernels_.lanes;
  panels_.reserve(n_vectors_ * lanes * d);
  panel_half_norms_.reserve(n_vectors_ * lanes);
  parallel_blocks(threads_for_centroids(n_clusters_ * d, threads_), n_vectors_, [&](std::size_t vector, int) {
    const std::size_t panel = vector / 2 * 2;
    const std::size_t width = (panel + 2 <= n_vectors_ ? 2 : 1) * lanes;
    T* base = panels_.data() + panel * lanes * d + (vector - panel) * lanes;
    for (std::size_t l = 0; l < lanes; ++l) {
      const std::size_t j = vector * lanes + l;
      if (j >= n_clusters_) {
        panel_half_norms_[j] =
            std::numeric_limits<T>::infinity();  // the panel's padding is zero since it was made
        continue;
      }
      panel_half_norms_[j] = half_norms_[j];
      const T* c = centroids_.row_data(j);
      for (std::size_t t = 0; t < d; ++t) {
        base[t * width + l] = packed(c[t], t);
      }
    }
  });
  panels_packed_ = true;
}

/// And row by row, for single pairs.
template <class T>
void DenseEngine<T>::pack_rows() {
  const std::size_t d = centroids_.cols(), k = n_clusters_;
  const bool first = row_changed_.empty();
  rows_.reserve(k * row_stride_);
  row_changed_.resize(k);
  parallel_blocks(threads_for_centroids(k * d, threads_), k, [&](std::size_t j, int) {
    const T* c = centroids_.row_data(j);
    T* row = rows_.data() + j * row_stride_;
    constexpr std::size_t most = 128;
    alignas(64) T moved[most];
    bool changed = first;
    for (std::size_t t = 0; t < d; t += most) {
      const std::size_t count = std::min(most, d - t);
      kernels_.move_row(c + t, transformed_ ? offset_.data() + t : nullptr, scale_, count, moved);
      changed |= std::memcmp(row + t, moved, count * sizeof(T)) != 0;
      std::memcpy(row + t, moved, count * sizeof(T));
    }
    row_changed_[j] = changed;
  });
}

/// And in sixteen bits.
template <class T>
void DenseEngine<T>::pack_rows(Int16Rows& int16) {
  const std::size_t words = int16.n_words();
  int16.begin_centroids();
  parallel_blocks(threads_for_centroids(n_clusters_ * samples_.cols(), threads_), n_clusters_,
                  [&](std::size_t j, int) {
                    int16.set_start(j, squared_norms_[j]);
                    for (std::size_t w = 0; w < words; ++w)
                      int16.centroids()[j * words + w] =
                          int16.word(j, w, [&](std::size_t t) { return packed(centroids_(j, t), t); });
                  });
  int16.end_centroids();
}

template void DenseEngine<float>::choose_transform();
template void DenseEngine<double>::choose_transform();
template void DenseEngine<float>::measure_centroids();
template void DenseEngine<double>::measure_centroids();
template void DenseEngine<float>::pack_groups();
template void DenseEngine<double>::pack_groups();
template void DenseEngine<float>::pack_for_labels(bool);
template void DenseEngine<double>::pack_for_labels(bool);
template void DenseEngine<float>::pack_panels();
template void DenseEngine<double>::pack_panels();
template void DenseEngine<float>::pack_rows();
template void DenseEngine<double>::pack_rows();
template void DenseEngine<float>::pack_rows(Int16Rows&);
template std::vector<double> DenseEngine<float>::some_norms(std::size_t);
template std::vector<double> DenseEngine<double>::some_norms(std::size_t);

}  // namespace omnimeans
