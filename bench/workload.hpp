// SPDX-License-Identifier: MIT
// A case's data, start and right answers, each made once in a process and shared by all backends: fairness is
// code.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/suites.hpp"
#include "omnimeans/isa.hpp"
#include "omnimeans/matrix_view.hpp"
#include "omnimeans/options.hpp"
#include "omnimeans/result.hpp"

namespace omnimeans::bench {

struct Plan;

template <class T>
class Workload {
 public:
  /// Makes the data, or reads the file. Throws what datasets::generate and io::read_matrix_as throw.
  explicit Workload(const Case& c);

  const Matrix<T>& samples() const { return samples_; }
  /// The same random samples for every backend.
  const Matrix<T>& initial_centroids();

  /// Says what is wrong with a fit of an exact backend (see fit_options), or nothing. The answer comes from
  /// `naive` where it affords the work, else from `simd`, whose labels are checked with the canonical rule on
  /// a sample of rows.
  std::string check(const Result<T>& result, double scalar_limit);
  /// The same for the labels of initial_centroids().
  std::string check(const std::vector<std::int32_t>& labels, double scalar_limit);

  /// The right answer to a fit.
  const Result<T>& fit_answer(double scalar_limit);
  /// Canonical inertia of the answer to a fit, and of the canonical labels of initial_centroids().
  double fit_inertia(double scalar_limit) { return fit_answer(scalar_limit).inertia; }
  double assignment_inertia(double scalar_limit);

 private:
  const std::vector<std::int32_t>& labels_answer(double scalar_limit);
  std::string check_sample_of_rows(MatrixView<const T> centroids,
                                   const std::vector<std::int32_t>& labels) const;

  Case case_;
  Matrix<T> samples_;
  std::optional<Matrix<T>> initial_centroids_;
  std::optional<Result<T>> fit_answer_;
  std::optional<std::vector<std::int32_t>> labels_answer_;
};

/// The workload of a case, shared by all that ask for it.
template <class T>
std::shared_ptr<Workload<T>> workload(const Case& c);

/// The fit that is measured: kIterations iterations, tol = 0, from given centroids.
Options fit_options(std::size_t k, const std::string& backend, int threads);

/// naive and openmp.
bool is_scalar(std::string_view backend);

/// Whether the plan's limits let a backend do `passes` passes over a case.
bool affords(const Plan& plan, std::string_view backend, const Case& c, std::size_t passes);

/// The instruction set that a backend runs with: naive and openmp are scalar whatever is chosen.
Isa isa_of(std::string_view backend, Isa chosen);

/// Sets n and d of a "file:PATH" case from the file.
void read_shape(Case& c);

}  // namespace omnimeans::bench
