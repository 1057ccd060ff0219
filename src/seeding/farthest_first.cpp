// SPDX-License-Identifier: MIT
// Farthest-first traversal (Gonzalez 1985, "Clustering to minimize the maximum intercluster distance",
// Theoretical Computer Science 38): after a first centre drawn by weight always the sample farthest from the
// centres so far, the first of equals. The largest distance is at most twice that of the best k centres.
//
// Distances only shrink as centres are added. So they are kept as they were at the last pass, as upper
// bounds, in a heap: the top is brought up to date, and is the farthest if it is still on top. Once that has
// cost a distance a sample, the next pass takes in all centres since (see kmeans_plus_plus.cpp).
//
// Memory: 24 bytes a sample in the heap (48 while it grows), 16 for distances and labels, and the engine's.
#include <algorithm>

#include "seeding/fresh_seeds.hpp"
#include "seeding/nearest_seeds.hpp"

namespace omnimeans::seeding {
namespace {

struct Far {
  double squared;  ///< at most
  std::size_t sample;
  std::size_t seen = 0;  ///< of the fresh seeds: those that are in `squared`
  bool operator<(const Far& other) const {
    return squared < other.squared || (squared == other.squared && sample > other.sample);
  }
};

template <class T>
void choose_farthest(Task<T>& task, const NearestSeeds<T>& nearest, std::vector<Far>& heap,
                     FreshSeeds<T>& fresh, std::vector<std::size_t>& chosen) {
  constexpr std::size_t calls_between = 4096;
  const std::size_t n = task.samples.rows();
  heap.clear();
  for (std::size_t i = 0; i < n; ++i) {
    if (nearest.mass(i) > 0) heap.push_back({nearest.squared(i), i});
  }
  std::make_heap(heap.begin(), heap.end());
  fresh.clear();
  std::uint64_t spent = 0;
  for (std::size_t step = 1; spent < n && chosen.size() < task.n_clusters && !heap.empty(); ++step) {
    std::pop_heap(heap.begin(), heap.end());
    Far& top = heap.back();
    if (top.seen == fresh.size()) {
      fresh.add(top.sample);
      chosen.push_back(top.sample);
      heap.pop_back();
    } else {
      top.squared = fresh.nearest(top.sample, top.squared, 0, top.seen, fresh.size(), spent);
      top.seen = fresh.size();
      if (top.squared > 0) {
        std::push_heap(heap.begin(), heap.end());
      } else {
        heap.pop_back();
      }
    }
    if (step % calls_between == 0 && task.stop(chosen.size())) break;
  }
  task.distances_computed += spent;
}

}  // namespace

template <class T>
std::vector<std::size_t> farthest_first(Task<T>& task) {
  const std::size_t k = task.n_clusters;
  within_memory(task, NearestSeeds<T>::bytes_needed(task, k) +
                          static_cast<double>(task.samples.rows()) * 2 * sizeof(Far));
  NearestSeeds<T> nearest(task, k);
  FreshSeeds<T> fresh(task, k);
  std::vector<Far> heap;
  std::vector<std::size_t> chosen{draw_by_weight(task)};
  task.candidates = 1;
  while (chosen.size() < k && !task.interrupted) {
    nearest.take(chosen);
    // No mass: every sample left equals a chosen one.
    if (task.stop(chosen.size()) || !(nearest.total() > 0)) break;
    choose_farthest(task, nearest, heap, fresh, chosen);
  }
  if (chosen.size() < k) fill_at_random(task, chosen);
  if (task.with_labels && !task.interrupted) {
    nearest.take(chosen);
    nearest.hand_over();
  }
  return chosen;
}

template std::vector<std::size_t> farthest_first(Task<float>&);
template std::vector<std::size_t> farthest_first(Task<double>&);

}  // namespace omnimeans::seeding
