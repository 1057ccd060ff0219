// SPDX-License-Identifier: MIT
// Armadillo: arma::kmeans, a template compiled here. Its matrices are column-major, a sample a column: the
// same bytes as ours. Own defaults: the seeding that its documentation recommends (random_spread), 10
// iterations.
#include <armadillo>

#include "bench/peers/worker.hpp"

namespace omnimeans::peers {
namespace {

class Armadillo : public Adapter {
 public:
  explicit Armadillo(const Task& task) : task_(task) {}

  Answer given(std::size_t max_iter) override {
    arma::fmat means(task_.centroids.data(), task_.d, task_.k);
    return run(means, arma::keep_existing, max_iter);
  }
  Answer own() override {
    arma::fmat means;
    return run(means, arma::random_spread, 10);
  }

 private:
  Answer run(arma::fmat& means, const arma::gmm_seed_mode& seeding, std::size_t n_iter) const {
    // Read only; the constructor that copies nothing takes no pointer to const.
    const arma::fmat samples(const_cast<float*>(task_.samples.data()), task_.d, task_.n, false, true);
    if (!arma::kmeans(means, samples, task_.k, seeding, n_iter, false))
      throw std::runtime_error("arma::kmeans failed");
    return {.centroids = {means.begin(), means.end()}};
  }

  Task task_;
};

}  // namespace
}  // namespace omnimeans::peers

int main(int argc, char** argv) {
  using namespace omnimeans::peers;
  const arma::arma_version version;
  return serve<Armadillo>(argc, argv, {version.as_string(), OMNIMEANS_PEER_BUILD});
}
