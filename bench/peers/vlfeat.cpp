// SPDX-License-Identifier: MIT
// VLFeat: vl_kmeans, Lloyd's or Elkan's (argv[2]: "lloyd" or "elkan"). Own defaults: its default seeding,
// random samples, and 100 iterations.
extern "C" {
#include <vl/generic.h>
#include <vl/kmeans.h>
}

#include <memory>
#include <string>

#include "bench/peers/worker.hpp"

namespace omnimeans::peers {
namespace {

class VlFeat : public Adapter {
 public:
  VlFeat(const Task& task, VlKMeansAlgorithm algorithm) : task_(task), algorithm_(algorithm) {
    vl_set_num_threads(static_cast<vl_size>(task.threads));
  }

  Answer given(std::size_t max_iter) override {
    const Handle kmeans = make();
    vl_kmeans_set_max_num_iterations(kmeans.get(), max_iter);
    vl_kmeans_set_min_energy_variation(kmeans.get(), task_.tol);
    vl_kmeans_set_centers(kmeans.get(), task_.centroids.data(), task_.d, task_.k);
    vl_kmeans_refine_centers(kmeans.get(), task_.samples.data(), task_.n);
    return centroids_of(kmeans);
  }
  Answer own() override {
    const Handle kmeans = make();
    vl_kmeans_cluster(kmeans.get(), task_.samples.data(), task_.d, task_.n, task_.k);
    return centroids_of(kmeans);
  }

 private:
  using Handle = std::unique_ptr<VlKMeans, decltype(&vl_kmeans_delete)>;

  Handle make() const {
    Handle kmeans(vl_kmeans_new(VL_TYPE_FLOAT, VlDistanceL2), &vl_kmeans_delete);
    vl_kmeans_set_algorithm(kmeans.get(), algorithm_);
    return kmeans;
  }
  Answer centroids_of(const Handle& kmeans) const {
    const auto* values = static_cast<const float*>(vl_kmeans_get_centers(kmeans.get()));
    return {.centroids = {values, values + task_.k * task_.d}};
  }

  Task task_;
  VlKMeansAlgorithm algorithm_;
};

std::string build() {
  const std::unique_ptr<char, decltype(&vl_free)> text(vl_static_configuration_to_string_copy(), &vl_free);
  return std::string(OMNIMEANS_PEER_BUILD) + "; " + text.get();
}

}  // namespace
}  // namespace omnimeans::peers

int main(int argc, char** argv) {
  using namespace omnimeans::peers;
  const bool elkan = argc > 2 && std::string(argv[2]) == "elkan";
  return serve(argc, argv, {vl_get_version_string(), build()}, [&](const Task& task) {
    return std::make_unique<VlFeat>(task, elkan ? VlKMeansElkan : VlKMeansLloyd);
  });
}
