// SPDX-License-Identifier: MIT
// Of every sample the nearest of the seeds taken in so far, and its canonical distance.
//
// Seeds are taken in by batches: one pass of the dense engine labels every sample with the nearest of the
// batch, certified; the canonical distance to that one is computed while the sample is in a cache, and
// compared with the one that is kept. So after each pass labels and distances are canonical, and after the
// last one they are the first assignment.
//
// Memory: 16 bytes a sample, and the engine's for the largest batch; 12 where batches are of one.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "omnimeans/backend.hpp"
#include "seeding/draw.hpp"
#include "seeding/methods.hpp"

namespace omnimeans::seeding {

template <class T>
class NearestSeeds final : private LabelObserver {
 public:
  /// `most`: seeds in a batch, at most. Throws MemoryLimitExceeded.
  NearestSeeds(Task<T>& task, std::size_t most);
  static double bytes_needed(const Task<T>& task, std::size_t most);

  /// Takes in chosen[taken() ...]: a pass, unless there are none. Distances are to those and the ones before;
  /// labels count in `chosen`.
  void take(std::span<const std::size_t> chosen);
  std::size_t taken() const { return taken_; }

  /// For who knows already which samples a further seed is nearer to: D(x_i, seed) is `squared`, if that is
  /// less. Then sum_up(), before sums are asked for.
  void come_nearer(std::size_t i, double squared, std::int32_t label) {
    if (!(squared < squared_[i])) return;  // where they are equal the lower label stays
    squared_[i] = squared;
    labels_[i] = label;
  }
  void sum_up();

  /// D(x_i, nearest seed), canonical.
  double squared(std::size_t i) const { return squared_[i]; }
  /// Which one: the lowest of the nearest.
  std::int32_t label(std::size_t i) const { return labels_[i]; }

  /// w_i D_i, what samples are drawn by, and its sums.
  double mass(std::size_t i) const { return task_.weight(i) * squared_[i]; }
  double total() const { return sums_.total(); }
  std::size_t draw(double uniform) const {
    return sums_.draw(uniform, [&](std::size_t i) { return mass(i); });
  }

  /// Gives the labels to the task, once all seeds are taken in.
  void hand_over();

 private:
  void labelled(std::size_t begin, std::size_t end, int thread) override;
  void take_one(std::size_t seed);

  Task<T>& task_;
  std::size_t taken_ = 0;
  std::vector<double> squared_;
  std::vector<std::int32_t> labels_, batch_labels_;
  Matrix<T> batch_;
  MassSums sums_;
};

/// A sample drawn by its weight.
template <class T>
std::size_t draw_by_weight(Task<T>& task);

/// Threads worth starting for so many distances: a start costs about as much as 200,000 of their addends.
template <class T>
int distance_threads(const Task<T>& task, std::size_t distances) {
  return distances * (task.samples.cols() + 8) < 200'000 ? 1 : task.threads;
}

}  // namespace omnimeans::seeding
