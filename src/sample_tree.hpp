// SPDX-License-Identifier: MIT
// A k-d tree over the samples (Bentley 1975) with wide leaves: a leaf is a tile of the vector kernels, so
// that it is labelled at their full rate, and a node is only as good as the work that it saves for all of
// them.
//
// A node's samples are ordered along its widest side and cut into as many parts as its leaves would need on
// that side if they were cubes (at least two): a tree over two features is some five nodes deep, not twelve.
// "Ordered" means into buckets, by counting: a cut within a bucket makes boxes overlap by a bucket's width,
// which costs next to nothing, and no comparison is ever mispredicted. Which node gets which sample depends
// on the samples alone, not on threads.
//
// Samples are kept relative to the centre of their leaf, (x - m) * scale rounded to T, feature-major: a
// common offset costs no accuracy, and nothing is transposed later.
//
// Memory: n*d values and 4n bytes, twice as much while it is built; 2d values a node.
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
  /// Leaves of `leaf_rows` samples; the last one may hold fewer.
  SampleTree(MatrixView<const T> samples, std::size_t leaf_rows, int threads);

  /// A node covers leaves [first_leaf, first_leaf + n_leaves) and, if it is none itself, has the children
  /// [first_child, first_child + n_children).
  struct Node {
    std::size_t first_leaf, n_leaves;
    std::size_t parent;
    std::size_t first_child = 0, n_children = 0;
    T radius2 = 0;  ///< (|x - m| scale)^2 of its samples, at most
    bool is_leaf() const { return n_children == 0; }
  };

  std::span<const Node> nodes() const { return nodes_; }  ///< root first, children after their parents
  std::size_t n_samples() const { return n_; }
  std::size_t leaf_rows() const { return leaf_rows_; }
  std::size_t n_leaves() const { return (n_ + leaf_rows_ - 1) / leaf_rows_; }
  T scale() const { return scale_; }

  /// Of a node: its box |x_t - centre_t| scale <= twice_half_t / 2.
  const T* centre(std::size_t node) const { return boxes_.data() + 2 * node * d_; }
  const T* twice_half(std::size_t node) const { return boxes_.data() + (2 * node + 1) * d_; }

  /// Of a leaf: (x - centre) scale, feature-major, leaf_rows() a feature; and which samples they are, of all
  /// leaves in a row.
  const T* leaf_samples(std::size_t leaf) const { return values_.data() + leaf * leaf_rows_ * d_; }
  const std::uint32_t* order() const { return order_.data(); }

  /// Most samples that a tree takes, and its memory at most, in bytes.
  static constexpr double most_samples = 4294967295.0;
  static double bytes_needed(double n, double d, double leaf_rows, double threads);

 private:
  class Build;

  std::size_t n_, d_, leaf_rows_;
  T scale_ = 1;
  std::vector<Node> nodes_;
  std::vector<T> boxes_;
  AlignedBuffer<T> values_;
  AlignedBuffer<std::uint32_t> order_;
};

}  // namespace omnimeans
