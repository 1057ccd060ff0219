// SPDX-License-Identifier: MIT
// SuperKMeans of newer FAISS (1.15): prunes by a statistical test on rotated data, so it is approximate; it
// starts from its own samples. Built where its header is found. Own defaults: those of faiss::Clustering.
#include <faiss/SuperKMeans.h>
#include <omp.h>

#include "bench/peers/faiss_common.hpp"

namespace omnimeans::peers {
namespace {

class SuperKMeans : public Adapter {
 public:
  explicit SuperKMeans(const Task& task) : task_(task) { omp_set_num_threads(task.threads); }

  Answer given(std::size_t max_iter) override {
    return run(every_sample<faiss::SuperKMeansParameters>(task_, max_iter));
  }
  Answer own() override { return run({}); }

 private:
  Answer run(const faiss::SuperKMeansParameters& parameters) const {
    faiss::SuperKMeans clustering(static_cast<int>(task_.d), static_cast<int>(task_.k), parameters);
    clustering.train(static_cast<faiss::idx_t>(task_.n), task_.samples.data());
    return answer_of(clustering, parameters, task_);
  }

  Task task_;
};

}  // namespace
}  // namespace omnimeans::peers

int main(int argc, char** argv) {
  using namespace omnimeans::peers;
  return serve<SuperKMeans>(argc, argv, {faiss_version(), faiss_build(), "own-start approximate"});
}
