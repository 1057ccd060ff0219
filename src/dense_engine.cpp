// SPDX-License-Identifier: MIT
#include "dense_engine.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/dense_limits.hpp"
#include "rounding.hpp"

namespace omnimeans {
namespace {

constexpr std::size_t rerank_rows = 24;

/// sum_r values[r], negative ones as 0, in eight partial sums: one sum alone would wait for itself, as long
/// as a small sample takes to be labelled. value(r) is a double.
template <class Value>
double sum_of_positive(std::size_t count, Value&& value) {
  constexpr std::size_t lanes = 8;
  double sums[lanes] = {};
  std::size_t r = 0;
  for (; r + lanes <= count; r += lanes) {
    for (std::size_t l = 0; l < lanes; ++l) sums[l] += std::max(value(r + l), 0.0);
  }
  for (; r < count; ++r) sums[0] += std::max(value(r), 0.0);
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}

}  // namespace

template <class T>
DenseEngine<T>::DenseEngine(MatrixView<const T> samples, std::size_t n_clusters, Isa isa, int threads,
                            const kernels::Int16Kernels* int16)
    : samples_(samples),
      kernels_(kernels::kernels_for<T>(isa)),
      plan_(make_dense_plan<T>(samples.rows(), samples.cols(), n_clusters, isa, threads)),
      threads_(plan_.threads),
      n_clusters_(n_clusters),
      n_vectors_((n_clusters + kernels_.lanes - 1) / kernels_.lanes),
      n_groups_(plan_.n_groups),
      block_rows_(plan_.block_rows),
      row_stride_(block_count(samples.cols(), kernels_.lanes) * kernels_.lanes),
      grouped_(n_clusters * samples.cols()),
      half_norms_(n_clusters),
      norms_(AlignedBuffer<T>::for_overwrite(samples.rows())) {
  const double d = static_cast<double>(samples.cols());
  // N is inflated by 2 gamma_{d+8}, 16 u by round_up, and a few roundings: less than this.
  norm_slack_ = 4 * gamma_of(d + 12, unit_roundoff<T>());
  norm_floor_ = 2 * std::sqrt(d * static_cast<double>(std::numeric_limits<T>::denorm_min()));
  if (int16 != nullptr) {
    int16_ = std::make_unique<Int16Rows>(*int16, samples.rows(), samples.cols(), n_clusters);
    always_centre();
  }
}

template <class T>
DenseEngine<T>::DenseEngine(const DenseEngine& packed)
    : centroids_(packed.centroids_),
      kernels_(packed.kernels_),
      plan_(packed.plan_),
      threads_(packed.threads_),
      n_clusters_(packed.n_clusters_),
      n_vectors_(packed.n_vectors_),
      n_groups_(packed.n_groups_),
      block_rows_(packed.block_rows_),
      row_stride_(packed.row_stride_),
      transformed_(packed.transformed_),
      transform_chosen_(packed.transform_chosen_),
      groups_packed_(packed.groups_packed_),
      panels_packed_(packed.panels_packed_),
      offset_(packed.offset_),
      scale_(packed.scale_),
      inverse_scale2_(packed.inverse_scale2_),
      grouped_(packed.grouped_.shared()),
      half_norms_(packed.half_norms_.shared()),
      panels_(packed.panels_.shared()),
      panel_half_norms_(packed.panel_half_norms_.shared()),
      largest_norm_(packed.largest_norm_),
      margin0_(packed.margin0_),
      margin1_(packed.margin1_),
      margin2_(packed.margin2_),
      norm_limit_(packed.norm_limit_),
      norm_slack_(packed.norm_slack_),
      norm_floor_(packed.norm_floor_),
      lower_factor_(packed.lower_factor_) {}

template <class T>
void DenseEngine<T>::set_samples(MatrixView<const T> samples, int threads) {
  samples_ = samples;
  plan_ = make_dense_plan<T>(samples.rows(), samples.cols(), n_clusters_, plan_.isa, threads);
  threads_ = plan_.threads;
  block_rows_ = plan_.block_rows;
  norms_.reserve(samples.rows());
  norms_known_ = false;
  int16_.reset();  // of other samples
}

template <class T>
double DenseEngine<T>::bytes_needed(const Problem<T>& problem, bool every_score) {
  const auto& kernels = kernels::kernels_for<T>(problem.isa);
  const double n = static_cast<double>(problem.samples.rows()),
               d = static_cast<double>(problem.samples.cols());
  const double k = static_cast<double>(problem.n_clusters), padded = k + static_cast<double>(kernels.lanes);
  const double tile = static_cast<double>(kernels.nearest_tile), block = largest_block_rows;
  const double chain = static_cast<double>(kernels::dense_chain);
  const double scored = every_score ? block : rerank_rows;
  const double scratch = std::min(d, chain) * tile + (d > chain ? k * tile : 0) + block * d + scored * padded;
  const double threads = static_cast<double>(problem.threads);
  const double labelled = std::min(n, static_cast<double>(largest_label_rows));
  const double values = n + (k + padded) * (d + 1) + threads * (scratch + labelled);
  // Candidates and their distances; the samples to re-rank, which may be all, found by threads and then put
  // together.
  return values * sizeof(T) +
         threads * (k * (sizeof(std::int32_t) + sizeof(double)) + labelled * sizeof(std::int32_t)) +
         k * sizeof(double) + 2 * n * sizeof(std::size_t);
}

template <class T>
void DenseEngine<T>::prepare_scratch(int team) {
  if (scratch_.size() < static_cast<std::size_t>(team)) scratch_.resize(static_cast<std::size_t>(team));
  const std::size_t d = samples_.cols(), tile = kernels_.nearest_tile;
  for (std::size_t thread = 0; thread < scratch_.size(); ++thread) {
    Scratch& scratch = scratch_[thread];
    scratch.thread = thread;
    scratch.stats = {};
    scratch.open.clear();
    if (!scratch.distances.empty()) continue;
    scratch.tile = AlignedBuffer<T>(std::min(d, kernels::dense_chain) * tile);
    if (d > kernels::dense_chain) scratch.partial = AlignedBuffer<T>(n_clusters_ * tile);
    scratch.candidates.resize(n_clusters_);
    scratch.distances.resize(n_clusters_);
  }
}

template <class T>
void DenseEngine<T>::set_centroids(MatrixView<const T> centroids) {
  centroids_ = centroids;
  if (!transform_chosen_) choose_transform();
  measure_centroids();
  groups_packed_ = panels_packed_ = false;
}

template <class T>
kernels::PackedCentroids<T> DenseEngine<T>::panels() const {
  const std::size_t panel = 2 * kernels_.lanes * samples_.cols() * sizeof(T);
  return {panels_.data(), panel_half_norms_.data(), n_vectors_, samples_.cols(),
          std::max<std::size_t>(1, plan_.panel_bytes / panel)};
}

template <class T>
void DenseEngine<T>::transform_row(std::size_t i, T* out) const {
  kernels_.move_row(samples_.row_data(i), transformed_ ? offset_.data() : nullptr, scale_, samples_.cols(),
                    out);
}

template <class T>
AssignmentStats DenseEngine<T>::sum_stats() const {
  AssignmentStats total;
  for (const Scratch& scratch : scratch_) total += scratch.stats;
  return total;
}

/// What the first pass over all samples has found out of them is there for the next.
template <class T>
void DenseEngine<T>::all_labelled() {
  norms_known_ = true;
  if (in_int16_) int16_->all_rounded();
}

template <class T>
kernels::NearestTask<T> DenseEngine<T>::nearest_task(std::size_t begin, Scratch& scratch) const {
  const double d = static_cast<double>(samples_.cols()), scale = std::sqrt(inverse_scale2_);
  const double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  const double eta = static_cast<double>(std::numeric_limits<T>::denorm_min());
  kernels::NearestTask<T> task;
  task.centroids = {grouped_.data(), half_norms_.data(), n_clusters_, samples_.cols(), n_groups_};
  task.block = {samples_.row_data(begin), samples_.row_stride(), 0, nullptr};
  task.offset = transformed_ ? offset_.data() : nullptr;
  task.scale = scale_;
  task.margin0 = margin0_;
  task.margin1 = margin1_;
  task.margin2 = margin2_;
  task.norm_limit = norm_limit_;
  task.norms_known = norms_known_;
  task.norm_floor = squares_floor();
  task.norm_factor = norm_factor();
  task.tile_samples = scratch.tile.data();
  task.partial = scratch.partial.data();
  task.bounds.least_factor = round_down<T>(1 - norm_slack_);
  task.bounds.least_floor = round_up<T>(2 * std::sqrt(d * eta));
  task.bounds.largest_norm = round_up<T>(largest_norm_);
  task.bounds.rounding = round_up<T>(4 * eps);
  task.bounds.upper_factor = round_up<T>(scale * (1 + 4 * eps));
  task.bounds.lower_factor = round_down<T>(scale * (1 - 4 * eps));
  return task;
}

template <class T>
kernels::BlockTask<T> DenseEngine<T>::block_task() const {
  return {.n_features = samples_.cols(),
          .rows = rows_.data(),
          .row_stride = row_stride_,
          .half_norms = half_norms_.data()};
}

template <class T>
kernels::BlockStart<T> DenseEngine<T>::block_start() const {
  return {.n_features = samples_.cols(),
          .offset = offset_.data(),
          .scale = scale_,
          .norm_floor = squares_floor(),
          .norm_factor = norm_factor()};
}

/// The samples begin + listed[r], or, without a list, begin ... begin + count - 1, read and labelled in
/// place.
template <class T>
void DenseEngine<T>::label_rows(std::size_t begin, std::size_t count, std::span<const std::int32_t> listed,
                                const Labelling<T>& out, Scratch& scratch) {
  const bool in_place = listed.empty(), gaps = scratch.with_gaps && !out.gaps.empty();
  const auto sample = [&](std::size_t r) {
    return begin + (in_place ? r : static_cast<std::size_t>(listed[r]));
  };
  make_room(scratch.in_block, count);
  make_room(scratch.squared, count);
  std::size_t n_open = 0;
  kernels::NearestTask<T> task = nearest_task(begin, scratch);
  task.block.n_rows = count;
  task.norms = norms_.data() + begin;
  task.squared = out.inertia ? scratch.squared.data() : nullptr;
  task.open = scratch.in_block.data();
  task.n_open = &n_open;
  if (in_place) {
    task.labels = out.labels.data() + begin;
  } else {
    make_room(scratch.labels, count);
    task.block.index = listed.data();
    task.labels = scratch.labels.data();
  }
  if (gaps) {
    if (!in_place) make_room(scratch.lower, count);
    task.bounds.gaps = in_place ? out.gaps.data() + begin : scratch.lower.data();
    task.bounds.path = out.path.data();
  } else if (!out.lower.empty()) {
    if (!in_place) {
      make_room(scratch.upper, count);
      make_room(scratch.lower, count);
    }
    task.bounds.upper = in_place ? out.upper.data() + begin : scratch.upper.data();
    task.bounds.lower = in_place ? out.lower.data() + begin : scratch.lower.data();
  }
  if constexpr (sizeof(T) == sizeof(float)) {
    if (in_int16_) {
      if (!int16_->samples_rounded()) int16_->round_samples(task, begin, scratch.squared.data());
      int16_->take_over(task, begin, largest_norm_);
    }
    (in_int16_ ? int16_->kernels().nearest : kernels_.nearest)(task);
  } else {
    kernels_.nearest(task);
  }

  for (std::size_t o = 0; o < n_open; ++o) {
    const auto r = static_cast<std::size_t>(scratch.in_block[o]);
    scratch.open.push_back(sample(r));
    scratch.squared[r] = 0;  // counted when it is re-ranked
  }
  if (!in_place) {
    write_listed(begin, listed, n_open, out, scratch);
  } else if (out.observer != nullptr) {
    observe(begin, count, n_open, *out.observer, scratch);
  }
  scratch.stats.distances_computed += count * n_clusters_;
  if (!out.inertia) {
    scratch.stats.inertia_bound = std::numeric_limits<double>::infinity();
    return;
  }
  const auto squared = [&](std::size_t r) { return static_cast<double>(scratch.squared[r]); };
  const double bound =
      out.weights.empty() ? sum_of_positive(count, squared) : sum_of_positive(count, [&](std::size_t r) {
        return squared(r) * static_cast<double>(out.weights[sample(r)]);
      });
  scratch.stats.inertia_bound += bound * inverse_scale2_ * (1 + 0x1p-20);
}

/// What the kernel found of listed samples, from the scratch to where it belongs; tells of those whose label
/// changed. Open ones keep theirs until they are re-ranked.
template <class T>
void DenseEngine<T>::write_listed(std::size_t begin, std::span<const std::int32_t> listed, std::size_t n_open,
                                  const Labelling<T>& out, Scratch& scratch) const {
  const auto sample = [&](std::size_t r) { return begin + static_cast<std::size_t>(listed[r]); };
  for (std::size_t o = 0; o < n_open; ++o) {
    const auto r = static_cast<std::size_t>(scratch.in_block[o]);
    scratch.labels[r] = out.labels[sample(r)];
  }
  std::size_t n_changed = 0;  // to in_block, which nothing reads any more
  for (std::size_t r = 0; r < listed.size(); ++r) {
    const std::size_t i = sample(r);
    scratch.in_block[n_changed] = listed[r];
    n_changed += out.labels[i] != scratch.labels[r];
    out.labels[i] = scratch.labels[r];
    if (scratch.with_gaps && !out.gaps.empty()) {
      out.gaps[i] = scratch.lower[r];
    } else if (!out.lower.empty()) {
      out.upper[i] = scratch.upper[r];
      out.lower[i] = scratch.lower[r];
    }
  }
  if (out.observer != nullptr)
    out.observer->labelled_some(begin, {scratch.in_block.data(), n_changed},
                                static_cast<int>(scratch.thread));
}

/// Tells of count samples but the open ones, which follow when they are re-ranked.
template <class T>
void DenseEngine<T>::observe(std::size_t begin, std::size_t count, std::size_t n_open,
                             LabelObserver& observer, const Scratch& scratch) const {
  const int thread = static_cast<int>(scratch.thread);
  std::size_t from = begin;
  for (std::size_t o = 0; o < n_open; ++o) {
    const std::size_t at = begin + static_cast<std::size_t>(scratch.in_block[o]);
    if (from < at) observer.labelled(from, at, thread);
    from = at + 1;
  }
  if (from < begin + count) observer.labelled(from, begin + count, thread);
}

/// Does without sixteen bits from now on if they leave many of these samples open, twice in a row: then they
/// are too coarse for this data.
template <class T>
void DenseEngine<T>::judge_int16(std::uint64_t labelled) {
  if (!in_int16_ || 2 * labelled < samples_.rows()) return;
  coarse_passes_ = 8 * open_.size() > labelled ? coarse_passes_ + 1 : 0;
  if (coarse_passes_ == 2) int16_.reset();
}

/// The open samples once more in tiles, with every score; the canonical distance decides among those within
/// the margin.
template <class T>
void DenseEngine<T>::rerank(const Labelling<T>& out) {
  std::vector<std::size_t>& open = open_;
  open.clear();
  for (const Scratch& scratch : scratch_) open.insert(open.end(), scratch.open.begin(), scratch.open.end());
  judge_int16(sum_stats().distances_computed / n_clusters_);
  if (open.empty()) return;
  pack_panels();
  constexpr std::size_t batch = rerank_rows;
  const std::size_t d = samples_.cols(), stride = padded_clusters();
  const std::size_t batches = block_count(open.size(), batch);
  const double root_error = gamma_of(static_cast<double>(d) / 8 + 16, unit_roundoff<double>());
  // scratch_ has an entry for each thread of the pass that found them.
  parallel_blocks(static_cast<int>(scratch_.size()), batches, [&](std::size_t b, int thread) {
    Scratch& scratch = scratch_[static_cast<std::size_t>(thread)];
    scratch.rows.reserve(std::max(batch, block_rows_) * d);
    scratch.scores.reserve(batch * stride);
    const RowRange range = block_range(b, open.size(), batch);
    // Open samples are scattered: those of the next batch are asked for.
    for (std::size_t o = range.end; o < std::min(range.end + batch, open.size()); ++o)
      __builtin_prefetch(samples_.row_data(open[o]));
    for (std::size_t r = 0; r < range.size(); ++r)
      transform_row(open[range.begin + r], scratch.rows.data() + r * d);
    kernels_.scores(panels(), {scratch.rows.data(), d, range.size()}, scratch.scores.data(), stride);
    for (std::size_t r = 0; r < range.size(); ++r) {
      const std::size_t i = open[range.begin + r];
      const Ranked ranked = rank(i, scratch.scores.data() + r * stride, scratch);
      out.labels[i] = ranked.label;
      if (out.observer != nullptr) out.observer->labelled(i, i + 1, thread);
      // The kernel's lower bound holds for every centroid, so it stays.
      if (!out.upper.empty())
        out.upper[i] = round_up<T>(std::sqrt(ranked.distance) * (1 + root_error) +
                                   std::sqrt(static_cast<double>(d)) * 0x1p-535);
      scratch.stats.inertia_bound +=
          (out.weights.empty() ? 1.0 : static_cast<double>(out.weights[i])) * ranked.distance;
    }
    scratch.stats.distances_computed += range.size() * n_clusters_;
    scratch.stats.reranked += range.size();
  });
}

template <class T>
typename DenseEngine<T>::Ranked DenseEngine<T>::rank(std::size_t i, const T* scores, Scratch& scratch) const {
  // The threshold is rounded in T: off by at most 2 u (C^2/2 + N C), less than a quarter of the margin.
  const T reach = narrow<T>(1.25 * margin(static_cast<double>(norms_[i])));
  const std::size_t count = kernels_.near_lowest(scores, n_clusters_, reach, scratch.candidates.data());
  return {canonical_winner(i, count, scratch), scratch.distances[0], count > 1};
}

template <class T>
std::int32_t DenseEngine<T>::canonical_winner(std::size_t i, std::size_t count, Scratch& scratch) const {
  kernels_.canonical_distances(samples_.row_data(i), centroids_.data(), centroids_.row_stride(),
                               scratch.candidates.data(), count, samples_.cols(), scratch.distances.data());
  std::size_t winner = 0;
  for (std::size_t c = 1; c < count; ++c) {
    if (scratch.distances[c] < scratch.distances[winner]) winner = c;
  }
  scratch.distances[0] = scratch.distances[winner];
  return scratch.candidates[winner];
}

template <class T>
typename DenseEngine<T>::Ranked DenseEngine<T>::rank_listed(std::size_t i,
                                                            std::span<const std::int32_t> index,
                                                            const T* scores, Scratch& scratch) const {
  const double norm = static_cast<double>(norms_[i]), reach = margin(norm);
  const std::size_t n = index.empty() ? n_clusters_ : index.size();
  // As in rank().
  const std::size_t count =
      kernels_.near_lowest(scores, n, narrow<T>(1.25 * reach), scratch.candidates.data());
  if (count == 1) {
    const auto at = static_cast<std::size_t>(scratch.candidates[0]);
    return {index.empty() ? scratch.candidates[0] : index[at], upper_squared(i, scores[at], reach), false};
  }
  for (std::size_t c = 0; !index.empty() && c < count; ++c)
    scratch.candidates[c] = index[static_cast<std::size_t>(scratch.candidates[c])];
  return {canonical_winner(i, count, scratch), scratch.distances[0], true};
}

/// The rows' scores, in place or from their transformed copy; their norms if they are not known.
template <class T>
void DenseEngine<T>::score(RowRange rows, Scratch& scratch) {
  const std::size_t d = samples_.cols();
  scratch.scores.reserve(block_rows_ * padded_clusters());
  kernels::RowBlock<T> block{samples_.row_data(rows.begin), samples_.row_stride(), rows.size()};
  if (transformed_) {
    scratch.rows.reserve(block_rows_ * d);
    for (std::size_t r = 0; r < rows.size(); ++r) transform_row(rows.begin + r, scratch.rows.data() + r * d);
    block = {scratch.rows.data(), d, rows.size()};
  }
  if (!norms_known_) {
    for (std::size_t r = 0; r < rows.size(); ++r)
      set_norm(rows.begin + r, kernels_.squared_norm(block.rows + r * block.row_stride, d));
  }
  kernels_.scores(panels(), block, scratch.scores.data(), padded_clusters());
  scratch.stats.distances_computed += rows.size() * n_clusters_;
}

template <class T>
void DenseEngine<T>::set_norm(std::size_t i, T squared) {
  const double d = static_cast<double>(samples_.cols());
  const double eta = static_cast<double>(std::numeric_limits<T>::denorm_min());
  norms_[i] = round_up<T>(std::sqrt(static_cast<double>(squared) + 2 * d * eta) * (1 + norm_slack_ / 2));
}

template <class T>
void DenseEngine<T>::find_norms(RowRange rows) {
  AlignedBuffer<T> x(row_stride_);
  for (std::size_t i = rows.begin; i < rows.end; ++i) {
    set_norm(i, kernels_.squared_norm(sample(i, x.data()), samples_.cols()));
  }
}

template <class T>
void DenseEngine<T>::score_listed(std::size_t begin, std::span<const std::int32_t> listed, Scratch& scratch) {
  const std::size_t d = samples_.cols();
  scratch.scores.reserve(listed.size() * padded_clusters());
  scratch.rows.reserve(listed.size() * d);
  for (std::size_t r = 0; r < listed.size(); ++r)
    transform_row(begin + static_cast<std::size_t>(listed[r]), scratch.rows.data() + r * d);
  kernels_.scores(panels(), {scratch.rows.data(), d, listed.size()}, scratch.scores.data(),
                  padded_clusters());
  scratch.stats.distances_computed += listed.size() * n_clusters_;
}

template <class T>
void DenseEngine<T>::load_sample(std::size_t i, T* x) const {
  transform_row(i, x);
  std::fill(x + samples_.cols(), x + row_stride_, T(0));
}

template <class T>
typename DenseEngine<T>::LowerTerms DenseEngine<T>::lower_terms(std::size_t i) const {
  constexpr double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  const double norm = static_cast<double>(norms_[i]);
  const double least = std::max(0.0, norm * (1 - norm_slack_) - norm_floor_);
  // |x - c|^2 >= 2 (s^ - E) + |x|^2; the kernel's sum of the two is rounded in T, off by eps (N + C)^2 at
  // most.
  const double sum = norm + largest_norm_;
  return {narrow<T>(least * least - 2 * margin(norm) - 2 * eps * sum * sum), lower_factor_};
}

template <class T>
void DenseEngine<T>::lower_distances(std::size_t i, const T* scores, T* out) const {
  const LowerTerms terms = lower_terms(i);
  kernels_.lower_distances(scores, n_clusters_, terms.base, terms.factor, out);
}

template class DenseEngine<float>;
template class DenseEngine<double>;

}  // namespace omnimeans
