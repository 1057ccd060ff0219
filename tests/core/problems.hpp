// SPDX-License-Identifier: MIT
// Random problems for the contract tests. A problem is a pure function of its index: data of one of the kinds
// below, weights, a start, options. Kinds are chosen for what breaks K-means kernels: ties, cancellation,
// underflow, tails.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "omnimeans/omnimeans.hpp"

enum class Kind {
  blobs,       ///< Gaussian groups, overlapping to separated
  uniform,     ///< no structure: many near ties late in the fit
  duplicates,  ///< a few distinct rows, often fewer than clusters
  grid,        ///< small integers: exact ties
  offset,      ///< two groups at +-1e5: cancellation in |x|^2 - 2xc + |c|^2
  tiny,        ///< around 1e-30: squares underflow in float
  vanishing,   ///< subnormal values, or squares that are subnormal in double
  huge,        ///< 1e18 and just below the largest float; up to 1e146 in double
  scales,      ///< every feature in another unit, 1e-6 to 1e6
  all_equal,   ///< one value
  count
};

inline const char* to_string(Kind kind) {
  constexpr const char* names[] = {"blobs", "uniform",   "duplicates", "grid",   "offset",
                                   "tiny",  "vanishing", "huge",       "scales", "all_equal"};
  return names[static_cast<int>(kind)];
}

template <class T>
struct TestProblem {
  std::uint64_t index = 0;
  Kind kind = Kind::blobs;
  std::size_t n = 0, d = 0, row_stride = 0;
  std::vector<T> values;  ///< n rows of row_stride; what lies between the rows is NaN, which must not be read
  std::vector<T> weights;                  ///< empty: none
  omnimeans::Matrix<T> initial_centroids;  ///< empty: the options' seeding
  omnimeans::Options options;

  omnimeans::MatrixView<const T> samples() const { return {values.data(), n, d, row_stride}; }
  omnimeans::FitInputs<T> inputs() const { return {weights, initial_centroids.view()}; }
  std::size_t positive_samples() const {
    return weights.empty() ? n
                           : static_cast<std::size_t>(
                                 std::count_if(weights.begin(), weights.end(), [](T w) { return w > 0; }));
  }

  /// Enough to build it again.
  std::string describe() const {
    std::ostringstream out;
    out << "problem " << index << " (" << (sizeof(T) == 4 ? "f32" : "f64") << ", " << to_string(kind)
        << "): n = " << n << ", d = " << d << ", k = " << options.n_clusters
        << ", row_stride = " << row_stride << (weights.empty() ? ", no weights" : ", weights")
        << (initial_centroids.rows() > 0 ? ", given start" : ", seeded start")
        << ", max_iter = " << options.max_iter << ", tol = " << options.tol << ", n_init = " << options.n_init
        << ", seed = " << options.seed << ", empty_clusters = " << static_cast<int>(options.empty_clusters);
    return out.str();
  }
};

namespace problems {

/// Writes n rows of kind `kind`.
template <class T>
void fill(TestProblem<T>& problem, Random& random) {
  const std::size_t n = problem.n, d = problem.d, n_groups = 1 + random.below(12);
  const double spread = random.one_of({0.02, 0.3, 1.0});
  std::vector<double> anchors(n_groups * d);
  for (double& a : anchors) a = random.normal();
  std::vector<double> units(d, 1.0);
  double factor = 1;
  switch (problem.kind) {
    case Kind::tiny:
      factor = 1e-30;
      break;
    case Kind::vanishing:
      factor = sizeof(T) == 4 ? 2e-42 : random.one_of({1e-155, 1e-162, 1e-310});
      break;
    case Kind::huge:
      factor = sizeof(T) == 4 ? random.one_of({1e17, 5e36}) : random.one_of({1e60, 1e145});
      break;
    case Kind::scales:
      for (double& unit : units) unit = std::pow(10.0, static_cast<double>(random.below(13)) - 6);
      break;
    default:
      break;
  }
  const double constant = random.one_of({0.0, -0.0, 1.0, 0.1, -12345.678});
  problem.values.assign(n * problem.row_stride, std::numeric_limits<T>::quiet_NaN());
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t group = random.below(n_groups);
    for (std::size_t t = 0; t < d; ++t) {
      const double anchor = anchors[group * d + t];
      double value = 0;
      switch (problem.kind) {
        case Kind::uniform:
          value = random.uniform();
          break;
        case Kind::duplicates:
          value = anchor;
          break;
        case Kind::grid:
          value = static_cast<double>(random.below(4)) - 1;
          break;
        case Kind::offset:
          value = (group % 2 == 0 ? 1e5 : -1e5) + spread * random.normal();
          break;
        case Kind::all_equal:
          value = constant;
          break;
        default:
          value = factor * units[t] * (4 * anchor + spread * random.normal());
          break;
      }
      problem.values[i * problem.row_stride + t] = static_cast<T>(value);
    }
  }
}

/// None, integers, fractions, mostly zeros, or many orders of magnitude.
template <class T>
void weigh(TestProblem<T>& problem, Random& random) {
  const std::size_t style = random.below(8);
  if (style >= 4) return;
  problem.weights.resize(problem.n);
  for (T& w : problem.weights) {
    switch (style) {
      case 0:
        w = static_cast<T>(random.below(5));
        break;
      case 1:
        w = static_cast<T>(random.uniform());
        break;
      case 2:
        w = random.chance(3) ? static_cast<T>(random.uniform(0.5, 2)) : T(0);
        break;
      default:
        w = static_cast<T>(std::pow(2.0, random.uniform(-20, 20)));
        break;
    }
  }
  problem.weights[random.below(problem.n)] = T(1);
}

/// Rows of the samples, some of them twice, some moved far away so that clusters start empty.
template <class T>
void start(TestProblem<T>& problem, Random& random) {
  problem.initial_centroids = omnimeans::Matrix<T>(problem.options.n_clusters, problem.d);
  const bool far = random.chance(4);
  for (std::size_t j = 0; j < problem.options.n_clusters; ++j) {
    const auto sample = problem.samples().row(random.below(problem.n));
    const T factor = far && random.chance(3) ? T(2) : T(1);
    for (std::size_t t = 0; t < problem.d; ++t) problem.initial_centroids(j, t) = factor * sample[t];
  }
}

}  // namespace problems

/// Problem number `index`. `work` bounds n * d * k * max_iter; one in forty may take ten times as much.
template <class T>
TestProblem<T> make_problem(std::uint64_t index, double work) {
  Random random(index);
  TestProblem<T> problem;
  problem.index = index;
  problem.kind = static_cast<Kind>(random.below(static_cast<std::size_t>(Kind::count)));
  problem.d = random.chance(2)
                  ? random.one_of<std::size_t>({1,  2,  3,  7,  8,   9,   15,  16,  17,  31,  32,
                                                33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 300})
                  : random.size_up_to(300);
  problem.n = random.chance(20) ? 1 : random.chance(3) ? 1 + random.below(3000) : random.size_up_to(3000);
  std::size_t k = random.chance(3) ? 1 + random.below(200) : random.size_up_to(200);
  if (random.chance(25)) k = problem.n;  // k = n
  k = std::min({k, problem.n, std::size_t{200}});
  problem.options.max_iter = random.one_of<std::size_t>({1, 2, 3, 5, 10, 40});
  problem.options.tol = random.one_of({0.0, 0.0, 1e-4, 1e-2});
  problem.options.seed = random.bits();
  problem.options.init = random.chance(2) ? omnimeans::Init::random : omnimeans::Init::kmeans_plus_plus;
  problem.options.n_init = random.chance(12) ? 3 : 1;
  if (random.chance(5)) problem.options.empty_clusters = omnimeans::EmptyClusterPolicy::keep;

  const double budget = random.chance(40) ? 10 * work : work;
  const auto cost = [&] {
    return static_cast<double>(problem.n * problem.d) * static_cast<double>(k * problem.options.n_init) *
           static_cast<double>(problem.options.max_iter + 1);
  };
  while (cost() > budget && problem.options.max_iter > 3) problem.options.max_iter /= 2;
  while (cost() > budget && problem.n > k && problem.n > 1) problem.n -= problem.n / 4 + 1;
  problem.n = std::max(problem.n, k);
  problem.row_stride = problem.d + (random.chance(4) ? 1 + random.below(9) : 0);
  problem.options.n_clusters = k;

  problems::fill(problem, random);
  problems::weigh(problem, random);
  // A cluster needs a sample that counts: weights may have left fewer than k.
  problem.options.n_clusters = std::min(k, problem.positive_samples());
  if (random.chance(2)) problems::start(problem, random);
  return problem;
}
