// SPDX-License-Identifier: MIT
// FAISS (Facebook AI Similarity Search): faiss::Clustering with an IndexFlatL2, which multiplies by BLAS. It
// always does all iterations; an empty cluster takes half of a full one. Own defaults: 25 iterations of a
// sample of 256 points a cluster, from random samples.
#include <faiss/IndexFlat.h>
#include <omp.h>

#include "bench/peers/faiss_common.hpp"

namespace omnimeans::peers {
namespace {

class Faiss : public Adapter {
 public:
  explicit Faiss(const Task& task) : task_(task) { omp_set_num_threads(task.threads); }

  Answer given(std::size_t max_iter) override {
    return run(every_sample<faiss::ClusteringParameters>(task_, max_iter),
               {task_.centroids.begin(), task_.centroids.end()});
  }
  Answer own() override { return run({}, {}); }

 private:
  Answer run(const faiss::ClusteringParameters& parameters, std::vector<float> start) const {
    const int d = static_cast<int>(task_.d);
    faiss::Clustering clustering(d, static_cast<int>(task_.k), parameters);
    clustering.centroids = std::move(start);
    faiss::IndexFlatL2 index(d);
    clustering.train(static_cast<faiss::Index::idx_t>(task_.n), task_.samples.data(), index);
    return answer_of(clustering, parameters, task_);
  }

  Task task_;
};

}  // namespace
}  // namespace omnimeans::peers

int main(int argc, char** argv) {
  using namespace omnimeans::peers;
  return serve<Faiss>(argc, argv, {faiss_version(), faiss_build()});
}
