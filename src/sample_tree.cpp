// SPDX-License-Identifier: MIT
#include "sample_tree.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "parallel.hpp"
#include "rounding.hpp"

namespace omnimeans {
namespace {

constexpr std::size_t most_parts = 16;
// A pass over more samples than this is itself done in parallel.
constexpr std::size_t wide_node = std::size_t{1} << 15;
constexpr std::size_t block_rows = std::size_t{1} << 13;

/// Lowest and highest of count values; lanes side by side, so that the compiler may use vectors.
template <class T>
std::pair<T, T> extremes(const T* values, std::size_t count) {
  constexpr std::size_t lanes = 64 / sizeof(T);
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

}  // namespace

/// The tree while it grows, level by level. A node's samples lie together in one of two buffers,
/// feature-major over the node: feature t of its samples begins at (first sample) * d + t * (samples). A leaf
/// is so in its final form. Levels take turns with the buffers; the even one is the tree's own.
template <class T>
class SampleTree<T>::Build {
 public:
  Build(SampleTree& tree, MatrixView<const T> samples, std::span<const T> weights, int threads)
      : tree_(tree),
        samples_(samples),
        weights_(weights),
        threads_(samples.rows() * samples.cols() < 50'000 ? 1 : threads),
        d_(samples.cols()),
        values_(tree.values_.size()),
        order_(tree.order_.size()),
        sorted_(samples.rows()),
        buckets_(samples.rows()),
        histograms_(static_cast<std::size_t>(threads_)) {
    copy_samples();
    tree_.nodes_.push_back({.first_leaf = 0, .n_leaves = tree.n_leaves(), .parent = 0});
    std::size_t first = 0;
    for (bool odd = false; first < tree_.nodes_.size(); odd = !odd) {
      const std::size_t end = tree_.nodes_.size();
      tree_.boxes_.resize(2 * end * d_);
      tree_.sums_.resize(end * (d_ + 2));
      cuts_.resize(end);
      over_nodes(first, end, [&](std::size_t node, int team, int) {
        find_box(node, odd, team);
        if (tree_.nodes_[node].n_leaves == 1) {
          finish_leaf(node, odd);
        } else {
          choose_cut(node);
        }
      });
      for (std::size_t node = first; node < end; ++node) add_children(node);
      over_nodes(first, end, [&](std::size_t node, int team, int thread) {
        if (!tree_.nodes_[node].is_leaf()) split(node, odd, team, thread);
      });
      first = end;
    }
    for (std::size_t node = tree_.nodes_.size(); node-- > 0;) {
      if (!tree_.nodes_[node].is_leaf()) add_up(node);
    }
  }

 private:
  struct Cut {
    std::size_t feature = 0, parts = 0;
    T low = 0, width = 0;
  };
  struct Buffers {
    T* values;
    std::uint32_t* order;
  };

  std::size_t begin(const Node& node) const { return node.first_leaf * tree_.leaf_rows_; }
  std::size_t count(const Node& node) const {
    return std::min(tree_.n_, (node.first_leaf + node.n_leaves) * tree_.leaf_rows_) - begin(node);
  }
  Buffers buffers(bool odd) {
    return odd ? Buffers{values_.data(), order_.data()} : Buffers{tree_.values_.data(), tree_.order_.data()};
  }

  /// Calls body(node, team, thread): wide nodes one after the other, each with the whole team; then the
  /// others, in parallel, each alone.
  template <class Body>
  void over_nodes(std::size_t first, std::size_t end, Body&& body) {
    for (std::size_t node = first; node < end; ++node) {
      if (count(tree_.nodes_[node]) > wide_node) body(node, threads_, 0);
    }
    parallel_blocks(threads_, end - first, [&](std::size_t i, int thread) {
      if (count(tree_.nodes_[first + i]) <= wide_node) body(first + i, 1, thread);
    });
  }

  void copy_samples() {
    const std::size_t n = tree_.n_;
    constexpr std::size_t rows = 512;
    parallel_blocks(threads_, block_count(n, rows), [&](std::size_t block, int) {
      const RowRange range = block_range(block, n, rows);
      for (std::size_t t = 0; t < d_; ++t) {
        T* out = tree_.values_.data() + t * n;
        for (std::size_t i = range.begin; i < range.end; ++i) out[i] = samples_.row_data(i)[t];
      }
      for (std::size_t i = range.begin; i < range.end; ++i) tree_.order_[i] = static_cast<std::uint32_t>(i);
    });
  }

  /// Centre m and 2 h >= 2 |x - m| scale, for x as they are and as they are kept, rounded to T.
  void find_box(std::size_t index, bool odd, int team) {
    Node& node = tree_.nodes_[index];
    const std::size_t c = count(node);
    const T* values = buffers(odd).values + begin(node) * d_;
    T* centre = tree_.boxes_.data() + 2 * index * d_;
    T* twice_half = centre + d_;
    parallel_blocks(team, d_, [&](std::size_t t, int) {
      const auto [low, high] = extremes(values + t * c, c);
      centre[t] = low / 2 + high / 2;
      const double m = static_cast<double>(centre[t]);
      twice_half[t] = narrow<T>(2 * std::max(static_cast<double>(high) - m, m - static_cast<double>(low)));
    });
    if (index == 0) choose_scale(twice_half);
    Cut& cut = cuts_[index];
    double radius2 = 0;
    for (std::size_t t = 0; t < d_; ++t) {
      if (twice_half[t] > cut.width || t == 0) cut = {t, 0, centre[t] - twice_half[t] / 2, twice_half[t]};
      const double half = static_cast<double>(twice_half[t]) * static_cast<double>(tree_.scale_) / 2;
      twice_half[t] = half > 0 ? 2 * round_up<T>(half) : T(0);
      radius2 += static_cast<double>(twice_half[t]) * static_cast<double>(twice_half[t]) / 4;
    }
    node.radius2 = radius2 > 0 ? round_up<T>(radius2) : T(0);
  }

  /// A power of two where squares would leave T's range.
  void choose_scale(const T* widths) {
    int exponent = 0;
    const T largest = *std::max_element(widths, widths + d_);
    if (largest > 0) std::frexp(static_cast<double>(largest), &exponent);
    const int limit = sizeof(T) == sizeof(float) ? 40 : 400, most = sizeof(T) == sizeof(float) ? 120 : 1000;
    if (std::abs(exponent) > limit)
      tree_.scale_ = static_cast<T>(std::ldexp(1.0, std::clamp(-exponent, -most, most)));
  }

  /// As many parts as leaves would lie side by side on the widest side, were they cubes: with s the side of
  /// such a cube, the product of width / s over the sides longer than s is the number of leaves.
  void choose_cut(std::size_t index) {
    const Node& node = tree_.nodes_[index];
    Cut& cut = cuts_[index];
    const T* widths = tree_.twice_half(index);
    std::vector<double> ratios;
    for (std::size_t t = 0; t < d_; ++t) {
      if (widths[t] > 0)
        ratios.push_back(static_cast<double>(widths[t]) / static_cast<double>(widths[cut.feature]));
    }
    std::sort(ratios.begin(), ratios.end(), std::greater<>());
    double log_product = 0, log_side = -std::log(static_cast<double>(node.n_leaves));
    for (std::size_t m = 1; m <= ratios.size(); ++m) {
      log_product += std::log(ratios[m - 1]);
      log_side = (log_product - std::log(static_cast<double>(node.n_leaves))) / static_cast<double>(m);
      if (m < ratios.size() && std::log(ratios[m]) <= log_side) break;
    }
    const double parts = std::exp(-log_side) + 0.5;
    cut.parts =
        std::min<std::size_t>(node.n_leaves, parts < static_cast<double>(most_parts)
                                                 ? std::max<std::size_t>(2, static_cast<std::size_t>(parts))
                                                 : most_parts);
  }

  void add_children(std::size_t index) {
    const Node node = tree_.nodes_[index];
    const std::size_t parts = cuts_[index].parts;
    tree_.nodes_[index].first_child = tree_.nodes_.size();
    tree_.nodes_[index].n_children = parts;
    for (std::size_t p = 0; p < parts; ++p) {
      const std::size_t from = node.n_leaves * p / parts, to = node.n_leaves * (p + 1) / parts;
      tree_.nodes_.push_back({.first_leaf = node.first_leaf + from, .n_leaves = to - from, .parent = index});
    }
  }

  /// Orders the node's samples along its widest side and hands them to the children, in the other buffer.
  void split(std::size_t index, bool odd, int team, int thread) {
    const Node& node = tree_.nodes_[index];
    const std::size_t first = begin(node), c = count(node);
    const Buffers from = buffers(odd), to = buffers(!odd);
    const T* values = from.values + first * d_;
    std::uint32_t* sorted = sorted_.data() + first;
    sort(cuts_[index], values + cuts_[index].feature * c, c, buckets_.data() + first, sorted, team, thread);
    parallel_blocks(team, node.n_children * (d_ + 1), [&](std::size_t task, int) {
      const Node& child = tree_.nodes_[node.first_child + task / (d_ + 1)];
      const std::size_t t = task % (d_ + 1), at = begin(child), size = count(child);
      const std::uint32_t* source = sorted + (at - first);
      if (t == d_) {
        for (std::size_t i = 0; i < size; ++i) to.order[at + i] = from.order[first + source[i]];
      } else {
        T* out = to.values + at * d_ + t * size;
        for (std::size_t i = 0; i < size; ++i) out[i] = values[t * c + source[i]];
      }
    });
  }

  /// Counting sort of 0 ... c - 1 by the bucket of their value; stable.
  void sort(const Cut& cut, const T* values, std::size_t c, std::uint16_t* bucket, std::uint32_t* sorted,
            int team, int thread) {
    std::size_t n_buckets = 64;
    while (n_buckets < 1024 && n_buckets * 4 < c) n_buckets *= 2;
    const T factor = cut.width > 0 ? static_cast<T>(n_buckets) / cut.width : T(0);
    // Widths out of range: any order is right, if not quick.
    const bool usable = std::isfinite(factor) && std::isfinite(cut.width);
    const std::size_t blocks = block_count(c, block_rows);
    std::vector<std::uint32_t>& histogram = histograms_[static_cast<std::size_t>(thread)];
    histogram.assign(blocks * n_buckets, 0);
    parallel_blocks(team, blocks, [&](std::size_t block, int) {
      const RowRange range = block_range(block, c, block_rows);
      std::uint32_t* counts = histogram.data() + block * n_buckets;
      const int last = static_cast<int>(n_buckets) - 1;
      for (std::size_t i = range.begin; i < range.end; ++i) {
        const int b = usable ? static_cast<int>((values[i] - cut.low) * factor) : 0;
        bucket[i] = static_cast<std::uint16_t>(b < 0 ? 0 : b < last ? b : last);
      }
      for (std::size_t i = range.begin; i < range.end; ++i) ++counts[bucket[i]];
    });
    std::uint32_t position = 0;
    for (std::size_t b = 0; b < n_buckets; ++b) {
      for (std::size_t block = 0; block < blocks; ++block)
        position += std::exchange(histogram[block * n_buckets + b], position);
    }
    parallel_blocks(team, blocks, [&](std::size_t block, int) {
      const RowRange range = block_range(block, c, block_rows);
      std::uint32_t* next = histogram.data() + block * n_buckets;
      for (std::size_t i = range.begin; i < range.end; ++i)
        sorted[next[bucket[i]]++] = static_cast<std::uint32_t>(i);
    });
  }

  /// Puts a leaf where it stays, relative to its centre, and adds it up.
  void finish_leaf(std::size_t index, bool odd) {
    const Node& node = tree_.nodes_[index];
    const std::size_t first = begin(node), c = count(node), rows = tree_.leaf_rows_;
    const Buffers from = buffers(odd);
    T* out = tree_.values_.data() + first * d_;
    const T* in = from.values + first * d_;
    if (odd) std::copy_n(from.order + first, c, tree_.order_.data() + first);
    const T* centre = tree_.centre(index);
    const T scale = tree_.scale_;
    // From the end: in the same buffer a leaf that is not full moves apart.
    for (std::size_t t = d_; t-- > 0;) {
      if (in == out && c < rows) {
        for (std::size_t i = c; i-- > 0;) out[t * rows + i] = (in[t * c + i] - centre[t]) * scale;
      } else {
        for (std::size_t i = 0; i < c; ++i) out[t * rows + i] = (in[t * c + i] - centre[t]) * scale;
      }
      std::fill(out + t * rows + c, out + (t + 1) * rows, T(0));
    }
    double* sums = tree_.sums_.data() + index * (d_ + 2);
    std::fill_n(sums, d_ + 2, 0.0);
    const std::uint32_t* order = tree_.order_.data() + first;
    if (weights_.empty()) {
      sums[0] = static_cast<double>(c);
    } else {
      for (std::size_t i = 0; i < c; ++i) sums[0] += static_cast<double>(weights_[order[i]]);
    }
    for (std::size_t t = 0; t < d_; ++t) {
      const T* x = out + t * rows;
      if (weights_.empty()) {
        add_feature(x, c, sums[2 + t], sums[1]);
      } else {
        for (std::size_t i = 0; i < c; ++i) {
          const double v = static_cast<double>(x[i]), w = static_cast<double>(weights_[order[i]]);
          sums[2 + t] += w * v;
          sums[1] += w * v * v;
        }
      }
    }
  }

  /// Sums of x and x^2, in T over a few lanes of at most eight values.
  static void add_feature(const T* x, std::size_t c, double& first, double& squares) {
    constexpr std::size_t lanes = 8;
    T sum[lanes] = {}, square[lanes] = {};
    std::size_t i = 0;
    for (; i + lanes <= c; i += lanes) {
      for (std::size_t l = 0; l < lanes; ++l) {
        sum[l] += x[i + l];
        square[l] += x[i + l] * x[i + l];
      }
    }
    for (; i < c; ++i) {
      first += static_cast<double>(x[i]);
      squares += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    }
    for (std::size_t l = 0; l < lanes; ++l) {
      first += static_cast<double>(sum[l]);
      squares += static_cast<double>(square[l]);
    }
  }

  /// A node's sums from its children's, moved to its own centre.
  void add_up(std::size_t index) {
    const Node& node = tree_.nodes_[index];
    double* sums = tree_.sums_.data() + index * (d_ + 2);
    const double scale = static_cast<double>(tree_.scale_);
    for (std::size_t child = node.first_child; child < node.first_child + node.n_children; ++child) {
      const Sums part = tree_.sums(child);
      sums[0] += part.weight;
      sums[1] += part.squares;
      for (std::size_t t = 0; t < d_; ++t) {
        const double by =
            (static_cast<double>(tree_.centre(child)[t]) - static_cast<double>(tree_.centre(index)[t])) *
            scale;
        sums[1] += by * (2 * part.first[t] + by * part.weight);
        sums[2 + t] += part.first[t] + by * part.weight;
      }
    }
  }

  SampleTree& tree_;
  MatrixView<const T> samples_;
  std::span<const T> weights_;
  int threads_;
  std::size_t d_;
  AlignedBuffer<T> values_;             ///< the odd levels'
  AlignedBuffer<std::uint32_t> order_;  ///< likewise
  AlignedBuffer<std::uint32_t> sorted_;
  AlignedBuffer<std::uint16_t> buckets_;
  std::vector<std::vector<std::uint32_t>> histograms_;  ///< a thread
  std::vector<Cut> cuts_;                               ///< a node
};

template <class T>
SampleTree<T>::SampleTree(MatrixView<const T> samples, std::span<const T> weights, std::size_t leaf_rows,
                          int threads)
    : n_(samples.rows()), d_(samples.cols()), leaf_rows_(leaf_rows) {
  values_ = AlignedBuffer<T>(n_leaves() * leaf_rows_ * d_);
  order_ = AlignedBuffer<std::uint32_t>(n_);
  Build(*this, samples, weights, threads);
}

template <class T>
double SampleTree<T>::bytes_needed(double n, double d, double leaf_rows, double threads) {
  const double leaves = n / leaf_rows + 1;
  const double samples = leaves * leaf_rows * (d * sizeof(T) + sizeof(std::uint32_t));
  // A vector may have twice the room that it needs, and half as much again while it grows. At most two nodes
  // a leaf.
  const double node = sizeof(Node) + 2 * d * sizeof(T) + (d + 2) * sizeof(double) + 4 * sizeof(double);
  const double histograms = (threads + n / static_cast<double>(block_rows)) * 1024 * sizeof(std::uint32_t);
  return 2 * samples + n * (sizeof(std::uint32_t) + sizeof(std::uint16_t)) + 3 * 2 * leaves * node +
         histograms;
}

template class SampleTree<float>;
template class SampleTree<double>;

}  // namespace omnimeans
