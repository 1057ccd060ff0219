// SPDX-License-Identifier: MIT
// When a fit ends, what it says about it, and that what it returns belongs together whatever ended it.
#include <gtest/gtest.h>
#include <chrono>
#include <cstddef>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "core/compare.hpp"
#include "core/data.hpp"
#include "core/oracle.hpp"

namespace {

using omnimeans::Init;
using omnimeans::IterationStats;
using omnimeans::Matrix;
using omnimeans::Options;
using omnimeans::Progress;
using omnimeans::Result;
using omnimeans::SeedingMethod;
using omnimeans::SeedingProgress;
using omnimeans::StopReason;

/// Unstructured: a fit of 20 clusters takes dozens of iterations.
Matrix<double> slow_data() {
  Random random(5);
  Matrix<double> samples(1500, 4);
  for (std::size_t i = 0; i < samples.rows(); ++i) {
    for (double& value : samples.row(i)) value = random.uniform();
  }
  return samples;
}

Options slow_options() {
  return {.n_clusters = 20, .tol = 0, .seed = 3};
}

void expect_consistent(const Matrix<double>& samples, const Result<double>& result) {
  EXPECT_TRUE(same_labels(result.labels, oracle::labels<double>(samples, result.centroids)));
  EXPECT_EQ(result.inertia, oracle::inertia<double>(samples, result.centroids, result.labels, {}));
  EXPECT_EQ(result.history.size(), result.n_iter);
}

TEST(Stopping, ConvergesToAFixedPoint) {
  const Matrix<double> samples = slow_data();
  const Result<double> result = omnimeans::fit(samples, slow_options());
  ASSERT_EQ(result.stop_reason, StopReason::converged);
  EXPECT_GT(result.n_iter, 10u);
  EXPECT_LT(result.n_iter, 300u);
  expect_consistent(samples, result);
  // No label changed in the last iteration, and some did in each before.
  for (const IterationStats& step : result.history) {
    EXPECT_EQ(step.labels_changed == 0, step.iteration + 1 == result.n_iter) << step.iteration;
  }
  EXPECT_EQ(result.history.back().centroid_shift, 0);
  EXPECT_EQ(result.history.front().labels_changed, samples.rows());
  // Another fit from there stays there: one iteration to label, one to see that nothing moves.
  const Result<double> again =
      omnimeans::fit(samples, slow_options(), {.initial_centroids = result.centroids.view()});
  EXPECT_EQ(again.n_iter, 2u);
  EXPECT_TRUE(same_matrix(again.centroids, result.centroids));
  EXPECT_TRUE(same_labels(again.labels, result.labels));
}

TEST(Stopping, MaxIterIsKeptAndPrefixesAgree) {
  const Matrix<double> samples = slow_data();
  const Result<double> full = omnimeans::fit(samples, slow_options());
  for (const std::size_t most : {std::size_t{1}, std::size_t{2}, std::size_t{7}}) {
    Options options = slow_options();
    options.max_iter = most;
    const Result<double> part = omnimeans::fit(samples, options);
    EXPECT_EQ(part.stop_reason, StopReason::max_iter);
    EXPECT_EQ(part.n_iter, most);
    expect_consistent(samples, part);
    for (std::size_t t = 0; t < most; ++t) {
      EXPECT_EQ(part.history[t].centroid_shift, full.history[t].centroid_shift);
      EXPECT_EQ(part.history[t].labels_changed, full.history[t].labels_changed);
    }
  }
}

TEST(Stopping, ConvergenceInTheLastIterationIsConvergence) {
  const Matrix<double> samples = slow_data();
  Options options = slow_options();
  const Result<double> full = omnimeans::fit(samples, options);
  options.max_iter = full.n_iter;
  EXPECT_TRUE(same_result(omnimeans::fit(samples, options), full));
  options.max_iter = full.n_iter - 1;
  EXPECT_EQ(omnimeans::fit(samples, options).stop_reason, StopReason::max_iter);
}

TEST(Stopping, ToleranceIsRelativeToTheMeanFeatureVariance) {
  const Matrix<double> samples = slow_data();
  const std::size_t n = samples.rows(), d = samples.cols();
  double variance = 0;
  for (std::size_t t = 0; t < d; ++t) {
    double mean = 0, sum = 0;
    for (std::size_t i = 0; i < n; ++i) mean += samples(i, t) / static_cast<double>(n);
    for (std::size_t i = 0; i < n; ++i) sum += (samples(i, t) - mean) * (samples(i, t) - mean);
    variance += sum / static_cast<double>(n * d);
  }
  for (const double tol : {1e-1, 1e-2, 1e-3}) {
    Options options = slow_options();
    options.tol = tol;
    const Result<double> result = omnimeans::fit(samples, options);
    ASSERT_EQ(result.stop_reason, StopReason::tolerance) << tol;
    expect_consistent(samples, result);
    for (const IterationStats& step : result.history) {
      EXPECT_EQ(step.centroid_shift <= tol * variance, step.iteration + 1 == result.n_iter)
          << tol << ", iteration " << step.iteration;
    }
  }
}

TEST(Stopping, ScaleDoesNotMatterToTheTolerance) {
  const Matrix<double> samples = slow_data();
  Matrix<double> larger = samples;
  for (std::size_t i = 0; i < larger.rows(); ++i) {
    for (double& value : larger.row(i)) value *= 1024;  // a power of two: every step scales exactly
  }
  Options options = slow_options();
  options.tol = 1e-3;
  const Result<double> small = omnimeans::fit(samples, options), large = omnimeans::fit(larger, options);
  EXPECT_EQ(small.n_iter, large.n_iter);
  EXPECT_TRUE(same_labels(small.labels, large.labels));
}

TEST(Stopping, PastDeadlineEndsTheSeedingOrAfterOneIteration) {
  const Matrix<double> samples = slow_data();
  Options options = slow_options();
  options.deadline = std::chrono::steady_clock::time_point::min();
  for (const SeedingMethod& method : omnimeans::seeding_methods()) {
    options.init = method.init;
    const Result<double> result = omnimeans::fit(samples, options);
    EXPECT_EQ(result.stop_reason, StopReason::deadline);
    EXPECT_EQ(result.n_iter, method.init == Init::random ? 1u : 0u) << method.name;
    expect_consistent(samples, result);
  }
}

TEST(Stopping, LabelsThatABackendKeepsAreThereHoweverItEnds) {
  const Matrix<double> samples = slow_data();
  Options options = slow_options();
  options.backend = "kdtree";
  expect_consistent(samples, omnimeans::fit(samples, options));
  Options limited = options, cancelled = options, late = options, tolerant = options;
  limited.max_iter = 3;
  cancelled.progress = [](const Progress& progress) { return progress.iteration.iteration < 3; };
  late.deadline = std::chrono::steady_clock::time_point::min();
  tolerant.tol = 1e-2;
  using End = std::pair<Options, StopReason>;
  for (const End& end : {End{limited, StopReason::max_iter}, End{cancelled, StopReason::cancelled},
                         End{late, StopReason::deadline}, End{tolerant, StopReason::tolerance}}) {
    const Result<double> result = omnimeans::fit(samples, end.first);
    EXPECT_EQ(result.stop_reason, end.second);
    expect_consistent(samples, result);
  }
}

TEST(Stopping, SeedingIsCancelled) {
  const Matrix<double> samples = slow_data();
  Options options = slow_options();
  options.n_init = 3;
  for (const SeedingMethod& method : omnimeans::seeding_methods()) {
    if (method.init == Init::random) continue;  // over before anyone could ask
    SCOPED_TRACE(method.name);
    options.init = method.init;
    std::size_t calls = 0;
    options.seeding_progress = [&](const SeedingProgress& progress) {
      EXPECT_EQ(progress.run, 0u) << "no further run is started";
      EXPECT_EQ(progress.n_clusters, options.n_clusters);
      EXPECT_GE(progress.n_chosen, 1u);
      EXPECT_LT(progress.n_chosen, options.n_clusters);
      EXPECT_GE(progress.passes, 1u);
      return ++calls < 2;
    };
    const Result<double> result = omnimeans::fit(samples, options);
    EXPECT_EQ(calls, 2u);
    EXPECT_EQ(result.stop_reason, StopReason::cancelled);
    EXPECT_EQ(result.n_iter, 0u);
    EXPECT_EQ(result.n_nonempty, options.n_clusters) << "different samples fill the places";
    expect_consistent(samples, result);
  }
}

TEST(Stopping, ARestartThatIsCancelledWhileItSeedsIsNoResult) {
  const Matrix<double> samples = slow_data();
  Options options = slow_options();
  const Result<double> first = omnimeans::fit(samples, options);
  options.n_init = 3;
  options.seeding_progress = [&](const SeedingProgress& progress) { return progress.run == 0; };
  EXPECT_TRUE(same_result(omnimeans::fit(samples, options), first));
}

TEST(Stopping, NoRestartWhereTheInertiaIsZero) {
  // Four values among twelve samples.
  Matrix<double> samples(12, 1);
  for (std::size_t i = 0; i < 12; ++i) samples(i, 0) = static_cast<double>(i % 4);
  Options options{.n_clusters = 4, .n_init = 5, .tol = 0};
  std::set<std::size_t> runs;
  options.progress = [&](const Progress& progress) { return runs.insert(progress.run), true; };
  EXPECT_EQ(omnimeans::fit(samples, options).inertia, 0);
  EXPECT_EQ(runs, std::set<std::size_t>{0});
}

TEST(Stopping, FarDeadlineChangesNothing) {
  const Matrix<double> samples = slow_data();
  Options options = slow_options();
  const Result<double> plain = omnimeans::fit(samples, options);
  options.deadline = std::chrono::steady_clock::time_point::max();
  EXPECT_TRUE(same_result(omnimeans::fit(samples, options), plain));
}

TEST(Stopping, DeadlineEndsTheRestartsToo) {
  const Matrix<double> samples = slow_data();
  Options options = slow_options();
  options.n_init = 5;
  options.init = Init::random;
  options.deadline = std::chrono::steady_clock::time_point::min();
  std::size_t calls = 0;
  options.progress = [&](const Progress&) { return ++calls, true; };
  const Result<double> result = omnimeans::fit(samples, options);
  EXPECT_EQ(result.stop_reason, StopReason::deadline);
  EXPECT_EQ(calls, 1u);
  expect_consistent(samples, result);
}

TEST(Stopping, CallbackCancels) {
  const Matrix<double> samples = slow_data();
  Options options = slow_options();
  options.n_init = 3;
  std::size_t calls = 0;
  options.progress = [&](const Progress& progress) {
    ++calls;
    return progress.iteration.iteration < 2;
  };
  const Result<double> result = omnimeans::fit(samples, options);
  EXPECT_EQ(result.stop_reason, StopReason::cancelled);
  EXPECT_EQ(result.n_iter, 3u);
  EXPECT_EQ(calls, 3u) << "no further run is started";
  expect_consistent(samples, result);
}

TEST(Stopping, StopTokenCancels) {
  const Matrix<double> samples = slow_data();
  std::stop_source source;
  Options options = slow_options();
  options.stop = source.get_token();
  const Result<double> plain = omnimeans::fit(samples, slow_options());
  EXPECT_TRUE(same_result(omnimeans::fit(samples, options), plain)) << "a token that is not used";
  options.progress = [&](const Progress& progress) {
    if (progress.iteration.iteration == 3) source.request_stop();
    return true;
  };
  const Result<double> result = omnimeans::fit(samples, options);
  EXPECT_EQ(result.stop_reason, StopReason::cancelled);
  EXPECT_EQ(result.n_iter, 4u);
  expect_consistent(samples, result);
  EXPECT_EQ(omnimeans::fit(samples, options).n_iter, 0u) << "requested before the start";
}

TEST(Stopping, CallbackHearsEveryIterationOnce) {
  const Matrix<double> samples = slow_data();
  Options options = slow_options();
  options.n_init = 3;
  struct Heard {
    std::size_t run, iteration;
    bool operator==(const Heard&) const = default;
  };
  std::vector<Heard> heard;
  std::vector<double> shifts;
  options.progress = [&](const Progress& progress) {
    EXPECT_EQ(progress.n_init, 3u);
    EXPECT_EQ(progress.max_iter, 300u);
    heard.push_back({progress.run, progress.iteration.iteration});
    shifts.push_back(progress.iteration.centroid_shift);
    return true;
  };
  const Result<double> result = omnimeans::fit(samples, options);
  std::size_t matched = 0;
  for (std::size_t h = 0; h < heard.size(); ++h) {
    const bool same_run = h > 0 && heard[h].run == heard[h - 1].run;
    EXPECT_EQ(heard[h].iteration, same_run ? heard[h - 1].iteration + 1 : 0);
    EXPECT_EQ(heard[h].run, h == 0 ? 0 : heard[h - 1].run + (same_run ? 0 : 1));
    if (heard[h].run != result.run) continue;
    EXPECT_EQ(shifts[h], result.history[heard[h].iteration].centroid_shift);
    ++matched;
  }
  EXPECT_EQ(heard.back().run, 2u);
  EXPECT_EQ(matched, result.n_iter);
}

TEST(Stopping, ExceptionOfTheCallbackComesThrough) {
  const Matrix<double> samples = slow_data();
  struct Mine : std::runtime_error {
    using std::runtime_error::runtime_error;
  };
  for (const std::string& backend : exact_backends()) {
    Options options = slow_options();
    options.backend = backend;
    options.threads = 3;
    options.progress = [](const Progress& progress) -> bool {
      if (progress.iteration.iteration == 1) throw Mine("from the callback");
      return true;
    };
    EXPECT_THROW(omnimeans::fit(samples, options), Mine) << backend;
  }
}

}  // namespace
