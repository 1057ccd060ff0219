// SPDX-License-Identifier: MIT
// k-means++ (Arthur & Vassilvitskii 2007, "k-means++: the advantages of careful seeding", SODA), in batches:
// the law of kmeans_plus_plus_textbook.cpp exactly, with about as many distances as one assignment pass.
//
//   refresh   D0_i = min over all centres so far of D(x_i, c): one pass of the dense engine over the centres
//             that are new since the last one
//   draw      y with probability w_y D0_y / sum w D0
//   accept    with probability min(D0_y, min over the new centres of D(y, c)) / D0_y
//
// An accepted y has the probability w_y D_y / sum w D that the paper asks for, whatever became of the draws
// before it (von Neumann's rejection: the envelope w D0 is never below w D). All distances that decide are
// canonical, so draws are the same on any machine.
//
// Draws come in groups, checked against the new centres by all threads, then against each other in order.
// When a refresh is due is asked between groups, of what has been drawn so far and never of what would come
// next: a rule that looked ahead would bend the law.
//
// A refresh costs a distance in double a sample, and something more, beside the n m distances in tiles that
// are needed sooner or later; candidates cost lone distances. So a refresh is due once candidates have cost
// as much as it will ("rent or buy": never more than twice the cost of the best moment).
//
// The last refresh leaves the canonical labels: the first assignment.
//
// Memory: 16 bytes a sample for distances and labels, and the engine's.
#include <algorithm>
#include <limits>

#include "parallel.hpp"
#include "seeding/fresh_seeds.hpp"
#include "seeding/nearest_seeds.hpp"

namespace omnimeans::seeding {
namespace {

struct Candidate {
  std::size_t sample;
  double limit;  ///< accepted if every new centre is farther: u D0, u uniform in [0, 1)
  bool rejected = false;
  std::uint64_t distances = 0;
};

/// Draws and accepts until there are enough or a refresh is due.
template <class T>
void accept_candidates(Task<T>& task, const NearestSeeds<T>& nearest, FreshSeeds<T>& fresh,
                       std::vector<std::size_t>& chosen) {
  const std::size_t n = task.samples.rows();
  std::vector<Candidate> group;
  fresh.clear();
  std::uint64_t spent = 0;
  while (spent < n && chosen.size() < task.n_clusters) {
    const std::size_t before = fresh.size();
    // Few enough that they rarely meet each other: that is for one thread.
    group.resize(std::clamp<std::size_t>(before / 4, 2, 256));
    for (Candidate& c : group) {
      c = {.sample = nearest.draw(task.rng.next_uniform()), .limit = task.rng.next_uniform()};
      c.limit *= nearest.squared(c.sample);
    }
    const auto check = [&](Candidate& c, std::size_t begin) {
      constexpr double far = std::numeric_limits<double>::infinity();
      c.rejected = fresh.nearest(c.sample, far, c.limit, begin, fresh.size(), c.distances) <= c.limit;
    };
    parallel_blocks(distance_threads(task, group.size() * before / 2), group.size(),
                    [&](std::size_t g, int) { check(group[g], 0); });
    for (Candidate& c : group) {
      if (chosen.size() == task.n_clusters) break;
      if (!c.rejected) check(c, before);
      spent += c.distances + 1;
      task.distances_computed += c.distances;
      ++task.candidates;
      if (c.rejected) continue;
      chosen.push_back(c.sample);
      fresh.add(c.sample);
    }
    if (task.stop(chosen.size())) return;
  }
}

}  // namespace

template <class T>
void complete_by_squared_distance(Task<T>& task, std::vector<std::size_t>& chosen) {
  const std::size_t k = task.n_clusters;
  NearestSeeds<T> nearest(task, k);
  FreshSeeds<T> fresh(task, k);
  while (chosen.size() < k) {
    nearest.take(chosen);
    // No mass: every sample left equals a chosen one.
    if (task.stop(chosen.size()) || !(nearest.total() > 0)) break;
    accept_candidates(task, nearest, fresh, chosen);
    if (task.interrupted) break;
  }
  if (chosen.size() < k) fill_at_random(task, chosen);
  if (!task.with_labels || task.interrupted) return;
  nearest.take(chosen);
  nearest.hand_over();
}

template <class T>
std::vector<std::size_t> kmeans_plus_plus(Task<T>& task) {
  std::vector<std::size_t> chosen{draw_by_weight(task)};
  task.candidates = 1;
  complete_by_squared_distance(task, chosen);
  return chosen;
}

template void complete_by_squared_distance(Task<float>&, std::vector<std::size_t>&);
template void complete_by_squared_distance(Task<double>&, std::vector<std::size_t>&);
template std::vector<std::size_t> kmeans_plus_plus(Task<float>&);
template std::vector<std::size_t> kmeans_plus_plus(Task<double>&);

}  // namespace omnimeans::seeding
