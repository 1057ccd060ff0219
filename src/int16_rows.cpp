// SPDX-License-Identifier: MIT
#include "int16_rows.hpp"

#include "parallel.hpp"
#include "rounding.hpp"

namespace omnimeans {

Int16Rows::Int16Rows(const kernels::Int16Kernels& kernels, std::size_t n_samples, std::size_t n_features,
                     std::size_t n_clusters)
    : kernels_(kernels),
      n_features_(n_features),
      n_words_(block_count(n_features, 2)),
      samples_(AlignedBuffer<float>::for_overwrite(n_samples * n_words_)),
      centroids_(n_clusters * n_words_),
      starts_(n_clusters),
      residuals_(n_clusters),
      largest_residual_(0.504 * std::sqrt(static_cast<double>(n_features))) {}

void Int16Rows::choose_unit(double limit) {
  unit_chosen_ = true;
  limit_ = limit;
  // Squares of the unit must not underflow, nor lengths overflow: then `unit_` stays 0.
  if (!(limit_ > 0x1p-46 && limit_ < 0x1p+46)) return;
  unit_ = limit_ / (std::sqrt(double{kernels::int16_range} / 1.5) - largest_residual_ - 1);
  inverse_unit_ = 1 / unit_;
}

void Int16Rows::choose_unit(std::vector<double> lengths, double longest_centroid, double room) {
  const auto long_one = lengths.end() - 1 - static_cast<std::ptrdiff_t>(lengths.size() / 200);
  std::ranges::nth_element(lengths, long_one);
  choose_unit(room * std::max(longest_centroid, *long_one));
}

void Int16Rows::round_samples(const kernels::NearestTask<float>& task, std::size_t begin, float* residuals) {
  kernels_.round_rows({.rows = task.block.rows,
                       .row_stride = task.block.row_stride,
                       .n_rows = task.block.n_rows,
                       .n_features = n_features_,
                       .offset = task.offset,
                       .scale = task.scale,
                       .inverse_unit = static_cast<float>(inverse_unit_),
                       .words = samples_.data() + begin * n_words_,
                       .norm_floor = task.norm_floor,
                       .norm_factor = task.norm_factor,
                       .norms = task.norms,
                       .residuals = residuals});
  // In several lanes: one alone would wait for itself.
  constexpr std::size_t lanes = 16;
  const auto limit = round_down<float>(limit_);
  float largest[lanes] = {};
  const auto note = [&](std::size_t r, std::size_t lane) {
    const float residual = task.norms[r] < limit ? residuals[r] : 0;
    largest[lane] = largest[lane] < residual ? residual : largest[lane];
  };
  std::size_t r = 0;
  for (; r + lanes <= task.block.n_rows; r += lanes) {
    for (std::size_t lane = 0; lane < lanes; ++lane) note(r + lane, lane);
  }
  for (; r < task.block.n_rows; ++r) note(r, 0);
  note_residual(*std::ranges::max_element(largest));
}

void Int16Rows::note_residual(float squared) {
  float before = samples_squared_;
  while (before < squared && !samples_squared_.compare_exchange_weak(before, squared)) {
  }
}

void Int16Rows::end_centroids() {
  centroids_residual_ = at_most(*std::ranges::max_element(residuals_));
}

/// A residual from its measured square, which is off by roundings.
double Int16Rows::at_most(double squared) const {
  return std::min(largest_residual_, std::sqrt(squared) * 1.01 + largest_residual_ / 100);
}

void Int16Rows::set_start(std::size_t j, double squared_norm) {
  const auto start = static_cast<std::int32_t>(std::lrint(squared_norm / (2 * unit_ * unit_)));
  starts_[j] = std::bit_cast<float>(kernels::int16_base + start);
}

Int16Rows::Margin Int16Rows::margin(double longest_centroid) const {
  const double h = unit_, C = longest_centroid, u = 0x1p-22;
  const double D =
      samples_rounded_ ? at_most(static_cast<double>(samples_squared_.load())) : largest_residual_;
  const double G = centroids_residual_;
  return {.constant = 2 * (h * D * C + h * h * (D * G + 8)) + u * C * C, .linear = 2 * (h * G + u * C)};
}

void Int16Rows::take_over(kernels::NearestTask<float>& task, std::size_t begin,
                          double longest_centroid) const {
  const Margin more = margin(longest_centroid);
  task.centroids.packed = centroids_.data();
  task.centroids.half_norms = starts_.data();
  task.centroids.n_features = n_words_;
  task.block.rows = samples_.data() + begin * n_words_;
  task.block.row_stride = n_words_;
  task.offset = nullptr;
  task.scale = 1;
  task.unit = static_cast<float>(unit_ * unit_);
  task.norms_known = true;
  task.norm_limit = std::fmin(task.norm_limit, round_down<float>(limit_));
  task.margin1 = round_up<float>(static_cast<double>(task.margin1) + more.linear);
  task.margin0 = round_up<float>(static_cast<double>(task.margin0) + more.constant);
}

}  // namespace omnimeans
