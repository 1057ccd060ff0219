// SPDX-License-Identifier: MIT
// int16: exhaustive search in sixteen bits, exact all the same. Products of 16-bit integers run at twice the
// rate of float multiply-adds (VNNI), from half the memory:
//
//   for each sample i:  s_ij = |c_j|^2/2 - x_i.c_j for all j, in integers;  label_i = argmin_j s_ij where the
//                       margin proves it, else re-ranked as in simd
//
// The error of the integers is derived in int16_rows.hpp. It is some thousandth of a distance, so that one
// margin a sample, from the lengths alone, leaves hardly a label open. Needs 2*n*d bytes. Without such
// instructions, and for double, this is `simd`.
//
// Siblings: simd.cpp (in float), int8.cpp (twice the rate again, and a candidate or two a sample), gap.cpp
// (the same search for what bounds leave).
#include "backends/backends.hpp"
#include "dense_engine.hpp"

namespace omnimeans::algorithms {
namespace {

template <class T>
double int16_bytes(const Problem<T>& problem) {
  return DenseEngine<T>::bytes_needed(problem, false) +
         (int16_kernels_for(problem) != nullptr ? Int16Rows::bytes_needed(problem) : 0);
}

template <class T>
class Int16 final : public Backend<T> {
 public:
  explicit Int16(const Problem<T>& problem)
      : problem_(within_memory("int16", problem, int16_bytes(problem))),
        engine_(problem.samples, problem.n_clusters, problem.isa, problem.threads,
                int16_kernels_for(problem)) {}

  AssignmentStats assign(const Assignment<T>& step) override {
    engine_.set_centroids(step.centroids);
    AssignmentStats stats = engine_.assign({.weights = problem_.sample_weights,
                                            .labels = step.labels,
                                            .observer = step.observer,
                                            .inertia = step.drift.empty()});
    stats.observed = step.observer != nullptr;
    return stats;
  }

  std::uint64_t bytes() const override { return static_cast<std::uint64_t>(int16_bytes(problem_)); }

 private:
  Problem<T> problem_;
  DenseEngine<T> engine_;
};

}  // namespace

const BackendEntry& int16() {
  static const BackendEntry entry{
      {.name = "int16",
       .exact = true,
       .memory = "2*n*d + 20*n bytes, 3*k*d values",
       .use_when = "AVX-512 VNNI or AVX-VNNI, float data, 16 features and 16 clusters or more, some 3 to 10 "
                   "iterations",
       .avoid_when = "2 or 3 features; double, more than 4,096 features, or a CPU without 16-bit dot "
                     "products: then it is simd",
       .reference = "Lloyd 1982; scores in sixteen bits with a proven error are this project's own"},
      make<Int16, float>,
      make<Int16, double>};
  return entry;
}

}  // namespace omnimeans::algorithms
