// SPDX-License-Identifier: MIT
// Seeding: drawing the first centroids. Every thread count must draw the samples that one thread draws.
#include <array>
#include <chrono>
#include <map>

#include "bench/counters.hpp"
#include "bench/harness.hpp"
#include "bench/workload.hpp"
#include "omnimeans/seeding.hpp"

namespace omnimeans::bench {
namespace {

struct Method {
  const char* name;
  Init init;
};
constexpr std::array kMethods{Method{"random", Init::random}, Method{"k-means++", Init::kmeans_plus_plus}};

/// Draws of one thread with scalar kernels.
template <class T>
const Seeds<T>& answer(const Case& c, Init init) {
  static std::map<std::pair<std::string, Init>, Seeds<T>> known;
  const auto [at, added] = known.try_emplace({c.dataset + c.name(), init});
  if (added) {
    at->second = seed_centroids(workload<T>(c)->samples().view(),
                                {.n_clusters = c.k, .init = init, .seed = 1, .threads = 1, .isa = "scalar"});
  }
  return at->second;
}

template <class T>
std::string check(const Seeds<T>& seeds, const Seeds<T>& right, const Matrix<T>& samples) {
  if (seeds.indices != right.indices) return "draws differ from those of one thread with scalar kernels";
  if (!(seeds.centroids == right.centroids))
    return "centroids differ from those of one thread with scalar kernels";
  for (std::size_t j = 0; j < seeds.indices.size(); ++j) {
    if (!std::ranges::equal(seeds.centroids.row(j), samples.row(seeds.indices[j]))) {
      return "centroid " + std::to_string(j) + " is not the sample that its index names";
    }
  }
  return {};
}

template <class T>
void measure(benchmark::State& state, const Case& c, const Method& method, int threads, const Plan& plan) {
  const auto data = workload<T>(c);
  const SeedingOptions options{.n_clusters = c.k, .init = method.init, .seed = 1, .threads = threads};
  const Seeds<T>& right = answer<T>(c, method.init);

  Seeds<T> seeds;
  double seconds = 0;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    seeds = seed_centroids(data->samples().view(), options);
    const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    state.SetIterationTime(elapsed);
    seconds += elapsed;
    if (const std::string wrong = check(seeds, right, data->samples()); !wrong.empty()) {
      return fail(state, std::string(method.name) + ": " + wrong);
    }
  }

  seconds /= static_cast<double>(state.iterations());
  const Isa isa = default_isa();
  const double distances = static_cast<double>(seeds.distances_computed), d = static_cast<double>(c.d);
  set_rate(state, 2 * distances * d, seconds, isa, c.dtype, threads, plan.ceilings);  // none for random
  state.counters["distances"] = distances;
  state.counters["distances_share"] = distances / (static_cast<double>(c.n) * static_cast<double>(c.k));
  state.counters["exact"] = 1;
  state.SetLabel(label(method.name, isa));
}

void register_seedings(const Plan& plan) {
  for (const Method& method : kMethods) {
    for (const Case& c : plan.cases) {
      for (const int threads : plan.threads) {
        const std::string name =
            "seeding/" + std::string(method.name) + "/" + c.name() + "/threads:" + std::to_string(threads);
        add_benchmark(name, Clock::manual, [&, threads](auto& state) {
          if (c.dtype == "f32") {
            measure<float>(state, c, method, threads, plan);
          } else {
            measure<double>(state, c, method, threads, plan);
          }
        });
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
