// SPDX-License-Identifier: MIT
// AFK-MC^2 (Bachem, Lucic, Hassani & Krause 2016, "Fast and provably good seedings for k-means", NIPS): a
// Markov chain in place of D^2 sampling, so that no centre but the first needs a pass over the data.
//
//   1  c_1, drawn by weight
//   2  q_i = w_i D(x_i, c_1) / (2 sum w D) + w_i / (2 sum w)
//   5  for each further centre: x from q, then m - 1 times y from q: x = y with probability
//      min(1, (w_y D_y q_x) / (w_x D_x q_y)), D to the centres so far;  the centre is the x at the end
//
// m = 200, as in the paper's experiments. Needs m k^2 / 2 lone distances whatever n: it pays where n is much
// larger than m k, and approximates the law of k-means++ only (total variation falls with m).
//
// A chain ends on a sample of distance 0 only if it met nothing else; what is missing then is completed by
// D^2 sampling, so that no centre is chosen twice.
//
// Memory: n doubles and labels, k rows.
#include <limits>

#include "parallel.hpp"
#include "seeding/fresh_seeds.hpp"
#include "seeding/nearest_seeds.hpp"

namespace omnimeans::seeding {
namespace {

constexpr std::size_t chain_length = 200;

struct Link {
  std::size_t sample;
  double uniform;
  double squared = 0;
  std::uint64_t distances = 0;
};

}  // namespace

template <class T>
std::vector<std::size_t> afk_mc2(Task<T>& task) {
  const std::size_t k = task.n_clusters, n = task.samples.rows();
  std::vector<std::size_t> chosen{draw_by_weight(task)};  // line 1
  task.candidates = 1;
  if (k == 1) return chosen;
  {
    within_memory(task, NearestSeeds<T>::bytes_needed(task, 1) +
                            static_cast<double>(k) * static_cast<double>(task.samples.cols()) * sizeof(T));
    NearestSeeds<T> first(task, 1);
    first.take(chosen);
    double weights = 0;
    for (std::size_t i = 0; i < n; ++i) weights += task.weight(i);
    const double by_distance = first.total() > 0 ? 0.5 / first.total() : 0, by_weight = 0.5 / weights;
    // q_i / w_i, line 2
    const auto rate = [&](std::size_t i) { return by_distance * first.squared(i) + by_weight; };
    const auto q = [&](std::size_t i) { return task.weight(i) * rate(i); };
    MassSums sums;
    sums.build(n, task.threads, q);
    FreshSeeds<T> fresh(task, k);
    fresh.add(chosen[0]);
    std::vector<Link> chain(chain_length);
    while (chosen.size() < k && !task.stop(chosen.size())) {
      for (Link& link : chain)
        link = {.sample = sums.draw(task.rng.next_uniform(), q), .uniform = task.rng.next_uniform()};
      parallel_blocks(distance_threads(task, chain_length * chosen.size()), chain_length,
                      [&](std::size_t l, int) {
                        chain[l].squared = fresh.nearest(chain[l].sample, first.squared(chain[l].sample), 0,
                                                         1, fresh.size(), chain[l].distances);
                      });
      const Link* x = chain.data();  // line 5
      for (const Link& y : chain) {
        task.distances_computed += y.distances;
        if (y.squared * rate(x->sample) > y.uniform * x->squared * rate(y.sample)) x = &y;
      }
      task.candidates += chain_length;
      if (!(x->squared > 0)) break;
      chosen.push_back(x->sample);
      fresh.add(x->sample);
    }
  }
  if (task.interrupted) {
    fill_at_random(task, chosen);
  } else if (chosen.size() < k) {
    complete_by_squared_distance(task, chosen);
  }
  return chosen;
}

template std::vector<std::size_t> afk_mc2(Task<float>&);
template std::vector<std::size_t> afk_mc2(Task<double>&);

}  // namespace omnimeans::seeding
