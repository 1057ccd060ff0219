// SPDX-License-Identifier: MIT
// dlib: find_clusters_using_kmeans, a template compiled here; one thread, a vector object a sample. Own
// defaults: its pick_initial_centers over linear kernels, up to 1000 iterations.
#include <dlib/clustering.h>
#include <dlib/revision.h>

#include "bench/peers/worker.hpp"

namespace omnimeans::peers {
namespace {

using Vector = dlib::matrix<float, 0, 1>;

std::vector<Vector> as_vectors(std::span<const float> values, std::size_t d) {
  std::vector<Vector> vectors(values.size() / d, Vector(static_cast<long>(d)));
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    for (std::size_t t = 0; t < d; ++t) vectors[i](static_cast<long>(t)) = values[i * d + t];
  }
  return vectors;
}

class Dlib : public Adapter {
 public:
  explicit Dlib(const Task& task)
      : task_(task), samples_(as_vectors(task.samples, task.d)), start_(as_vectors(task.centroids, task.d)) {}

  Answer given(std::size_t max_iter) override { return run(start_, max_iter); }
  Answer own() override {
    std::vector<Vector> centers;
    dlib::pick_initial_centers(static_cast<long>(task_.k), centers, samples_, dlib::linear_kernel<Vector>());
    return run(centers, 1000);
  }

 private:
  Answer run(std::vector<Vector> centers, std::size_t max_iter) const {
    dlib::find_clusters_using_kmeans(samples_, centers, max_iter);
    std::vector<float> values;
    for (const Vector& center : centers) values.insert(values.end(), center.begin(), center.end());
    return {.centroids = values};
  }

  Task task_;
  std::vector<Vector> samples_, start_;
};

}  // namespace
}  // namespace omnimeans::peers

int main(int argc, char** argv) {
  using namespace omnimeans::peers;
  const std::string version = std::to_string(DLIB_MAJOR_VERSION) + "." + std::to_string(DLIB_MINOR_VERSION);
  return serve<Dlib>(argc, argv, {version, OMNIMEANS_PEER_BUILD});
}
