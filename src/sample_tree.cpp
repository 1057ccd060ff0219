// SPDX-License-Identifier: MIT
#include "sample_tree.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "parallel.hpp"
#include "rounding.hpp"

namespace omnimeans {
namespace {

constexpr std::size_t most_parts = 8;
constexpr std::size_t most_buckets = 256;
// More samples than this are sorted by all threads, in blocks; what is below, a thread does alone from there
// on, and in its second-level cache.
constexpr std::size_t wide_node = std::size_t{1} << 14;
constexpr std::size_t block_rows = std::size_t{1} << 13;
// Of a node, to choose where to cut it.
constexpr std::size_t most_sampled = 256;

/// Lowest and highest of count values; lanes side by side, so that the compiler may use vectors.
template <class T>
std::pair<T, T> extremes(const T* values, std::size_t count) {
  constexpr std::size_t lanes = 32 / sizeof(T);
  T low[lanes], high[lanes];
  std::fill_n(low, lanes, values[0]);
  std::fill_n(high, lanes, values[0]);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    for (std::size_t l = 0; l < lanes; ++l) {
      low[l] = values[i + l] < low[l] ? values[i + l] : low[l];
      high[l] = values[i + l] > high[l] ? values[i + l] : high[l];
    }
  }
  for (; i < count; ++i) {
    low[0] = std::min(low[0], values[i]);
    high[0] = std::max(high[0], values[i]);
  }
  return {*std::min_element(low, low + lanes), *std::max_element(high, high + lanes)};
}

/// body(std::integral_constant) with d, if that is few, so that a row is moved by a few instructions; else
/// with 0.
template <class Body>
void with_features(std::size_t d, Body&& body) {
  switch (d) {
    case 1:
      return body(std::integral_constant<std::size_t, 1>{});
    case 2:
      return body(std::integral_constant<std::size_t, 2>{});
    case 3:
      return body(std::integral_constant<std::size_t, 3>{});
    case 4:
      return body(std::integral_constant<std::size_t, 4>{});
    case 8:
      return body(std::integral_constant<std::size_t, 8>{});
    default:
      return body(std::integral_constant<std::size_t, 0>{});
  }
}

// The loops over a node's rows. What they use is in locals: through captured references it would be read
// again after every store.

/// Lowest and highest values of every step-th of `count` rows; D = d or 0.
template <std::size_t D, class T>
void row_extremes(const T* rows, std::size_t stride, std::size_t count, std::size_t step,
                  std::size_t n_features, T* low, T* high) {
  const std::size_t d = D != 0 ? D : n_features;
  T lowest[D != 0 ? D : 1], highest[D != 0 ? D : 1];
  T *l = D != 0 ? lowest : low, *h = D != 0 ? highest : high;
  for (std::size_t t = 0; t < d; ++t) l[t] = h[t] = rows[t];
  for (std::size_t i = step; i < count; i += step) {
    const T* x = rows + i * stride;
    for (std::size_t t = 0; t < d; ++t) {
      l[t] = x[t] < l[t] ? x[t] : l[t];
      h[t] = x[t] > h[t] ? x[t] : h[t];
    }
  }
  if (D == 0) return;
  std::copy_n(l, d, low);
  std::copy_n(h, d, high);
}

/// The buckets of `count` values, `stride` apart; counts them. What lies outside of the range, which is that
/// of some of the samples, goes to the first or the last one.
template <class T>
void find_buckets(const T* values, std::size_t stride, std::size_t count, T low, T factor, T last,
                  std::uint8_t* __restrict bucket, std::uint32_t* __restrict counts) {
  for (std::size_t i = 0; i < count; ++i) {
    T place = (values[i * stride] - low) * factor;
    place = place > 0 ? place : T(0);
    bucket[i] = static_cast<std::uint8_t>(static_cast<int>(place < last ? place : last));
  }
  for (std::size_t i = 0; i < count; ++i) ++counts[bucket[i]];
}

/// Every row, and its number (order, or first, first + 1, ...), to the next place of its bucket; D = d or 0.
template <std::size_t D, class T>
void scatter(const T* rows, std::size_t stride, const std::uint32_t* order, std::uint32_t first,
             std::size_t count, const std::uint8_t* __restrict bucket, std::size_t n_features,
             std::uint32_t* __restrict next, T* __restrict out, std::uint32_t* __restrict out_order) {
  const std::size_t d = D != 0 ? D : n_features;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t to = next[bucket[i]]++;
    std::memcpy(out + to * d, rows + i * stride, d * sizeof(T));
    out_order[to] = order != nullptr ? order[i] : first + static_cast<std::uint32_t>(i);
  }
}

}  // namespace

/// The tree while it grows, level by level. Below the root a node's samples lie together, rows of d values,
/// in one of two buffers; levels take turns. A leaf goes to its place in the tree.
template <class T>
class SampleTree<T>::Build {
 public:
  Build(SampleTree& tree, MatrixView<const T> samples, int threads)
      : tree_(tree),
        samples_(samples),
        threads_(samples.rows() * samples.cols() < 50'000 ? 1 : threads),
        d_(samples.cols()),
        rows_(AlignedBuffer<T>::for_overwrite(samples.rows() * samples.cols())),
        order_(AlignedBuffer<std::uint32_t>::for_overwrite(samples.rows())),
        buckets_(AlignedBuffer<std::uint8_t>::for_overwrite(samples.rows())),
        histograms_(static_cast<std::size_t>(threads_)),
        leaves_(static_cast<std::size_t>(threads_)) {
    for (auto& leaf : leaves_) leaf.resize(d_ * tree.leaf_rows_);
    Part trunk;
    trunk.nodes.push_back({.first_leaf = 0, .n_leaves = tree.n_leaves(), .parent = 0});
    std::vector<Branch> branches;
    grow(trunk, 0, threads_, 0, &branches);
    parallel_blocks(threads_, branches.size(), [&](std::size_t b, int thread) {
      Branch& branch = branches[b];
      branch.part.nodes.push_back(trunk.nodes[branch.node]);
      grow(branch.part, branch.level, 1, thread, nullptr);
      join(branch.part);
    });
    for (const Branch& branch : branches) graft(trunk, branch.node, branch.part);
    join(trunk);
    tree_.nodes_ = std::move(trunk.nodes);
    tree_.boxes_ = std::move(trunk.boxes);
    constexpr std::size_t batch = 512;
    parallel_blocks(threads_, block_count(tree_.nodes_.size(), batch), [&](std::size_t block, int) {
      const RowRange range = block_range(block, tree_.nodes_.size(), batch);
      for (std::size_t node = range.begin; node < range.end; ++node) scale_box(node);
    });
  }

 private:
  /// Some nodes, children after their parents; boxes are lowest and highest values until all is done.
  struct Part {
    std::vector<Node> nodes;
    std::vector<T> boxes;
  };
  /// What grows from a node of the trunk.
  struct Branch {
    std::size_t node, level;
    Part part;
  };
  struct Cut {
    std::size_t feature = 0, parts = 0;
    T low = 0, width = 0;
  };
  struct Rows {
    const T* values;
    std::size_t stride;
    const std::uint32_t* order;  ///< null: 0, 1, 2, ...
  };

  std::size_t begin(const Node& node) const { return node.first_leaf * tree_.leaf_rows_; }
  std::size_t count(const Node& node) const {
    return std::min(tree_.n_, (node.first_leaf + node.n_leaves) * tree_.leaf_rows_) - begin(node);
  }

  /// The node's samples at its level: the caller's, or in one of the buffers.
  Rows rows(const Node& node, std::size_t level) const {
    const std::size_t first = begin(node);
    if (level == 0) return {samples_.data(), samples_.row_stride(), nullptr};
    if (level % 2 == 1) return {rows_.data() + first * d_, d_, order_.data() + first};
    return {tree_.values_.data() + first * d_, d_, tree_.order_.data() + first};
  }

  /// Cuts the part's first node, which is of `level`, and what comes of it, down to the leaves; or, if it is
  /// to list branches, down to where a thread can go on alone.
  void grow(Part& part, std::size_t level, int team, int thread, std::vector<Branch>* branches) {
    for (std::size_t node = 0, end = 0; node < part.nodes.size(); ++node) {
      if (node == end) {
        level += node != 0;
        end = part.nodes.size();
        part.boxes.resize(2 * end * d_);
      }
      const Node it = part.nodes[node];
      if (branches != nullptr && count(it) <= wide_node) {
        branches->push_back({node, level, {}});
        continue;
      }
      if (level == 0 || it.n_leaves > 1) {
        const Cut cut = choose_cut(it, level);
        if (it.n_leaves > 1) {
          add_children(part, node, cut.parts);
          split(it, cut, level, team, thread);
        }
      }
      if (it.n_leaves == 1) finish_leaf(part, node, level, leaves_[static_cast<std::size_t>(thread)].data());
    }
  }

  /// Puts a branch in the place of the trunk's node.
  void graft(Part& trunk, std::size_t at, const Part& branch) const {
    const std::size_t shift = trunk.nodes.size() - 1;
    const auto moved = [&](Node node) {
      if (node.n_children > 0) node.first_child += shift;
      return node;
    };
    for (std::size_t i = 1; i < branch.nodes.size(); ++i) {
      Node node = moved(branch.nodes[i]);
      node.parent = node.parent == 0 ? at : node.parent + shift;
      trunk.nodes.push_back(node);
    }
    const std::size_t parent = trunk.nodes[at].parent;
    trunk.nodes[at] = moved(branch.nodes[0]);
    trunk.nodes[at].parent = parent;
    const auto put = [at](auto& to, const auto& from, std::size_t width) {
      const auto w = static_cast<std::ptrdiff_t>(width);
      std::copy_n(from.begin(), w, to.begin() + static_cast<std::ptrdiff_t>(at) * w);
      to.insert(to.end(), from.begin() + w, from.end());
    };
    put(trunk.boxes, branch.boxes, 2 * d_);
  }

  /// The widest side of some of the node's samples, and as many parts as leaves would lie side by side on it,
  /// were they cubes: with s the side of such a cube, the product of width / s over the sides longer than s
  /// is the number of leaves.
  Cut choose_cut(const Node& node, std::size_t level) {
    const Rows from = rows(node, level);
    const std::size_t c = count(node), step = std::max<std::size_t>(1, c / most_sampled);
    Cut cut;
    std::vector<T> low(d_), high(d_);
    with_features(d_, [&](auto features) {
      row_extremes<features.value>(from.values, from.stride, c, step, d_, low.data(), high.data());
    });
    std::vector<double> widths(d_);
    for (std::size_t t = 0; t < d_; ++t) {
      widths[t] = static_cast<double>(high[t]) - static_cast<double>(low[t]);
      if (widths[t] > widths[cut.feature]) cut.feature = t;
    }
    cut.low = low[cut.feature];
    const double widest = widths[cut.feature];
    cut.width = narrow<T>(widest);
    if (level == 0) choose_scale(widest);
    std::sort(widths.begin(), widths.end(), std::greater<>());
    const double log_leaves = std::log(static_cast<double>(node.n_leaves));
    double log_product = 0, log_side = -log_leaves;
    for (std::size_t m = 1; m < d_ && widths[m] > 0; ++m) {
      const double log_ratio = std::log(widths[m] / widest);
      if (log_ratio <= log_side) break;
      log_product += log_ratio;
      log_side = (log_product - log_leaves) / static_cast<double>(m + 1);
    }
    const double parts = std::exp(-log_side) + 0.5;
    cut.parts = parts < static_cast<double>(most_parts)
                    ? std::max<std::size_t>(2, static_cast<std::size_t>(parts))
                    : most_parts;
    cut.parts = std::min(node.n_leaves, cut.parts);
    return cut;
  }

  /// A power of two where squares would leave T's range.
  void choose_scale(double widest) {
    int exponent = 0;
    if (widest > 0) std::frexp(widest, &exponent);
    const int limit = sizeof(T) == sizeof(float) ? 40 : 400, most = sizeof(T) == sizeof(float) ? 120 : 1000;
    if (std::abs(exponent) > limit)
      tree_.scale_ = static_cast<T>(std::ldexp(1.0, std::clamp(-exponent, -most, most)));
  }

  void add_children(Part& part, std::size_t index, std::size_t parts) const {
    const Node node = part.nodes[index];
    part.nodes[index].first_child = part.nodes.size();
    part.nodes[index].n_children = parts;
    for (std::size_t p = 0; p < parts; ++p) {
      const std::size_t from = node.n_leaves * p / parts, to = node.n_leaves * (p + 1) / parts;
      part.nodes.push_back({.first_leaf = node.first_leaf + from, .n_leaves = to - from, .parent = index});
    }
  }

  /// Counting sort by the bucket of the value to cut by, stable, into the other buffer; the children's
  /// samples are then one after the other.
  void split(const Node& node, const Cut& cut, std::size_t level, int team, int thread) {
    const std::size_t first = begin(node), c = count(node), blocks = block_count(c, block_rows);
    const Rows from = rows(node, level);
    const bool to_tree = level % 2 == 1;
    T* out = (to_tree ? tree_.values_.data() : rows_.data()) + first * d_;
    std::uint32_t* out_order = (to_tree ? tree_.order_.data() : order_.data()) + first;
    std::uint8_t* bucket = buckets_.data() + first;
    // Few streams to write to where few parts are asked for.
    const std::size_t n_buckets = std::min(most_buckets, std::bit_ceil(16 * cut.parts));
    const T factor = cut.width > 0 ? static_cast<T>(n_buckets) / cut.width : T(0);
    // Out of range any order is right, if not quick.
    const bool usable = std::isfinite(factor) && std::isfinite(cut.width);
    std::vector<std::uint32_t>& histogram = histograms_[static_cast<std::size_t>(thread)];
    histogram.assign(blocks * n_buckets, 0);
    parallel_blocks(team, blocks, [&](std::size_t block, int) {
      const RowRange range = block_range(block, c, block_rows);
      find_buckets(from.values + range.begin * from.stride + cut.feature, from.stride, range.size(),
                   usable ? cut.low : T(0), usable ? factor : T(0), static_cast<T>(n_buckets - 1),
                   bucket + range.begin, histogram.data() + block * n_buckets);
    });
    std::uint32_t position = 0;
    for (std::size_t b = 0; b < n_buckets; ++b) {
      for (std::size_t block = 0; block < blocks; ++block)
        position += std::exchange(histogram[block * n_buckets + b], position);
    }
    parallel_blocks(team, blocks, [&](std::size_t block, int) {
      const RowRange range = block_range(block, c, block_rows);
      with_features(d_, [&](auto features) {
        scatter<features.value>(from.values + range.begin * from.stride, from.stride,
                                from.order != nullptr ? from.order + range.begin : nullptr,
                                static_cast<std::uint32_t>(range.begin), range.size(), bucket + range.begin,
                                d_, histogram.data() + block * n_buckets, out, out_order);
      });
    });
  }

  /// Puts a leaf where it stays, feature-major and relative to its centre; its box (lowest and highest values
  /// for now).
  void finish_leaf(Part& part, std::size_t index, std::size_t level, T* scratch) {
    const Node& node = part.nodes[index];
    const std::size_t first = begin(node), c = count(node), leaf_rows = tree_.leaf_rows_;
    const Rows from = rows(node, level);
    std::uint32_t* order = tree_.order_.data() + first;
    for (std::size_t i = 0; i < c; ++i)
      order[i] = from.order != nullptr ? from.order[i] : static_cast<std::uint32_t>(i);
    with_features(d_, [&](auto features) {
      const std::size_t d = features.value != 0 ? features.value : d_;
      for (std::size_t i = 0; i < c; ++i) {
        for (std::size_t t = 0; t < d; ++t) scratch[t * leaf_rows + i] = from.values[i * from.stride + t];
      }
    });
    T* low = part.boxes.data() + 2 * index * d_;
    T* high = low + d_;
    const T scale = tree_.scale_;
    for (std::size_t t = 0; t < d_; ++t) {
      const T* in = scratch + t * leaf_rows;
      T* out = tree_.values_.data() + first * d_ + t * leaf_rows;
      std::tie(low[t], high[t]) = extremes(in, c);
      const T m = middle(low[t], high[t]);
      for (std::size_t i = 0; i < c; ++i) out[i] = (in[i] - m) * scale;
      std::fill(out + c, out + leaf_rows, T(0));
    }
  }

  static T middle(T low, T high) { return low / 2 + high / 2; }

  /// Of inner nodes: lowest and highest values from their children's.
  void join(Part& part) const {
    for (std::size_t index = part.nodes.size(); index-- > 0;) {
      const Node& node = part.nodes[index];
      if (node.is_leaf()) continue;
      T* low = part.boxes.data() + 2 * index * d_;
      T* high = low + d_;
      std::copy_n(part.boxes.data() + 2 * node.first_child * d_, 2 * d_, low);
      const std::size_t end = node.first_child + node.n_children;
      for (std::size_t child = node.first_child; child < end; ++child) {
        const T* box = part.boxes.data() + 2 * child * d_;
        for (std::size_t t = 0; t < d_; ++t) {
          low[t] = std::min(low[t], box[t]);
          high[t] = std::max(high[t], box[d_ + t]);
        }
      }
    }
  }

  /// Lowest and highest values become the centre m and 2 h >= 2 |x - m| scale, for x as they are and as they
  /// are kept, rounded to T.
  void scale_box(std::size_t index) {
    T* centre = tree_.boxes_.data() + 2 * index * d_;
    T* twice_half = centre + d_;
    const double scale = static_cast<double>(tree_.scale_);
    double radius2 = 0;
    for (std::size_t t = 0; t < d_; ++t) {
      const double low = static_cast<double>(centre[t]), high = static_cast<double>(twice_half[t]);
      centre[t] = middle(centre[t], twice_half[t]);
      const double m = static_cast<double>(centre[t]), half = std::max(high - m, m - low) * scale;
      twice_half[t] = half > 0 ? 2 * round_up<T>(half) : T(0);
      radius2 += static_cast<double>(twice_half[t]) * static_cast<double>(twice_half[t]) / 4;
    }
    tree_.nodes_[index].radius2 = radius2 > 0 ? round_up<T>(radius2) : T(0);
  }

  SampleTree& tree_;
  MatrixView<const T> samples_;
  int threads_;
  std::size_t d_;
  AlignedBuffer<T> rows_;               ///< of odd levels; those of even ones are in the tree
  AlignedBuffer<std::uint32_t> order_;  ///< likewise
  AlignedBuffer<std::uint8_t> buckets_;
  std::vector<std::vector<std::uint32_t>> histograms_;  ///< a thread
  std::vector<std::vector<T>> leaves_;                  ///< a thread: one leaf
};

template <class T>
SampleTree<T>::SampleTree(MatrixView<const T> samples, std::size_t leaf_rows, int threads)
    : n_(samples.rows()), d_(samples.cols()), leaf_rows_(leaf_rows) {
  values_ = AlignedBuffer<T>::for_overwrite(n_leaves() * leaf_rows_ * d_);
  order_ = AlignedBuffer<std::uint32_t>::for_overwrite(n_);
  Build(*this, samples, threads);
}

template <class T>
double SampleTree<T>::bytes_needed(double n, double d, double leaf_rows, double threads) {
  const double leaves = n / leaf_rows + 1;
  const double samples = leaves * leaf_rows * (d * sizeof(T) + sizeof(std::uint32_t));
  // At most two nodes a leaf; a vector of them may have twice the room that it needs, and half as much again
  // while it grows.
  const double node = sizeof(Node) + 2 * d * sizeof(T) + sizeof(std::size_t);
  const double histograms =
      (threads + n / static_cast<double>(block_rows)) * most_buckets * sizeof(std::uint32_t);
  return 2 * samples + n + 3 * 2 * leaves * node + histograms + threads * d * leaf_rows * sizeof(T);
}

template class SampleTree<float>;
template class SampleTree<double>;

}  // namespace omnimeans
