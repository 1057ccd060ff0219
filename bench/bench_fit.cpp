// SPDX-License-Identifier: MIT
// Whole fits: 25 iterations from the same centroids. The time is Result::fit_seconds, assignment and update
// steps alone; seeding, checks of the input and of the result are not in it.
#include "bench/backends_list.hpp"
#include "bench/counters.hpp"
#include "bench/harness.hpp"
#include "bench/workload.hpp"
#include "omnimeans/fit.hpp"

namespace omnimeans::bench {
namespace {

/// Returns the seconds that it measured.
template <class T>
double measure(benchmark::State& state, const Case& c, const std::string& backend, bool exact, int threads,
               const Plan& plan) {
  const auto data = workload<T>(c);
  const Options options = fit_options(c.k, backend, threads);
  const FitInputs<T> inputs{.initial_centroids = data->initial_centroids().view()};
  const double right_inertia = data->fit_inertia(plan.scalar_limit);  // the answer comes before any time

  Result<T> result;
  double seconds = 0;
  for (auto _ : state) {
    result = fit(data->samples().view(), options, inputs);
    state.SetIterationTime(result.fit_seconds);
    seconds += result.fit_seconds;
    if (!exact) continue;
    if (const std::string wrong = data->check(result, plan.scalar_limit); !wrong.empty()) {
      fail(state, backend + ": " + wrong);
      return seconds;
    }
  }

  std::uint64_t distances = 0;
  for (const IterationStats& iteration : result.history) distances += iteration.distances_computed;
  const Isa isa = isa_of(result.backend, result.isa);
  // Unless nothing changed any more, labels are found once more for the returned centroids.
  const bool labelled_again = !exact || result.stop_reason != StopReason::converged;
  set_counters(state,
               {.problem = c,
                .isa = isa,
                .threads = threads,
                .n_iter = result.n_iter,
                .passes = result.n_iter + (labelled_again ? 1 : 0),
                .seconds = seconds / static_cast<double>(state.iterations()),
                .distances = distances,
                .reranked = result.reranked,
                .inertia = result.inertia,
                .memory_bytes = result.backend_bytes},
               plan.ceilings);
  state.counters["exact"] = exact;
  if (!exact) set_inexact(state, result.inertia, right_inertia);
  state.SetLabel(label(result.backend, isa));
  return seconds;
}

void register_fits(const Plan& plan) {
  register_runs(
      plan, "fit", kIterations,
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
             {"bench_fit", "Times whole fits by every backend, after checking their results.", &Suite::fits,
              register_fits});
}
