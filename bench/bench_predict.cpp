// SPDX-License-Identifier: MIT
// Latency of Predictor: one row, small batches, and a batch of 1,000 at the dense engine's rate, which is
// measured beside it (`dense_gflops`: one assignment pass of the simd backend over 16,384 rows, as many
// threads). Every call is timed on its own; p50 and p99 are over all calls. Labels are compared with
// predict()'s first.
//
//   bench_predict [--benchmark_filter=...] [--benchmark_out=...]
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "datasets/datasets.hpp"
#include "omnimeans/omnimeans.hpp"
#include "parallel.hpp"

namespace omnimeans {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t n_samples = 16'384;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The best of a few passes, in multiply-adds counted as two.
template <class T>
double dense_gflops(MatrixView<const T> samples, MatrixView<const T> centroids, int threads) {
  const auto backend = find_backend("simd").make<T>({.samples = samples,
                                                     .sample_weights = {},
                                                     .n_clusters = centroids.rows(),
                                                     .threads = threads,
                                                     .isa = default_isa(),
                                                     .memory_limit_bytes = std::uint64_t{1} << 32});
  std::vector<std::int32_t> labels(samples.rows(), -1);
  double best = 0;
  for (int pass = 0; pass < 5; ++pass) {
    const auto start = Clock::now();
    backend->assign({.centroids = centroids, .drift = {}, .labels = labels, .last = true});
    const double work = 2e-9 * static_cast<double>(samples.rows() * centroids.rows() * centroids.cols());
    best = std::max(best, work / seconds_since(start));
  }
  return best;
}

/// The value below which `share` of the sorted times are, in microseconds.
double percentile(const std::vector<double>& sorted, double share) {
  const auto at = static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1));
  return sorted[at] * 1e6;
}

template <class T>
void predict_batches(benchmark::State& state, std::size_t k, std::size_t d, std::size_t batch, int threads) {
  const Matrix<T> data =
      datasets::generate<T>("blobs", {.n_samples = n_samples + k, .n_features = d, .n_clusters = k});
  const MatrixView<const T> all = data;
  const MatrixView<const T> centroids(all.row_data(n_samples), k, d), samples(all.data(), n_samples, d);
  const Predictor<T> predictor(centroids, {.threads = threads});
  const std::vector<std::int32_t> expected = predict(samples, centroids);
  std::vector<std::int32_t> labels(batch);
  std::vector<double> times;
  std::size_t first = 0;
  for (auto _ : state) {
    const MatrixView<const T> rows(samples.row_data(first), batch, d);
    const auto start = Clock::now();
    predictor.label(rows, labels);
    const double elapsed = seconds_since(start);
    state.SetIterationTime(elapsed);
    times.push_back(elapsed);
    if (!std::equal(labels.begin(), labels.end(), expected.begin() + static_cast<std::ptrdiff_t>(first))) {
      state.SkipWithError("labels differ from predict()'s");
      return;
    }
    first = first + 2 * batch <= n_samples ? first + batch : 0;
  }
  std::sort(times.begin(), times.end());
  const double p50 = percentile(times, 0.5);
  state.counters["p50_us"] = p50;
  state.counters["p99_us"] = percentile(times, 0.99);
  state.counters["gflops"] = 2e-3 * static_cast<double>(batch * k * d) / p50;
  if (batch >= 1000) state.counters["dense_gflops"] = dense_gflops(samples, centroids, threads);
}

template <class T>
void add(const std::string& type, std::size_t k, std::size_t d, std::size_t batch, int threads) {
  const std::string name = "predict/blobs/" + type + "/k:" + std::to_string(k) + "/d:" + std::to_string(d) +
                           "/batch:" + std::to_string(batch) + "/threads:" + std::to_string(threads);
  benchmark::RegisterBenchmark(
      name.c_str(), [=](benchmark::State& state) { predict_batches<T>(state, k, d, batch, threads); })
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
}

void add_all() {
  for (const std::size_t batch : {std::size_t{1}, std::size_t{8}, std::size_t{32}, std::size_t{1000}}) {
    add<float>("f32", 1000, 128, batch, 1);
    add<double>("f64", 1000, 128, batch, 1);
  }
  add<float>("f32", 16, 16, 1, 1);
  if (const int threads = resolve_threads(0); threads > 1) add<float>("f32", 1000, 128, 1000, threads);
}

}  // namespace
}  // namespace omnimeans

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  omnimeans::add_all();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
