// SPDX-License-Identifier: MIT
// Random seeding: distinct samples, drawn without replacement with probability proportional to their weight.
// Forgy 1965, "Cluster analysis of multivariate data".
//
// Without weights: the head of a Fisher-Yates shuffle, kept sparse. With weights: a Fenwick tree (Fenwick
// 1994) over the weights as integers (2^30 stands for the largest), so that sums are exact and draws the same
// on any machine.
#include <algorithm>
#include <bit>
#include <optional>
#include <unordered_map>

#include "row_hash.hpp"
#include "seeding/methods.hpp"

namespace omnimeans::seeding {
namespace {

/// Indices 0..n-1 in random order, one at a time.
class Shuffle {
 public:
  explicit Shuffle(std::size_t n) : n_(n) {}

  std::optional<std::size_t> next(CounterRng& rng) {
    if (drawn_ == n_) return std::nullopt;
    const std::size_t pick = drawn_ + rng.next_below(n_ - drawn_);
    const std::size_t result = at(pick);
    moved_[pick] = at(drawn_++);
    return result;
  }

 private:
  std::size_t at(std::size_t position) const {
    const auto found = moved_.find(position);
    return found != moved_.end() ? found->second : position;
  }

  std::size_t n_, drawn_ = 0;
  std::unordered_map<std::size_t, std::size_t> moved_;
};

/// Indices of positive weight, drawn by weight, each once.
class WeightedShuffle {
 public:
  template <class T>
  explicit WeightedShuffle(std::span<const T> weights) : tree_(weights.size() + 1, 0) {
    const double largest = static_cast<double>(*std::max_element(weights.begin(), weights.end()));
    weights_.reserve(weights.size());
    for (T w : weights) {
      const double share = static_cast<double>(w) / largest * 0x1p30;
      weights_.push_back(w > 0 ? std::max<std::uint64_t>(1, static_cast<std::uint64_t>(share)) : 0);
      total_ += weights_.back();
    }
    for (std::size_t i = 1; i < tree_.size(); ++i) {
      tree_[i] += weights_[i - 1];
      const std::size_t parent = i + (i & (~i + 1));
      if (parent < tree_.size()) tree_[parent] += tree_[i];
    }
  }

  std::optional<std::size_t> next(CounterRng& rng) {
    if (total_ == 0) return std::nullopt;
    std::uint64_t rest = rng.next_below(total_);
    std::size_t position = 0;
    for (std::size_t step = std::bit_floor(tree_.size() - 1); step != 0; step /= 2) {
      if (position + step < tree_.size() && tree_[position + step] <= rest) {
        position += step;
        rest -= tree_[position];
      }
    }
    const std::uint64_t w = weights_[position];
    weights_[position] = 0;
    total_ -= w;
    for (std::size_t i = position + 1; i < tree_.size(); i += i & (~i + 1)) tree_[i] -= w;
    return position;
  }

 private:
  std::vector<std::uint64_t> weights_, tree_;
  std::uint64_t total_ = 0;
};

template <class T, class Order>
void fill(Task<T>& task, Order order, std::vector<std::size_t>& chosen) {
  RowSet<T> rows;
  for (std::size_t i : chosen) rows.insert(task.samples.row(i));
  std::vector<std::size_t> taken = chosen, repeated;
  std::sort(taken.begin(), taken.end());
  while (chosen.size() < task.n_clusters) {
    const std::optional<std::size_t> i = order.next(task.rng);
    if (!i) break;
    if (std::binary_search(taken.begin(), taken.end(), *i)) continue;
    (rows.insert(task.samples.row(*i)) ? chosen : repeated).push_back(*i);
  }
  for (std::size_t i : repeated) {
    if (chosen.size() == task.n_clusters) break;
    chosen.push_back(i);
  }
}

}  // namespace

template <class T>
void fill_at_random(Task<T>& task, std::vector<std::size_t>& chosen) {
  if (task.weights.empty()) {
    fill(task, Shuffle(task.samples.rows()), chosen);
  } else {
    fill(task, WeightedShuffle(task.weights), chosen);
  }
}

template <class T>
std::vector<std::size_t> random(Task<T>& task) {
  std::vector<std::size_t> chosen;
  fill_at_random(task, chosen);
  return chosen;
}

template void fill_at_random(Task<float>&, std::vector<std::size_t>&);
template void fill_at_random(Task<double>&, std::vector<std::size_t>&);
template std::vector<std::size_t> random(Task<float>&);
template std::vector<std::size_t> random(Task<double>&);

}  // namespace omnimeans::seeding
