// SPDX-License-Identifier: MIT
// SuperKMeans of newer FAISS (1.15): prunes by a statistical test on rotated data, so it is approximate; it
// starts from its own samples. Built where its header is found. Own defaults: those of faiss::Clustering.
#include <faiss/SuperKMeans.h>
#include <omp.h>

#include <limits>
#include <string>

#include "bench/peers/worker.hpp"

namespace omnimeans::peers {
namespace {

class SuperKMeans : public Adapter {
 public:
  explicit SuperKMeans(const Task& task) : task_(task) { omp_set_num_threads(task.threads); }

  Answer given(std::size_t max_iter) override {
    faiss::SuperKMeansParameters parameters;
    parameters.niter = static_cast<int>(max_iter);
    parameters.min_points_per_centroid = 1;
    parameters.max_points_per_centroid = std::numeric_limits<int>::max() / static_cast<int>(task_.k);
    return run(parameters);
  }
  Answer own() override { return run({}); }

 private:
  Answer run(const faiss::SuperKMeansParameters& parameters) const {
    faiss::SuperKMeans clustering(static_cast<int>(task_.d), static_cast<int>(task_.k), parameters);
    clustering.train(static_cast<faiss::idx_t>(task_.n), task_.samples.data());
    return {clustering.centroids, static_cast<long>(clustering.iteration_stats.size())};
  }

  Task task_;
};

}  // namespace
}  // namespace omnimeans::peers

int main(int argc, char** argv) {
  using namespace omnimeans::peers;
  const std::string version = std::to_string(FAISS_VERSION_MAJOR) + "." +
                              std::to_string(FAISS_VERSION_MINOR) + "." + std::to_string(FAISS_VERSION_PATCH);
  return serve<SuperKMeans>(argc, argv, {version, OMNIMEANS_PEER_BUILD, "own-start approximate"});
}
