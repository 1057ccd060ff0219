// SPDX-License-Identifier: MIT
// The tree over the samples: every sample is in one leaf and in the box of every node above it, and
// threads do not show.
#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/compare.hpp"
#include "core/oracle.hpp"
#include "core/problems.hpp"
#include "sample_tree.hpp"

namespace {

using omnimeans::MatrixView;
using omnimeans::SampleTree;

/// A problem of the contract's kinds, of that shape.
template <class T>
TestProblem<T> shaped(Kind kind, std::size_t n, std::size_t d, std::uint64_t seed) {
  Random random(seed);
  TestProblem<T> problem;
  problem.kind = kind;
  problem.n = n;
  problem.d = d;
  problem.row_stride = d + seed % 3;
  problems::fill(problem, random);
  problems::weigh(problem, random);
  return problem;
}

struct Size {
  std::size_t n, d;
};
// Among them: one leaf or two, one sample more, several levels, and more than one thread sorts alone.
const std::vector<Size> sizes = {{1, 1},   {31, 2},   {32, 2},   {33, 2},   {100, 70}, {1000, 1},
                                 {777, 3}, {5000, 2}, {3000, 5}, {2000, 8}, {40000, 2}};

template <class T>
void check_nodes(const SampleTree<T>& tree) {
  const auto nodes = tree.nodes();
  std::vector<int> seen(nodes.size(), 0);
  const double n = static_cast<double>(tree.n_samples()), rows = static_cast<double>(tree.leaf_rows());
  ASSERT_EQ(nodes[0].n_leaves, tree.n_leaves());
  ASSERT_LE(static_cast<double>(tree.n_leaves()), SampleTree<T>::most_leaves(n, rows));
  ASSERT_LE(static_cast<double>(nodes.size() - tree.n_leaves()), SampleTree<T>::most_inner_nodes(n, rows));
  ASSERT_LE(static_cast<double>(tree.n_levels()), SampleTree<T>::most_levels(n, rows));
  std::vector<std::size_t> level(nodes.size(), 1);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (i != 0) level[i] = level[nodes[i].parent] + 1;
    ASSERT_EQ(nodes[i].is_leaf(), i >= nodes.size() - tree.n_leaves()) << "leaves are last";
    if (nodes[i].is_leaf()) {
      ASSERT_EQ(nodes[i].n_leaves, 1u);
      ASSERT_EQ(nodes[i].first_leaf, i - (nodes.size() - tree.n_leaves()));
      ASSERT_EQ(level[i], tree.n_levels()) << "all leaves are of one level";
      continue;
    }
    ASSERT_GE(nodes[i].n_children, 2u);
    ASSERT_LE(nodes[i].n_children, SampleTree<T>::most_children);
    std::size_t next = nodes[i].first_leaf;
    for (std::size_t c = nodes[i].first_child; c < nodes[i].first_child + nodes[i].n_children; ++c) {
      ASSERT_GT(c, i);
      ASSERT_EQ(nodes[c].parent, i);
      ASSERT_EQ(nodes[c].first_leaf, next) << "children are side by side";
      next += nodes[c].n_leaves;
      ++seen[c];
    }
    ASSERT_EQ(next, nodes[i].first_leaf + nodes[i].n_leaves);
  }
  for (std::size_t i = 1; i < nodes.size(); ++i) ASSERT_EQ(seen[i], 1) << "one parent";
}

template <class T>
void check_samples(const SampleTree<T>& tree, const TestProblem<T>& problem) {
  const std::size_t n = problem.n, d = problem.d, rows = tree.leaf_rows();
  std::vector<std::uint32_t> order;
  for (std::size_t leaf = 0; leaf < tree.n_leaves(); ++leaf) {
    ASSERT_GE(tree.count(leaf), 1u);
    ASSERT_LE(tree.count(leaf), rows);
    order.insert(order.end(), tree.order(leaf), tree.order(leaf) + tree.count(leaf));
    for (std::size_t v = 0; v < d * rows; ++v) ASSERT_TRUE(std::isfinite(tree.leaf_samples(leaf)[v]));
  }
  ASSERT_EQ(order.size(), n);
  std::sort(order.begin(), order.end());
  for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(order[i], i) << "every sample once";
  const double scale = static_cast<double>(tree.scale());
  for (std::size_t node = 0; node < tree.nodes().size(); ++node) {
    const auto& it = tree.nodes()[node];
    const std::size_t begin = it.first_leaf * rows, end = (it.first_leaf + it.n_leaves) * rows;
    for (std::size_t p = begin; p < end; ++p) {
      const std::size_t leaf = p / rows, r = p % rows;
      if (r >= tree.count(leaf)) continue;
      const std::size_t i = tree.order(leaf)[r];
      double radius2 = 0;
      for (std::size_t t = 0; t < d; ++t) {
        const T x = problem.samples()(i, t), m = tree.centre(node)[t];
        const double y = (static_cast<double>(x) - static_cast<double>(m)) * scale;
        ASSERT_LE(2 * std::abs(y), static_cast<double>(tree.twice_half(node)[t])) << "node " << node;
        radius2 += y * y;
        if (it.is_leaf()) {
          ASSERT_TRUE(same_bits(tree.leaf_samples(leaf)[t * rows + r], x));
        }
      }
      ASSERT_LE(radius2, static_cast<double>(it.radius2));
    }
  }
}

template <class T>
class Tree : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Tree, Types);

TYPED_TEST(Tree, EverySampleIsInItsBoxes) {
  using T = TypeParam;
  std::uint64_t seed = 0;
  for (const Size& size : sizes) {
    for (const Kind kind : {Kind::blobs, Kind::uniform, Kind::duplicates, Kind::grid, Kind::offset,
                            Kind::tiny, Kind::scales, Kind::all_equal}) {
      const TestProblem<T> problem = shaped<T>(kind, size.n, size.d, ++seed);
      SCOPED_TRACE(problem.describe());
      // Of x86, and of AArch64, where tiles are no multiple of eight.
      constexpr std::size_t leaf_rows[] = {32, 48, 33, 36};
      const SampleTree<T> tree(problem.samples(), leaf_rows[seed % 4], 1);
      check_nodes(tree);
      check_samples(tree, problem);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TYPED_TEST(Tree, OutliersStayInTheirBoxes) {
  using T = TypeParam;
  TestProblem<T> problem = shaped<T>(Kind::uniform, 30000, 2, 5);
  // Few enough that a look at some of the samples does not find them.
  for (const std::size_t i : {7u, 12345u, 29999u}) problem.values[i * problem.row_stride] = T(1e6);
  problem.values[100 * problem.row_stride + 1] = T(-1e6);
  const SampleTree<T> tree(problem.samples(), 48, 2);
  check_nodes(tree);
  check_samples(tree, problem);
}

TYPED_TEST(Tree, ThreadsDoNotShow) {
  using T = TypeParam;
  for (const std::size_t n : {std::size_t{3000}, std::size_t{50000}}) {
    const TestProblem<T> problem = shaped<T>(Kind::blobs, n, 3, n);
    const SampleTree<T> one(problem.samples(), 48, 1), many(problem.samples(), 48, 5);
    ASSERT_EQ(one.nodes().size(), many.nodes().size());
    ASSERT_EQ(one.n_leaves(), many.n_leaves());
    for (std::size_t leaf = 0; leaf < one.n_leaves(); ++leaf) {
      ASSERT_EQ(one.count(leaf), many.count(leaf));
      ASSERT_TRUE(std::equal(one.order(leaf), one.order(leaf) + one.count(leaf), many.order(leaf)));
    }
    for (std::size_t node = 0; node < one.nodes().size(); ++node) {
      ASSERT_EQ(one.nodes()[node].first_child, many.nodes()[node].first_child);
      ASSERT_EQ(one.nodes()[node].first_leaf, many.nodes()[node].first_leaf);
      ASSERT_TRUE(same_bits(one.nodes()[node].radius2, many.nodes()[node].radius2));
    }
  }
}

TYPED_TEST(Tree, SpreadDataAreCutIntoSmallBoxes) {
  using T = TypeParam;
  const std::size_t n = 20000;
  const TestProblem<T> problem = shaped<T>(Kind::uniform, n, 2, 1);
  const SampleTree<T> tree(problem.samples(), 48, 2);
  double area = 0;
  for (std::size_t node = 0; node < tree.nodes().size(); ++node) {
    if (!tree.nodes()[node].is_leaf()) continue;
    area += static_cast<double>(tree.twice_half(node)[0]) * static_cast<double>(tree.twice_half(node)[1]);
  }
  // Leaves share the unit square; what is above one is where boxes overlap.
  EXPECT_LT(area, 1.5);
  EXPECT_GT(area, 0.5);
}

}  // namespace
