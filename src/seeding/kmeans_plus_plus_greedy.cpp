// SPDX-License-Identifier: MIT
// Greedy k-means++ (Arthur & Vassilvitskii 2007, section 6; scikit-learn's default): every centre is the best
// of L = 2 + floor(ln k) samples drawn as k-means++ draws them.
//
//   trial    y with probability w_y D_y / sum w D
//   gain     g(y) = sum_i w_i max(0, D_i - D(x_i, y)): how much y would lower sum w D
//   choose   the trial of the largest gain, the first of equals;  then D_i = min(D_i, D(x_i, y))
//
// scikit-learn passes over the data for every centre. Here trials come in pools:
//
//   draw     P proposals y by w D0, with D0 the D of now, and a u in [0, 1) for each
//   pass     of the dense engine over all P: for each, the samples it comes nearer to (nearer_lists.hpp)
//   use      in order: a proposal is a trial if u D0_y < D_y, so with probability w_y D_y / sum w D
//            (rejection, as in kmeans_plus_plus.cpp); its gain and the new D need its list alone
//
// A proposal that is turned down costs its share of the pass, and D falls the faster the fewer centres there
// are: a pool serves a quarter as many centres as there are. That many, whatever is drawn; a rule that looked
// at the proposals would bend the law.
//
// Gains are added as integers, in units of 2^-62 of sum w D0 or a little more, so that the order of addition
// does not show.
//
// Memory: n doubles and labels, 64 bytes for each of up to 3n list entries, and the engine's with every score
// at hand. The last centre leaves the canonical labels.
#include <algorithm>
#include <atomic>
#include <cmath>

#include "parallel.hpp"
#include "seeding/nearer_lists.hpp"

namespace omnimeans::seeding {
namespace {

struct Proposal {
  std::size_t sample;
  double limit;  ///< u D0
};

/// The best trial for a centre so far. Its list is a copy: trials may come from two pools.
struct Trial {
  std::size_t sample = 0;
  std::uint64_t gain = 0;
  std::vector<std::size_t> samples;
  std::vector<double> squared;
};

template <class T>
class Greedy {
 public:
  explicit Greedy(Task<T>& task)
      : task_(task),
        trials_(2 + static_cast<std::size_t>(std::log(static_cast<double>(task.n_clusters)))),
        nearest_(task, 1),
        lists_(task) {}

  std::vector<std::size_t> run() {
    const std::size_t k = task_.n_clusters;
    std::vector<std::size_t> chosen{draw_by_weight(task_)};
    nearest_.take(chosen);
    task_.candidates = 1;
    while (chosen.size() < k && !task_.stop(chosen.size()) && find_best(chosen.size())) {
      const auto label = static_cast<std::int32_t>(chosen.size());
      for (std::size_t e = 0; e < best_.samples.size(); ++e)
        nearest_.come_nearer(best_.samples[e], best_.squared[e], label);
      chosen.push_back(best_.sample);
    }
    if (chosen.size() < k) {
      fill_at_random(task_, chosen);
    } else if (task_.with_labels) {
      nearest_.sum_up();
      nearest_.hand_over();
    }
    return chosen;
  }

 private:
  /// The best of L trials; false if every sample left equals a chosen one.
  bool find_best(std::size_t n_chosen) {
    for (std::size_t trial = 0; trial < trials_;) {
      if (next_ == listed_) {
        if (!list_more(n_chosen)) return false;
        // Another pool has another unit.
        if (trial > 0) best_.gain = gain_of(best_.samples, best_.squared);
      }
      const std::size_t p = next_++;
      const Proposal& proposal = pool_[p];
      if (!(proposal.limit < nearest_.squared(proposal.sample))) continue;
      const typename NearerLists<T>::List list = lists_[p];
      const std::uint64_t gain = gain_of(list.samples, list.squared);
      if (trial == 0 || gain > best_.gain) {
        best_.sample = proposal.sample;
        best_.gain = gain;
        best_.samples.assign(list.samples.begin(), list.samples.end());
        best_.squared.assign(list.squared.begin(), list.squared.end());
      }
      ++trial;
    }
    return true;
  }

  /// Lists of the next proposals: a new pool, or what a halving left of the old one.
  bool list_more(std::size_t n_chosen) {
    pool_.erase(pool_.begin(), pool_.begin() + static_cast<std::ptrdiff_t>(listed_));
    next_ = listed_ = 0;
    if (pool_.empty()) {
      nearest_.sum_up();
      const double total = nearest_.total();
      if (!(total > 0)) return false;
      scale_ = std::ldexp(1.0, std::clamp(61 - std::ilogb(total), -1000, 1000));
      pool_.resize(std::clamp(trials_ * n_chosen / 4, trials_, NearerLists<T>::most));
      for (Proposal& proposal : pool_) {
        proposal = {.sample = nearest_.draw(task_.rng.next_uniform()), .limit = task_.rng.next_uniform()};
        proposal.limit *= nearest_.squared(proposal.sample);
      }
      task_.candidates += pool_.size();
    }
    std::vector<std::size_t> samples;
    for (const Proposal& proposal : pool_) samples.push_back(proposal.sample);
    listed_ = lists_.find(samples, nearest_);
    return true;
  }

  /// Each addend is rounded down to an integer, and they are less than sum w D0 together.
  std::uint64_t gain_of(std::span<const std::size_t> samples, std::span<const double> squared) const {
    constexpr std::size_t block_entries = 8192;
    const std::size_t size = samples.size(), blocks = block_count(size, block_entries);
    std::atomic<std::uint64_t> total{0};
    parallel_blocks(size < 4 * block_entries ? 1 : task_.threads, blocks, [&](std::size_t block, int) {
      const RowRange range = block_range(block, size, block_entries);
      std::uint64_t sum = 0;
      for (std::size_t e = range.begin; e < range.end; ++e) {
        const std::size_t i = samples[e];
        const double less = nearest_.squared(i) - squared[e];
        if (less > 0)
          sum += static_cast<std::uint64_t>(static_cast<std::int64_t>(task_.weight(i) * less * scale_));
      }
      total += sum;
    });
    return total;
  }

  Task<T>& task_;
  std::size_t trials_;  ///< L
  NearestSeeds<T> nearest_;
  NearerLists<T> lists_;
  std::vector<Proposal> pool_;
  std::size_t next_ = 0, listed_ = 0;  ///< of the pool: used, and with lists
  double scale_ = 1;
  Trial best_;
};

}  // namespace

template <class T>
std::vector<std::size_t> kmeans_plus_plus_greedy(Task<T>& task) {
  // And the best trial: up to n entries.
  within_memory(task, NearestSeeds<T>::bytes_needed(task, 1) + NearerLists<T>::bytes_needed(task) +
                          16.0 * static_cast<double>(task.samples.rows()));
  return Greedy<T>(task).run();
}

template std::vector<std::size_t> kmeans_plus_plus_greedy(Task<float>&);
template std::vector<std::size_t> kmeans_plus_plus_greedy(Task<double>&);

}  // namespace omnimeans::seeding
