// SPDX-License-Identifier: MIT
// What the sums of centroid_update.cpp tell: means, and how the inertia has changed.
#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "centroid_update.hpp"
#include "exact_quotient.hpp"
#include "parallel.hpp"

namespace omnimeans {

/// Of word one or two of a cluster's sum, in quanta; without weights.
template <class T>
std::int64_t CentroidUpdate<T>::plain_sum(std::size_t cluster, std::size_t word, std::size_t feature) const {
  const double magic = word == 0 ? magic_[feature] : magic2_[feature];
  const std::uint64_t offset =
      static_cast<std::uint64_t>(sums_.counts[cluster]) * std::bit_cast<std::uint64_t>(magic);
  return static_cast<std::int64_t>(sums_.plain[(cluster * words_ + word) * stride_ + feature] - offset);
}

template <class T>
Int128 CentroidUpdate<T>::sum(std::size_t cluster, std::size_t word, std::size_t feature) const {
  if (weighted()) return sums_.wide[(cluster * words_ + word) * stride_ + feature];
  return plain_sum(cluster, word, feature);
}

/// Threads worth starting for all centroids.
template <class T>
int CentroidUpdate<T>::centroid_threads() const {
  return threads_for_centroids(n_clusters_ * samples_.cols(), threads_);
}

template <class T>
double CentroidUpdate<T>::total_weight(std::size_t cluster) const {
  return weighted() ? std::ldexp(static_cast<double>(sums_.weights[cluster]), -weight_shift_)
                    : static_cast<double>(sums_.counts[cluster]);
}

/// Of a cluster that has samples: right to a quantum of the last word and 2^-51.
template <class T>
double CentroidUpdate<T>::mean(std::size_t cluster, std::size_t feature) const {
  // Conversions of 128 bits are calls.
  const auto in_quanta = [&](std::size_t word) {
    return weighted() ? static_cast<double>(sum(cluster, word, feature))
                      : static_cast<double>(plain_sum(cluster, word, feature));
  };
  double total = in_quanta(0) * quantum_[feature];
  if (words_ > 1) total += in_quanta(1) * quantum2_[feature];
  return total / static_cast<double>(weighted() ? sums_.weights[cluster] : sums_.counts[cluster]);
}

/// The same of all features: body(t, mean).
template <class T>
template <class Body>
void CentroidUpdate<T>::each_mean(std::size_t cluster, Body&& body) const {
  const std::size_t d = samples_.cols();
  if (words_ > 1 || weighted()) {
    for (std::size_t t = 0; t < d; ++t) body(t, mean(cluster, t));
    return;
  }
  constexpr std::size_t piece = 128;
  double means[piece];
  for (std::size_t begin = 0; begin < d; begin += piece) {
    const std::size_t count = std::min(piece, d - begin);
    kernels_.means(sums_.plain.data() + cluster * stride_ + begin, magic_.data() + begin,
                   quantum_.data() + begin, sums_.counts[cluster], count, means);
    for (std::size_t t = 0; t < count; ++t) body(begin + t, means[t]);
  }
}

template <class T>
typename CentroidUpdate<T>::Part CentroidUpdate<T>::variation_of(std::size_t cluster,
                                                                 const T* centroid) const {
  const std::vector<double>& last_quantum = words_ > 1 ? quantum2_ : quantum_;
  Part part;
  each_mean(cluster, [&](std::size_t t, double m) {
    // A mean is off by delta, so a square of a difference by (2 |difference| + delta) delta.
    const double delta = last_quantum[t] + std::abs(m) * 0x1p-50;
    const double from_centroid = m - static_cast<double>(centroid[t]), from_origin = m - origin_[t];
    part.near += from_centroid * from_centroid;
    part.far += from_origin * from_origin;
    part.error += (std::abs(from_centroid) + std::abs(from_origin) + delta) * delta;
  });
  return part;
}

template <class T>
typename CentroidUpdate<T>::Variation CentroidUpdate<T>::inertia_variation(MatrixView<const T> centroids) {
  const std::size_t d = samples_.cols();
  if (origin_.empty()) {  // near the mean of all samples, so that little cancels
    double weight = 0;
    origin_.resize(d);
    for (std::size_t j = 0; j < n_clusters_; ++j) {
      if (sums_.counts[j] == 0) continue;
      weight += total_weight(j);
      each_mean(j, [&](std::size_t t, double m) { origin_[t] += total_weight(j) * m; });
    }
    for (double& value : origin_) value /= weight;
  }
  parallel_blocks(centroid_threads(), n_clusters_, [&](std::size_t j, int) {
    if (sums_.counts[j] == 0 || part_is_old_[j] == 0) return;
    parts_[j] = variation_of(j, centroids.row_data(j));
    part_is_old_[j] = 0;
  });
  double value = 0, magnitude = 0, error = 0;
  for (std::size_t j = 0; j < n_clusters_; ++j) {
    if (sums_.counts[j] == 0) continue;
    const double w = total_weight(j);
    value += w * (parts_[j].near - parts_[j].far);
    magnitude += w * (parts_[j].near + parts_[j].far);
    error += w * parts_[j].error;
  }
  error = 4 * error + magnitude * (static_cast<double>(d + n_clusters_) + 16) * 0x1p-52;
  if (weighted()) {
    // Each weight is off by at most a quantum of weights; a cluster's weight in double, by 2^-53 of itself.
    double farthest = 0;
    for (std::size_t t = 0; t < d; ++t) {
      double reach = absmax_[t];
      for (std::size_t j = 0; j < n_clusters_; ++j)
        reach = std::max(reach, std::abs(static_cast<double>(centroids(j, t))));
      farthest += 4 * reach * reach;
    }
    error += 2 * farthest * std::ldexp(static_cast<double>(n_present_), -weight_shift_) + magnitude * 0x1p-50;
  }
  return {value, error};
}

template <class T>
double CentroidUpdate<T>::moment() const {
  constexpr std::size_t block_rows = 2048;
  const std::size_t n = samples_.rows(), d = samples_.cols(), blocks = block_count(n, block_rows);
  std::vector<double> parts(blocks);
  // Eight sums side by side, for additions to one wait for each other; of rows without gaps eight at a time.
  constexpr std::size_t lanes = 8;
  const bool in_one_piece = !weighted() && samples_.row_stride() == d;
  std::vector<double> origins;
  for (std::size_t l = 0; l < lanes; ++l) origins.insert(origins.end(), origin_.begin(), origin_.end());
  parallel_blocks(threads_, blocks, [&](std::size_t block, int) {
    const RowRange rows = block_range(block, n, block_rows);
    double sums[lanes] = {};
    std::size_t i = rows.begin;
    for (; in_one_piece && i + lanes <= rows.end; i += lanes) {
      const T* x = samples_.row_data(i);
      double squared[lanes] = {};
      for (std::size_t v = 0; v < lanes * d; v += lanes) {
        for (std::size_t l = 0; l < lanes; ++l) {
          const double difference = static_cast<double>(x[v + l]) - origins[v + l];
          squared[l] += difference * difference;
        }
      }
      for (std::size_t l = 0; l < lanes; ++l) sums[l] += squared[l];
    }
    for (; i < rows.end; ++i) {
      const T* x = samples_.row_data(i);
      double squared = 0;
      for (std::size_t t = 0; t < d; ++t) {
        const double difference = static_cast<double>(x[t]) - origin_[t];
        squared += difference * difference;
      }
      sums[i % lanes] += weighted() ? squared * static_cast<double>(weights_[i]) : squared;
    }
    parts[block] = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
  });
  double total = 0;
  for (const double part : parts) total += part;
  return total * (1 + static_cast<double>(d + block_rows + blocks + 8) * 0x1p-52);
}

template <class T>
void CentroidUpdate<T>::write_mean(std::size_t cluster, T* out) const {
  const Int128 total = weighted() ? sums_.weights[cluster] : sums_.counts[cluster];
  const auto exact = [&](std::size_t t) {
    const Int128 second = words_ > 1 ? sum(cluster, 1, t) : 0;
    return static_cast<T>(exact_quotient(sum(cluster, 0, t), quantum_[t], second, quantum2_[t], total));
  };
  if (words_ > 1 || weighted()) {
    for (std::size_t t = 0; t < samples_.cols(); ++t) out[t] = exact(t);
    return;
  }
  // Right to 2^-51 in double: nearly always that is enough to know how the exact quotient rounds.
  each_mean(cluster, [&](std::size_t t, double near) {
    const auto low = static_cast<T>(near * (1 - 0x1p-50)), high = static_cast<T>(near * (1 + 0x1p-50));
    out[t] = low == high ? low : exact(t);
  });
}

template <class T>
void CentroidUpdate<T>::write_means(Matrix<T>& centroids) {
  parallel_blocks(centroid_threads(), n_clusters_, [&](std::size_t j, int) {
    if (sums_.counts[j] == 0 || mean_is_old_[j] == 0) return;
    write_mean(j, centroids.row(j).data());
    mean_is_old_[j] = 0;
    part_is_old_[j] = 1;  // it is of the centroid before
  });
}

template double CentroidUpdate<float>::total_weight(std::size_t) const;
template double CentroidUpdate<float>::mean(std::size_t, std::size_t) const;
template CentroidUpdate<float>::Variation CentroidUpdate<float>::inertia_variation(MatrixView<const float>);
template double CentroidUpdate<float>::moment() const;
template void CentroidUpdate<float>::write_means(Matrix<float>&);
template double CentroidUpdate<double>::total_weight(std::size_t) const;
template double CentroidUpdate<double>::mean(std::size_t, std::size_t) const;
template CentroidUpdate<double>::Variation CentroidUpdate<double>::inertia_variation(
    MatrixView<const double>);
template double CentroidUpdate<double>::moment() const;
template void CentroidUpdate<double>::write_means(Matrix<double>&);

}  // namespace omnimeans
