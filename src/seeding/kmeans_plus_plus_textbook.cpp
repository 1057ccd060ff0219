// SPDX-License-Identifier: MIT
// k-means++ (Arthur & Vassilvitskii 2007, "k-means++: the advantages of careful seeding", SODA), plainly:
// what the accelerated form is tested against and measured by.
//
//   c_1 drawn with probability w_i / sum w;  then each c_m with probability w_i D_i^2 / sum w D^2,
//   where D_i^2 = min over the centres so far of D(x_i, c)
//
// One pass over the data a centre: n*k canonical distances. Sibling: kmeans_plus_plus.cpp.
#include "seeding/nearest_seeds.hpp"

namespace omnimeans::seeding {

template <class T>
std::vector<std::size_t> kmeans_plus_plus_textbook(Task<T>& task) {
  NearestSeeds<T> nearest(task, 1);
  std::vector<std::size_t> chosen{draw_by_weight(task)};
  task.candidates = 1;
  for (;;) {
    if (chosen.size() == task.n_clusters && !task.with_labels) return chosen;
    nearest.take(chosen);
    if (chosen.size() == task.n_clusters) break;
    // No mass: every sample left equals a chosen one.
    if (task.stop(chosen.size()) || !(nearest.total() > 0)) {
      fill_at_random(task, chosen);
      return chosen;
    }
    chosen.push_back(nearest.draw(task.rng.next_uniform()));
    ++task.candidates;
  }
  nearest.hand_over();
  return chosen;
}

template std::vector<std::size_t> kmeans_plus_plus_textbook(Task<float>&);
template std::vector<std::size_t> kmeans_plus_plus_textbook(Task<double>&);

}  // namespace omnimeans::seeding
