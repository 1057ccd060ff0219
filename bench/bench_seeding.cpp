// SPDX-License-Identifier: MIT
// Seeding: drawing the first centroids, the labels of the first assignment included. Every thread count must
// draw the samples that one thread draws, and the labels must be those of predict().
#include <chrono>
#include <map>

#include "bench/counters.hpp"
#include "bench/harness.hpp"
#include "bench/workload.hpp"
#include "omnimeans/predict.hpp"
#include "omnimeans/seeding.hpp"

namespace omnimeans::bench {
namespace {

/// Draws of one thread: with scalar kernels where that takes a blink, else with the best ones.
template <class T>
const Seeds<T>& answer(const Case& c, const SeedingMethod& method, double scalar_limit) {
  static std::map<std::string, Seeds<T>> known;
  const auto [at, added] = known.try_emplace(c.name() + "/" + std::string(method.name));
  if (added) {
    at->second = seed_centroids(workload<T>(c)->samples().view(),
                                {.n_clusters = c.k,
                                 .init = method.init,
                                 .seed = 1,
                                 .threads = 1,
                                 .isa = 100 * c.work() <= scalar_limit ? "scalar" : "",
                                 .with_labels = true});
  }
  return at->second;
}

template <class T>
std::string check(const Seeds<T>& seeds, const Seeds<T>& right, const Matrix<T>& samples) {
  if (seeds.indices != right.indices) return "draws differ from those of one thread";
  if (seeds.labels != right.labels) return "labels differ from those of one thread";
  for (std::size_t j = 0; j < seeds.indices.size(); ++j) {
    if (!std::ranges::equal(seeds.centroids.row(j), samples.row(seeds.indices[j]))) {
      return "centroid " + std::to_string(j) + " is not the sample that its index names";
    }
  }
  return {};
}

/// Returns the seconds that it measured.
template <class T>
double measure(benchmark::State& state, const Case& c, const SeedingMethod& method, int threads,
               const Plan& plan) {
  const auto data = workload<T>(c);
  const MatrixView<const T> samples = data->samples();
  const SeedingOptions options{
      .n_clusters = c.k, .init = method.init, .seed = 1, .threads = threads, .with_labels = true};
  const Seeds<T>& right = answer<T>(c, method, plan.scalar_limit);
  const auto seconds_since = [](std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };

  Seeds<T> seeds;
  double seconds = 0, pass_seconds = 0;  // pass: one exhaustive assignment to the same centroids
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    seeds = seed_centroids(samples, options);
    const double elapsed = seconds_since(start);
    state.SetIterationTime(elapsed);
    seconds += elapsed;
    if (const std::string wrong = check(seeds, right, data->samples()); !wrong.empty()) {
      fail(state, std::string(method.name) + ": " + wrong);
      return seconds;
    }
    const auto pass_start = std::chrono::steady_clock::now();
    const std::vector<std::int32_t> labels = predict(samples, seeds.centroids.view(), {.threads = threads});
    pass_seconds += seconds_since(pass_start);
    if (labels != seeds.labels) {
      fail(state, std::string(method.name) + ": labels are not those of predict()");
      return seconds;
    }
  }

  const double each = seconds / static_cast<double>(state.iterations());
  const Isa isa = default_isa();
  const double distances = static_cast<double>(seeds.distances_computed), d = static_cast<double>(c.d);
  set_rate(state, 2 * distances * d, each, isa, c.dtype, threads, plan.ceilings);
  state.counters["distances"] = distances;
  state.counters["distances_share"] = distances / (static_cast<double>(c.n) * static_cast<double>(c.k));
  state.counters["passes"] = static_cast<double>(seeds.passes);
  state.counters["candidates"] = static_cast<double>(seeds.candidates);
  state.counters["inertia"] = seeds.inertia;
  state.counters["dense_passes"] = seconds / pass_seconds;
  state.counters["exact"] = 1;
  state.SetLabel(label(method.name, isa));
  return seconds;
}

void register_seedings(const Plan& plan) {
  for (const SeedingMethod& method : seeding_methods()) {
    for (const Case& c : plan.cases) {
      for (const int threads : plan.threads) {
        const std::string name =
            "seeding/" + std::string(method.name) + "/" + c.name() + "/threads:" + std::to_string(threads);
        const auto body = [&, name, threads](benchmark::State& state) {
          if (enough(state, name, plan.cell_seconds)) return;
          if (c.dtype == "f32") {
            spend(name, measure<float>(state, c, method, threads, plan));
          } else {
            spend(name, measure<double>(state, c, method, threads, plan));
          }
        };
        add_benchmark({c.name(), name, Clock::manual, body});
      }
    }
  }
}

}  // namespace
}  // namespace omnimeans::bench

int main(int argc, char** argv) {
  using namespace omnimeans::bench;
  return run(argc, argv,
             {"bench_seeding", "Times the drawing of first centroids, after checking the draws.",
              &Suite::seedings, register_seedings});
}
