// SPDX-License-Identifier: MIT
// kdtree: exact k-means for few features, by filtering centroids down a k-d tree over the samples. Kanungo,
// Mount, Netanyahu, Piatko, Silverman & Wu 2002, "An efficient k-means clustering algorithm: analysis and
// implementation", IEEE TPAMI 24(7).
//
//   Filter(node, Z):  z* = the candidate of Z nearest to the centre of the node's box              #1
//                     drop every z of Z that z* is nearer than to all of the box                   #2
//                     one left: all samples of the node belong to it                               #3
//                     a leaf:   its samples against those left                                     #4
//                     else:     Filter(child, those left) for all children                         #5
//
// The paper's leaves hold one sample; here a leaf is a tile of the vector kernels (sample_tree.hpp). A node
// that belongs to one centroid as a whole, and did in the step before, is left alone with all that is below
// it.
//
// Not in the paper: a node has a slack, by which it can be skipped while its candidates hardly move
// (tree_states.hpp). Where the box excludes a candidate by E (a difference of squared distances, at least, in
// all of the box), it is farther than z* by sqrt(D^2 + E) - D, D the greatest distance from z* to a point of
// the box; so are two scores of a leaf that differ by E / 2.
//
// Labels stay in the order of the leaves until they are asked for: written where the caller has them, each
// would be at a random place, in a line that another thread writes to as well. `uniform` n = 1M d = 3 k = 256
// 58 ms instead of 77; photo pixels k = 256 0.97, and where threads are far from each other 0.84 of the time
// (Zen 4, two threads).
//
// Needs some 1.2 n*d values and 20 n bytes, 16 n bytes more while the tree is built; candidate lists of the
// path from the root, k (d + 1) values a level, a thread. elkan.cpp is for many features.
// tree_rounding.hpp has what may be proved of a box, tree_states.hpp what is remembered of a node.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "aligned_buffer.hpp"
#include "backends/backends.hpp"
#include "backends/bounds.hpp"
#include "backends/ordered_labels.hpp"
#include "backends/tree_rounding.hpp"
#include "backends/tree_states.hpp"
#include "kernels/kernels.hpp"
#include "parallel.hpp"
#include "prefetch.hpp"
#include "sample_tree.hpp"

namespace omnimeans::algorithms {
namespace {

template <class T>
class KdTree final : public Backend<T> {
 public:
  explicit KdTree(const Problem<T>& problem)
      : problem_(within_memory("kdtree", orderable("kdtree", problem), bytes_needed(problem))),
        kernels_(kernels::kernels_for<T>(problem.isa)),
        d_(problem.samples.cols()),
        tree_(problem.samples, kernels_.leaf_rows, problem.threads),
        first_leaf_node_(tree_.nodes().size() - tree_.n_leaves()),
        root_values_(d_ * padded(problem.n_clusters)),
        root_index_(padded(problem.n_clusters)),
        labels_(problem, tree_.n_leaves(), tree_.leaf_rows(), true),
        states_(tree_, problem.n_clusters),
        rounding_(d_, static_cast<double>(tree_.scale())) {
    radii_.reserve(tree_.nodes().size());
    for (const auto& node : tree_.nodes()) radii_.push_back(std::sqrt(static_cast<double>(node.radius2)));
    for (std::size_t j = 0; j < problem.n_clusters; ++j) root_index_[j] = static_cast<std::int32_t>(j);
    lay_out();
  }

  AssignmentStats assign(const Assignment<T>& step) override {
    step_ = step;
    labels_.begin_step(step);
    states_.begin_step(step.drift);
    const std::size_t k = problem_.n_clusters, stride = padded(k);
    for (std::size_t j = 0; j < k; ++j) {
      for (std::size_t t = 0; t < d_; ++t) root_values_[t * stride + j] = step.centroids(j, t);
    }
    for (Scratch& scratch : scratch_) scratch.stats = {};
    visit_upper();
    parallel_blocks(team(), tasks_.size(), [&](std::size_t i, int thread) {
      Scratch& scratch = scratch_[static_cast<std::size_t>(thread)];
      scratch.used = 0;
      visit(tasks_[i].node, tasks_[i].candidates, scratch);
    });
    for (std::size_t u = upper_.size(); u-- > 0;) {
      if (upper_candidates_[u].count > 0) states_.join_children(upper_[u]);
    }
    AssignmentStats total;
    total.inertia_bound = std::numeric_limits<double>::infinity();
    total.observed = labels_.observed();
    for (const Scratch& scratch : scratch_) {
      total.distances_computed += scratch.stats.distances_computed;
      total.reranked += scratch.stats.reranked;
    }
    return total;
  }

  bool keeps_labels() const override { return true; }
  void write_labels(std::span<std::int32_t> labels) const override {
    labels_.write_all(
        labels, [&](std::size_t leaf) { return tree_.order(leaf); },
        [&](std::size_t leaf) { return tree_.count(leaf); });
  }

  std::uint64_t bytes() const override { return static_cast<std::uint64_t>(bytes_needed(problem_)); }

 private:
  using Candidates = kernels::Candidates<T>;

  static constexpr std::size_t task_share = 32;  ///< a task is at most this part of the leaves

  /// A subtree that one thread does.
  struct Task {
    std::size_t node;
    Candidates candidates;
  };

  struct Filtered {
    Candidates left;
    T largest = 0;  ///< squared distance of those left from the centre; infinite: nothing may be proved
    double excess = std::numeric_limits<double>::infinity();  ///< E over those dropped
    double reach = 0;  ///< from the nearest to a point of the box, at most, times scale
  };

  /// A thread's: candidate lists of a path, one behind the other, and what one node needs. Counters are
  /// written for every node: not in a cache line of another thread's.
  struct alignas(128) Scratch {
    AlignedBuffer<T> values;
    AlignedBuffer<std::int32_t> index;
    AlignedBuffer<T> leaf_values, half_norms;  ///< candidates of most_children leaves
    AlignedBuffer<std::int32_t> leaf_index;
    std::size_t open[SampleTree<T>::most_children];  ///< of a node's leaves, those not skipped
    Filtered filtered[SampleTree<T>::most_children];
    AlignedBuffer<T> squared, nearest;
    AlignedBuffer<std::int32_t> labels;
    std::vector<double> distances;
    AlignedBuffer<T> relative;  ///< a leaf's samples
    int thread = 0;
    std::size_t used = 0;  ///< of the lists
    AssignmentStats stats;
  };

  static double bytes_needed(const Problem<T>& problem) {
    const auto& kernels = kernels::kernels_for<T>(problem.isa);
    const double n = static_cast<double>(problem.samples.rows());
    const double d = static_cast<double>(problem.samples.cols());
    const double k = static_cast<double>(problem.n_clusters + kernels.lanes), threads = problem.threads;
    const double rows = static_cast<double>(kernels.leaf_rows);
    const double leaves = SampleTree<T>::most_leaves(n, rows),
                 inner = SampleTree<T>::most_inner_nodes(n, rows);
    const double levels = SampleTree<T>::most_levels(n, rows), share = static_cast<double>(task_share);
    // The upper nodes of a level are disjoint.
    const double upper = std::min(inner + 1, share * levels);
    const double tasks = std::min(leaves, upper * static_cast<double>(SampleTree<T>::most_children));
    const double list = k * (d * sizeof(T) + sizeof(std::int32_t));
    const double scratch = sizeof(Scratch) + k * (sizeof(T) + sizeof(double)) +
                           static_cast<double>(SampleTree<T>::most_children) * (list + k * sizeof(T)) +
                           (d + d * rows) * sizeof(T) + rows * sizeof(std::int32_t);
    return std::ceil(SampleTree<T>::bytes_needed(n, d, rows, threads) + leaves * rows * sizeof(std::int32_t) +
                     (leaves + inner) * sizeof(double) + TreeStates<T>::bytes_needed(leaves, inner, k) +
                     tasks * sizeof(Task) + upper * (sizeof(std::size_t) + sizeof(Candidates)) +
                     (threads * levels + upper + 1) * list + threads * scratch);
  }

  std::size_t padded(std::size_t count) const {
    return (count + kernels_.lanes - 1) & ~(kernels_.lanes - 1);  // lanes are a power of two
  }

  int team() const { return static_cast<int>(scratch_.size()); }
  bool is_upper(std::size_t node) const {
    const auto& it = tree_.nodes()[node];
    return !it.is_leaf() && (node == 0 || it.n_leaves > tree_.n_leaves() / task_share);
  }

  /// Which nodes are looked at before threads are started, and room for everything.
  void lay_out() {
    const auto nodes = tree_.nodes();
    std::size_t n_tasks = 1;
    const std::size_t levels = tree_.n_levels();
    for (std::size_t node = 0; node < nodes.size(); ++node) {
      if (!is_upper(node)) continue;
      upper_.push_back(node);
      n_tasks += nodes[node].n_children;
    }
    tasks_.reserve(n_tasks);
    const std::size_t k = padded(problem_.n_clusters);
    upper_candidates_.resize(upper_.size());
    upper_values_ = AlignedBuffer<T>(upper_.size() * k * d_);
    upper_index_ = AlignedBuffer<std::int32_t>(upper_.size() * k);
    scratch_.resize(tree_.n_samples() < 4096 ? 1 : static_cast<std::size_t>(std::max(1, problem_.threads)));
    for (Scratch& scratch : scratch_) {
      scratch.values = AlignedBuffer<T>(levels * k * d_);
      scratch.index = AlignedBuffer<std::int32_t>(levels * k);
      scratch.squared = AlignedBuffer<T>(k);
      scratch.leaf_values = AlignedBuffer<T>(SampleTree<T>::most_children * k * d_);
      scratch.leaf_index = AlignedBuffer<std::int32_t>(SampleTree<T>::most_children * k);
      scratch.half_norms = AlignedBuffer<T>(SampleTree<T>::most_children * k);
      scratch.nearest = AlignedBuffer<T>(d_);
      scratch.labels = AlignedBuffer<std::int32_t>(tree_.leaf_rows());
      scratch.distances.resize(problem_.n_clusters);
      scratch.relative = AlignedBuffer<T>(tree_.leaf_rows() * d_);
      scratch.thread = static_cast<int>(&scratch - scratch_.data());
    }
  }

  /// The nodes above the tasks; leaves in tasks_ what is left to do.
  void visit_upper() {
    const auto nodes = tree_.nodes();
    const std::size_t k = padded(problem_.n_clusters);
    const Candidates all{root_values_.data(), root_index_.data(), problem_.n_clusters, k};
    tasks_.clear();
    if (upper_.empty()) tasks_.push_back({0, all});
    for (std::size_t u = 0; u < upper_.size(); ++u) {
      const std::size_t node = upper_[u];
      // Inner nodes and upper ones are both numbered in the order of the nodes, and upper ones have upper
      // parents.
      const Candidates in = node == 0 ? all : upper_candidates_[upper_place(nodes[node].parent)];
      upper_candidates_[u] = {};
      if (in.count == 0) continue;
      const Filtered filtered =
          filter(node, in, false, {upper_values_.data() + u * k * d_, upper_index_.data() + u * k, nullptr},
                 scratch_[0]);
      if (filtered.left.count == 1) {
        give_whole(node, filtered, scratch_[0]);
        continue;
      }
      upper_candidates_[u] = filtered.left;
      const double two_farthest = states_.enter(node, filtered.left);
      for (std::size_t c = nodes[node].first_child; c < nodes[node].first_child + nodes[node].n_children;
           ++c) {
        if (!is_upper(c) && !states_.skip(c, two_farthest)) tasks_.push_back({c, filtered.left});
      }
    }
  }
  std::size_t upper_place(std::size_t node) const {
    return static_cast<std::size_t>(std::lower_bound(upper_.begin(), upper_.end(), node) - upper_.begin());
  }

  struct Room {
    T* values;
    std::int32_t* index;
    T* half_norms;
  };

  /// #1, #2
  Filtered filter(std::size_t node, const Candidates& in, bool relative, Room room, Scratch& scratch) const {
    if (in.count == 1) return {.left = in};
    const double radius2 = static_cast<double>(tree_.nodes()[node].radius2);
    const kernels::BoxFilter<T> task{.in = in,
                                     .n_features = d_,
                                     .centre = tree_.centre(node),
                                     .twice_half = tree_.twice_half(node),
                                     .scale = tree_.scale(),
                                     .margin_factor = rounding_.kappa(),
                                     .margin_floor = rounding_.margin(radius2),
                                     .limit = rounding_.limit(),
                                     .relative = relative,
                                     .out = room.values,
                                     .out_stride = padded(in.count),
                                     .out_index = room.index,
                                     .half_norms = room.half_norms,
                                     .squared = scratch.squared.data(),
                                     .nearest = scratch.nearest.data()};
    scratch.stats.distances_computed += in.count;
    const kernels::BoxFiltered<T> out = kernels_.box_filter(task);
    return {.left = {task.out, task.out_index, out.count, task.out_stride},
            .largest = out.beyond_limit ? std::numeric_limits<T>::infinity() : out.largest,
            .excess = static_cast<double>(out.least_excess),
            .reach = std::sqrt(static_cast<double>(out.least_squared)) + radii_[node]};
  }

  void visit(std::size_t index, const Candidates& candidates, Scratch& scratch) {
    const auto& node = tree_.nodes()[index];
    if (node.is_leaf()) return finish_leaf(index, filter_leaf(index, candidates, 0, scratch), 0, scratch);
    const std::size_t used = scratch.used;
    scratch.used += padded(candidates.count);
    const Filtered filtered =
        filter(index, candidates, false,
               {scratch.values.data() + used * d_, scratch.index.data() + used, nullptr}, scratch);
    if (filtered.left.count == 1) {
      give_whole(index, filtered, scratch);
    } else {
      const double two_farthest = states_.enter(index, filtered.left);
      if (node.first_child >= first_leaf_node_) {
        visit_leaves(node, filtered.left, two_farthest, scratch);
      } else {
        for (std::size_t c = node.first_child; c < node.first_child + node.n_children; ++c) {
          if (!states_.skip(c, two_farthest)) visit(c, filtered.left, scratch);
        }
      }
      states_.join_children(index);
      states_[index].slack =
          std::min(states_[index].slack, rounding_.slack_of(filtered.excess, filtered.reach));
    }
    scratch.used = used;
  }

  /// First all filters, then all labels: what a filter leaves decides branches that are hard to predict, but
  /// filters need not wait for them.
  void visit_leaves(const typename SampleTree<T>::Node& node, const Candidates& candidates,
                    double two_farthest, Scratch& scratch) {
    std::size_t* open = scratch.open;
    std::size_t n_open = 0;
    for (std::size_t c = node.first_child; c < node.first_child + node.n_children; ++c) {
      open[n_open] = c;
      n_open += !states_.skip(c, two_farthest);
    }
    for (std::size_t o = 0; o < n_open; ++o) {
      ask_for(open[o] - first_leaf_node_);
      scratch.filtered[o] = filter_leaf(open[o], candidates, o, scratch);
    }
    for (std::size_t o = 0; o < n_open; ++o) finish_leaf(open[o], scratch.filtered[o], o, scratch);
  }
  /// Samples and labels of a leaf, from the second or third cache while its box is filtered.
  [[gnu::always_inline]] void ask_for(std::size_t leaf) const {
    const std::size_t rows = tree_.leaf_rows();
    prefetch(tree_.leaf_samples(leaf), rows * std::min<std::size_t>(d_, 4));
    prefetch(labels_.of(leaf), rows);
  }
  Filtered filter_leaf(std::size_t index, const Candidates& candidates, std::size_t slot, Scratch& scratch) {
    const std::size_t at = slot * padded(problem_.n_clusters);
    return filter(index, candidates, true,
                  {scratch.leaf_values.data() + at * d_, scratch.leaf_index.data() + at,
                   scratch.half_norms.data() + at},
                  scratch);
  }
  void finish_leaf(std::size_t index, const Filtered& filtered, std::size_t slot, Scratch& scratch) {
    if (filtered.left.count == 1) {
      give_whole(index, filtered, scratch);
    } else {
      label_leaf(index, filtered, scratch.half_norms.data() + slot * padded(problem_.n_clusters), scratch);
    }
  }

  /// #3; nothing is to be done if it was so before.
  void give_whole(std::size_t index, const Filtered& filtered, Scratch& scratch) {
    const auto& node = tree_.nodes()[index];
    auto& state = states_[index];
    const std::int32_t j = filtered.left.index[0];
    if (state.whole != j) {
      std::fill_n(scratch.labels.data(), tree_.leaf_rows(), j);
      for (std::size_t leaf = node.first_leaf; leaf < node.first_leaf + node.n_leaves; ++leaf) {
        const std::int32_t* before = labels_.of(leaf);
        std::uint64_t changed = 0;
        for (std::size_t r = 0; r < tree_.count(leaf); ++r) changed |= std::uint64_t{before[r] != j} << r;
        set_labels(leaf, changed, scratch);
      }
    }
    state = {.slack = rounding_.slack_of(filtered.excess, filtered.reach),
             .seen = states_.now(),
             .whole = j,
             .n_listed = 0};
  }

  /// Gives samples of a leaf the labels in the scratch.
  void set_labels(std::size_t leaf, std::uint64_t changed, const Scratch& scratch) {
    labels_.set(leaf, changed, scratch.labels.data(), tree_.order(leaf), tree_.leaf_samples(leaf),
                scratch.thread);
  }

  /// #4
  void label_leaf(std::size_t index, const Filtered& filtered, const T* half_norms, Scratch& scratch) {
    const auto& node = tree_.nodes()[index];
    const std::size_t leaf = node.first_leaf;
    const double squares = static_cast<double>(filtered.largest) + static_cast<double>(node.radius2);
    const bool in_range = squares < static_cast<double>(rounding_.limit());
    const kernels::LeafTask<T> task{
        .samples = tree_.leaf_samples(leaf),
        .centre = tree_.centre(index),
        .scale = tree_.scale(),
        .relative = scratch.relative.data(),
        .count = tree_.count(leaf),
        .n_features = d_,
        .centroids = filtered.left.values,
        .n_centroids = filtered.left.count,
        .stride = filtered.left.stride,
        .half_norms = half_norms,
        .index = filtered.left.index,
        .margin = in_range ? rounding_.margin(squares) : std::numeric_limits<T>::infinity(),
        .before = labels_.of(leaf),
        .labels = scratch.labels.data()};
    const kernels::LeafLabels<T> out = kernels_.leaf(task);
    scratch.stats.distances_computed += task.count * task.n_centroids;
    const std::uint64_t changed =
        rank_open(out.open, out.changed, task.before, task.labels,
                  [&](std::size_t r) { return rank(tree_.order(leaf)[r], filtered.left, scratch); });
    set_labels(leaf, changed, scratch);

    auto& state = states_[index];
    state.whole = -1;
    state.seen = states_.now();
    state.slack = 0;
    const double gap = 2 * (static_cast<double>(out.least_gap) - static_cast<double>(task.margin));
    if (in_range && out.open == 0)
      state.slack = rounding_.slack_of(std::min(filtered.excess, gap), filtered.reach);
  }

  /// The canonical rule among those that the filter left.
  std::int32_t rank(std::size_t sample, const Candidates& left, Scratch& scratch) const {
    const auto& c = step_.centroids;
    kernels_.canonical_distances(problem_.samples.row_data(sample), c.data(), c.row_stride(), left.index,
                                 left.count, d_, scratch.distances.data());
    const double* distances = scratch.distances.data();
    ++scratch.stats.reranked;
    scratch.stats.distances_computed += left.count;
    return left.index[std::min_element(distances, distances + left.count) - distances];
  }

  Problem<T> problem_;
  const kernels::Kernels<T>& kernels_;
  std::size_t d_;
  SampleTree<T> tree_;
  std::size_t first_leaf_node_;
  AlignedBuffer<T> root_values_;
  AlignedBuffer<std::int32_t> root_index_;
  OrderedLabels<T> labels_;    ///< in the tree's order
  std::vector<double> radii_;  ///< a node: r, times scale
  TreeStates<T> states_;
  TreeRounding<T> rounding_;
  std::vector<std::size_t> upper_;  ///< nodes above the tasks, in order
  std::vector<Candidates> upper_candidates_;
  AlignedBuffer<T> upper_values_;
  AlignedBuffer<std::int32_t> upper_index_;
  std::vector<Task> tasks_;
  std::vector<Scratch> scratch_;  ///< a thread
  Assignment<T> step_;
};

}  // namespace

const BackendEntry& kdtree() {
  static const BackendEntry entry{
      {.name = "kdtree",
       .tiled = false,
       .exact = true,
       .memory = "1.4*n*d + 250*k*d values, 40*n bytes",
       .use_when = "one or two features, 8 clusters and 5,000 samples or more (in float with VNNI more); to "
                   "10 features "
                   "where few clusters are around a sample, or most values are zero; some 20 iterations",
       .avoid_when = "many features: boxes exclude nothing and the dense kernel is faster",
       .reference = "Kanungo, Mount, Netanyahu, Piatko, Silverman & Wu 2002, An efficient k-means clustering "
                    "algorithm, IEEE TPAMI"},
      make<KdTree, float>,
      make<KdTree, double>};
  return entry;
}

}  // namespace omnimeans::algorithms
