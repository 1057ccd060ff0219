// SPDX-License-Identifier: MIT
// blockbounds: exact k-means with a bound for every centroid and every block of thirty-two samples that lie
// close together. (Our own: Elkan's (2003) bounds, one for a block instead of one for a sample; the order is
// that of kdtree's leaves, sample_order.hpp.)
//
//   g_Bj <= |x - c_j| - |x - c_a(x)| for all samples x of block B, in sixteen bits
//
// One step, for each block:
//   1  g_Bj -= drift of c_j + the largest drift of a centroid that a sample of B belongs to.
//   2  Centroids with g_Bj > 0 are nearest to no sample of B. One is left: done.
//   3  The scores of those left, as a tile (in sixteen bits where that pays: int16_rows.hpp), decide labels;
//   where they leave a doubt, D among those left. 4  Their bounds anew. With N = the least difference of
//   c_j's score from the lowest one, 2 N is a
//      difference of squared distances, and with U the largest distance from a sample to its own centroid
//      g_Bj = sqrt(U^2 + 2 N) - U.
//
// Thirty-two neighbours have a few centroids near them, and most of the others stay far from all of them:
// what is left is a tile at full speed, where bounds of single samples leave lone distances. The bounds of a
// block are a thirty-second of Elkan's.
//
// A bound is a word w, w q = g + what P_j and V_B were when it was written: P_j, how far c_j has moved since
// the bounds' epoch began, V_B, the sum of the second drifts of step 1. So words are only read until they are
// renewed: g > 0 as long as w q > P_j + V_B. P_j is rounded up where it is compared, down where a bound is
// written; of V_B only differences count, which are never too small. An epoch ends before sums of words leave
// their range.
//
// Rounding. Scores are the dense engine's (dense_engine.hpp), or in sixteen bits: where two differ by more
// than the margin, the canonical distances keep their order, and 2 (N - margin) is what the squares differ by
// at least. g is computed in T, off by some 10 roundings and, of U, by 16 theta, which makes it hold for
// canonical distances; a sixteenth of a word is taken off for the rounding of sums of words, at most 2^16 (1
// + 4 u). The rest of it covers labels that change among near ties, each of which may make U larger by theta
// U: 2^30 s / U of them an epoch, s the spread of the centroids.
//
// Needs n*d values (in sixteen bits half of that), n*k/16 and some 32 n bytes, 16 n more while samples are
// put in order. Siblings:
// bytebounds.cpp (a bound a sample, for many features), kdtree.cpp (boxes instead of bounds), gap.cpp (no
// bound a centroid).
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "aligned_buffer.hpp"
#include "backends/backends.hpp"
#include "backends/block_samples.hpp"
#include "backends/bounds.hpp"
#include "backends/ordered_labels.hpp"
#include "dense_engine.hpp"
#include "prefetch.hpp"
#include "rounding.hpp"

namespace omnimeans::algorithms {
namespace {

constexpr std::size_t rows = kernels::block_samples;
constexpr std::size_t batch_blocks = 32;  ///< that a thread takes at a time
constexpr double most_words = 65535;
constexpr double spread_words = 16384;  ///< the length of a typical centroid, from where the engine centres
// An epoch's, in words: of a centroid, of a block. Together they stay far enough below most_words that V,
// which a rounding outward a step makes longer, can never open the padding.
constexpr double longest_path = 16000;

template <class T>
class BlockBounds final : public Backend<T> {
 public:
  explicit BlockBounds(const Problem<T>& problem)
      : problem_(within_memory("blockbounds", orderable("blockbounds", problem), bytes_needed(problem))),
        engine_(problem.samples, problem.n_clusters, problem.isa, problem.threads),
        blocks_(problem, engine_, int16(problem)),
        n_blocks_(blocks_.size()),
        stride_(padded(problem.n_clusters)),
        labels_(problem, n_blocks_, rows),
        path_(problem.n_clusters),
        moved_(problem.n_clusters),
        path_words_(problem.n_clusters),
        drift_words_(stride_),
        zeros_(stride_) {
    words_ = AlignedBuffer<std::uint16_t>::for_overwrite(n_blocks_ * stride_);
    own_path_.resize(n_blocks_);
    const std::size_t k = problem.n_clusters, d = problem.samples.cols();
    for (int thread = 0; thread < std::max(problem.threads, 1); ++thread)
      works_.emplace_back(k, d, stride_ + rows);
  }

  AssignmentStats assign(const Assignment<T>& step) override {
    engine_.set_centroids(step.centroids);
    blocks_.take_centroids();
    labels_.begin_step(step);
    first_ = step.drift.empty();
    if (first_) {
      begin_run();
    } else {
      advance(step.drift);
    }
    const kernels::BlockTask<T> task = block_task();
    AssignmentStats stats = engine_.over_samples(batch_blocks * rows, [&](RowRange range, Scratch& scratch) {
      for (std::size_t b = range.begin / rows; b * rows < range.end; ++b) visit(b, task, scratch);
      tell(works_[scratch.thread], scratch.thread);
    });
    blocks_.all_written();
    if (ends_epoch_) begin_epoch();
    stats.inertia_bound = std::numeric_limits<double>::infinity();
    stats.observed = labels_.observed();
    return stats;
  }

  std::uint64_t bytes() const override { return static_cast<std::uint64_t>(bytes_needed(problem_)); }

 private:
  using Scratch = typename DenseEngine<T>::Scratch;

  /// Labels of a block that are not told yet; those in `changed`, as bits, are new.
  struct Pending {
    std::size_t block;
    std::uint32_t changed;
    std::int32_t now[rows];
  };
  /// A thread's memory.
  struct Work {
    Work(std::size_t k, std::size_t d, std::size_t most_listed)
        : scores((k + rows) * rows), values(d * rows), labels(rows), listed(most_listed), near(k) {
      pending.reserve(batch_blocks);
    }
    AlignedBuffer<T> scores, values;
    AlignedBuffer<std::int32_t> labels;
    std::vector<std::int32_t> listed, near;
    std::vector<Pending> pending;
  };

  static std::size_t padded(std::size_t k) {
    return block_count(k, kernels::byte_lanes) * kernels::byte_lanes;
  }
  static double bytes_needed(const Problem<T>& problem) {
    return bytes_needed(problem, int16(problem) != nullptr);
  }
  static double bytes_needed(const Problem<T>& problem, bool in_int16) {
    const double n = static_cast<double>(problem.samples.rows()) + static_cast<double>(rows),
                 d = static_cast<double>(problem.samples.cols()),
                 k = static_cast<double>(padded(problem.n_clusters)), threads = problem.threads;
    const double width = static_cast<double>(rows);
    const double work = (k + width + d) * width * sizeof(T) + (2 * k + 3 * width) * sizeof(std::int32_t) +
                        sizeof(Work) + batch_blocks * sizeof(Pending);
    const double block = k * sizeof(std::uint16_t) + sizeof(T);
    return std::ceil(DenseEngine<T>::bytes_needed(problem, false) +
                     BlockSamples<T>::bytes_needed(problem, in_int16) + n * sizeof(std::int32_t) +
                     n / width * block + threads * work +
                     k * (sizeof(double) + (2 + width) * sizeof(T) + 2 * sizeof(std::uint16_t)));
  }
  /// For products in sixteen bits, which take no more memory.
  static const kernels::Int16Kernels* int16(const Problem<T>& problem) {
    return int16_pays(problem) ? int16_kernels_for(problem) : nullptr;
  }

  /// No bound is known. The unit is a part of the centroids' median length.
  void begin_run() {
    std::vector<double>& lengths = path_;  // which is to be cleared
    for (std::size_t j = 0; j < lengths.size(); ++j)
      lengths[j] = std::sqrt(2 * static_cast<double>(engine_.half_norm(j)));
    const auto middle = lengths.begin() + static_cast<std::ptrdiff_t>(lengths.size() / 2);
    std::ranges::nth_element(lengths, middle);
    words_per_length_ = spread_words / *middle;
    if (!(words_per_length_ > 0) || !std::isfinite(words_per_length_)) words_per_length_ = 1;
    std::ranges::fill(own_path_, T(0));
    begin_epoch();
  }
  void begin_epoch() {
    std::ranges::fill(path_, 0.0);
    std::ranges::fill(path_words_, T(0));
    largest_own_path_ = 0;
    ends_epoch_ = false;
  }

  static std::uint16_t whole_words(double path) {
    return path < most_words ? static_cast<std::uint16_t>(std::ceil(path)) : std::uint16_t{65535};
  }

  /// P_j
  void advance(std::span<const double> drift) {
    const double unit = words_per_length_ * engine_.scale();
    double longest = 0, largest = 0;
    for (std::size_t j = 0; j < path_.size(); ++j) {
      const double words = drift[j] * unit * (1 + 0x1p-40);
      path_[j] = (path_[j] + words) * (1 + 0x1p-50);
      moved_[j] = round_up<T>(words);
      drift_words_[j] = whole_words(path_[j]);
      path_words_[j] = round_down<T>(path_[j]);
      longest = std::max(longest, path_[j]);
      largest = std::max(largest, static_cast<double>(moved_[j]));
    }
    largest_own_path_ += largest;
    ends_epoch_ = !(longest < longest_path && largest_own_path_ < longest_path);
    // Bounds that are written in this step are of the next epoch.
    if (ends_epoch_) std::ranges::fill(path_words_, T(0));
  }

  kernels::BlockTask<T> block_task() const {
    const double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
    const double d = static_cast<double>(problem_.samples.cols());
    const double theta = gamma_of(d / 8 + 8, unit_roundoff<double>());
    kernels::BlockTask<T> task = blocks_.task();
    task.units = round_down<T>(words_per_length_ * (1 - 64 * eps - 16 * theta));
    task.reach_units = round_up<T>(words_per_length_ * 16 * theta);
    // And what underflow may take of a canonical distance.
    task.guard = round_up<T>(0x1p-4 + std::sqrt(d) * 0x1p-520 * engine_.scale() * words_per_length_);
    task.path = path_words_.data();
    return task;
  }

  /// What comes between two blocks is too much for the hardware to see streams.
  [[gnu::always_inline]] void ask_for(std::size_t b) const {
    if (blocks_.written()) blocks_.ask_for(b);
    prefetch(words_.data() + b * stride_, stride_);
    prefetch(labels_.of(b), rows);
  }

  /// Steps 1 to 4.
  void visit(std::size_t b, const kernels::BlockTask<T>& common, Scratch& scratch) {
    Work& work = works_[scratch.thread];
    ask_for(std::min(b + 2, n_blocks_ - 1));
    if (!blocks_.written()) blocks_.write(b, work.values.data());
    std::uint16_t* const words = words_.data() + b * stride_;
    const std::size_t k = problem_.n_clusters;
    std::size_t count = k;
    if (first_) {
      std::iota(work.listed.begin(), work.listed.begin() + static_cast<std::ptrdiff_t>(k), 0);
      std::fill(words + k, words + stride_, std::uint16_t{65535});
    } else {
      count = list_open(b, words, work.listed.data());  // 1, 2
    }
    if (count <= 1 && !first_) return;
    std::fill_n(work.listed.begin() + static_cast<std::ptrdiff_t>(count), rows, work.listed[count - 1]);
    kernels::BlockTask<T> task = common;
    blocks_.take(b, task);
    task.index = work.listed.data();
    task.n_listed = count;
    task.scores = work.scores.data();
    task.near = work.near.data();
    task.own_path = own_path_[b];
    task.words = words;
    task.before = labels_.of(b);
    task.labels = work.labels.data();
    const kernels::BlockLabels out = blocks_.label(task);  // 3, 4
    scratch.stats.distances_computed += count * task.count;
    settle(b, task, out, scratch);
  }

  std::size_t list_open(std::size_t b, std::uint16_t* words, std::int32_t* out) {
    constexpr T outward = 1 + 4 * std::numeric_limits<T>::epsilon();
    own_path_[b] = (own_path_[b] + farthest_move(b)) * outward;
    const std::uint16_t own = whole_words(static_cast<double>(own_path_[b]));
    const auto& kernels = engine_.kernels();
    if (!ends_epoch_) return kernels.open_words(words, drift_words_.data(), own, stride_, out);
    kernels.lower_words(words, drift_words_.data(), own, stride_);
    std::fill(words + problem_.n_clusters, words + stride_, std::uint16_t{65535});
    own_path_[b] = 0;
    return kernels.open_words(words, zeros_.data(), 0, stride_, out);
  }

  /// Of the centroids that samples of the block belong to, in words.
  T farthest_move(std::size_t b) const {
    const auto move = [&](std::int32_t j) { return moved_[static_cast<std::size_t>(j)]; };
    const std::int32_t* label = labels_.of(b);
    T farthest[4] = {};
    for (std::size_t r = 0; r < rows; r += 4) {
      for (std::size_t l = 0; l < 4; ++l) farthest[l] = std::max(farthest[l], move(label[r + l]));
    }
    return std::max(std::max(farthest[0], farthest[1]), std::max(farthest[2], farthest[3]));
  }

  /// What scores leave open, by the canonical rule; labels that change are told when their batch is
  /// done: until then their samples are asked for.
  void settle(std::size_t b, const kernels::BlockTask<T>& task, const kernels::BlockLabels& out,
              Scratch& scratch) {
    if (out.open != 0) {
      for (std::size_t c = 0; c < out.n_near; ++c)
        scratch.candidates[c] = task.index[static_cast<std::size_t>(task.near[c])];
    }
    const std::uint64_t changed =
        rank_open(out.open, out.changed, task.before, task.labels, [&](std::size_t r) {
          scratch.stats.distances_computed += out.n_near;
          ++scratch.stats.reranked;
          return engine_.canonical_winner(blocks_.order(b)[r], out.n_near, scratch);
        });
    if (changed == 0) return;
    std::fill(task.labels + task.count, task.labels + rows, task.labels[0]);
    Pending& pending = works_[scratch.thread].pending.emplace_back();
    pending.block = b;
    pending.changed = static_cast<std::uint32_t>(changed);
    std::copy_n(task.labels, rows, pending.now);
    if (!blocks_.written()) {
      tell(works_[scratch.thread], scratch.thread);  // the values are at hand
    } else if (labels_.observed()) {
      blocks_.ask_for_values(b, pending.changed);
    }
  }

  void tell(Work& work, std::size_t thread) {
    for (const Pending& pending : work.pending) {
      if (blocks_.written() && labels_.observed())
        blocks_.gather(pending.block, pending.changed, work.values.data());
      labels_.set(pending.block, pending.changed, pending.now, blocks_.order(pending.block),
                  work.values.data(), static_cast<int>(thread));
    }
    work.pending.clear();
  }

  Problem<T> problem_;
  DenseEngine<T> engine_;
  BlockSamples<T> blocks_;
  std::size_t n_blocks_, stride_;
  OrderedLabels<T> labels_;                         ///< a block
  AlignedBuffer<std::uint16_t> words_;              ///< n_blocks x stride
  std::vector<T> own_path_;                         ///< a block: V, in words
  std::vector<double> path_;                        ///< a centroid: P, in words
  std::vector<T> moved_, path_words_;               ///< likewise: the last drift; P rounded down
  std::vector<std::uint16_t> drift_words_, zeros_;  ///< likewise: P rounded up; padded
  double words_per_length_ = 1;                     ///< 1 / q, in the engine's units
  double largest_own_path_ = 0;
  bool first_ = true, ends_epoch_ = false;
  std::vector<Work> works_;  ///< a thread
};

}  // namespace

const BackendEntry& blockbounds() {
  static const BackendEntry entry{
      {.name = "blockbounds",
       .tiled = false,
       .exact = true,
       .memory = "n*d values (half in sixteen bits), n*k/16 and 32*n bytes",
       .use_when = "3 to 16 features, 20 clusters a feature (56 with VNNI) and 16 samples a cluster or more, "
                   "where kdtree does not pay; some 15 iterations or more",
       .avoid_when = "many features: thirty-two samples are near too many centroids",
       .reference = "own; bounds of Elkan 2003, Using the triangle inequality to accelerate k-means, ICML"},
      make<BlockBounds, float>,
      make<BlockBounds, double>};
  return entry;
}

}  // namespace omnimeans::algorithms
