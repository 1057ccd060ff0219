// SPDX-License-Identifier: MIT
// Samples in blocks of neighbours, as the kernels of blockbounds want them: moved and scaled as the dense
// engine does, feature-major; in sixteen bits where the CPU has products of them (int16_rows.hpp).
//
// The order is that of a curve (sample_order.hpp). The blocks are written in a first step, when the engine
// has chosen how to move and scale; from then on a sample's own values are read only where its label is in
// doubt. Where sixteen bits leave too many in doubt, or a centroid is too long for them, blocks are written
// anew in float.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "aligned_buffer.hpp"
#include "dense_engine.hpp"
#include "int16_rows.hpp"
#include "parallel.hpp"
#include "prefetch.hpp"
#include "rounding.hpp"
#include "sample_order.hpp"

namespace omnimeans::algorithms {

/// Samples a block, 32 or 64. To twice as many neighbours more centroids are near, which weigh more the more
/// features they have and the narrower vectors are, but a visit costs as much beside distances as forty of
/// them. Exact counts: `lattice` d = 6 k = 300 1.04 times as many, `uniform` d = 8 k = 256 1.19, `blobs`
/// d = 8 k = 400 1.22, `images` d = 16 k = 400 1.27. Xeon with VNNI, 32 over 64, 25 steps: d = 3 to 16 1.06
/// to 1.27, d = 40 1.0; with AVX2 d = 3 to 8 1.0 to 1.15, d = 16 0.92, d = 40 0.85; SSE4.2 d = 6 1.3, d = 8
/// 0.98, d = 16 0.96.
template <class T>
std::size_t block_rows(const Problem<T>& problem) {
  const bool wide = sizeof(T) == sizeof(float) && problem.isa == Isa::avx512;
  return problem.samples.cols() <= (wide ? 16 : 8) ? 64 : 32;
}

template <class T>
class BlockSamples {
 public:
  /// With int16: in sixteen bits, if the first centroids fit.
  BlockSamples(const Problem<T>& problem, DenseEngine<T>& engine, const kernels::Int16Kernels* int16)
      : samples_(problem.samples),
        engine_(engine),
        rows_(block_rows(problem)),
        n_blocks_(block_count(problem.samples.rows(), rows_)),
        order_(AlignedBuffer<std::uint32_t>::for_overwrite(n_blocks_ * rows_)),
        norms_(AlignedBuffer<T>::for_overwrite(n_blocks_ * rows_)),
        longest_(n_blocks_) {
    if (int16 != nullptr) {
      int16_ = std::make_unique<Int16Rows>(*int16, n_blocks_ * rows_, samples_.cols(), problem.n_clusters);
      engine.always_centre();
    }
    const SampleOrder order = samples_in_order(problem.samples, problem.threads);
    const std::size_t n = problem.samples.rows();
    parallel_pieces(n < 50'000 ? 1 : problem.threads, n, [&](RowRange range) {
      for (std::size_t i = range.begin; i < range.end; ++i)
        order_[i] = static_cast<std::uint32_t>(order.keys[i]);
    });
    std::fill(order_.data() + n, order_.data() + order_.size(), order_[(n_blocks_ - 1) * rows_]);
  }

  static double bytes_needed(const Problem<T>& problem, bool int16) {
    const std::size_t rows = block_rows(problem);
    const double n = static_cast<double>(problem.samples.rows() + rows),
                 d = static_cast<double>(problem.samples.cols()), k = static_cast<double>(problem.n_clusters);
    const double rounded = int16 ? Int16Rows::bytes_needed(n, d, k) : 0;
    return order_bytes_needed(n, d, static_cast<double>(problem.threads)) +
           std::max(rounded, n * d * sizeof(T)) + n * (sizeof(std::uint32_t) + sizeof(T)) +
           n / static_cast<double>(rows) * sizeof(T);
  }

  std::size_t size() const { return n_blocks_; }
  std::size_t rows() const { return rows_; }
  /// Of a block that is not the last, rows.
  std::size_t count(std::size_t b) const { return std::min(rows_, samples_.rows() - b * rows_); }
  /// Which samples they are; the first one fills up.
  const std::uint32_t* order(std::size_t b) const { return order_.data() + b * rows_; }

  /// Whether all blocks are written.
  bool written() const { return written_; }
  void all_written() {
    written_ = true;
    if (int16_ != nullptr) int16_->all_rounded();
  }

  /// The engine has the centroids of the step. Blocks may have to be written once more.
  void take_centroids() {
    if (int16_ != nullptr && !int16_is_of_use()) {
      int16_.reset();
      margin_ = {};
      written_ = false;
    }
    if (int16_ == nullptr) {
      if (samples_in_blocks_.size() == 0)
        samples_in_blocks_ = AlignedBuffer<T>::for_overwrite(n_blocks_ * rows_ * samples_.cols());
      engine_.pack_rows();
    } else if constexpr (sizeof(T) == sizeof(float)) {
      engine_.pack_rows(*int16_);
      margin_ = int16_->margin(engine_.longest());
    }
  }

  /// Of the last step: distances in tiles, and canonical ones, which cost some ten times as much. Of a few
  /// blocks nothing is learnt.
  void judge(std::uint64_t in_tiles, std::uint64_t canonical) {
    if (in_tiles < 2 * std::uint64_t{samples_.rows()}) return;
    coarse_steps_ = canonical > in_tiles / 16 ? coarse_steps_ + 1 : 0;
  }

  /// Writes block b from the samples' own values; `values`: scratch, rows * n_features.
  void write(std::size_t b, T* values) {
    const std::size_t d = samples_.cols();
    gather_samples(samples_, order(b), count(b), samples_.rows() - b * rows_, rows_, values);
    kernels::BlockStart<T> task = engine_.block_start();
    task.values = values;
    task.norms = norms_.data() + b * rows_;
    if constexpr (sizeof(T) == sizeof(float)) {
      if (int16_ != nullptr) {
        task.inverse_unit = static_cast<T>(1 / int16_->unit());
        task.norm_limit = int16_limit();
        task.samples = int16_->samples() + b * rows_ * int16_->n_words();
        const auto started = block_kernels(int16_->kernels()).start(task);
        int16_->note_residual(started.residual);
        longest_[b] = started.longest;
        return;
      }
    }
    task.samples = samples_in_blocks_.data() + b * rows_ * d;
    longest_[b] = block_kernels(engine_.kernels()).start(task).longest;
  }

  [[gnu::always_inline]] void ask_for(std::size_t b) const {
    const std::size_t values = rows_ * n_values();
    prefetch(block(b), values);
    prefetch(norms_.data() + b * rows_, rows_);
    prefetch(order(b), rows_);
  }

  /// All of a task that is the samples' and the centroids'.
  kernels::BlockTask<T> task() const {
    kernels::BlockTask<T> task = engine_.block_task();
    if constexpr (sizeof(T) == sizeof(float)) {
      if (int16_ != nullptr) {
        task.n_features = task.row_stride = int16_->n_words();
        task.rows = int16_->centroids();
        task.half_norms = int16_->starts();
        task.unit = static_cast<T>(int16_->unit() * int16_->unit());
      }
    }
    return task;
  }
  /// And what is block b's.
  void take(std::size_t b, kernels::BlockTask<T>& task) const {
    task.samples = block(b);
    task.norms = norms_.data() + b * rows_;
    task.count = count(b);
    const auto longest = static_cast<double>(longest_[b]);
    const bool known = int16_ == nullptr || longest_[b] < int16_limit();
    task.margin =
        known ? round_up<T>(engine_.margin_of_norm()(longest) + margin_.constant + margin_.linear * longest)
              : std::numeric_limits<T>::infinity();
  }
  kernels::BlockLabels label(const kernels::BlockTask<T>& task) const {
    if constexpr (sizeof(T) == sizeof(float)) {
      if (int16_ != nullptr) return block_kernels(int16_->kernels()).label(task);
    }
    return block_kernels(engine_.kernels()).label(task);
  }

 private:
  template <class Kernels>
  const auto& block_kernels(const Kernels& kernels) const {
    return rows_ == kernels.blocks_of_64.rows ? kernels.blocks_of_64 : kernels.blocks_of_32;
  }
  std::size_t n_values() const { return int16_ != nullptr ? int16_->n_words() : samples_.cols(); }
  const T* block(std::size_t b) const {
    if constexpr (sizeof(T) == sizeof(float)) {
      if (int16_ != nullptr) return int16_->samples() + b * rows_ * n_values();
    }
    return samples_in_blocks_.data() + b * rows_ * n_values();
  }

  /// Longer samples have no residual that counts, and prove nothing.
  T int16_limit() const { return round_down<T>(int16_->limit()); }

  bool int16_is_of_use() {
    if (!int16_->unit_chosen()) int16_->choose_unit(engine_.some_norms(1024), engine_.longest(), 1.5);
    return int16_->fits(engine_.longest()) && coarse_steps_ < 2;
  }

  MatrixView<const T> samples_;
  DenseEngine<T>& engine_;
  std::size_t rows_, n_blocks_;
  AlignedBuffer<std::uint32_t> order_;
  AlignedBuffer<T> samples_in_blocks_;  ///< in float
  std::unique_ptr<Int16Rows> int16_;
  AlignedBuffer<T> norms_;
  std::vector<T> longest_;      ///< a block
  Int16Rows::Margin margin_{};  ///< beside the engine's
  bool written_ = false;
  int coarse_steps_ = 0;  ///< in a row, with many canonical distances
};

}  // namespace omnimeans::algorithms
