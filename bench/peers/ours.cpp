// SPDX-License-Identifier: MIT
// This project, measured like any other library: the wall clock around omnimeans::fit, validation included.
// argv[2] is the backend.
#include "bench/peers/worker.hpp"
#include "omnimeans/fit.hpp"
#include "omnimeans/version.hpp"

namespace omnimeans::peers {
namespace {

class Ours : public Adapter {
 public:
  Ours(const Task& task, std::string backend) : task_(task), backend_(std::move(backend)) {}

  Answer given(std::size_t max_iter) override {
    return run({.n_clusters = task_.k,
                .max_iter = max_iter,
                .tol = task_.tol,
                .threads = task_.threads,
                .backend = backend_},
               {.initial_centroids = {task_.centroids.data(), task_.k, task_.d}});
  }
  Answer own() override {
    return run({.n_clusters = task_.k, .threads = task_.threads, .backend = backend_}, {});
  }

 private:
  Answer run(const Options& options, const FitInputs<float>& inputs) const {
    const auto result = fit(MatrixView<const float>(task_.samples.data(), task_.n, task_.d), options, inputs);
    const float* values = result.centroids.data();
    return {{values, values + task_.k * task_.d}, static_cast<long>(result.n_iter)};
  }

  Task task_;
  std::string backend_;
};

}  // namespace
}  // namespace omnimeans::peers

int main(int argc, char** argv) {
  using namespace omnimeans::peers;
  const std::string backend = argc > 2 ? argv[2] : "auto";
  return serve(argc, argv, {OMNIMEANS_VERSION, "this build", "ours"},
               [&](const Task& task) { return std::make_unique<Ours>(task, backend); });
}
