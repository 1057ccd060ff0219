// SPDX-License-Identifier: MIT
#include "int8_filter.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

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

/// Values of a row at most.
std::size_t Int8Filter::values_at_most(std::size_t n_features, Rows rows) {
  const std::size_t few = rows == Rows::whole ? 0 : PrincipalPrefix::most_values(n_features);
  return few == 0 ? n_features : rows == Rows::prefix ? few : std::max(few, n_features);
}

Int8Filter::Int8Filter(const DenseEngine<float>& engine, const kernels::Int8Kernels& kernels,
                       std::size_t n_samples, std::size_t n_features, std::size_t n_clusters, int threads,
                       Rows rows)
    : engine_(engine),
      kernels_(kernels),
      n_samples_(n_samples),
      n_features_(n_features),
      n_clusters_(n_clusters),
      n_vectors_(vectors(n_clusters)),
      stale_(n_clusters, 1),
      threads_(threads),
      kind_(rows),
      sample_scale_(n_samples),
      sample_cut_off_(n_samples),
      sample_length_(n_samples),
      sample_tail_(rows == Rows::whole ? 0 : n_samples),
      sample_sum_(n_samples),
      scale_(n_vectors_ * kernels::int8_lanes),
      half_norms_(n_vectors_ * kernels::int8_lanes),
      length_(n_vectors_ * kernels::int8_lanes),
      cut_off_(n_vectors_ * kernels::int8_lanes),
      tail_(n_vectors_ * kernels::int8_lanes),
      terms_(4 * n_vectors_ * kernels::int8_lanes),
      moved_(n_clusters, threads),
      tag_error_(std::ldexp(1.0, static_cast<int>(kernels::tag_bits(n_vectors_)) - 23)),
      tag_floor_(std::ldexp(1.0, static_cast<int>(kernels::tag_bits(n_vectors_)) - 149)) {
  // For the longest rows that may be wanted: memory that is not written is not taken.
  const std::size_t most = padded(values_at_most(n_features, rows));
  samples_ = AlignedBuffer<std::int8_t>::for_overwrite(n_samples * most);
  panels_ = AlignedBuffer<std::uint8_t>::for_overwrite(n_vectors_ * kernels::int8_lanes * most);
  rows_ = AlignedBuffer<std::uint8_t>::for_overwrite(n_vectors_ * kernels::int8_lanes * most);
  std::fill_n(half_norms_.data(), half_norms_.size(), std::numeric_limits<float>::max());
  for (std::size_t j = 0; j < half_norms_.size(); ++j) terms_[4 * j + 1] = half_norms_[j];
  // Padding is zeros, too.
  const auto zero = static_cast<std::uint8_t>(kernels::int8_shift(kernels.centroids.range));
  std::fill_n(panels_.data(), panels_.size(), zero);
  std::fill_n(rows_.data(), rows_.size(), zero);
}

double Int8Filter::bytes_needed(std::size_t n_samples, std::size_t n_features, std::size_t n_clusters,
                                int threads, Rows rows) {
  const double row = static_cast<double>(padded(values_at_most(n_features, rows)));
  const bool prefix = rows != Rows::whole && PrincipalPrefix::most_values(n_features) > 0;
  // Of a thread: a batch of samples and one of centroids, each row as it is and projected; and one row more.
  const double work =
      static_cast<double>((2 * PrincipalPrefix::batch_rows + 1) * (n_features + 16 + 128)) * 4;
  return static_cast<double>(n_samples) * (row + (prefix ? 32 : 28)) +
         static_cast<double>(vectors(n_clusters) * kernels::int8_lanes) * (2 * row + 36) +
         MovedCentroids::bytes_needed(n_clusters, row) + static_cast<double>(threads) * work +
         (prefix ? PrincipalPrefix::bytes_needed(n_samples, n_features) : 0);
}

/// The engine has its first centroids, and so moves and scales samples as it will.
void Int8Filter::begin() {
  const bool enough =
      kind_ == Rows::prefix ||
      static_cast<double>(n_samples_) * static_cast<double>(n_clusters_) >= PrincipalPrefix::least_pairs;
  if (kind_ == Rows::whole) prefix_.reset();
  if (kind_ != Rows::whole && enough && prefix_ == nullptr && PrincipalPrefix::most_values(n_features_) > 0)
    prefix_ = PrincipalPrefix::of(engine_, n_samples_, n_features_, threads_);
  if (kind_ == Rows::shorter && prefix_ != nullptr && !prefix_->worthwhile()) prefix_.reset();
  n_values_ = prefix_ != nullptr ? prefix_->n_values() : n_features_;
  stride_ = padded(n_values_);
  centroids_ = {.panels = panels_.data(),
                .rows = rows_.data(),
                .stride = stride_,
                .scale = scale_.data(),
                .half_norms = half_norms_.data(),
                .length = length_.data(),
                .cut_off = cut_off_.data(),
                .tail = prefix_ != nullptr ? tail_.data() : nullptr,
                .terms = terms_.data(),
                .n_vectors = n_vectors_,
                .n_quads = block_count(n_values_, 4)};
}

Int8Filter::Rounded Int8Filter::round(const float* x, double norm, const float* projected, float* extended,
                                      const kernels::Int8Limits& limits, std::int8_t* values) const {
  Rounded rounded{};
  double error = 0, length = norm;
  if (prefix_ != nullptr) {
    const PrincipalPrefix::Measured measured = prefix_->extend(projected, norm, extended);
    error = measured.error;
    length = measured.length;
    rounded.tail = measured.tail;
    x = extended;
  }
  const float cut_off =
      kernels_.quantise(x, n_values_, stride_, limits, values, &rounded.scale, &rounded.sum);
  rounded.cut_off = round_up<float>(static_cast<double>(outward(cut_off, n_values_)) + error);
  // Of zeros alone any scale is right: one that may divide. What is next to nothing beside its error is zero,
  // for the largest such ratio of many rows is taken for all (kernels/int8-near-inl.hpp).
  const float most = 16 * std::sqrt(static_cast<float>(n_values_)) * rounded.scale;
  if (!(rounded.scale >= 0x1p-100f && rounded.cut_off <= most)) {
    std::fill_n(values, stride_, std::int8_t{0});
    rounded.sum = 0;
    rounded.cut_off = round_up<float>(static_cast<double>(rounded.cut_off) + length);
    rounded.scale = std::isfinite(rounded.cut_off) ? rounded.cut_off : 1;
  }
  rounded.length = round_up<float>(length);
  return rounded;
}

void Int8Filter::set_centroid(std::size_t j, const float* projected, float* extended, std::int8_t* values) {
  half_norms_[j] = engine_.half_norm(j);
  const double norm = static_cast<double>(outward(std::sqrt(2 * half_norms_[j]), n_features_));
  const Rounded rounded = round(engine_.packed_row(j), norm, projected, extended, kernels_.centroids, values);
  scale_[j] = rounded.scale;
  cut_off_[j] = rounded.cut_off;
  length_[j] = rounded.length;
  tail_[j] = rounded.tail;
  const std::array terms{scale_[j], half_norms_[j], length_[j], cut_off_[j]};
  std::ranges::copy(terms, terms_.data() + 4 * j);
  std::uint8_t* row = rows_.data() + j * stride_;
  const std::int32_t shift = kernels::int8_shift(kernels_.centroids.range);
  for (std::size_t t = 0; t < stride_; ++t) row[t] = static_cast<std::uint8_t>(values[t] + shift);
  kernels::put_in_panels(row, j, n_vectors_, centroids_.n_quads, panels_.data());
}

/// Those that `index` lists, batch_rows at most.
void Int8Filter::set_some_centroids(std::span<const std::size_t> index) {
  std::vector<std::int8_t> values(stride_);
  AlignedBuffer<float> rows, projected, extended;
  std::size_t pitch = 0;
  if (prefix_ != nullptr) {
    const std::size_t width = engine_.padded_features();
    pitch = prefix_->padded_axes();
    rows.reserve(index.size() * width);
    projected.reserve(PrincipalPrefix::batch_rows * pitch);
    extended.reserve(n_values_);
    for (std::size_t r = 0; r < index.size(); ++r)
      std::copy_n(engine_.packed_row(index[r]), width, rows.data() + r * width);
    prefix_->project(rows.data(), width, index.size(), projected.data());
  }
  for (std::size_t r = 0; r < index.size(); ++r) {
    set_centroid(index[r], projected.data() + r * pitch, extended.data(), values.data());
    stale_[index[r]] = 0;
  }
}

void Int8Filter::set_centroids() {
  if (n_values_ == 0) begin();
  // What lies still is rounded as it was.
  for (std::size_t j = 0; j < n_clusters_; ++j)
    stale_[j] |= engine_.packed_row_changed(j) || half_norms_[j] != engine_.half_norm(j);
  std::vector<std::size_t> moved;
  for (std::size_t j = 0; j < n_clusters_; ++j) {
    if (stale_[j] != 0) moved.push_back(j);
  }
  constexpr std::size_t batch = PrincipalPrefix::batch_rows;
  parallel_blocks(threads_for_centroids(moved.size() * n_features_, threads_),
                  block_count(moved.size(), batch), [&](std::size_t b, int) {
                    const RowRange range = block_range(b, moved.size(), batch);
                    set_some_centroids({moved.data() + range.begin, range.size()});
                  });
  const auto largest = [&](const AlignedBuffer<float>& values) {
    return static_cast<double>(*std::max_element(values.data(), values.data() + n_clusters_));
  };
  largest_cut_off_ = largest(cut_off_);
  largest_length_ = largest(length_);
  largest_tail_ = largest(tail_);
  double coarsest = 0, longest = 0;
  for (std::size_t j = 0; j < n_clusters_; ++j) {
    const double scale = scale_[j], cut_off = cut_off_[j];
    coarsest = std::max(coarsest, cut_off / scale);
    longest = std::max(longest, (static_cast<double>(length_[j]) + cut_off) / scale);
  }
  centroids_.coarsest = round_up<float>(coarsest);
  centroids_.longest = round_up<float>(longest);
  moved_.forget();
  kept_ = std::exchange(keeps_, false);
}

void Int8Filter::load(RowRange rows, Scratch& scratch) {
  constexpr std::size_t batch = PrincipalPrefix::batch_rows;
  const std::size_t width = engine_.padded_features(),
                    pitch = prefix_ != nullptr ? prefix_->padded_axes() : 0;
  scratch.x.reserve((prefix_ != nullptr ? batch : 1) * width);
  scratch.projected.reserve(batch * pitch);
  scratch.extended.reserve(prefix_ != nullptr ? n_values_ : 0);
  for (std::size_t begin = rows.begin; begin < rows.end; begin += batch) {
    const std::size_t count = std::min(batch, rows.end - begin);
    for (std::size_t r = 0; prefix_ != nullptr && r < count; ++r)
      engine_.load_sample(begin + r, scratch.x.data() + r * width);
    if (prefix_ != nullptr) prefix_->project(scratch.x.data(), width, count, scratch.projected.data());
    for (std::size_t r = 0; r < count; ++r) {
      const std::size_t i = begin + r;
      const float* x = prefix_ != nullptr ? nullptr : engine_.sample(i, scratch.x.data());
      const Rounded rounded = round(x, engine_.norm(i), scratch.projected.data() + r * pitch,
                                    scratch.extended.data(), kernels_.samples, samples_.data() + i * stride_);
      put(i, rounded);
    }
  }
}

void Int8Filter::put(std::size_t i, const Rounded& rounded) {
  sample_scale_[i] = rounded.scale;
  sample_sum_[i] = rounded.sum;
  sample_cut_off_[i] = rounded.cut_off;
  sample_length_[i] =
      round_up<float>(static_cast<double>(rounded.length) + static_cast<double>(rounded.cut_off));
  if (prefix_ != nullptr) sample_tail_[i] = rounded.tail;
}

std::size_t Int8Filter::block_rows(const kernels::Int8Kernels& kernels, std::size_t n_samples, int threads,
                                   std::size_t stride) {
  if (!kernels.in_tiles) return largest_block_rows;
  constexpr std::size_t tile = kernels::int8_tile_rows, bytes = std::size_t{160} << 10, blocks = 4,
                        least = largest_block_rows / tile * tile, most = 2048;
  const std::size_t of_thread = n_samples / (blocks * static_cast<std::size_t>(std::max(threads, 1)));
  const std::size_t rows = std::min({of_thread, std::max(bytes / stride, 2 * least), most});
  return std::max(least, rows / tile * tile);
}

std::size_t Int8Filter::most_block_rows(const kernels::Int8Kernels& kernels, std::size_t n_samples,
                                        std::size_t n_features, int threads, Rows rows) {
  const std::size_t few = rows == Rows::whole ? 0 : PrincipalPrefix::most_values(n_features);
  // The shortest rows make the longest blocks; of a prefix half may do.
  return block_rows(kernels, n_samples, threads,
                    padded(few == 0 ? n_features : std::min(few / 2, n_features)));
}

void Int8Filter::find_candidates(RowRange rows, Scratch& scratch) {
  search(rows.begin, {}, samples_from(rows.begin, rows.size()), nullptr, scratch);
  if (keeps_) forget(rows);
}

void Int8Filter::find_candidates(std::size_t begin, std::span<const std::int32_t> listed,
                                 Scratch& scratch) const {
  const std::size_t count = listed.size();
  scratch.bounds.reserve(count * bounds_stride());
  const bool in_order = count > 0 && static_cast<std::size_t>(listed.back() - listed.front()) + 1 == count;
  if (in_order) {
    begin += static_cast<std::size_t>(listed.front());
    return search(begin, {}, samples_from(begin, count), scratch.bounds.data(), scratch);
  }
  make_room_for_copies(count, scratch);
  for (std::size_t r = 0; r < count; ++r) copy(begin + static_cast<std::size_t>(listed[r]), r, scratch);
  search(begin, listed, copies(0, count, scratch), scratch.bounds.data(), scratch);
}

void Int8Filter::make_room_for_copies(std::size_t count, Scratch& scratch) const {
  scratch.rows.reserve(count * stride_);
  for (auto* values : {&scratch.scale, &scratch.cut_off, &scratch.length, &scratch.tail})
    make_room(*values, count);
  make_room(scratch.sum, count);
}

void Int8Filter::copy(std::size_t i, std::size_t place, Scratch& scratch) const {
  const std::int8_t* from = samples_.data() + i * stride_;
  std::int8_t* to = scratch.rows.data() + place * stride_;
  // By constant lengths: no calls.
  for (std::size_t t = 0; t < stride_; t += kernels::int8_stride)
    std::memcpy(to + t, from + t, kernels::int8_stride);
  scratch.scale[place] = sample_scale_[i];
  scratch.sum[place] = sample_sum_[i];
  scratch.cut_off[place] = sample_cut_off_[i];
  scratch.length[place] = sample_length_[i];
  if (prefix_ != nullptr) scratch.tail[place] = sample_tail_[i];
}

kernels::Int8Rows Int8Filter::copies(std::size_t first, std::size_t count, const Scratch& scratch) const {
  return {scratch.rows.data() + first * stride_,
          stride_,
          scratch.scale.data() + first,
          scratch.sum.data() + first,
          scratch.cut_off.data() + first,
          scratch.length.data() + first,
          tails(scratch.tail, first),
          count};
}

void Int8Filter::search(std::size_t begin, std::span<const std::int32_t> listed,
                        const kernels::Int8Rows& rows, float* bounds, Scratch& scratch) const {
  make_room(scratch.reach, rows.n_rows);
  make_room(scratch.least, rows.n_rows);
  make_room(scratch.nearest, rows.n_rows);
  make_room(scratch.alone, rows.n_rows);
  scratch.lanes.reserve(rows.n_rows * 2 * kernels::int8_lanes);
  if (listed.empty()) find_reach({begin, begin + rows.n_rows}, scratch.reach.data());
  for (std::size_t r = 0; r < listed.size(); ++r)
    scratch.reach[r] = reach(begin + static_cast<std::size_t>(listed[r]));
  kernels_.lowest(centroids_, rows,
                  {scratch.reach.data(), scratch.least.data(), scratch.nearest.data(), scratch.alone.data(),
                   scratch.lanes.data(), bounds, bounds_stride()});
}

/// In float, of which even the smallest vectors hold four; with a dozen roundings, and what may underflow.
void Int8Filter::find_reach(RowRange rows, float* out) const {
  constexpr double roundings = 1.01 * (1 + 0x1p-19), tiny = 0x1p-140;
  const auto up = [&](double value) { return round_up<float>(value * roundings + tiny); };
  const auto margin = engine_.margin_of_norm();
  const Largest largest = this->largest();
  const float margin2 = up(margin.margin2), margin1 = up(margin.margin1), margin0 = up(margin.margin0),
              limit = round_down<float>(margin.limit), per_length = up(largest.per_length),
              per_tail = up(largest.per_tail), rest = up(largest.rest),
              relative = up(2 * (16 * unit_roundoff<float>() + tag_error_)), floor = up(2 * tag_floor_);
  const std::size_t n_rows = rows.size();
  const float *norms = engine_.norms() + rows.begin, *lengths = largest.length + rows.begin;
  const auto above_limit = [&](std::size_t r, float z) {
    const float norm = norms[r], value = (margin2 * norm + margin1) * norm + margin0 + (relative * z + floor);
    // None of it holds for a NaN.
    const bool fits = (norm < limit) & (z < 0x1p120f) & (value < 0x1p126f);
    return fits ? value : std::numeric_limits<float>::infinity();
  };
  if (largest.tail == nullptr) {
    for (std::size_t r = 0; r < n_rows; ++r) out[r] = above_limit(r, per_length * lengths[r] + rest);
    return;
  }
  const float* tails = largest.tail + rows.begin;
  for (std::size_t r = 0; r < n_rows; ++r)
    out[r] = above_limit(r, per_length * lengths[r] + rest + per_tail * tails[r]);
}

std::span<const std::int32_t> Int8Filter::candidates(std::size_t r, std::size_t i, const float* x,
                                                     Scratch& scratch) const {
  if (scratch.alone[r] != 0) return {&scratch.nearest[r], 1};
  // Where nothing is finite it may be padding.
  const std::int32_t nearest = std::min(scratch.nearest[r], static_cast<std::int32_t>(n_clusters_ - 1));
  float score;
  engine_.listed_scores(x, {&nearest, 1}, &score);
  return candidates_below(r, i, score, scratch);
}

std::span<const std::int32_t> Int8Filter::candidates_below(std::size_t r, std::size_t i, float score,
                                                           Scratch& scratch) const {
  constexpr std::size_t lanes = kernels::int8_lanes;
  const float *best = scratch.lanes.data() + r * 2 * lanes, *second = best + lanes;
  const float limit = score + scratch.reach[r];
  const std::uint32_t mask = (std::uint32_t{1} << kernels::tag_bits(n_vectors_)) - 1;
  std::vector<std::int32_t>& found = scratch.found;
  found.clear();
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    if (best[lane] > limit) continue;  // a NaN is near
    if (second[lane] > limit) {
      const std::size_t j = (std::bit_cast<std::uint32_t>(best[lane]) & mask) * lanes + lane;
      if (j < n_clusters_) found.push_back(static_cast<std::int32_t>(j));
      continue;
    }
    // The lane hides a second one: all of it anew.
    scratch.lane.clear();
    for (std::size_t j = lane; j < n_clusters_; j += lanes)
      scratch.lane.push_back(static_cast<std::int32_t>(j));
    scratch.lane_bounds.resize(n_vectors_);
    pair_bounds(i, scratch.lane, scratch.lane_bounds.data());
    for (std::size_t f = 0; f < scratch.lane.size(); ++f) {
      if (!(scratch.lane_bounds[f] > limit)) found.push_back(scratch.lane[f]);
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

void Int8Filter::pair_bounds(std::size_t i, std::span<const std::int32_t> index, float* out) const {
  kernels_.listed_bounds(centroids_, samples_from(i, 1), 0, index.data(), index.size(), out);
}

}  // namespace omnimeans
