// SPDX-License-Identifier: MIT
// k-means|| (Bahmani, Moseley, Vattani, Kumar & Vassilvitskii 2012, "Scalable k-means++", VLDB): candidates
// by independent draws in a few rounds, then a seeding among them.
//
//   1  C = {c_1}, drawn by weight
//   2  in each of r rounds: every x_i joins C with probability min(1, l w_i D_i / sum w D), D to the C so far
//   7  w_c = the weight of the samples nearest to c
//   8  k of C by (here: greedy) k-means++ with these weights
//
// r = 5 and l = k / 2, which the paper found to do, give some 2.5 k candidates, so 2.5 n k distances in r + 1
// dense passes. Whether a sample joins is drawn from a number of its own, so threads cannot show. Candidates
// that are too few or too alike are completed by D^2 sampling.
//
// Memory: n doubles, 2n labels, the engine's for a round's candidates, and what their seeding needs.
#include <algorithm>

#include "parallel.hpp"
#include "seeding/nearest_seeds.hpp"

namespace omnimeans::seeding {
namespace {

constexpr std::size_t rounds = 5;

/// Steps 3 to 6. Numbers of the stream from 2^48 on are not drawn in turn.
template <class T>
void join(const Task<T>& task, const NearestSeeds<T>& nearest, std::uint64_t round,
          std::vector<std::size_t>& candidates) {
  const double share = std::max(1.0, static_cast<double>(task.n_clusters) / 2) / nearest.total();
  for (std::size_t i = 0; i < task.samples.rows(); ++i) {
    if (task.rng.uniform(((round + 1) << 48) + i) < share * nearest.mass(i)) candidates.push_back(i);
  }
}

/// Step 8: k of the candidates; fewer if only so many count.
template <class T>
std::vector<std::size_t> choose(Task<T>& task, const NearestSeeds<T>& nearest,
                                const std::vector<std::size_t>& candidates) {
  // Step 7, as shares of the largest.
  std::vector<double> weight(candidates.size(), 0);
  for (std::size_t i = 0; i < task.samples.rows(); ++i)
    weight[static_cast<std::size_t>(nearest.label(i))] += task.weight(i);
  const double largest = *std::max_element(weight.begin(), weight.end());
  std::vector<T> shares;
  for (const double w : weight) shares.push_back(static_cast<T>(w / largest));
  Matrix<T> rows(candidates.size(), task.samples.cols());
  for (std::size_t c = 0; c < candidates.size(); ++c)
    std::ranges::copy(task.samples.row(candidates[c]), rows.row(c).begin());

  const auto count =
      static_cast<std::size_t>(std::count_if(shares.begin(), shares.end(), [](T w) { return w > 0; }));
  Task<T> among = task;
  among.samples = rows;
  among.weights = shares;
  among.n_clusters = std::min(task.n_clusters, count);
  among.with_labels = false;
  among.distances_computed = among.candidates = among.passes = 0;
  const double used = NearestSeeds<T>::bytes_needed(task, task.n_clusters) +
                      static_cast<double>(rows.rows()) * static_cast<double>(rows.cols()) * sizeof(T);
  among.memory_limit_bytes =
      static_cast<std::uint64_t>(std::max(1.0, static_cast<double>(task.memory_limit_bytes) - used));
  // Progress is that of the whole.
  if (task.interrupt) {
    among.interrupt = [&task](const SeedingProgress& progress) {
      return task.interrupt({task.run, task.n_clusters, progress.n_chosen, task.passes});
    };
  }
  std::vector<std::size_t> chosen = kmeans_plus_plus_greedy(among);
  task.rng = among.rng;
  task.interrupted = among.interrupted;
  task.distances_computed += among.distances_computed;
  for (std::size_t& c : chosen) c = candidates[c];
  return chosen;
}

}  // namespace

template <class T>
std::vector<std::size_t> kmeans_parallel(Task<T>& task) {
  std::vector<std::size_t> candidates{draw_by_weight(task)}, chosen{candidates[0]};
  {
    // A round brings l candidates on average, hardly ever twice as many.
    NearestSeeds<T> nearest(task, task.n_clusters);
    nearest.take(candidates);
    for (std::uint64_t round = 0; round < rounds && nearest.total() > 0; ++round) {
      if (task.stop(1)) break;
      join(task, nearest, round, candidates);
      nearest.take(candidates);
    }
    task.candidates = candidates.size();
    if (!task.interrupted) chosen = choose(task, nearest, candidates);
  }
  if (task.interrupted) {
    fill_at_random(task, chosen);
  } else if (chosen.size() < task.n_clusters) {
    complete_by_squared_distance(task, chosen);
  }
  return chosen;
}

template std::vector<std::size_t> kmeans_parallel(Task<float>&);
template std::vector<std::size_t> kmeans_parallel(Task<double>&);

}  // namespace omnimeans::seeding
