// SPDX-License-Identifier: MIT
// Kernels by instruction set, one thread, on one block of samples: the library's kernel tables directly, and
// the simd backend and predict() with the instruction set forced. Every result is checked against plain loops
// before the time counts.
#include <array>
#include <bit>
#include <functional>
#include <string>
#include <utility>

#include "bench/counters.hpp"
#include "bench/harness.hpp"
#include "bench/kernel_data.hpp"
#include "canonical.hpp"
#include "int16_rows.hpp"
#include "int8_filter.hpp"
#include "omnimeans/backend.hpp"
#include "omnimeans/predict.hpp"

namespace omnimeans::bench {
namespace {

/// One kernel on one problem: what is timed, what it costs, and whether it is right (empty: it is).
struct Measured {
  std::function<void()> call;
  std::function<std::string()> check;
  double flops = 0;  ///< of a call; 0 where no arithmetic is to be counted
  double bytes = 0;  ///< read by a call
};

template <class T>
struct KernelBenchmark {
  const char* name;
  Measured (*make)(const std::shared_ptr<const KernelData<T>>&, Isa);
  bool (*usable)(const Problem<T>&) = nullptr;  ///< null: everywhere
};

std::string wrong_at(std::size_t i) {
  return "the result is wrong at " + std::to_string(i);
}

template <class T>
double value_bytes(const KernelData<T>& data, std::size_t rows) {
  return static_cast<double>(rows) * static_cast<double>(data.d) * sizeof(T);
}

template <class T>
double dense_flops(const KernelData<T>& data) {
  return 2 * static_cast<double>(data.n) * static_cast<double>(data.d) * static_cast<double>(data.n_clusters);
}

template <class T>
std::string check_labels(const KernelData<T>& data, const std::vector<std::int32_t>& labels) {
  for (std::size_t i = 0; i < data.n; ++i) {
    if (labels[i] != canonical_nearest(data.samples.row_data(i), data.centroids).label) return wrong_at(i);
  }
  return {};
}

template <class T>
Problem<T> problem_of(MatrixView<const T> samples, std::size_t n_clusters, Isa isa) {
  return {.samples = samples, .sample_weights = {}, .n_clusters = n_clusters, .threads = 1, .isa = isa};
}

/// The nearest centroids with the proof of the labels, as a backend finds them step after step: all centroids
/// move, which is here by turns to the same in reverse order.
template <class T>
Measured nearest_by(const char* name, const std::shared_ptr<const KernelData<T>>& data, Isa isa) {
  const std::shared_ptr<Backend<T>> backend =
      find_backend(name).make(problem_of<T>(data->samples, data->n_clusters, isa));
  auto labels = std::make_shared<std::vector<std::int32_t>>(data->n, -1);
  auto reversed = std::make_shared<Matrix<T>>(data->n_clusters, data->d);
  for (std::size_t j = 0; j < data->n_clusters; ++j)
    std::ranges::copy(data->centroids.row(data->n_clusters - 1 - j), reversed->row(j).begin());
  auto turn = std::make_shared<bool>(false);
  const auto call = [=] {
    const MatrixView<const T> centroids = *turn ? std::as_const(*reversed).view() : data->centroids;
    backend->assign({.centroids = centroids, .drift = {}, .labels = *labels});
    *turn = !*turn;
  };
  const auto check = [=] { return check_labels(*data, *labels); };  // after the first call
  return {call, check, dense_flops(*data), value_bytes(*data, data->n)};
}
template <class T>
Measured nearest(const std::shared_ptr<const KernelData<T>>& data, Isa isa) {
  return nearest_by<T>("simd", data, isa);
}
/// The same in sixteen and eight bits, and in float what those leave open. GFLOP/s count the float
/// multiply-adds that they replace.
template <class T>
Measured nearest_int16(const std::shared_ptr<const KernelData<T>>& data, Isa isa) {
  return nearest_by<T>("int16", data, isa);
}
template <class T>
Measured nearest_int8(const std::shared_ptr<const KernelData<T>>& data, Isa isa) {
  return nearest_by<T>("int8", data, isa);
}
template <class T>
bool has_int16(const Problem<T>& problem) {
  return int16_kernels_for(problem) != nullptr && problem.samples.cols() >= 4;
}
template <class T>
bool has_int8(const Problem<T>& problem) {
  return int8_kernels_for(problem) != nullptr;
}

template <class T>
Measured scores(const std::shared_ptr<const KernelData<T>>& data, Isa) {
  const std::size_t stride = data->n_vectors * data->kernels.lanes;
  auto out = std::make_shared<AlignedBuffer<T>>(data->n * stride);
  const auto call = [=] { data->kernels.scores(data->packed(), data->rows(), out->data(), stride); };
  const auto check = [=]() -> std::string {
    for (std::size_t i = 0; i < data->n; ++i) {
      for (std::size_t j = 0; j < data->n_clusters; ++j) {
        const double error = std::abs(static_cast<double>((*out)[i * stride + j]) - data->score(i, j));
        if (!(error <= data->tolerance(i, j))) return wrong_at(i);
      }
    }
    return {};
  };
  return {call, check, dense_flops(*data), value_bytes(*data, data->n)};
}

template <class T>
Measured canonical_distances(const std::shared_ptr<const KernelData<T>>& data, Isa) {
  auto out = std::make_shared<std::vector<double>>(data->n * data->n_clusters);
  const auto call = [=] {
    for (std::size_t i = 0; i < data->n; ++i) {
      data->kernels.canonical_distances(data->samples.row_data(i), data->centroids.data(),
                                        data->centroids.row_stride(), nullptr, data->n_clusters, data->d,
                                        out->data() + i * data->n_clusters);
    }
  };
  const auto check = [=]() -> std::string {
    for (std::size_t i = 0; i < data->n; ++i) {
      for (std::size_t j = 0; j < data->n_clusters; ++j) {
        const double right =
            canonical_distance(data->samples.row_data(i), data->centroids.row_data(j), data->d);
        if ((*out)[i * data->n_clusters + j] != right) return wrong_at(i);
      }
    }
    return {};
  };
  return {call, check, dense_flops(*data), value_bytes(*data, data->n)};
}

/// Of every sample and the centroid of its label, as the inertia asks for them.
template <class T>
Measured canonical_own(const std::shared_ptr<const KernelData<T>>& data, Isa) {
  auto out = std::make_shared<std::vector<double>>(data->n);
  auto labels = std::make_shared<std::vector<std::int32_t>>(data->n);
  for (std::size_t i = 0; i < data->n; ++i)
    (*labels)[i] = static_cast<std::int32_t>(i * i % data->n_clusters);
  const auto call = [=] {
    const MatrixView<const T> c = data->centroids;
    data->kernels.canonical_own(data->rows(), {c.data(), c.row_stride(), c.rows()}, labels->data(), data->d,
                                out->data());
  };
  const auto check = [=]() -> std::string {
    for (std::size_t i = 0; i < data->n; ++i) {
      const auto j = static_cast<std::size_t>((*labels)[i]);
      if ((*out)[i] != canonical_distance(data->samples.row_data(i), data->centroids.row_data(j), data->d))
        return wrong_at(i);
    }
    return {};
  };
  return {call, check, 0, value_bytes(*data, data->n)};
}

template <class T>
Measured squared_norm(const std::shared_ptr<const KernelData<T>>& data, Isa) {
  auto out = std::make_shared<std::vector<T>>(data->n);
  const auto call = [=] {
    for (std::size_t i = 0; i < data->n; ++i) {
      (*out)[i] = data->kernels.squared_norm(data->samples.row_data(i), data->d);
    }
  };
  const auto check = [=]() -> std::string {
    for (std::size_t i = 0; i < data->n; ++i) {
      double right = 0;
      for (const T value : data->samples.row(i))
        right += static_cast<double>(value) * static_cast<double>(value);
      const double slack =
          static_cast<double>(data->d) * static_cast<double>(std::numeric_limits<T>::epsilon());
      if (!(std::abs(static_cast<double>((*out)[i]) - right) <= slack * right)) return wrong_at(i);
    }
    return {};
  };
  return {call, check, 2 * static_cast<double>(data->n) * static_cast<double>(data->d),
          value_bytes(*data, data->n)};
}

/// Elkan's test of all centroids, a sample at a time, where about an eighth stay open.
template <class T>
Measured open_candidates(const std::shared_ptr<const KernelData<T>>& data, Isa) {
  const std::size_t k = data->n_clusters;
  struct Buffers {
    std::vector<T> bound, drift, separation;
    std::vector<std::int32_t> open;
    std::vector<std::size_t> counts;
  };
  auto buffers = std::make_shared<Buffers>(Buffers{std::vector<T>(data->n * k), std::vector<T>(k),
                                                   std::vector<T>(k), std::vector<std::int32_t>(data->n * k),
                                                   std::vector<std::size_t>(data->n)});
  const T upper = 1;
  for (std::size_t at = 0; at < data->n * k; ++at)
    buffers->bound[at] = static_cast<T>(at * 7 % 16) / T(8) + T(0.8);
  for (std::size_t j = 0; j < k; ++j) {
    buffers->drift[j] = static_cast<T>(j % 3) / T(16);
    buffers->separation[j] = static_cast<T>(j * 5 % 8) / T(4);
  }
  const auto call = [=] {
    for (std::size_t i = 0; i < data->n; ++i) {
      buffers->counts[i] =
          data->kernels.open_candidates(buffers->bound.data() + i * k, buffers->drift.data(),
                                        buffers->separation.data(), upper, k, buffers->open.data() + i * k);
    }
  };
  const auto check = [=]() -> std::string {
    for (std::size_t i = 0; i < data->n; ++i) {
      std::size_t count = 0;
      for (std::size_t j = 0; j < k; ++j) {
        if (buffers->bound[i * k + j] - buffers->drift[j] > upper || buffers->separation[j] > upper) continue;
        if (count >= buffers->counts[i] || buffers->open[i * k + count] != static_cast<std::int32_t>(j)) {
          return wrong_at(i);
        }
        ++count;
      }
      if (count != buffers->counts[i]) return wrong_at(i);
    }
    return {};
  };
  return {call, check, 0, static_cast<double>(data->n) * static_cast<double>(k) * sizeof(T)};
}

template <class T>
Measured add_row(const std::shared_ptr<const KernelData<T>>& data, Isa) {
  auto magic = std::make_shared<std::vector<double>>(data->d, 0x1.8p+40);
  auto sums = std::make_shared<std::vector<std::uint64_t>>(data->d);
  const auto call = [=] {
    std::ranges::fill(*sums, 0);
    for (std::size_t i = 0; i < data->n; ++i) {
      data->kernels.add_row(data->samples.row_data(i), magic->data(), data->d, sums->data());
    }
  };
  const auto check = [=]() -> std::string {
    for (std::size_t t = 0; t < data->d; ++t) {
      std::uint64_t right = 0;
      for (std::size_t i = 0; i < data->n; ++i) {
        right += std::bit_cast<std::uint64_t>(static_cast<double>(data->samples(i, t)) + (*magic)[t]);
      }
      if ((*sums)[t] != right) return wrong_at(t);
    }
    return {};
  };
  return {call, check, 0, value_bytes(*data, data->n)};
}

template <class T>
Measured column_absmax(const std::shared_ptr<const KernelData<T>>& data, Isa) {
  auto out = std::make_shared<std::vector<T>>(data->d);
  auto finite = std::make_shared<bool>(false);
  const auto call = [=] {
    std::ranges::fill(*out, T(0));
    *finite = data->kernels.column_absmax(data->rows(), data->d, out->data());
  };
  const auto check = [=]() -> std::string {
    for (std::size_t t = 0; t < data->d; ++t) {
      T right = 0;
      for (std::size_t i = 0; i < data->n; ++i) right = std::max(right, std::abs(data->samples(i, t)));
      if ((*out)[t] != right || !*finite) return wrong_at(t);
    }
    return {};
  };
  return {call, check, 0, value_bytes(*data, data->n)};
}

template <class T>
Measured whole_predict(const std::shared_ptr<const KernelData<T>>& data, Isa isa) {
  auto labels = std::make_shared<std::vector<std::int32_t>>();
  const PredictOptions options{.threads = 1, .isa = std::string(to_string(isa))};
  const auto call = [=] { *labels = predict(data->samples, data->centroids, options); };
  return {call, [=] { return check_labels(*data, *labels); }, dense_flops(*data),
          value_bytes(*data, data->n)};
}

template <class T>
constexpr std::array kKernels{
    KernelBenchmark<T>{"nearest", nearest<T>},
    KernelBenchmark<T>{"nearest_int16", nearest_int16<T>, has_int16<T>},
    KernelBenchmark<T>{"nearest_int8", nearest_int8<T>, has_int8<T>},
    KernelBenchmark<T>{"scores", scores<T>},
    KernelBenchmark<T>{"canonical_distances", canonical_distances<T>},
    KernelBenchmark<T>{"canonical_own", canonical_own<T>},
    KernelBenchmark<T>{"squared_norm", squared_norm<T>},
    KernelBenchmark<T>{"open_candidates", open_candidates<T>},
    KernelBenchmark<T>{"add_row", add_row<T>},
    KernelBenchmark<T>{"column_absmax", column_absmax<T>},
    KernelBenchmark<T>{"predict", whole_predict<T>},
};

template <class T>
void measure(benchmark::State& state, const Case& c, const KernelBenchmark<T>& kernel, Isa isa,
             const Plan& plan) {
  const auto data = std::make_shared<const KernelData<T>>(c, kernels::kernels_for<T>(isa));
  const Measured measured = kernel.make(data, isa);
  measured.call();
  if (const std::string wrong = measured.check(); !wrong.empty())
    return fail(state, std::string(kernel.name) + ": " + wrong);

  for (auto _ : state) {
    measured.call();
    benchmark::ClobberMemory();
  }

  const double calls = static_cast<double>(state.iterations());
  const auto rate = [&](double amount) {
    return benchmark::Counter(amount * calls, benchmark::Counter::kIsRate);
  };
  state.counters["bytes_per_second"] = rate(measured.bytes);
  if (measured.flops > 0) {
    state.counters["GFLOPs"] = rate(measured.flops * 1e-9);
    if (const auto peak = plan.ceilings.peak_gflops(isa, c.dtype, 1)) {
      state.counters["peak_share"] = rate(measured.flops * 1e-9 / *peak);
    }
  }
  state.counters["n_threads"] = 1;
  state.counters["exact"] = 1;
  state.SetLabel(label(kernel.name, isa));
}

template <class T>
void register_for(const Case& c, const Plan& plan) {
  const std::string sizes = c.name().substr(c.dataset.size() + 1);
  for (const auto& kernel : kKernels<T>) {
    for (const Isa isa : usable_isas()) {
      const MatrixView<const T> shape(nullptr, c.n, c.d);
      if (kernel.usable != nullptr && !kernel.usable(problem_of(shape, c.k, isa))) continue;
      const std::string name =
          "kernel/" + std::string(kernel.name) + "/" + std::string(to_string(isa)) + "/" + sizes;
      const auto body = [&, isa](benchmark::State& state) { measure<T>(state, c, kernel, isa, plan); };
      add_benchmark({c.name(), name, Clock::real, body});
    }
  }
}

void register_kernels(const Plan& plan) {
  for (const Case& c : plan.cases) {
    if (c.dtype == "f32") {
      register_for<float>(c, plan);
    } else {
      register_for<double>(c, plan);
    }
  }
}

}  // namespace
}  // namespace omnimeans::bench

int main(int argc, char** argv) {
  using namespace omnimeans::bench;
  return run(argc, argv,
             {"bench_kernels", "Times the kernels of every usable instruction set on one thread.",
              &Suite::kernels, register_kernels});
}
