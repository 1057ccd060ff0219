// SPDX-License-Identifier: MIT
// naive: the textbook loops on the canonical distance, one thread, scalar code (compiled without
// vectorisation).
//
//   for each sample i:  label_i = argmin_j D(x_i, c_j)
//
// The reference that every other backend is compared with, bit for bit. Its parallel sibling is openmp.cpp.
#include "backends/backends.hpp"
#include "canonical.hpp"

namespace omnimeans::algorithms {
namespace {

template <class T>
class Naive final : public Backend<T> {
 public:
  explicit Naive(const Problem<T>& problem) : problem_(problem) {}

  AssignmentStats assign(const Assignment<T>& step) override {
    const MatrixView<const T> samples = problem_.samples;
    const std::span<const T> weights = problem_.sample_weights;
    AssignmentStats stats{.inertia_is_exact = true};
    for (std::size_t i = 0; i < samples.rows(); ++i) {
      const Nearest nearest = canonical_nearest(samples.row_data(i), step.centroids);
      step.labels[i] = nearest.label;
      stats.inertia_bound += (weights.empty() ? 1.0 : static_cast<double>(weights[i])) * nearest.distance;
    }
    stats.distances_computed = samples.rows() * problem_.n_clusters;
    return stats;
  }

  std::uint64_t bytes() const override { return 0; }

 private:
  Problem<T> problem_;
};

}  // namespace

const BackendEntry& naive() {
  static const BackendEntry entry{{.name = "naive",
                                   .vectorised = false,
                                   .threaded = false,
                                   .exact = true,
                                   .memory = "none",
                                   .use_when = "checking another backend",
                                   .avoid_when = "time matters",
                                   .reference = "Lloyd 1982, Least squares quantization in PCM"},
                                  make<Naive, float>,
                                  make<Naive, double>};
  return entry;
}

}  // namespace omnimeans::algorithms
