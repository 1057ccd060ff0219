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
      sample_length_(n_samples),
      sample_sum_(n_samples),
      panels_(n_vectors_ * kernels::int8_lanes * stride_),
      rows_(n_vectors_ * kernels::int8_lanes * stride_),
      scale_(n_vectors_ * kernels::int8_lanes),
      half_norms_(n_vectors_ * kernels::int8_lanes),
      length_(n_vectors_ * kernels::int8_lanes),
      cut_off_(n_vectors_ * kernels::int8_lanes),
      tag_error_(std::ldexp(1.0, static_cast<int>(kernels::tag_bits(n_vectors_)) - 23)) {
  std::fill_n(half_norms_.data(), half_norms_.size(), std::numeric_limits<float>::max());
  centroids_ = {.panels = panels_.data(),
                .rows = rows_.data(),
                .stride = stride_,
                .scale = scale_.data(),
                .half_norms = half_norms_.data(),
                .length = length_.data(),
                .cut_off = cut_off_.data(),
                .n_vectors = n_vectors_,
                .n_quads = block_count(n_features_, 4)};
}

double Int8Filter::bytes_needed(std::size_t n_samples, std::size_t n_features, std::size_t n_clusters) {
  const double row = static_cast<double>(padded(n_features));
  return static_cast<double>(n_samples) * (row + 16) +
         static_cast<double>(vectors(n_clusters) * kernels::int8_lanes) * (2 * row + 16);
}

void Int8Filter::set_centroids() {
  const std::size_t quads = centroids_.n_quads, chunk = 16;
  parallel_blocks(n_clusters_ * n_features_ < 100'000 ? 1 : threads_, block_count(n_clusters_, chunk),
                  [&](std::size_t b, int) {
                    std::vector<std::int8_t> values(stride_);
                    const RowRange range = block_range(b, n_clusters_, chunk);
                    for (std::size_t j = range.begin; j < range.end; ++j) {
                      std::int32_t sum;
                      const float cut_off = kernels_.quantise(engine_.packed_row(j), n_features_, stride_,
                                                              values.data(), &scale_[j], &sum);
                      cut_off_[j] = outward(cut_off, n_features_);
                      half_norms_[j] = engine_.half_norm(j);
                      length_[j] = outward(std::sqrt(2 * half_norms_[j]), n_features_);
                      std::uint8_t* row = rows_.data() + j * stride_;
                      for (std::size_t t = 0; t < stride_; ++t)
                        row[t] = static_cast<std::uint8_t>(values[t] + 128);
                      // Two vectors a panel, the last may be one; four values of a centroid lie together.
                      const std::size_t vector = j / kernels::int8_lanes, panel = vector / 2 * 2;
                      const std::size_t width = (panel + 2 <= n_vectors_ ? 2 : 1) * kernels::int8_lanes * 4;
                      std::uint8_t* out = panels_.data() + panel * kernels::int8_lanes * 4 * quads +
                                          (j - panel * kernels::int8_lanes) * 4;
                      for (std::size_t q = 0; q < quads; ++q) std::copy_n(row + 4 * q, 4, out + q * width);
                    }
                  });
  largest_cut_off_ = static_cast<double>(*std::max_element(cut_off_.data(), cut_off_.data() + n_clusters_));
}

void Int8Filter::load(std::size_t i, const float* x) {
  const float cut_off = kernels_.quantise(x, n_features_, stride_, samples_.data() + i * stride_,
                                          &sample_scale_[i], &sample_sum_[i]);
  sample_cut_off_[i] = outward(cut_off, n_features_);
  sample_length_[i] = round_up<float>(engine_.norm(i) + static_cast<double>(sample_cut_off_[i]));
}

void Int8Filter::find_candidates(RowRange rows, Scratch& scratch) const {
  const std::size_t from = rows.begin;
  search(from, {},
         {samples_.data() + from * stride_, stride_, &sample_scale_[from], &sample_sum_[from],
          &sample_cut_off_[from], &sample_length_[from], rows.size()},
         nullptr, scratch);
}

void Int8Filter::find_candidates(std::size_t begin, std::span<const std::int32_t> listed,
                                 Scratch& scratch) const {
  const std::size_t count = listed.size();
  scratch.rows.reserve(count * stride_);
  for (auto* values : {&scratch.scale, &scratch.cut_off, &scratch.length})
    values->resize(std::max(values->size(), count));
  scratch.sum.resize(std::max(scratch.sum.size(), count));
  for (std::size_t r = 0; r < count; ++r) {
    const std::size_t i = begin + static_cast<std::size_t>(listed[r]);
    std::copy_n(samples_.data() + i * stride_, stride_, scratch.rows.data() + r * stride_);
    scratch.scale[r] = sample_scale_[i];
    scratch.sum[r] = sample_sum_[i];
    scratch.cut_off[r] = sample_cut_off_[i];
    scratch.length[r] = sample_length_[i];
  }
  scratch.bounds.reserve(count * bounds_stride());
  search(begin, listed,
         {scratch.rows.data(), stride_, scratch.scale.data(), scratch.sum.data(), scratch.cut_off.data(),
          scratch.length.data(), count},
         scratch.bounds.data(), scratch);
}

void Int8Filter::search(std::size_t begin, std::span<const std::int32_t> listed,
                        const kernels::Int8Rows& rows, float* bounds, Scratch& scratch) const {
  const auto make_room = [](auto& values, std::size_t size) { values.resize(std::max(values.size(), size)); };
  make_room(scratch.reach, rows.n_rows);
  make_room(scratch.least, rows.n_rows);
  make_room(scratch.count, rows.n_rows);
  make_room(scratch.more, rows.n_rows);
  // A lane after the other may add all its centroids.
  make_room(scratch.index, rows.n_rows * kernels::int8_lanes + n_vectors_ * kernels::int8_lanes);
  make_room(scratch.lane, n_vectors_);
  make_room(scratch.lane_bounds, n_vectors_);
  // Both bounds are off, and canonical distances by what the margin says.
  for (std::size_t r = 0; r < rows.n_rows; ++r) {
    const std::size_t i = begin + (listed.empty() ? r : static_cast<std::size_t>(listed[r]));
    scratch.reach[r] = round_up<float>((2 * least_error(i) + engine_.score_margin(i)) * 1.01);
  }
  kernels_.candidates(centroids_, rows,
                      {scratch.reach.data(), scratch.least.data(), scratch.index.data(), scratch.count.data(),
                       scratch.more.data(), bounds, bounds_stride()});
}

std::span<const std::int32_t> Int8Filter::candidates(std::size_t r, std::size_t i, Scratch& scratch) const {
  constexpr std::size_t lanes = kernels::int8_lanes;
  std::int32_t* found = scratch.index.data() + r * lanes;
  auto count = static_cast<std::size_t>(scratch.count[r]);
  if (scratch.more[r] != 0) {
    // All lanes anew, those that hide a second one in full: behind the last row there is room.
    const float limit = scratch.least[r] + scratch.reach[r];
    std::int32_t* out = scratch.index.data() + scratch.index.size() - n_vectors_ * lanes;
    std::size_t n = 0;
    for (std::size_t f = 0; f < count; ++f) {
      if ((scratch.more[r] >> static_cast<std::size_t>(found[f]) % lanes & 1u) == 0) out[n++] = found[f];
    }
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      if ((scratch.more[r] >> lane & 1u) == 0) continue;
      std::size_t size = 0;
      for (std::size_t j = lane; j < n_clusters_; j += lanes)
        scratch.lane[size++] = static_cast<std::int32_t>(j);
      pair_bounds(i, {scratch.lane.data(), size}, scratch.lane_bounds.data());
      for (std::size_t f = 0; f < size; ++f) {
        if (!(scratch.lane_bounds[f] > limit)) out[n++] = scratch.lane[f];
      }
    }
    found = out;
    count = n;
  }
  std::sort(found, found + count);
  return {found, count};
}

void Int8Filter::pair_bounds(std::size_t i, std::span<const std::int32_t> index, float* out) const {
  kernels_.listed_bounds(centroids_, sample(i), 0, index.data(), index.size(), out);
}

}  // namespace omnimeans
