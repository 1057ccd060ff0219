// SPDX-License-Identifier: MIT
// FAISS (Facebook AI Similarity Search): faiss::Clustering with an IndexFlatL2, which multiplies by BLAS. It
// always does all iterations; an empty cluster takes half of a full one. Own defaults: 25 iterations of a
// sample of 256 points a cluster, from random samples.
#include <faiss/Clustering.h>
#include <faiss/IndexFlat.h>
#include <omp.h>

#include <limits>
#include <string>

#include "bench/peers/worker.hpp"

namespace omnimeans::peers {
namespace {

class Faiss : public Adapter {
 public:
  explicit Faiss(const Task& task) : task_(task) { omp_set_num_threads(task.threads); }

  Answer given(std::size_t max_iter) override {
    faiss::ClusteringParameters parameters;
    parameters.niter = static_cast<int>(max_iter);
    parameters.min_points_per_centroid = 1;
    parameters.max_points_per_centroid = std::numeric_limits<int>::max() / static_cast<int>(task_.k);
    return run(parameters, {task_.centroids.begin(), task_.centroids.end()});
  }
  Answer own() override { return run({}, {}); }

 private:
  Answer run(const faiss::ClusteringParameters& parameters, std::vector<float> start) const {
    const int d = static_cast<int>(task_.d);
    faiss::Clustering clustering(d, static_cast<int>(task_.k), parameters);
    clustering.centroids = std::move(start);
    faiss::IndexFlatL2 index(d);
    clustering.train(static_cast<faiss::Index::idx_t>(task_.n), task_.samples.data(), index);
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
  return serve<Faiss>(argc, argv, {version, OMNIMEANS_PEER_BUILD});
}
