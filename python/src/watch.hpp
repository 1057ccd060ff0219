// SPDX-License-Identifier: MIT
// What looks after a fit that runs without the GIL.
#pragma once

#include <chrono>

#include <pybind11/pybind11.h>

#include "omnimeans/options.hpp"

namespace omnimeans::python {

/// IterationStats as a dict of its members.
pybind11::dict to_dict(const IterationStats& stats);

/// For the progress callbacks of Options: called after each iteration, and as often while seeding, by the
/// thread that called fit(), without the GIL. Runs Python's signal handlers, so that Ctrl-C ends the fit with
/// KeyboardInterrupt, and the user's callback; what they raise leaves fit() as error_already_set.
class Watch {
 public:
  /// `callback`: None, or called with (run, n_init, max_iter, dict of the iteration); False cancels.
  explicit Watch(pybind11::object callback) : callback_(std::move(callback)) {}

  bool operator()(const Progress& progress);
  bool operator()(const SeedingProgress& progress);

 private:
  bool time_to_look();

  using Clock = std::chrono::steady_clock;

  pybind11::object callback_;
  Clock::time_point last_look_ = Clock::now();
};

}  // namespace omnimeans::python
