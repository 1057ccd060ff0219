// SPDX-License-Identifier: MIT
// One assignment pass: the first step of a fresh backend, from labels of -1. Making the backend is not timed.
// For a backend with bounds this is its worst pass; what the bounds save later is in bench_fit.
#include <chrono>
#include <vector>

#include "backends/auto.hpp"
#include "bench/backends_list.hpp"
#include "bench/counters.hpp"
#include "bench/harness.hpp"
#include "bench/workload.hpp"
#include "omnimeans/backend.hpp"
#include "omnimeans/predict.hpp"

namespace omnimeans::bench {
namespace {

/// Returns the seconds that it measured.
template <class T>
double measure(benchmark::State& state, const Case& c, const std::string& name, bool exact, int threads,
               const Plan& plan) {
  const auto data = workload<T>(c);
  const Problem<T> problem{.samples = data->samples().view(),
                           .sample_weights = {},
                           .n_clusters = c.k,
                           .threads = threads,
                           .isa = default_isa(),
                           .most_steps = 1};
  const BackendEntry& entry = name == "auto" ? algorithms::automatic() : find_backend(name);
  const MatrixView<const T> centroids = data->initial_centroids().view();
  const double right_inertia =
      data->assignment_inertia(plan.scalar_limit);  // the answer comes before any time

  std::vector<std::int32_t> labels(c.n);
  AssignmentStats stats;
  std::uint64_t memory_bytes = 0;
  double seconds = 0;
  for (auto _ : state) {
    const auto backend = entry.make(problem);
    std::fill(labels.begin(), labels.end(), -1);
    const auto start = std::chrono::steady_clock::now();
    stats = backend->assign({.centroids = centroids, .drift = {}, .labels = labels});
    const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    state.SetIterationTime(elapsed);
    seconds += elapsed;
    memory_bytes = backend->bytes();
    if (!exact) continue;
    if (const std::string wrong = data->check(labels, plan.scalar_limit); !wrong.empty()) {
      fail(state, name + ": " + wrong);
      return seconds;
    }
  }

  const double inertia_found = exact ? right_inertia : inertia(data->samples().view(), centroids, labels);
  const std::string_view ran = stats.backend.empty() ? entry.info.name : stats.backend;
  const Isa isa = isa_of(ran, problem.isa);
  set_counters(state,
               {.problem = c,
                .isa = isa,
                .threads = threads,
                .seconds = seconds / static_cast<double>(state.iterations()),
                .distances = stats.distances_computed,
                .reranked = stats.reranked,
                .inertia = inertia_found,
                .memory_bytes = memory_bytes},
               plan.ceilings);
  state.counters["exact"] = exact;
  if (!exact) set_inexact(state, inertia_found, right_inertia);
  state.SetLabel(label(ran, isa));
  return seconds;
}

void register_assignments(const Plan& plan) {
  register_runs(
      plan, "assign", 1,
      [&](benchmark::State& state, const Case& c, const std::string& backend, bool exact, int threads) {
        return c.dtype == "f32" ? measure<float>(state, c, backend, exact, threads, plan)
                                : measure<double>(state, c, backend, exact, threads, plan);
      });
}

}  // namespace
}  // namespace omnimeans::bench

int main(int argc, char** argv) {
  using namespace omnimeans::bench;
  return run(argc, argv,
             {"bench_assign", "Times one assignment pass by every backend, after checking the labels.",
              &Suite::assignments, register_assignments});
}
