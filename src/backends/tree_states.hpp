// SPDX-License-Identifier: MIT
// What kdtree.cpp remembers of a node, to leave it alone while nothing below it can change.
//
// A node has a slack: by how much any other of its parent's candidates is farther from any of its samples
// than the sample's own centroid, at least. While its parent's candidates are the same ones, and the two of
// them that moved most have not moved by the slack together, its labels cannot change, and it is skipped.
//
// Memory: 24 bytes a node, 256 more an inner one, 16 drifts a centroid.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "aligned_buffer.hpp"
#include "kernels/kernels.hpp"
#include "sample_tree.hpp"

namespace omnimeans::algorithms {

template <class T>
class TreeStates {
  static constexpr std::size_t remembered_steps = 16;  ///< a node not looked at for longer has no slack
  static constexpr std::size_t most_listed = 64;       ///< candidates that an inner node remembers

 public:
  struct State {
    double slack = 0;            ///< since the parent was last looked at
    std::uint64_t seen = 0;      ///< the step in which it was last looked at
    std::int32_t whole = -1;     ///< the label of all samples, or -1: ask the children
    std::uint32_t n_listed = 0;  ///< candidates given to the children then; 0: not known
  };

  TreeStates(const SampleTree<T>& tree, std::size_t n_clusters)
      : tree_(tree),
        n_clusters_(n_clusters),
        states_(tree.nodes().size()),
        lists_(AlignedBuffer<std::int32_t>::for_overwrite((tree.nodes().size() - tree.n_leaves()) *
                                                          most_listed)),
        moved_(remembered_steps * n_clusters) {}

  /// At most.
  static double bytes_needed(double n_leaves, double n_inner, double n_clusters) {
    return (n_leaves + n_inner) * sizeof(State) + n_inner * most_listed * sizeof(std::int32_t) +
           n_clusters * remembered_steps * sizeof(double);
  }

  State& operator[](std::size_t node) { return states_[node]; }

  /// The next step; an empty drift: the first of a run.
  void begin_step(std::span<const double> drift) {
    if (drift.empty()) {
      std::fill(states_.begin(), states_.end(), State{});
      now_ = 0;
    }
    ++now_;
    for (std::size_t j = 0; j < n_clusters_; ++j) moved(now_)[j] = drift.empty() ? 0 : drift[j];
  }
  std::uint64_t now() const { return now_; }

  /// #5: how far the two of the node's candidates that moved farthest have moved together since it was last
  /// looked at; infinite if it had others then.
  double enter(std::size_t index, const kernels::Candidates<T>& left) {
    State& state = states_[index];
    std::int32_t* listed = lists_.data() + index * most_listed;
    bool same = state.n_listed == left.count && state.whole < 0 && now_ - state.seen <= remembered_steps &&
                std::equal(listed, listed + left.count, left.index);
    if (state.whole >= 0) {
      // The children have not been told.
      const auto& node = tree_.nodes()[index];
      for (std::size_t c = 0; c < node.n_children; ++c) states_[node.first_child + c].whole = state.whole;
      state.whole = -1;
    }
    double two_farthest = std::numeric_limits<double>::infinity();
    if (same) {
      two_farthest = 0;
      for (std::uint64_t step = state.seen + 1; step <= now_; ++step) {
        const double* by = moved(step);
        double first = 0, second = 0;
        for (std::size_t c = 0; c < left.count; ++c) {
          const double move = by[left.index[c]];
          second = std::max(second, std::min(first, move));
          first = std::max(first, move);
        }
        two_farthest += first + second;
      }
    } else {
      state.n_listed = left.count <= most_listed ? static_cast<std::uint32_t>(left.count) : 0;
      std::copy_n(left.index, state.n_listed, listed);
    }
    state.seen = now_;
    return two_farthest;
  }

  /// Whether the labels below the node are still right. If so its slack is brought up to date.
  bool skip(std::size_t index, double two_farthest) {
    State& state = states_[index];
    const double slack = state.slack - two_farthest * (1 + 0x1p-40);
    if (!(slack > 0)) return false;
    state.slack = slack * (1 - 0x1p-40);
    return true;
  }

  /// An inner node has the least slack of its children.
  void join_children(std::size_t index) {
    const auto& node = tree_.nodes()[index];
    State& state = states_[index];
    state.slack = std::numeric_limits<double>::infinity();
    for (std::size_t c = node.first_child; c < node.first_child + node.n_children; ++c)
      state.slack = std::min(state.slack, states_[c].slack);
  }

 private:
  double* moved(std::uint64_t step) { return moved_.data() + step % remembered_steps * n_clusters_; }

  const SampleTree<T>& tree_;
  std::size_t n_clusters_;
  std::vector<State> states_;  ///< a node
  AlignedBuffer<std::int32_t>
      lists_;                  ///< an inner node, which come before the leaves: most_listed candidates
  std::vector<double> moved_;  ///< of the last steps: drift of every centroid
  std::uint64_t now_ = 0;
};

}  // namespace omnimeans::algorithms
