// SPDX-License-Identifier: MIT
// Every single step of a fit against the oracle. A fit of one iteration from C_t must give the bits of
// C_{t+1}, and the steps strung together must be the long fit: its centroids, its counts of changed labels
// and empty clusters, and the iteration in which it ends. Each step's means are compared with means in
// quadruple precision.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "core/compare.hpp"
#include "core/oracle.hpp"
#include "core/problems.hpp"

namespace {

using omnimeans::EmptyClusterPolicy;
using omnimeans::IterationStats;
using omnimeans::Matrix;
using omnimeans::Options;
using omnimeans::Result;
using omnimeans::StopReason;
using oracle::Quad;

/// The cluster each sample counts for after `labels`: the samples farthest from their centroids (the lowest
/// index where equally far) refill the empty clusters in ascending order; but none at distance zero, none of
/// zero weight, none equal to one already taken, and not the last of its cluster.
template <class T>
std::vector<std::int32_t> owners_after_relocation(const TestProblem<T>& problem, const Matrix<T>& centroids,
                                                  const std::vector<std::int32_t>& labels, bool& relocated) {
  std::vector<std::int32_t> owners = labels;
  relocated = false;
  if (problem.options.empty_clusters != EmptyClusterPolicy::relocate) return owners;
  std::vector<std::size_t> left(centroids.rows(), 0), farthest;
  std::vector<double> distances(problem.n, 0);
  for (std::size_t i = 0; i < problem.n; ++i) {
    if (!(oracle::weight(std::span<const T>(problem.weights), i) > 0)) continue;
    const auto j = static_cast<std::size_t>(labels[i]);
    ++left[j];
    distances[i] = oracle::distance(problem.samples().row_data(i), centroids.row(j).data(), problem.d);
    if (distances[i] > 0) farthest.push_back(i);
  }
  const std::vector<std::size_t> counts = left;
  std::stable_sort(farthest.begin(), farthest.end(),
                   [&](std::size_t a, std::size_t b) { return distances[a] > distances[b]; });
  std::vector<std::vector<T>> taken;
  auto next = farthest.begin();
  for (std::size_t j = 0; j < centroids.rows(); ++j) {
    if (counts[j] > 0) continue;
    for (; next != farthest.end(); ++next) {
      const auto row = problem.samples().row(*next);
      const std::vector<T> sample(row.begin(), row.end());
      std::size_t& donor = left[static_cast<std::size_t>(labels[*next])];
      if (donor < 2 || std::find(taken.begin(), taken.end(), sample) != taken.end()) continue;
      --donor;
      taken.push_back(sample);
      owners[*next++] = static_cast<std::int32_t>(j);
      relocated = true;
      break;
    }
  }
  return owners;
}

/// How far a mean may be from the exact one, by the law of the fixed-point sums: let |x_it| < 2^A and n <=
/// 2^B (or, where the weights are integers that add up to at most 2^26, their sum). A value is rounded to a
/// quantum of 2^(A + e - 51), e = max(B - 11, min(6, B)); double keeps a second word of 51 - e bits more. A
/// weight is off by at most the quantum 2^(ceil(log2(sum w)) - 61). The result is rounded once to T.
template <class T>
class MeanBound {
 public:
  explicit MeanBound(const TestProblem<T>& problem) : exponents_(problem.d, -1000) {
    double total = 0;
    bool whole = true;
    for (std::size_t i = 0; i < problem.n; ++i) {
      const double w = oracle::weight(std::span<const T>(problem.weights), i);
      total += w;
      whole = whole && w == std::floor(w);
      if (!(w > 0)) continue;
      for (std::size_t t = 0; t < problem.d; ++t) {
        int a = -1000;
        if (problem.samples()(i, t) != 0) std::frexp(static_cast<double>(problem.samples()(i, t)), &a);
        exponents_[t] = std::max(exponents_[t], a);
      }
    }
    const int b = ceil_log2(whole && total <= 0x1p26 ? total : static_cast<double>(problem.n));
    e_ = std::max(b - 11, std::min(6, b));
    if (!problem.weights.empty()) weight_quantum_ = std::ldexp(1.0, ceil_log2(total) - 61);
  }

  /// For feature t of a cluster of `rows` samples.
  Quad of(std::size_t t, std::size_t rows, const oracle::ClusterSums& cluster, Quad mean) const {
    int exponent = exponents_[t] + e_ - 51;
    if (sizeof(T) == sizeof(double)) exponent += e_ - 51;
    const Quad quantum = std::ldexp(1.0, std::max(exponent, -1074));
    const double size = static_cast<double>(mean < 0 ? -mean : mean);
    const Quad ulp =
        std::nextafter(static_cast<T>(size), std::numeric_limits<T>::infinity()) - static_cast<T>(size);
    const Quad weights = Quad(weight_quantum_) * static_cast<double>(rows) / cluster.weight;
    const Quad spread = std::ldexp(2.0, exponents_[t]);
    return quantum / 2 + weights * spread + ulp * Quad(0.5 + 0x1p-20);
  }

 private:
  static int ceil_log2(double value) {
    int e = 0;
    return std::frexp(value, &e) == 0.5 ? e - 1 : e;
  }
  std::vector<int> exponents_;
  int e_ = 0;
  double weight_quantum_ = 0;
};

/// One update step: `next` against the means of the samples that each cluster owns.
template <class T>
void expect_means(const TestProblem<T>& problem, const MeanBound<T>& bound,
                  const std::vector<std::int32_t>& owners, const Matrix<T>& centroids,
                  const Matrix<T>& next) {
  const std::span<const T> weights(problem.weights);
  const auto clusters = oracle::cluster_sums<T>(problem.samples(), weights, owners, centroids.rows());
  std::vector<std::size_t> rows(centroids.rows(), 0);
  for (std::size_t i = 0; i < problem.n; ++i) {
    if (oracle::weight(weights, i) > 0) ++rows[static_cast<std::size_t>(owners[i])];
  }
  for (std::size_t j = 0; j < centroids.rows(); ++j) {
    for (std::size_t t = 0; t < problem.d; ++t) {
      if (rows[j] == 0) {
        ASSERT_TRUE(same_bits(next(j, t), centroids(j, t))) << "cluster " << j << " owns nothing and stays";
        continue;
      }
      const Quad mean = clusters[j].sums[t] / clusters[j].weight;
      const Quad error = mean - static_cast<Quad>(next(j, t));
      ASSERT_LE(static_cast<double>(error < 0 ? -error : error),
                static_cast<double>(bound.of(t, rows[j], clusters[j], mean)))
          << "centroid [" << j << "][" << t << "] = " << next(j, t) << ", mean of " << rows[j] << " samples "
          << static_cast<double>(mean);
    }
  }
}

template <class T>
void check_steps(std::uint64_t index) {
  TestProblem<T> problem = make_problem<T>(index, 1e6);
  problem.options.n_init = 1;
  problem.options.tol = 0;
  problem.options.max_iter = 12;
  problem.options.backend = "naive";
  SCOPED_TRACE(problem.describe());
  const std::span<const T> weights(problem.weights);
  const MeanBound<T> bound(problem);
  const Result<T> whole = omnimeans::fit(problem.samples(), problem.options, problem.inputs());

  Matrix<T> centroids = problem.initial_centroids;
  if (centroids.rows() == 0) {
    centroids = omnimeans::seed_centroids(problem.samples(),
                                          {.n_clusters = problem.options.n_clusters,
                                           .init = problem.options.init,
                                           .seed = problem.options.seed},
                                          weights)
                    .centroids;
  }
  std::vector<std::int32_t> before(problem.n, -1);
  bool fixed_point = false;
  std::size_t step = 0;
  for (; step < problem.options.max_iter && !fixed_point; ++step) {
    SCOPED_TRACE("iteration " + std::to_string(step));
    ASSERT_LT(step, whole.n_iter) << "the fit ended too early";
    const std::vector<std::int32_t> labels = oracle::labels<T>(problem.samples(), centroids);
    std::size_t changed = 0;
    for (std::size_t i = 0; i < problem.n; ++i) {
      changed += oracle::weight(weights, i) > 0 && labels[i] != before[i];
    }
    ASSERT_EQ(whole.history[step].labels_changed, changed);
    ASSERT_EQ(whole.history[step].empty_clusters,
              centroids.rows() - oracle::n_nonempty<T>(labels, weights, centroids.rows()));
    // Where labels stay the same twice, relocation has been tried and is not tried again.
    const bool tried = changed == 0 && step > 0 && whole.history[step - 1].labels_changed == 0;
    bool relocated = false;
    const std::vector<std::int32_t> owners =
        tried ? labels : owners_after_relocation(problem, centroids, labels, relocated);

    Options single = problem.options;
    single.max_iter = 1;
    if (tried) single.empty_clusters = EmptyClusterPolicy::keep;
    const Matrix<T> next = omnimeans::fit(problem.samples(), single,
                                          {.sample_weights = weights, .initial_centroids = centroids.view()})
                               .centroids;
    expect_means(problem, bound, owners, centroids, next);
    if (testing::Test::HasFatalFailure()) return;
    fixed_point = changed == 0 && !relocated && next == centroids;
    before = labels;
    centroids = next;
  }
  EXPECT_EQ(whole.n_iter, step);
  EXPECT_EQ(whole.stop_reason, fixed_point ? StopReason::converged : StopReason::max_iter);
  EXPECT_TRUE(same_matrix(whole.centroids, centroids)) << "the long fit and its steps";
}

class LloydSteps : public testing::TestWithParam<std::uint64_t> {};

TEST_P(LloydSteps, FollowTheOracle) {
  for (std::uint64_t i = 0; i < 40 && !HasFatalFailure(); ++i) {
    const std::uint64_t index = 100000 + 40 * GetParam() + i;  // none of the contract test's problems
    i % 2 == 0 ? check_steps<float>(index) : check_steps<double>(index);
  }
}

INSTANTIATE_TEST_SUITE_P(All, LloydSteps, testing::Range<std::uint64_t>(0, 8));

}  // namespace
