// SPDX-License-Identifier: MIT
#include "int8_filter.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "rounding.hpp"

namespace omnimeans {
namespace {

std::size_t padded(std::size_t n_features) {
  return block_count(n_features, kernels::int8_stride) * kernels::int8_stride;
}

std::size_t vectors(std::size_t n_clusters) {
  return block_count(n_clusters, kernels::int8_lanes);
}

/// A measured length in float with its own rounding errors, and what underflow may hide.
float outward(float length, std::size_t n_features) {
  const double d = static_cast<double>(n_features);
  return round_up<float>(static_cast<double>(length) * (1 + gamma_of(d + 8, unit_roundoff<float>())) +
                         std::sqrt(d) * 0x1p-70);
}

}  // namespace

Int8Filter::Int8Filter(const DenseEngine<float>& engine, const kernels::Int8Kernels& kernels,
                       std::size_t n_samples, std::size_t n_features, std::size_t n_clusters, int threads)
    : engine_(engine),
      kernels_(kernels),
      n_features_(n_features),
      n_clusters_(n_clusters),
      n_vectors_(vectors(n_clusters)),
      stride_(padded(n_features)),
      threads_(threads),
      samples_(AlignedBuffer<std::int8_t>::for_overwrite(n_samples * stride_)),
      sample_scale_(n_samples),
      sample_cut_off_(n_samples),
      sample_sum_(n_samples),
      panels_(n_vectors_ * kernels::int8_lanes * stride_),
      rows_(n_vectors_ * kernels::int8_lanes * stride_),
      scale_(n_vectors_ * kernels::int8_lanes),
      half_norms_(n_vectors_ * kernels::int8_lanes) {
  std::fill_n(half_norms_.data(), half_norms_.size(), std::numeric_limits<float>::infinity());
  centroids_ = {panels_.data(),
                rows_.data(),
                stride_,
                scale_.data(),
                half_norms_.data(),
                n_vectors_,
                block_count(n_features_, 4)};
}

double Int8Filter::bytes_needed(std::size_t n_samples, std::size_t n_features, std::size_t n_clusters) {
  const double row = static_cast<double>(padded(n_features));
  return static_cast<double>(n_samples) * (row + 12) +
         static_cast<double>(vectors(n_clusters) * kernels::int8_lanes) * (2 * row + 8);
}

void Int8Filter::set_centroids() {
  const std::size_t quads = block_count(n_features_, 4);
  const std::size_t chunk = 16, chunks = block_count(n_clusters_, chunk);
  std::vector<float> largest(chunks, 0);
  parallel_blocks(n_clusters_ * n_features_ < 100'000 ? 1 : threads_, chunks, [&](std::size_t b, int) {
    std::vector<std::int8_t> values(stride_);
    const RowRange range = block_range(b, n_clusters_, chunk);
    for (std::size_t j = range.begin; j < range.end; ++j) {
      std::int32_t sum;
      const float cut_off =
          kernels_.quantise(engine_.packed_row(j), n_features_, stride_, values.data(), &scale_[j], &sum);
      largest[b] = std::max(largest[b], outward(cut_off, n_features_));
      half_norms_[j] = engine_.half_norm(j);
      std::uint8_t* row = rows_.data() + j * stride_;
      for (std::size_t t = 0; t < stride_; ++t) row[t] = static_cast<std::uint8_t>(values[t] + 128);
      // Two vectors a panel, the last may be one; four values of a centroid lie together.
      const std::size_t vector = j / kernels::int8_lanes, panel = vector / 2 * 2;
      const std::size_t width = (panel + 2 <= n_vectors_ ? 2 : 1) * kernels::int8_lanes * 4;
      std::uint8_t* out =
          panels_.data() + panel * kernels::int8_lanes * 4 * quads + (j - panel * kernels::int8_lanes) * 4;
      for (std::size_t q = 0; q < quads; ++q) std::copy_n(row + 4 * q, 4, out + q * width);
    }
  });
  largest_cut_off_ = static_cast<double>(*std::max_element(largest.begin(), largest.end()));
}

void Int8Filter::load(std::size_t i, const float* x) {
  const float cut_off = kernels_.quantise(x, n_features_, stride_, samples_.data() + i * stride_,
                                          &sample_scale_[i], &sample_sum_[i]);
  sample_cut_off_[i] = outward(cut_off, n_features_);
}

void Int8Filter::score(std::size_t begin, std::span<const std::int32_t> listed, Scratch& scratch) const {
  const std::size_t count = listed.size();
  scratch.scores.reserve(count * scores_stride());
  scratch.rows.reserve(count * stride_);
  scratch.scale.resize(std::max(scratch.scale.size(), count));
  scratch.sum.resize(std::max(scratch.sum.size(), count));
  for (std::size_t r = 0; r < count; ++r) {
    const std::size_t i = begin + static_cast<std::size_t>(listed[r]);
    std::copy_n(samples_.data() + i * stride_, stride_, scratch.rows.data() + r * stride_);
    scratch.scale[r] = sample_scale_[i];
    scratch.sum[r] = sample_sum_[i];
  }
  kernels_.scores(centroids_, {scratch.rows.data(), stride_, scratch.scale.data(), scratch.sum.data(), count},
                  scratch.scores.data(), scores_stride());
}

void Int8Filter::score_pairs(std::size_t i, std::span<const std::int32_t> index, float* out) const {
  kernels_.listed_scores(centroids_,
                         {samples_.data() + i * stride_, stride_, &sample_scale_[i], &sample_sum_[i], 1}, 0,
                         index.data(), index.size(), out);
}

double Int8Filter::error(std::size_t i) const {
  const double norm = engine_.norm(i), cut_off = static_cast<double>(sample_cut_off_[i]);
  const double longest = engine_.longest();
  const double rounding =
      16 * unit_roundoff<float>() * ((norm + cut_off) * (longest + largest_cut_off_) + longest * longest);
  return (cut_off * longest + (norm + cut_off) * largest_cut_off_) * (1 + 0x1p-40) + rounding;
}

}  // namespace omnimeans
