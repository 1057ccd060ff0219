// SPDX-License-Identifier: MIT
// ALGLIB (free edition): clusterizerrunkmeans, in double; it starts from its own centres. Own defaults: its
// automatic choice of seeding, no limit of iterations, one start.
#include <dataanalysis.h>

#include "bench/peers/worker.hpp"

namespace omnimeans::peers {
namespace {

class Alglib : public Adapter {
 public:
  explicit Alglib(const Task& task) : task_(task) {
    const std::vector<double> values = as_doubles(task.samples);
    points_.setcontent(static_cast<alglib::ae_int_t>(task.n), static_cast<alglib::ae_int_t>(task.d),
                       values.data());
  }

  // 1: random centres, the nearest it has to random samples.
  Answer given(std::size_t max_iter) override { return run(1, max_iter); }
  Answer own() override { return run(0, 0); }

 private:
  Answer run(alglib::ae_int_t seeding, std::size_t max_iter) const {
    alglib::clusterizerstate state;
    alglib::kmeansreport report;
    alglib::clusterizercreate(state);
    alglib::clusterizersetpoints(state, points_, 2);  // 2: Euclidean
    alglib::clusterizersetkmeanslimits(state, 1, static_cast<alglib::ae_int_t>(max_iter));
    alglib::clusterizersetkmeansinit(state, seeding);
    alglib::clusterizersetseed(state, 1);
    alglib::clusterizerrunkmeans(state, static_cast<alglib::ae_int_t>(task_.k), report);
    if (report.terminationtype != 1) throw std::runtime_error("clusterizerrunkmeans failed");
    std::vector<double> values;
    for (alglib::ae_int_t j = 0; j < report.c.rows(); ++j)
      values.insert(values.end(), report.c[j], report.c[j] + report.c.cols());
    return {.centroids = as_floats(values), .n_iter = static_cast<long>(report.iterationscount)};
  }

  Task task_;
  alglib::real_2d_array points_;
};

}  // namespace
}  // namespace omnimeans::peers

int main(int argc, char** argv) {
  using namespace omnimeans::peers;
  return serve<Alglib>(argc, argv, {OMNIMEANS_PEER_VERSION, OMNIMEANS_PEER_BUILD, "own-start float64"});
}
