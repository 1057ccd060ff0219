// SPDX-License-Identifier: MIT
// What simd and int16 are: the dense engine's exhaustive search, which keeps nothing from step to step but
// the samples' lengths and, in sixteen bits, their rounded rows.
#pragma once

#include <cstdint>
#include <string_view>

#include "backends/backends.hpp"
#include "dense_engine.hpp"

namespace omnimeans::algorithms {

/// One step of it, by an engine that has its centroids. `stands_in`: for a backend of integers, which this
/// problem or CPU has no use for; the first step says so.
template <class T>
AssignmentStats search_all(DenseEngine<T>& engine, const Problem<T>& problem, const Assignment<T>& step,
                           bool stands_in) {
  AssignmentStats stats = engine.assign({.weights = problem.sample_weights,
                                         .labels = step.labels,
                                         .observer = step.observer,
                                         .inertia = step.drift.empty()});
  stats.observed = step.observer != nullptr;
  if (stands_in && step.drift.empty())
    stats.reason = "it is simd here: its integers are for float, and for CPUs and sizes that suit them";
  return stats;
}

template <class T>
class DenseSearch : public Backend<T> {
 public:
  /// `int16` may be null: then in values of T.
  DenseSearch(std::string_view name, const Problem<T>& problem, const kernels::Int16Kernels* int16)
      : bytes_(DenseEngine<T>::bytes_needed(problem, false) +
               (int16 != nullptr ? Int16Rows::bytes_needed(problem) : 0)),
        problem_(within_memory(name, problem, bytes_)),
        engine_(problem.samples, problem.n_clusters, problem.isa, problem.threads, int16),
        stands_in_(name != "simd" && int16 == nullptr) {}

  AssignmentStats assign(const Assignment<T>& step) override {
    engine_.set_centroids(step.centroids);
    return search_all(engine_, problem_, step, stands_in_);
  }

  std::uint64_t bytes() const override { return static_cast<std::uint64_t>(bytes_); }

 private:
  double bytes_;
  Problem<T> problem_;
  DenseEngine<T> engine_;
  bool stands_in_;
};

}  // namespace omnimeans::algorithms
