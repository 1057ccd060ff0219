// SPDX-License-Identifier: MIT
// How near the machine's ceilings the library comes where each of them counts:
//   limit/dense/<isa>      exhaustive assignment by the simd backend of data in the second-level cache,
//   packing
//                          of the centroids, argmin and proof included: the FMA peak, and the operation bound
//   limit/iteration/<isa>  whole iterations of a fit on more data than the caches hold: the read bandwidth
//   limit/fit/<isa>        a whole fit of the size of the iris data: what a call costs
#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "bench/corner_data.hpp"
#include "bench/counters.hpp"
#include "bench/harness.hpp"
#include "bench/operation_bound.hpp"
#include "bench/workload.hpp"
#include "omnimeans/backend.hpp"
#include "omnimeans/fit.hpp"

namespace omnimeans::bench {
namespace {

/// The time of one call, which counts as that of the benchmark's iteration.
template <class Call>
double timed(benchmark::State& state, Call&& call) {
  const auto start = std::chrono::steady_clock::now();
  call();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  state.SetIterationTime(seconds);
  return seconds;
}

template <class T>
void measure_dense(benchmark::State& state, const Case& c, Isa isa, int threads, const Plan& plan) {
  const auto data = workload<T>(c);
  const Problem<T> problem{.samples = data->samples().view(),
                           .sample_weights = {},
                           .n_clusters = c.k,
                           .threads = threads,
                           .isa = isa};
  const MatrixView<const T> centroids = data->initial_centroids().view();
  const auto backend = find_backend("simd").make(problem);
  std::vector<std::int32_t> labels(c.n, -1);
  // The first pass finds the samples' norms, and is not timed: a fit has it once.
  AssignmentStats stats = backend->assign({.centroids = centroids, .drift = {}, .labels = labels});
  if (const std::string wrong = data->check(labels, plan.scalar_limit); !wrong.empty())
    return fail(state, wrong);

  double seconds = 0;
  for (auto _ : state) {
    seconds += timed(
        state, [&] { stats = backend->assign({.centroids = centroids, .drift = {}, .labels = labels}); });
  }
  if (const std::string wrong = data->check(labels, plan.scalar_limit); !wrong.empty())
    return fail(state, wrong);

  seconds /= static_cast<double>(state.iterations());
  set_rate(state, 2 * c.work(), seconds, isa, c.dtype, threads, plan.ceilings);
  const double value_bytes = static_cast<double>(sizeof(T));
  state.counters["bytes_per_second"] =
      static_cast<double>(c.n) * static_cast<double>(c.d) * value_bytes / seconds;
  state.counters["reranked_share"] = static_cast<double>(stats.reranked) / static_cast<double>(c.n);
  state.counters["exact"] = 1;
  if (const double a = argmin_operations(isa); a > 0) {
    state.counters["argmin_operations"] = a;
    if (const auto peak = plan.ceilings.peak_gflops(isa, c.dtype, threads)) {
      state.counters["bound_share"] = 2e-9 * c.work() / seconds / (*peak * operation_bound(isa, c.d));
    }
  }
  state.SetLabel(label("simd", isa));
}

/// The same buffer for all cases: a gibibyte is filled once.
const CornerData& corner_data(std::size_t n, std::size_t d) {
  static std::unique_ptr<CornerData> data;
  if (!data || data->size() < n * d) {
    show_progress("filling more memory than the caches hold");
    data.reset();
    data = std::make_unique<CornerData>(n, d);
  }
  return *data;
}

std::string check_corner_labels(const Result<float>& result, const Case& c) {
  for (std::size_t i = 0; i < c.n; ++i) {
    if (result.labels[i] != CornerData::label(i, c.d, c.k))
      return "labels[" + std::to_string(i) + "] is wrong";
  }
  if (result.n_iter != 2 || result.history[0].labels_changed != c.n || result.history[1].labels_changed != 0)
    return "not one iteration in which every label changes and one in which none does";
  return {};
}

/// A fit of two iterations: every sample gets its label in the first, nothing changes in the second, as late
/// in any fit. The time is that of the second; both have their share of the bandwidth.
void measure_iteration(benchmark::State& state, const Case& c, int threads, const Plan& plan) {
  const MatrixView<const float> samples = corner_data(c.n, c.d).samples(c.n, c.d);
  const Matrix<float> centroids = CornerData::centroids(c.d, c.k);
  const Options options{
      .n_clusters = c.k, .max_iter = kIterations, .tol = 0, .threads = threads, .backend = "simd"};
  double first = 0, settled = 0, update = 0;
  Isa isa = Isa::scalar;
  std::uint64_t reranked = 0;
  for (auto _ : state) {
    const Result<float> result = fit(samples, options, {.initial_centroids = centroids.view()});
    if (const std::string wrong = check_corner_labels(result, c); !wrong.empty()) return fail(state, wrong);
    const IterationStats &one = result.history[0], &two = result.history[1];
    state.SetIterationTime(two.assignment_seconds + two.update_seconds);
    settled += two.assignment_seconds + two.update_seconds;
    first += one.assignment_seconds + one.update_seconds;
    update += two.update_seconds;
    reranked = two.reranked;
    isa = result.isa;
  }

  const double repeats = static_cast<double>(state.iterations());
  const double bytes = static_cast<double>(c.n) * static_cast<double>(c.d) * sizeof(float) * repeats;
  set_rate(state, 2 * c.work() * repeats, settled, isa, c.dtype, threads, plan.ceilings);
  state.counters["bytes_per_second"] = bytes / settled;
  state.counters["first_iteration_seconds"] = first / repeats;
  state.counters["update_seconds"] = update / repeats;
  if (const auto bandwidth = plan.ceilings.read_bandwidth(threads)) {
    state.counters["bandwidth_share"] = bytes / settled * 1e-9 / *bandwidth;
    state.counters["first_bandwidth_share"] = bytes / first * 1e-9 / *bandwidth;
  }
  state.counters["reranked_share"] = static_cast<double>(reranked) / static_cast<double>(c.n);
  state.counters["exact"] = 1;
  state.SetLabel(label("simd", isa));
}

/// fit() as a user calls it, checks of its input, the final labelling and the inertia included.
template <class T>
void measure_small_fit(benchmark::State& state, const Case& c) {
  constexpr std::size_t iterations = 10;
  const auto data = workload<T>(c);
  const MatrixView<const T> samples = data->samples().view();
  const FitInputs<T> inputs{.initial_centroids = data->initial_centroids().view()};
  const Options options{.n_clusters = c.k, .max_iter = iterations, .tol = 0};
  Options plain = options;
  plain.backend = "naive";
  const Result<T> right = fit(samples, plain, inputs);
  Result<T> result = fit(samples, options, inputs);
  if (result.n_iter != iterations)
    return fail(state, "the fit has " + std::to_string(result.n_iter) + " iterations");
  if (result.labels != right.labels || result.centroids != right.centroids ||
      result.inertia != right.inertia) {
    return fail(state, "the result differs from that of naive");
  }

  double seconds = 0;
  for (auto _ : state) seconds += timed(state, [&] { result = fit(samples, options, inputs); });

  state.counters["microseconds"] = seconds * 1e6 / static_cast<double>(state.iterations());
  state.counters["n_iter"] = static_cast<double>(result.n_iter);
  state.counters["n_threads"] = result.threads;
  state.counters["exact"] = 1;
  state.SetLabel(label(result.backend, result.isa));
}

/// "limit/dense/avx512/blobs/dtype:f32/n:1000/d:16/k:8/threads:2"
std::string limit_name(const char* what, Isa isa, const Case& c, int threads) {
  return "limit/" + std::string(what) + "/" + std::string(to_string(isa)) + "/" + c.name() +
         "/threads:" + std::to_string(threads);
}

void register_dense(const std::string& problem, const Case& c, Isa isa, int threads, const Plan& plan) {
  const auto body = [&plan, c, isa, threads](benchmark::State& state) {
    if (c.dtype == "f32") {
      measure_dense<float>(state, c, isa, threads, plan);
    } else {
      measure_dense<double>(state, c, isa, threads, plan);
    }
  };
  add_benchmark({problem, limit_name("dense", isa, c, threads), Clock::manual, body});
}

/// The fewest threads (one) under every vectorised instruction set; the most under the default one.
void register_limits(const Plan& plan) {
  const int fewest = plan.threads.front(), most = plan.threads.back();
  // As many samples for each thread: its cache is its own.
  const auto for_threads = [&](Case c, int threads) {
    if (plan.suite != nullptr) c.n *= static_cast<std::size_t>(threads);
    return c;
  };
  for (const Case& c : plan.cases) {
    for (const Isa isa : usable_isas()) {
      if (isa != Isa::scalar) register_dense(c.name(), for_threads(c, fewest), isa, fewest, plan);
    }
    if (most != fewest) register_dense(c.name(), for_threads(c, most), default_isa(), most, plan);
  }
  if (plan.suite == nullptr) return;

  for (const Case& c : plan.suite->iterations) {
    for (const int threads : most == fewest ? std::vector{most} : std::vector{fewest, most}) {
      // A repetition is one fit, most of which is not timed.
      const auto body = [&plan, c, threads](benchmark::State& state) {
        measure_iteration(state, c, threads, plan);
      };
      add_benchmark(
          {c.name(), limit_name("iteration", default_isa(), c, threads), Clock::manual, body, Passes::one});
    }
  }
  for (const Case& c : plan.suite->small_fits) {
    const auto body = [c](benchmark::State& state) {
      if (c.dtype == "f32") {
        measure_small_fit<float>(state, c);
      } else {
        measure_small_fit<double>(state, c);
      }
    };
    add_benchmark({c.name(), limit_name("fit", default_isa(), c, most), Clock::manual, body});
  }
}

}  // namespace
}  // namespace omnimeans::bench

int main(int argc, char** argv) {
  using namespace omnimeans::bench;
  return run(argc, argv,
             {"bench_limits", "Times what the machine's ceilings limit, after checking the results.",
              &Suite::limits, register_limits});
}
