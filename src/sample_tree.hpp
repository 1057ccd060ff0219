// SPDX-License-Identifier: MIT
// A tree of boxes over the samples, with wide leaves: a leaf is a tile of the vector kernels, so that it is
// labelled at their full rate, and a node is only as good as the work that it saves for all of them.
//
// It is grown from the leaves. Samples are put in the order of a curve (sample_order.hpp: that order is a k-d
// tree's); a node of the lowest inner level is a run of samples, its leaves are runs of those, the nodes
// above are runs of nodes. A run ends, within the last part of its room, where the two neighbours' keys
// differ in the highest bit: where the k-d tree would cut first. So boxes hardly overlap, and every sample is
// moved once, from its row to its leaf. Which node gets which sample depends on the samples alone, not on
// threads.
//
// Samples are kept as they are, feature-major; kernels take the centre of the leaf off, so that a common
// offset costs no accuracy.
//
// Memory: n*d values and 4n bytes, some 15 % more because leaves are not full; 2d values a node; 8n bytes
// while it is built (of one feature in float 16n).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "aligned_buffer.hpp"
#include "omnimeans/matrix_view.hpp"

namespace omnimeans {

template <class T>
class SampleTree {
 public:
  /// Leaves of at most `leaf_rows` samples.
  SampleTree(MatrixView<const T> samples, std::size_t leaf_rows, int threads);

  /// A node covers leaves [first_leaf, first_leaf + n_leaves) and, if it is none itself, has the children
  /// [first_child, first_child + n_children).
  struct Node {
    std::uint32_t first_leaf = 0, n_leaves = 0;
    std::uint32_t parent = 0;
    std::uint32_t first_child = 0, n_children = 0;
    T radius2 = 0;  ///< (|x - m| scale)^2 of its samples, at most
    bool is_leaf() const { return n_children == 0; }
  };

  /// Root first, level by level; leaves are the last level, in their order.
  std::span<const Node> nodes() const { return nodes_; }
  std::size_t n_samples() const { return n_; }
  std::size_t leaf_rows() const { return leaf_rows_; }
  std::size_t n_leaves() const { return counts_.size(); }
  std::size_t n_levels() const { return n_levels_; }
  T scale() const { return scale_; }

  /// Of a node: its box |x_t - centre_t| scale <= twice_half_t / 2.
  const T* centre(std::size_t node) const { return boxes_.data() + 2 * node * d_; }
  const T* twice_half(std::size_t node) const { return boxes_.data() + (2 * node + 1) * d_; }

  /// Of a leaf: how many samples it has; their values, feature-major, leaf_rows() a feature, any finite ones
  /// behind the samples; and which they are.
  std::size_t count(std::size_t leaf) const { return counts_[leaf]; }
  const T* leaf_samples(std::size_t leaf) const { return values_.data() + leaf * leaf_rows_ * d_; }
  const std::uint32_t* order(std::size_t leaf) const { return order_.data() + leaf * leaf_rows_; }

  /// Of its leaves, its other nodes and its levels, at most; its memory
  /// likewise, in bytes.
  static constexpr std::size_t most_children = 8;
  static double most_leaves(double n, double leaf_rows);
  static double most_inner_nodes(double n, double leaf_rows);
  static double most_levels(double n, double leaf_rows);
  static double bytes_needed(double n, double d, double leaf_rows, double threads);

 private:
  class Build;

  std::size_t n_, d_, leaf_rows_;
  std::size_t n_levels_ = 0;
  T scale_ = 1;
  std::vector<Node> nodes_;
  std::vector<std::uint8_t> counts_;
  std::vector<T> boxes_;
  AlignedBuffer<T> values_;
  AlignedBuffer<std::uint32_t> order_;
};

}  // namespace omnimeans
