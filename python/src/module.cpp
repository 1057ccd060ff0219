// SPDX-License-Identifier: MIT
// The extension module omnimeans._core: the library's functions for NumPy arrays of float32 or float64. It
// wants arguments of the exact type and layout; the package's Python code sees to that, and to what users
// see.
#include <chrono>
#include <cmath>
#include <optional>
#include <string>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "arrays.hpp"
#include "errors.hpp"
#include "names.hpp"
#include "omnimeans/omnimeans.hpp"
#include "watch.hpp"

namespace omnimeans::python {
namespace {

using OptionalArray = std::optional<py::array>;

/// Calls body(T{}) with the type of the array's values: float, or else double.
template <class Body>
py::object with_type_of(const py::array& samples, Body&& body) {
  if (py::isinstance<py::array_t<float>>(samples)) return body(float{});
  return body(double{});
}

template <class T>
std::span<const T> weights_of(const OptionalArray& weights) {
  return weights ? vector_of<T>(*weights, "sample_weight") : std::span<const T>{};
}

/// A limit beyond what the clock can express (some centuries) is none.
std::optional<std::chrono::steady_clock::time_point> deadline_after(std::optional<double> seconds) {
  using Clock = std::chrono::steady_clock;
  if (!seconds) return std::nullopt;
  if (!(*seconds > 0)) {
    throw InvalidArgument("time_limit = " + std::to_string(*seconds) + "; a number of seconds > 0 is needed");
  }
  const std::chrono::duration<double> limit(*seconds);
  if (limit >= Clock::time_point::max() - Clock::now()) return std::nullopt;
  return Clock::now() + std::chrono::ceil<Clock::duration>(limit);
}

template <class T>
py::dict result_dict(Result<T>&& result) {
  py::list history;
  for (const IterationStats& stats : result.history) history.append(to_dict(stats));
  py::dict dict;
  dict["centroids"] = to_array(std::move(result.centroids));
  dict["labels"] = to_array(std::move(result.labels));
  dict["inertia"] = result.inertia;
  dict["n_iter"] = result.n_iter;
  dict["stop_reason"] = to_string(result.stop_reason);
  dict["n_nonempty"] = result.n_nonempty;
  dict["run"] = result.run;
  dict["history"] = std::move(history);
  dict["backend"] = result.backend;
  dict["isa"] = to_string(result.isa);
  dict["threads"] = result.threads;
  dict["distances_computed"] = result.distances_computed;
  dict["reranked"] = result.reranked;
  dict["backend_bytes"] = result.backend_bytes;
  dict["seed_distances_computed"] = result.seed_distances_computed;
  dict["seed_passes"] = result.seed_passes;
  dict["seed_seconds"] = result.seed_seconds;
  dict["fit_seconds"] = result.fit_seconds;
  return dict;
}

py::object fit(const py::array& X, std::size_t n_clusters, const OptionalArray& initial_centroids,
               const OptionalArray& sample_weight, const std::string& init, std::size_t n_init,
               std::size_t max_iter, double tol, std::uint64_t seed, const std::string& backend, int threads,
               const std::string& isa, const std::string& empty_clusters, std::uint64_t memory_limit,
               std::optional<double> time_limit, const py::object& progress) {
  Watch watch(progress);
  const Options options = {.n_clusters = n_clusters,
                           .init = find_init(init),
                           .n_init = n_init,
                           .max_iter = max_iter,
                           .tol = tol,
                           .seed = seed,
                           .threads = threads,
                           .backend = backend,
                           .isa = isa,
                           .empty_clusters = find_empty_cluster_policy(empty_clusters),
                           .memory_limit_bytes = memory_limit,
                           .progress = std::ref(watch),
                           .seeding_progress = std::ref(watch),
                           .deadline = deadline_after(time_limit)};
  return with_type_of(X, [&]<class T>(T) -> py::object {
    const auto samples = rows_of<T>(X, "X");
    FitInputs<T> inputs = {.sample_weights = weights_of<T>(sample_weight)};
    if (initial_centroids) inputs.initial_centroids = rows_of<T>(*initial_centroids, "initial_centroids");
    Result<T> result;
    {
      const py::gil_scoped_release no_gil;
      result = omnimeans::fit(samples, options, inputs);
    }
    return result_dict(std::move(result));
  });
}

py::object seed_centroids(const py::array& X, std::size_t n_clusters, const OptionalArray& sample_weight,
                          const std::string& init, std::uint64_t seed, int threads, const std::string& isa) {
  Watch watch{py::none()};
  const SeedingOptions options = {.n_clusters = n_clusters,
                                  .init = find_init(init),
                                  .seed = seed,
                                  .threads = threads,
                                  .isa = isa,
                                  .progress = std::ref(watch)};
  return with_type_of(X, [&]<class T>(T) -> py::object {
    const auto samples = rows_of<T>(X, "X");
    const auto weights = weights_of<T>(sample_weight);
    Seeds<T> seeds;
    {
      const py::gil_scoped_release no_gil;
      seeds = omnimeans::seed_centroids(samples, options, weights);
    }
    std::vector<std::int64_t> indices(seeds.indices.begin(), seeds.indices.end());
    return py::make_tuple(to_array(std::move(seeds.centroids)), to_array(std::move(indices)));
  });
}

py::object predict(const py::array& X, const py::array& centroids, int threads, const std::string& isa) {
  return with_type_of(X, [&]<class T>(T) -> py::object {
    const auto samples = rows_of<T>(X, "X");
    const auto rows = rows_of<T>(centroids, "centroids");
    std::vector<std::int32_t> labels;
    {
      const py::gil_scoped_release no_gil;
      labels = omnimeans::predict(samples, rows, {.threads = threads, .isa = isa});
    }
    return to_array(std::move(labels));
  });
}

py::object transform(const py::array& X, const py::array& centroids, int threads, const std::string& isa) {
  return with_type_of(X, [&]<class T>(T) -> py::object {
    const auto samples = rows_of<T>(X, "X");
    const auto rows = rows_of<T>(centroids, "centroids");
    Matrix<T> distances;
    {
      const py::gil_scoped_release no_gil;
      distances = omnimeans::transform(samples, rows, {.threads = threads, .isa = isa});
    }
    return to_array(std::move(distances));
  });
}

py::object inertia(const py::array& X, const py::array& centroids, const py::array& labels,
                   const OptionalArray& sample_weight, int threads, const std::string& isa) {
  return with_type_of(X, [&]<class T>(T) -> py::object {
    const auto samples = rows_of<T>(X, "X");
    const auto rows = rows_of<T>(centroids, "centroids");
    const auto assigned = vector_of<std::int32_t>(labels, "labels");
    const auto weights = weights_of<T>(sample_weight);
    double sum = 0;
    {
      const py::gil_scoped_release no_gil;
      sum = omnimeans::inertia(samples, rows, assigned, weights, {.threads = threads, .isa = isa});
    }
    return py::float_(sum);
  });
}

py::list backend_infos() {
  py::list list;
  for (const BackendEntry& entry : backends()) {
    const BackendInfo& info = entry.info;
    py::dict dict;
    dict["name"] = info.name;
    dict["exact"] = info.exact;
    dict["vectorised"] = info.vectorised;
    dict["threaded"] = info.threaded;
    dict["memory"] = info.memory;
    dict["use_when"] = info.use_when;
    dict["avoid_when"] = info.avoid_when;
    dict["reference"] = info.reference;
    list.append(std::move(dict));
  }
  return list;
}

py::list isa_names() {
  py::list list;
  for (const Isa isa : usable_isas()) list.append(to_string(isa));
  return list;
}

}  // namespace

PYBIND11_MODULE(_core, module) {
  module.doc() = "The compiled part of omnimeans; use the package's own functions.";
  module.attr("__version__") = OMNIMEANS_VERSION;
  add_errors(module);

  using py::arg, py::kw_only;
  module.def("fit", &fit, arg("X"), arg("n_clusters"), kw_only(), arg("initial_centroids"),
             arg("sample_weight"), arg("init"), arg("n_init"), arg("max_iter"), arg("tol"), arg("seed"),
             arg("backend"), arg("threads"), arg("isa"), arg("empty_clusters"), arg("memory_limit"),
             arg("time_limit"), arg("progress"));
  module.def("seed_centroids", &seed_centroids, arg("X"), arg("n_clusters"), kw_only(), arg("sample_weight"),
             arg("init"), arg("seed"), arg("threads"), arg("isa"));
  module.def("predict", &predict, arg("X"), arg("centroids"), kw_only(), arg("threads"), arg("isa"));
  module.def("transform", &transform, arg("X"), arg("centroids"), kw_only(), arg("threads"), arg("isa"));
  module.def("inertia", &inertia, arg("X"), arg("centroids"), arg("labels"), kw_only(), arg("sample_weight"),
             arg("threads"), arg("isa"));
  module.def("backends", &backend_infos);
  module.def("isas", &isa_names);
  module.def("inits", &init_names);
}

}  // namespace omnimeans::python
