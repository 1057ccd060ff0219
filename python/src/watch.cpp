// SPDX-License-Identifier: MIT
#include "watch.hpp"

namespace omnimeans::python {

namespace py = pybind11;

py::dict to_dict(const IterationStats& stats) {
  py::dict dict;
  dict["iteration"] = stats.iteration;
  dict["inertia_bound"] = stats.inertia_bound;
  dict["inertia_is_exact"] = stats.inertia_is_exact;
  dict["labels_changed"] = stats.labels_changed;
  dict["empty_clusters"] = stats.empty_clusters;
  dict["centroid_shift"] = stats.centroid_shift;
  dict["distances_computed"] = stats.distances_computed;
  dict["reranked"] = stats.reranked;
  dict["assignment_seconds"] = stats.assignment_seconds;
  dict["update_seconds"] = stats.update_seconds;
  dict["backend"] = stats.backend;
  dict["reason"] = stats.reason;
  return dict;
}

/// Another thread may hold the GIL for 5 ms at a time: for signals, 20 looks a second are enough.
bool Watch::time_to_look() {
  constexpr std::chrono::milliseconds between_looks(50);
  const auto now = Clock::now();
  if (now - last_look_ < between_looks) return false;
  last_look_ = now;
  return true;
}

bool Watch::operator()(const Progress& progress) {
  if (callback_.is_none() && !time_to_look()) return true;
  const py::gil_scoped_acquire gil;
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  if (callback_.is_none()) return true;
  const py::object answer =
      callback_(progress.run, progress.n_init, progress.max_iter, to_dict(progress.iteration));
  return !answer.is(py::bool_(false));
}

bool Watch::operator()(const SeedingProgress&) {
  if (!time_to_look()) return true;
  const py::gil_scoped_acquire gil;
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  return true;
}

}  // namespace omnimeans::python
