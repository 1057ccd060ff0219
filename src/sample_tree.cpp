// SPDX-License-Identifier: MIT
#include "sample_tree.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "parallel.hpp"
#include "rounding.hpp"
#include "sample_order.hpp"

namespace omnimeans {
namespace {

// Samples that are cut into leaves by one thread. A leaf ends with its chunk.
constexpr std::size_t chunk_rows = std::size_t{1} << 13;
// Children of a node. Fewer than the most where that makes better boxes.
constexpr std::size_t most_children = SampleTree<float>::most_children, least_children = 4;
// Room for a sample in so many stays free for the sake of the leaves' boxes. Uniform points in a square, the
// area of all leaves: none 1.53 times the square, one in 16 1.38, one in 8 1.22 - for more leaves.
constexpr std::size_t spare = 12;
constexpr std::size_t node_batch = 512;

/// In which bits two keys differ; where the highest is, a k-d tree would have cut between
/// them sooner.
std::uint32_t apart(std::uint64_t before, std::uint64_t after) {
  return static_cast<std::uint32_t>((before ^ after) >> 32);
}

/// The end of the run that begins at `begin`, of [least, most] items, where apart(i), of items i - 1 and i,
/// has the highest bit; the last of several. If the rest fits, all of it; what is left is never less than
/// `rest`. Without branches but the loops' own: photo pixels are cut in 0.18 ms, with them in 0.47.
template <class Apart>
std::size_t run_end(std::size_t begin, std::size_t end, std::size_t least, std::size_t most, Apart&& apart,
                    std::size_t rest) {
  const std::size_t first = begin + least, last = std::max(first, std::min(begin + most, end - rest));
  std::uint32_t bits = 0;
  for (std::size_t i = first; i <= last; ++i) bits |= apart(i);
  const std::uint32_t highest = std::bit_floor(bits);
  std::size_t best = last;
  while (apart(best) < highest) --best;
  return best;
}
template <class Apart>
std::size_t run_end(std::size_t begin, std::size_t end, std::size_t least, std::size_t most, Apart&& apart) {
  return end - begin <= most ? end : run_end(begin, end, least, most, apart, least);
}

/// The fewest samples of a node above leaves, unless it is all there is; so many such nodes, at most.
std::size_t least_samples(std::size_t leaf_rows) {
  return most_children * leaf_rows * 3 / 8;
}
double most_parents(double n, double leaf_rows) {
  return n / static_cast<double>(least_samples(static_cast<std::size_t>(leaf_rows))) + 1;
}

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

}  // namespace

template <class T>
class SampleTree<T>::Build {
 public:
  Build(SampleTree& tree, MatrixView<const T> samples, int threads)
      : tree_(tree),
        samples_(samples),
        threads_(samples.rows() * samples.cols() < 50'000 ? 1 : threads),
        d_(samples.cols()) {
    // What is not needed yet serves as room: new pages cost more than what is done with them.
    const auto n = static_cast<double>(samples.rows()), rows = static_cast<double>(tree.leaf_rows_);
    tree.values_ = AlignedBuffer<T>::for_overwrite(static_cast<std::size_t>(most_leaves(n, rows) + 1) *
                                                   tree.leaf_rows_ * d_);
    const SampleOrder order = samples_in_order(
        samples, threads_, {reinterpret_cast<std::byte*>(tree.values_.data()), tree.values_.bytes()});
    choose_scale(order.widest);
    cut_leaves(order.keys.data());
    group(order.keys.data());
    fill_leaves(order.keys.data());
    join();
  }

 private:
  /// A power of two where squares would leave T's range.
  void choose_scale(double widest) {
    int exponent = 0;
    if (widest > 0) std::frexp(widest, &exponent);
    const int limit = sizeof(T) == sizeof(float) ? 40 : 400, most = sizeof(T) == sizeof(float) ? 120 : 1000;
    if (std::abs(exponent) > limit)
      tree_.scale_ = static_cast<T>(std::ldexp(1.0, std::clamp(-exponent, -most, most)));
  }

  /// Where leaves begin, in the order of the keys. The nodes above them are cut first, each anywhere in the
  /// last part of its room; it has hardly more leaves than its samples need, and what these have room for to
  /// spare is where their own cuts may choose.
  void cut_leaves(const std::uint64_t* keys) {
    const std::size_t n = samples_.rows(), most = tree_.leaf_rows_;
    const std::size_t chunks = std::max<std::size_t>(1, n / chunk_rows);  // the last one takes the rest
    struct Cuts {
      std::vector<std::uint32_t> begins;
      std::vector<std::uint8_t> n_leaves;  ///< of a node
    };
    std::vector<Cuts> cuts(chunks);
    const auto apart_at = [&](std::size_t i) { return apart(keys[i - 1], keys[i]); };
    parallel_blocks(threads_, chunks, [&](std::size_t chunk, int) {
      const RowRange range{chunk * chunk_rows, chunk + 1 < chunks ? (chunk + 1) * chunk_rows : n};
      const auto most_nodes = static_cast<std::size_t>(
          most_parents(static_cast<double>(range.size()), static_cast<double>(most)));
      cuts[chunk].n_leaves.reserve(most_nodes);
      cuts[chunk].begins.reserve(most_nodes + range.size() / most);
      for (std::size_t at = range.begin; at < range.end;) {
        const std::size_t end = run_end(at, range.end, least_samples(most), most_children * most, apart_at);
        std::size_t leaves = std::min(most_children, block_count(end - at + (end - at) / spare, most));
        cuts[chunk].n_leaves.push_back(static_cast<std::uint8_t>(leaves));
        for (; leaves > 0; --leaves) {
          cuts[chunk].begins.push_back(static_cast<std::uint32_t>(at));
          const std::size_t others = (leaves - 1) * most, left = end - at;
          // The others have room for so many, and need a sample each.
          at = leaves == 1 ? end
                           : run_end(at, end, left > others ? left - others : 1, most, apart_at, leaves - 1);
        }
      }
    });
    std::size_t n_leaves = 0, n_parents = 0;
    for (const Cuts& of_chunk : cuts) {
      n_leaves += of_chunk.begins.size();
      n_parents += of_chunk.n_leaves.size();
    }
    begins_.reserve(n_leaves);
    parents_.reserve(n_parents);
    for (const Cuts& of_chunk : cuts) {
      begins_.insert(begins_.end(), of_chunk.begins.begin(), of_chunk.begins.end());
      parents_.insert(parents_.end(), of_chunk.n_leaves.begin(), of_chunk.n_leaves.end());
    }
    tree_.counts_.resize(n_leaves);
    for (std::size_t leaf = 0; leaf < n_leaves; ++leaf) {
      const std::size_t end = leaf + 1 < n_leaves ? begins_[leaf + 1] : n;
      tree_.counts_[leaf] = static_cast<std::uint8_t>(end - begins_[leaf]);
    }
  }

  /// The nodes above the leaves, runs of those, up to the root; then numbers them root first.
  void group(const std::uint64_t* keys) {
    std::vector<std::vector<Node>> levels;  // the lowest first
    if (begins_.size() > 1) {
      std::vector<Node>& level = levels.emplace_back();
      level.reserve(parents_.size());
      std::uint32_t at = 0;
      for (const std::uint8_t count : parents_) {
        level.push_back({.first_leaf = at, .n_leaves = count, .first_child = at, .n_children = count});
        at += count;
      }
    }
    while (!levels.empty() && levels.back().size() > 1) {
      const std::vector<Node>& below = levels.back();
      std::vector<Node> level;
      level.reserve(below.size() / least_children + 1);
      for (std::size_t at = 0; at < below.size();) {
        const std::size_t end = run_end(at, below.size(), least_children, most_children, [&](std::size_t i) {
          const std::uint32_t begin = begins_[below[i].first_leaf];
          return apart(keys[begin - 1], keys[begin]);
        });
        const std::uint32_t first = below[at].first_leaf;
        level.push_back({.first_leaf = first,
                         .n_leaves = below[end - 1].first_leaf + below[end - 1].n_leaves - first,
                         .first_child = static_cast<std::uint32_t>(at),
                         .n_children = static_cast<std::uint32_t>(end - at)});
        at = end;
      }
      levels.push_back(std::move(level));
    }
    tree_.n_levels_ = levels.size() + 1;
    std::size_t n_nodes = begins_.size();
    for (const auto& level : levels) n_nodes += level.size();
    auto& nodes = tree_.nodes_;
    nodes.reserve(n_nodes);
    for (std::size_t l = levels.size(); l-- > 0;) {
      const auto below = static_cast<std::uint32_t>(nodes.size() + levels[l].size());
      for (Node node : levels[l]) {
        node.first_child += below;
        nodes.push_back(node);
      }
    }
    const auto n_inner = static_cast<std::uint32_t>(nodes.size());
    for (std::size_t leaf = 0; leaf < begins_.size(); ++leaf)
      nodes.push_back({.first_leaf = static_cast<std::uint32_t>(leaf), .n_leaves = 1});
    for (std::uint32_t i = 0; i < n_inner; ++i) {
      for (std::uint32_t c = 0; c < nodes[i].n_children; ++c) nodes[nodes[i].first_child + c].parent = i;
    }
    tree_.boxes_.resize(2 * d_ * n_nodes);
  }

  /// Moves the samples to their leaves, each with its box.
  void fill_leaves(const std::uint64_t* keys) {
    const std::size_t n_leaves = begins_.size(), rows = tree_.leaf_rows_;
    const std::size_t first_node = tree_.nodes_.size() - n_leaves;
    tree_.order_ = AlignedBuffer<std::uint32_t>::for_overwrite(n_leaves * rows);
    constexpr std::size_t batch = 64;
    parallel_blocks(threads_, block_count(n_leaves, batch), [&](std::size_t block, int) {
      const RowRange range = block_range(block, n_leaves, batch);
      for (std::size_t leaf = range.begin; leaf < range.end; ++leaf) {
        T* values = tree_.values_.data() + leaf * rows * d_;
        const std::uint64_t* of_leaf = keys + begins_[leaf];
        gather_samples(samples_, of_leaf, tree_.counts_[leaf], tree_.n_ - begins_[leaf], rows, values);
        for (std::size_t r = 0; r < rows; ++r)
          tree_.order_[leaf * rows + r] =
              static_cast<std::uint32_t>(of_leaf[r < tree_.counts_[leaf] ? r : 0]);
        T* low = tree_.boxes_.data() + 2 * (first_node + leaf) * d_;
        for (std::size_t t = 0; t < d_; ++t) {
          const auto [lowest, highest] = extremes(values + t * rows, tree_.counts_[leaf]);
          low[t] = lowest;
          low[d_ + t] = highest;
        }
      }
    });
  }

  /// Boxes of inner nodes, lowest and highest values for now; then all of them as they are kept.
  void join() {
    const std::size_t n_nodes = tree_.nodes_.size();
    for (std::size_t index = n_nodes - tree_.n_leaves(); index-- > 0;) {
      const Node& node = tree_.nodes_[index];
      T* low = tree_.boxes_.data() + 2 * index * d_;
      const T* box = tree_.boxes_.data() + 2 * node.first_child * d_;
      std::copy_n(box, 2 * d_, low);
      for (std::size_t child = 1; child < node.n_children; ++child) {
        box += 2 * d_;
        for (std::size_t t = 0; t < d_; ++t) {
          low[t] = std::min(low[t], box[t]);
          low[d_ + t] = std::max(low[d_ + t], box[d_ + t]);
        }
      }
    }
    parallel_blocks(threads_, block_count(n_nodes, node_batch), [&](std::size_t block, int) {
      const RowRange range = block_range(block, n_nodes, node_batch);
      for (std::size_t node = range.begin; node < range.end; ++node) scale_box(node);
    });
  }

  /// Lowest and highest values become the centre m and 2 h >= 2 |x - m| scale, for x as they are and as
  /// kernels see them, rounded to T.
  void scale_box(std::size_t index) {
    T* centre = tree_.boxes_.data() + 2 * index * d_;
    T* twice_half = centre + d_;
    const double scale = static_cast<double>(tree_.scale_);
    double radius2 = 0;
    for (std::size_t t = 0; t < d_; ++t) {
      const double low = static_cast<double>(centre[t]), high = static_cast<double>(twice_half[t]);
      centre[t] = centre[t] / 2 + twice_half[t] / 2;
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
  std::vector<std::uint32_t> begins_;  ///< of leaves, in the order of the keys
  std::vector<std::uint8_t> parents_;  ///< of the nodes above them: how many leaves
};

template <class T>
SampleTree<T>::SampleTree(MatrixView<const T> samples, std::size_t leaf_rows, int threads)
    : n_(samples.rows()), d_(samples.cols()), leaf_rows_(leaf_rows) {
  Build(*this, samples, threads);
}

template <class T>
double SampleTree<T>::most_leaves(double n, double leaf_rows) {
  // Of each node one leaf is not full, or all of them together have as much to spare.
  return (n + n / static_cast<double>(spare)) / leaf_rows + most_parents(n, leaf_rows);
}

template <class T>
double SampleTree<T>::most_inner_nodes(double n, double leaf_rows) {
  // From there on a level has a quarter of the nodes of the one below, and a last one.
  return most_parents(n, leaf_rows) * 4 / 3 + most_levels(n, leaf_rows);
}

template <class T>
double SampleTree<T>::most_levels(double n, double leaf_rows) {
  return std::ceil(std::log2(most_parents(n, leaf_rows)) / 2) + 3;
}

template <class T>
double SampleTree<T>::bytes_needed(double n, double d, double leaf_rows, double threads) {
  const double leaves = most_leaves(n, leaf_rows), nodes = leaves + most_inner_nodes(n, leaf_rows);
  const double samples = leaves * leaf_rows * (d * sizeof(T) + sizeof(std::uint32_t));
  // Nodes twice while levels are put together; where leaves begin, twice.
  return samples + nodes * (2 * sizeof(Node) + 2 * d * sizeof(T)) +
         leaves * (2 * sizeof(std::uint32_t) + 3 * sizeof(std::uint8_t)) + order_bytes_needed(n, d, threads);
}

template class SampleTree<float>;
template class SampleTree<double>;

}  // namespace omnimeans
