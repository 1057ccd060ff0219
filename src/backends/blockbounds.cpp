// SPDX-License-Identifier: MIT
// blockbounds: exact k-means with a bound for every centroid and every block of sixty-four samples that lie
// close together (thirty-two of many features: block_samples.hpp). (Our own: Elkan's (2003) bounds, one for a
// block instead of one for a sample; the order is that of kdtree's leaves, sample_order.hpp.)
//
//   g_Bj <= |x - c_j| - |x - c_a(x)| for all samples x of block B, in sixteen bits
//
// One step, for each block:
//   1  g_Bj -= drift of c_j + the largest drift of a centroid that a sample of B belongs to.
//   2  Centroids with g_Bj > 0 are nearest to no sample of B. One is left: done.
//   3  The scores of those left, as a tile (in sixteen bits where that pays: int16_rows.hpp), decide labels;
//      where they leave a doubt, D of the near ones among those left.
//   4  Their bounds anew. With N = the least difference of c_j's score from the lowest one, 2 N is a
//      difference of squared distances, and with U the largest distance from a sample to its own centroid
//      g_Bj = sqrt(U^2 + 2 N) - U.
//
// So many neighbours have a few centroids near them, and most of the others stay far from all of them:
// what is left is a tile at full speed, where bounds of single samples leave lone distances. The bounds of a
// block, which are only read until they are renewed (block_words.hpp), are a thirty-second of Elkan's or
// less.
//
// Rounding. Scores are the dense engine's (dense_engine.hpp), or in sixteen bits: where two differ by more
// than the margin, the canonical distances keep their order, and 2 (N - margin) is what the squares differ by
// at least. g is computed in T, off by some 10 roundings and, of U, by 16 theta, which makes it hold for
// canonical distances; a sixteenth of a word is taken off for the rounding of sums of words, at most
// 2^16 (1 + 4 u). The rest of it covers labels that change among near ties, each of which may make U larger
// by theta U: 2^30 s / U of them an epoch, s the spread of the centroids.
//
// Needs n*d values, n*k/32 (of many features n*k/16) and some 32 n bytes, 16 n more while samples are put in
// order; in sixteen bits half the values, unless those turn out to be of no use.
//
// Siblings: bytebounds.cpp (a bound a sample, for many features), kdtree.cpp (boxes instead of bounds),
// gap.cpp (no bound a centroid).
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "aligned_buffer.hpp"
#include "backends/backends.hpp"
#include "backends/block_samples.hpp"
#include "backends/block_words.hpp"
#include "backends/ordered_labels.hpp"
#include "dense_engine.hpp"
#include "prefetch.hpp"

namespace omnimeans::algorithms {
namespace {

constexpr std::size_t batch_rows = 1024;  ///< that a thread takes at a time: whole blocks

template <class T>
class BlockBounds final : public Backend<T> {
 public:
  explicit BlockBounds(const Problem<T>& problem)
      : problem_(within_memory("blockbounds", orderable("blockbounds", problem), bytes_needed(problem))),
        engine_(problem.samples, problem.n_clusters, problem.isa, problem.threads),
        blocks_(problem, engine_, int16(problem)),
        rows_(blocks_.rows()),
        words_(engine_, blocks_.size(), rows_, problem.n_clusters),
        labels_(problem, blocks_.size(), rows_, false) {
    for (int thread = 0; thread < std::max(problem.threads, 1); ++thread)
      works_.emplace_back(problem.n_clusters, problem.samples.cols(), rows_);
  }

  AssignmentStats assign(const Assignment<T>& step) override {
    engine_.set_centroids(step.centroids);
    blocks_.take_centroids();
    labels_.begin_step(step);
    for (Work& work : works_) work.told.clear();  // should the step before have ended in an exception
    first_ = step.drift.empty();
    if (first_) {
      words_.begin_run();
    } else {
      words_.advance(step.drift);
    }
    kernels::BlockTask<T> task = blocks_.task();
    words_.take(task);
    AssignmentStats stats = engine_.over_samples(batch_rows, [&](RowRange range, Scratch& scratch) {
      for (std::size_t b = range.begin / rows_; b * rows_ < range.end; ++b) visit(b, task, scratch);
      labels_.tell(works_[scratch.thread].told, static_cast<int>(scratch.thread));
    });
    blocks_.all_written();
    const std::uint64_t ranked = take_ranked();
    blocks_.judge(stats.distances_computed, ranked);
    stats.distances_computed += ranked;
    words_.end_step();
    stats.inertia_bound = std::numeric_limits<double>::infinity();
    stats.observed = labels_.observed();
    return stats;
  }

  std::uint64_t bytes() const override { return static_cast<std::uint64_t>(bytes_needed(problem_)); }

 private:
  using Scratch = typename DenseEngine<T>::Scratch;

  /// A thread's memory.
  struct Work {
    Work(std::size_t k, std::size_t d, std::size_t rows)
        : scores((k + rows) * rows),
          values(d * rows),
          labels(rows),
          listed(BlockWords<T>::padded(k) + rows),
          near(k) {
      told.reserve(batch_rows);
    }
    AlignedBuffer<T> scores, values;
    AlignedBuffer<std::int32_t> labels;
    std::vector<std::int32_t> listed, near;
    std::vector<std::int32_t> told;  ///< of a batch: samples whose label is new
    std::uint64_t ranked = 0;        ///< canonical distances in this step
  };

  static double bytes_needed(const Problem<T>& problem) {
    const std::size_t rows = block_rows(problem);
    const double n = static_cast<double>(problem.samples.rows()) + static_cast<double>(rows),
                 d = static_cast<double>(problem.samples.cols()),
                 k = static_cast<double>(BlockWords<T>::padded(problem.n_clusters)),
                 width = static_cast<double>(rows);
    const double work = (k + width + d) * width * sizeof(T) + (2 * k + 3 * width) * sizeof(std::int32_t) +
                        sizeof(Work) + batch_rows * sizeof(std::int32_t);
    return std::ceil(
        DenseEngine<T>::bytes_needed(problem, false) +
        BlockSamples<T>::bytes_needed(problem, int16(problem) != nullptr) +
        BlockWords<T>::bytes_needed(block_count(problem.samples.rows(), rows), problem.n_clusters) +
        n * sizeof(std::int32_t) + problem.threads * work + k * width * sizeof(T));
  }
  static const kernels::Int16Kernels* int16(const Problem<T>& problem) {
    return int16_pays(problem) ? int16_kernels_for(problem) : nullptr;
  }

  /// What comes between two blocks is too much for the hardware to see streams.
  [[gnu::always_inline]] void ask_for(std::size_t b) const {
    if (blocks_.written()) blocks_.ask_for(b);
    words_.ask_for(b);
    prefetch(labels_.of(b), rows_);
  }

  /// Steps 1 to 4.
  void visit(std::size_t b, const kernels::BlockTask<T>& common, Scratch& scratch) {
    Work& work = works_[scratch.thread];
    ask_for(std::min(b + 2, blocks_.size() - 1));
    if (!blocks_.written()) blocks_.write(b, work.values.data());
    const std::size_t k = problem_.n_clusters;
    std::size_t count = k;
    if (first_) {
      std::iota(work.listed.begin(), work.listed.begin() + static_cast<std::ptrdiff_t>(k), 0);
      words_.begin_block(b);
    } else {
      count = words_.list_open(b, labels_.of(b), work.listed.data());  // 1, 2
    }
    if (count <= 1 && !first_) return;
    std::fill_n(work.listed.begin() + static_cast<std::ptrdiff_t>(count), rows_, work.listed[count - 1]);
    kernels::BlockTask<T> task = common;
    blocks_.take(b, task);
    words_.take(b, task);
    task.index = work.listed.data();
    task.n_listed = count;
    task.scores = work.scores.data();
    task.near = work.near.data();
    task.before = labels_.of(b);
    task.labels = work.labels.data();
    const kernels::BlockLabels out = blocks_.label(task);  // 3, 4
    scratch.stats.distances_computed += count * task.count;
    settle(b, task, out, scratch);
  }

  /// What scores leave open, by the canonical rule; labels.
  void settle(std::size_t b, const kernels::BlockTask<T>& task, const kernels::BlockLabels& out,
              Scratch& scratch) {
    if (out.open != 0) {
      for (std::size_t c = 0; c < out.n_near; ++c)
        scratch.candidates[c] = task.index[static_cast<std::size_t>(task.near[c])];
    }
    Work& work = works_[scratch.thread];
    const std::uint64_t changed =
        rank_open(out.open, out.changed, task.before, task.labels, [&](std::size_t r) {
          work.ranked += out.n_near;
          ++scratch.stats.reranked;
          return engine_.canonical_winner(blocks_.order(b)[r], out.n_near, scratch);
        });
    if (changed == 0) return;
    std::fill(task.labels + task.count, task.labels + rows_, task.labels[0]);
    labels_.set(b, changed, task.labels, blocks_.order(b), work.told, static_cast<int>(scratch.thread));
  }

  std::uint64_t take_ranked() {
    std::uint64_t ranked = 0;
    for (Work& work : works_) ranked += std::exchange(work.ranked, 0);
    return ranked;
  }

  Problem<T> problem_;
  DenseEngine<T> engine_;
  BlockSamples<T> blocks_;
  std::size_t rows_;
  BlockWords<T> words_;
  OrderedLabels<T> labels_;  ///< a block
  bool first_ = true;
  std::vector<Work> works_;  ///< a thread
};

}  // namespace

const BackendEntry& blockbounds() {
  static const BackendEntry entry{
      {.name = "blockbounds",
       .tiled = false,
       .exact = true,
       .memory = "n*d values, n*k/16 and 50*n bytes",
       .use_when = "16 samples a cluster or more, some 8 iterations or more: 3 to 16 features and 20 to "
                   "40 clusters a feature, where kdtree does not pay; to 128 (double with AVX-512 256) "
                   "features and some 128 clusters, where the samples have structure",
       .avoid_when = "many features, or no structure: a block of samples is near too many centroids",
       .reference = "own; bounds of Elkan 2003, Using the triangle inequality to accelerate k-means, ICML"},
      make<BlockBounds, float>,
      make<BlockBounds, double>};
  return entry;
}

}  // namespace omnimeans::algorithms
