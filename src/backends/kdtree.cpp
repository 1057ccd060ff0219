// SPDX-License-Identifier: MIT
// kdtree: exact k-means for few features, by filtering centroids down a k-d tree over the samples. Kanungo,
// Mount, Netanyahu, Piatko, Silverman & Wu 2002, "An efficient k-means clustering algorithm: analysis and
// implementation", IEEE TPAMI 24(7).
//
//   Filter(node, Z):  z* = the candidate of Z nearest to the centre of the node's box
//                     drop every z of Z that z* is nearer than to all of the box
//                     one left: all samples of the node belong to it
//                     a leaf:   its samples against those left
//                     else:     Filter(child, Z) for all children
//
// The paper's leaves hold one sample; here a leaf is a tile of the dense kernel (sample_tree.hpp). A node
// that belongs to one centroid as a whole, and did so in the step before, is left alone with all that is
// below it.
//
// Needs 2 n values (d = 2) to 2 d n while the tree is built: n*d values, 8 n bytes, and half as much again
// for nodes if d is small; candidate lists of the path from the root a thread.
//
// Rounding. With a = (c - m) s relative to a box of centre m (a value of T) and half-widths h, all in T,
// u its unit roundoff, eta its least subnormal, P = |a|^2, r^2 = |h|^2:
//   a, and the samples y = (x - m) s of a leaf, are off by a relative u a feature, |a - b| h by u (|a| + |b|)
//   h; the filter's three sums by gamma_{d+4} of themselves; where the difference is positive none is above
//   P, so
//     it is off by 4 gamma_{d+6} P + 2 u (P + r^2);
//   a score |a|^2/2 - y.a by gamma_{2d+30} (C^2/2 + C r), C^2 the largest P of the leaf, half norms summed in
//   T; the canonical distance by theta = gamma_{d/8+8} of double, D s^2 <= 2 (P + r^2); products, a and y
//   that underflow by at most 16 d eta (1 + C + r), and the canonical ones by 2 d 2^-1074 s^2.
// All of it is less than  kappa (P + r^2) + floor,  kappa = 8 gamma_{2d+32} + 32 d eta, floor = 64 d eta (1 +
// s^2): the margin of the filter and (P = C^2) of the leaves. Beyond a limit where a sum might overflow
// nothing is dropped or proved.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "aligned_buffer.hpp"
#include "backends/backends.hpp"
#include "kernels/kernels.hpp"
#include "parallel.hpp"
#include "rounding.hpp"
#include "sample_tree.hpp"

namespace omnimeans::algorithms {
namespace {

template <class T>
class KdTree final : public Backend<T> {
 public:
  explicit KdTree(const Problem<T>& problem)
      : problem_(within_memory("kdtree", checked(problem), bytes_needed(problem))),
        kernels_(kernels::kernels_for<T>(problem.isa)),
        d_(problem.samples.cols()),
        lanes_(kernels_.lanes),
        tree_(problem.samples, problem.sample_weights, kernels_.leaf_rows, problem.threads),
        root_values_(d_ * padded(problem.n_clusters)),
        root_index_(padded(problem.n_clusters)),
        labels_(tree_.n_leaves() * tree_.leaf_rows()),
        whole_(tree_.nodes().size()) {
    const double d = static_cast<double>(d_), s = static_cast<double>(tree_.scale());
    const double eta = static_cast<double>(std::numeric_limits<T>::denorm_min());
    kappa_ = 8 * gamma_of(2 * d + 32, unit_roundoff<T>()) + 32 * d * eta;
    floor_ = 64 * d * eta * (1 + s * s);
    limit_ = std::numeric_limits<T>::max() / 64;
    for (std::size_t j = 0; j < problem.n_clusters; ++j) root_index_[j] = static_cast<std::int32_t>(j);
    choose_tasks();
    scratch_.resize(static_cast<std::size_t>(useful_threads(team(), tasks_.size())));
    for (Scratch& scratch : scratch_) prepare(scratch);
  }

  AssignmentStats assign(const Assignment<T>& step) override {
    step_ = step;
    if (step.drift.empty()) {
      std::fill(whole_.begin(), whole_.end(), -1);
      std::fill_n(labels_.data(), labels_.size(), -1);
    }
    const std::size_t k = problem_.n_clusters, stride = padded(k);
    for (std::size_t j = 0; j < k; ++j) {
      for (std::size_t t = 0; t < d_; ++t) root_values_[t * stride + j] = step.centroids(j, t);
    }
    parallel_blocks(static_cast<int>(scratch_.size()), tasks_.size(), [&](std::size_t task, int thread) {
      run(tasks_[task], scratch_[static_cast<std::size_t>(thread)]);
    });
    AssignmentStats total;
    for (const Task& task : tasks_) {
      total.distances_computed += task.stats.distances_computed;
      total.reranked += task.stats.reranked;
      total.inertia_bound += task.stats.inertia_bound;
    }
    return total;
  }

  std::uint64_t bytes() const override { return static_cast<std::uint64_t>(bytes_needed(problem_)); }

 private:
  using Candidates = kernels::Candidates<T>;

  /// A subtree that one thread does, and the nodes above it.
  struct Task {
    std::size_t node;
    std::vector<std::size_t> above;  ///< root first
    AssignmentStats stats;
  };

  /// A thread's: candidate lists of a path, one behind the other.
  struct Scratch {
    AlignedBuffer<T> values;
    AlignedBuffer<std::int32_t> index;
    AlignedBuffer<T> squared, half_norms, nearest, best;
    AlignedBuffer<std::int32_t> labels;
    std::vector<double> distances;
    std::size_t used = 0;  ///< candidates on the path, padded
    AssignmentStats stats;
  };

  static std::size_t padded_to(std::size_t count, std::size_t lanes) {
    return (count + lanes - 1) / lanes * lanes;
  }
  std::size_t padded(std::size_t count) const { return padded_to(count, lanes_); }

  static const Problem<T>& checked(const Problem<T>& problem) {
    if (static_cast<double>(problem.samples.rows()) > SampleTree<T>::most_samples) {
      throw MemoryLimitExceeded("kdtree takes at most 4294967295 samples; n_samples = " +
                                std::to_string(problem.samples.rows()));
    }
    return problem;
  }

  /// A node has at least half as many leaves as its parent has, rounded up.
  static double most_levels(double leaves) { return std::ceil(std::log2(leaves)) + 2; }

  static double bytes_needed(const Problem<T>& problem) {
    const auto& kernels = kernels::kernels_for<T>(problem.isa);
    const double n = static_cast<double>(problem.samples.rows()),
                 d = static_cast<double>(problem.samples.cols());
    const double k = static_cast<double>(problem.n_clusters + kernels.lanes), threads = problem.threads;
    const double rows = static_cast<double>(kernels.leaf_rows), leaves = n / rows + 1;
    const double path = most_levels(leaves) * k * (d * sizeof(T) + sizeof(std::int32_t));
    const double scratch = path + k * (2 * sizeof(T) + sizeof(double)) + (d + 2 * rows) * sizeof(T);
    return SampleTree<T>::bytes_needed(n, d, rows, threads) + leaves * rows * sizeof(std::int32_t) +
           leaves * 2 * sizeof(std::int32_t) + k * (d * sizeof(T) + sizeof(std::int32_t)) +
           threads * scratch + most_tasks * (sizeof(Task) + most_levels(leaves) * sizeof(std::size_t));
  }

  // Enough to keep threads busy to the end, few enough that doing their ancestors once a task is nothing.
  static constexpr std::size_t task_share = 32;
  static constexpr double most_tasks = 16 * 2 * task_share;

  int team() const { return problem_.samples.rows() < 4096 ? 1 : problem_.threads; }

  void choose_tasks() {
    const auto nodes = tree_.nodes();
    for (std::size_t node = 0; node < nodes.size(); ++node) {
      const auto small = [&](std::size_t i) {
        return nodes[i].is_leaf() || nodes[i].n_leaves <= tree_.n_leaves() / task_share;
      };
      if (!small(node) || (node != 0 && small(nodes[node].parent))) continue;
      Task task{.node = node, .above = {}, .stats = {}};
      for (std::size_t i = node; i != 0; i = nodes[i].parent) task.above.push_back(nodes[i].parent);
      std::reverse(task.above.begin(), task.above.end());
      tasks_.push_back(std::move(task));
    }
  }

  void prepare(Scratch& scratch) const {
    const std::size_t k = padded(problem_.n_clusters);
    std::size_t levels = 0;
    for (std::size_t node = tree_.nodes().size() - 1; node != 0; node = tree_.nodes()[node].parent) ++levels;
    scratch.values = AlignedBuffer<T>((levels + 1) * k * d_);
    scratch.index = AlignedBuffer<std::int32_t>((levels + 1) * k);
    scratch.squared = AlignedBuffer<T>(k);
    scratch.half_norms = AlignedBuffer<T>(k);
    scratch.nearest = AlignedBuffer<T>(d_);
    scratch.best = AlignedBuffer<T>(tree_.leaf_rows());
    scratch.labels = AlignedBuffer<std::int32_t>(tree_.leaf_rows());
    scratch.distances.resize(problem_.n_clusters);
  }

  void run(Task& task, Scratch& scratch) {
    scratch.stats = {};
    scratch.used = 0;
    Candidates candidates{root_values_.data(), root_index_.data(), problem_.n_clusters,
                          padded(problem_.n_clusters)};
    for (const std::size_t node : task.above) candidates = filter(node, candidates, false, scratch).left;
    visit(task.node, candidates, scratch);
    task.stats = scratch.stats;
  }

  struct Filtered {
    Candidates left;
    T largest;  ///< squared distance from the centre; infinite if nothing may be proved
  };

  Filtered filter(std::size_t node, const Candidates& in, bool relative, Scratch& scratch) const {
    kernels::BoxFilter<T> task;
    task.in = in;
    task.n_features = d_;
    task.centre = tree_.centre(node);
    task.twice_half = tree_.twice_half(node);
    task.scale = tree_.scale();
    task.margin_factor = round_up<T>(kappa_);
    task.margin_floor = round_up<T>(kappa_ * static_cast<double>(tree_.nodes()[node].radius2) + floor_);
    task.limit = limit_;
    task.relative = relative;
    task.out_stride = padded(in.count);
    task.out = scratch.values.data() + scratch.used * d_;
    task.out_index = scratch.index.data() + scratch.used;
    task.half_norms = scratch.half_norms.data();
    task.squared = scratch.squared.data();
    task.nearest = scratch.nearest.data();
    scratch.used += task.out_stride;
    scratch.stats.distances_computed += in.count;
    const kernels::BoxFiltered<T> out = kernels_.box_filter(task);
    return {{task.out, task.out_index, out.count, task.out_stride},
            out.beyond_limit ? std::numeric_limits<T>::infinity() : out.largest};
  }

  void visit(std::size_t index, Candidates candidates, Scratch& scratch) {
    const auto& node = tree_.nodes()[index];
    const std::size_t used = scratch.used;
    T largest = 0;
    if (candidates.count > 1) {
      const Filtered filtered = filter(index, candidates, node.is_leaf(), scratch);
      candidates = filtered.left;
      largest = filtered.largest;
    }
    if (candidates.count == 1) {
      give_whole(index, candidates.index[0], scratch);
    } else if (node.is_leaf()) {
      whole_[index] = -1;
      label_leaf(index, candidates, largest, scratch);
    } else {
      // What is known of the node as a whole goes to its children, who have not been told.
      if (whole_[index] >= 0) {
        std::fill_n(whole_.begin() + static_cast<std::ptrdiff_t>(node.first_child), node.n_children,
                    whole_[index]);
        whole_[index] = -1;
      }
      for (std::size_t c = 0; c < node.n_children; ++c) visit(node.first_child + c, candidates, scratch);
    }
    scratch.used = used;
  }

  /// All samples of the node belong to j; nothing is to be done if they did before.
  void give_whole(std::size_t index, std::int32_t j, Scratch& scratch) {
    const auto& node = tree_.nodes()[index];
    if (whole_[index] != j) {
      whole_[index] = j;
      const std::size_t begin = node.first_leaf * tree_.leaf_rows();
      const std::size_t end = std::min(tree_.n_samples(), begin + node.n_leaves * tree_.leaf_rows());
      for (std::size_t p = begin; p < end; ++p) {
        if (labels_[p] != j) set_label(p, j);
      }
    }
    scratch.stats.inertia_bound += whole_inertia(index, j);
  }

  void set_label(std::size_t position, std::int32_t j) {
    labels_[position] = j;
    step_.labels[tree_.order()[position]] = j;
  }

  double whole_inertia(std::size_t index, std::int32_t j) const {
    const auto sums = tree_.sums(index);
    const T* centre = tree_.centre(index);
    const T* c = step_.centroids.row_data(static_cast<std::size_t>(j));
    const double scale = static_cast<double>(tree_.scale());
    double squared = 0, product = 0;
    for (std::size_t t = 0; t < d_; ++t) {
      const double a = (static_cast<double>(c[t]) - static_cast<double>(centre[t])) * scale;
      squared += a * a;
      product += a * sums.first[t];
    }
    const double most = sums.squares + sums.weight * squared;
    return outward(most - 2 * product, most, sums.weight);
  }

  /// An upper bound in the samples' units; `most` bounds the terms of the sum, which is off by some 16
  /// roundings in T, and each sample by what its being rounded to T takes off it.
  double outward(double value, double most, double weight) const {
    const double scale = static_cast<double>(tree_.scale());
    return (std::max(value, 0.0) + 128 * unit_roundoff<T>() * most + weight * floor_) / (scale * scale);
  }

  void label_leaf(std::size_t index, const Candidates& candidates, T largest, Scratch& scratch) {
    const auto& node = tree_.nodes()[index];
    const std::size_t rows = tree_.leaf_rows(), begin = node.first_leaf * rows;
    kernels::LeafTask<T> task;
    task.samples = tree_.leaf_samples(node.first_leaf);
    task.count = std::min(rows, tree_.n_samples() - begin);
    task.n_features = d_;
    task.centroids = candidates.values;
    task.n_centroids = candidates.count;
    task.stride = candidates.stride;
    task.half_norms = scratch.half_norms.data();
    task.index = candidates.index;
    const double reach = static_cast<double>(largest) + static_cast<double>(node.radius2);
    const bool in_range = reach < static_cast<double>(limit_);
    task.margin = in_range ? round_up<T>(kappa_ * reach + floor_) : std::numeric_limits<T>::infinity();
    task.before = labels_.data() + begin;
    task.labels = scratch.labels.data();
    task.best = scratch.best.data();
    const kernels::LeafLabels<T> out = kernels_.leaf(task);
    scratch.stats.distances_computed += task.count * candidates.count;
    for (std::uint64_t bits = out.changed & ~out.open; bits != 0; bits &= bits - 1) {
      const auto r = static_cast<std::size_t>(std::countr_zero(bits));
      set_label(begin + r, scratch.labels[r]);
    }
    for (std::uint64_t bits = out.open; bits != 0; bits &= bits - 1)
      rank(begin + static_cast<std::size_t>(std::countr_zero(bits)), candidates, scratch);
    // |x - c|^2 s^2 = |y|^2 + 2 score; a score is at most C^2/2 + C r above zero or below, its error the
    // margin.
    const auto sums = tree_.sums(index);
    double best = 0;
    if (problem_.sample_weights.empty()) {
      best = static_cast<double>(out.sum_best);
    } else {
      for (std::size_t r = 0; r < task.count; ++r) {
        const std::size_t i = tree_.order()[begin + r];
        best += static_cast<double>(problem_.sample_weights[i]) * static_cast<double>(scratch.best[r]);
      }
    }
    scratch.stats.inertia_bound +=
        in_range ? outward(sums.squares + 2 * best + 2 * sums.weight * static_cast<double>(task.margin),
                           sums.squares + sums.weight * reach, sums.weight)
                 : whole_inertia(index, candidates.index[0]);
  }

  /// The canonical rule among those that the filter could not exclude.
  void rank(std::size_t position, const Candidates& candidates, Scratch& scratch) {
    const T* x = problem_.samples.row_data(tree_.order()[position]);
    const auto& c = step_.centroids;
    kernels_.canonical_distances(x, c.data(), c.row_stride(), candidates.index, candidates.count, d_,
                                 scratch.distances.data());
    const auto end = scratch.distances.begin() + static_cast<std::ptrdiff_t>(candidates.count);
    const auto winner = std::min_element(scratch.distances.begin(), end) - scratch.distances.begin();
    if (labels_[position] != candidates.index[winner]) set_label(position, candidates.index[winner]);
    ++scratch.stats.reranked;
    scratch.stats.distances_computed += candidates.count;
  }

  Problem<T> problem_;
  const kernels::Kernels<T>& kernels_;
  std::size_t d_, lanes_;
  SampleTree<T> tree_;
  double kappa_ = 0, floor_ = 0;
  T limit_ = 0;
  AlignedBuffer<T> root_values_;
  AlignedBuffer<std::int32_t> root_index_;
  AlignedBuffer<std::int32_t> labels_;  ///< in the tree's order
  std::vector<std::int32_t> whole_;     ///< a node: the label of all its samples, or -1 (ask its children)
  std::vector<Task> tasks_;
  std::vector<Scratch> scratch_;
  Assignment<T> step_;
};

}  // namespace

const BackendEntry& kdtree() {
  static const BackendEntry entry{
      {.name = "kdtree",
       .exact = true,
       .memory = "2*n*d values, 18*n bytes, candidates",
       .use_when = "8 features or fewer, 16 clusters or more, many samples a cluster",
       .avoid_when = "many features: boxes exclude nothing and the dense kernel is faster",
       .reference = "Kanungo, Mount, Netanyahu, Piatko, Silverman & Wu 2002, An efficient k-means clustering "
                    "algorithm, IEEE TPAMI"},
      make<KdTree, float>,
      make<KdTree, double>};
  return entry;
}

}  // namespace omnimeans::algorithms
