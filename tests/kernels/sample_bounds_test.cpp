// SPDX-License-Identifier: MIT
// One upper and one lower bound a sample, as hamerly, exponion and annulus carry them: on every path, after
// every step and in every stage of it, they hold against distances in 113 bits. Told too small a drift, they
// do not, and the check says so.
#include <gtest/gtest.h>
#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "backends/first_step.hpp"
#include "core/oracle.hpp"
#include "core/walks.hpp"

namespace {

using omnimeans::Matrix;
using omnimeans::RowRange;

/// Whether low <= |a - b| (if `below`), or |a - b| <= high: in double where that is clear, else in 113 bits.
template <class T>
bool on_side(T bound, bool below, const T* a, const T* b, std::size_t d) {
  const double near = oracle::distance(a, b, d),
               square = static_cast<double>(bound) * static_cast<double>(bound);
  if (below ? square < near * (1 - 1e-12) : square * (1 - 1e-12) > near) return true;
  oracle::Quad exact = 0;
  for (std::size_t t = 0; t < d; ++t) {
    const oracle::Quad difference = static_cast<oracle::Quad>(a[t]) - static_cast<oracle::Quad>(b[t]);
    exact += difference * difference;
  }
  const oracle::Quad wide = static_cast<oracle::Quad>(bound);
  return below ? wide * wide <= exact : wide * wide >= exact;
}

/// Samples whose bounds do not hold for these centroids, and pairs of centroids whose separation does not.
template <class T>
std::size_t violations(const Walk<T>& walk, const Matrix<T>& centroids,
                       const std::vector<std::int32_t>& labels,
                       omnimeans::algorithms::SampleBounds<T>& bounds) {
  const std::size_t d = centroids.cols(), k = centroids.rows();
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const T* x = walk.samples.row(i).data();
    bool holds = bounds.upper(i) >= 0 && bounds.lower(i) >= 0;
    for (std::size_t j = 0; j < k; ++j) {
      const bool own = j == static_cast<std::size_t>(labels[i]);
      holds &= on_side(own ? bounds.upper(i) : bounds.lower(i), !own, x, centroids.row(j).data(), d);
    }
    wrong += !holds;
  }
  for (std::size_t j = 0; j < k; ++j) {
    for (std::size_t other = 0; other < k; ++other) {
      wrong += other != j && !on_side(2 * bounds.separation(j), true, centroids.row(j).data(),
                                      centroids.row(other).data(), d);
    }
  }
  return wrong;
}

/// Walks the path as hamerly does, drifts multiplied by `factor`; returns all violations. Counts in `kept`
/// the samples whose bounds proved their label.
template <class T>
std::size_t follow(const Walk<T>& walk, omnimeans::Isa isa, double factor, std::size_t& kept) {
  const std::size_t n = walk.samples.rows(), k = walk.centroids.front().rows();
  const omnimeans::Problem<T> problem = problem_of(walk, 1, isa);
  omnimeans::DenseEngine<T> engine(problem.samples, k, isa, 1);
  omnimeans::algorithms::SampleBounds<T> bounds(problem, engine.kernels());
  std::vector<std::int32_t> labels(n, -1);
  std::vector<T> half(k);
  std::size_t wrong = 0;
  for (std::size_t step = 0; step < walk.centroids.size(); ++step) {
    const Matrix<T>& centroids = walk.centroids[step];
    engine.set_centroids(centroids.view());
    if (step == 0) {
      engine.assign(bounds.labelling(labels));
      wrong += violations(walk, centroids, labels, bounds);
      continue;
    }
    std::vector<double> drift = walk.drifts[step - 1];
    for (double& value : drift) value *= factor;
    bounds.take_drift(drift);
    for (std::size_t j = 0; j < k && step % 3 != 0; ++j)  // else: what is left of those before
      bounds.set_separation(
          j, half_distances(engine.kernels(), bounds.rounding(), centroids.view(), j, half.data()));
    engine.assign_listed(bounds.labelling(labels), n, [&](RowRange rows, auto& scratch) {
      bounds.move(rows, labels, scratch.listed);
      wrong += violations(walk, centroids, labels, bounds);
      bounds.tighten(rows, {centroids.view(), drift, labels}, scratch.listed);
      wrong += violations(walk, centroids, labels, bounds);
      kept += rows.size() - scratch.listed.size();
    });
    wrong += violations(walk, centroids, labels, bounds);
  }
  return wrong;
}

template <class T>
class SampleBounds : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(SampleBounds, Types);

TYPED_TEST(SampleBounds, HoldAfterEveryStep) {
  using T = TypeParam;
  const std::vector<omnimeans::Isa> isas = omnimeans::usable_isas();
  std::size_t kept = 0, samples = 0;
  for (std::size_t number = 0; number < 30; ++number) {
    const Walk<T> path = walk<T>(number);
    const omnimeans::Isa isa = isas[number % isas.size()];
    SCOPED_TRACE(path.name + ", " + std::string(to_string(isa)));
    ASSERT_EQ(follow(path, isa, 1, kept), 0u);
    samples += path.samples.rows() * (path.centroids.size() - 1);
  }
  EXPECT_GT(kept, samples / 4) << "bounds must be worth having";
}

/// A first step from guesses, good and bad, separations multiplied by `factor`: wrong labels and bounds.
/// Counts in `spared` the distances that guesses saved, in `all` those of every pair.
template <class T>
std::size_t wrong_first_steps(const Walk<T>& walk, double factor, std::size_t& spared, std::size_t& all) {
  const std::size_t n = walk.samples.rows(), k = walk.centroids.front().rows();
  // Without vectors a row of the tile is long: guesses are worth a try.
  const omnimeans::Problem<T> problem = problem_of(walk, 2, omnimeans::Isa::scalar);
  omnimeans::DenseEngine<T> engine(problem.samples, k, problem.isa, problem.threads);
  omnimeans::algorithms::SampleBounds<T> bounds(problem, engine.kernels());
  std::vector<T> half(k);
  std::size_t wrong = 0;
  for (std::size_t step = 1; step < walk.centroids.size(); ++step) {
    const Matrix<T>& centroids = walk.centroids[step];
    for (const bool stale : {true, false}) {
      std::vector<std::int32_t> labels = walk.labels[step - 1];
      for (std::size_t i = 0; i < n && !stale; i += 2) labels[i] = static_cast<std::int32_t>(i % k);
      engine.set_centroids(centroids.view());
      for (std::size_t j = 0; j < k; ++j) {
        const T separation =
            half_distances(engine.kernels(), bounds.rounding(), centroids.view(), j, half.data());
        bounds.set_separation(j, static_cast<T>(factor * static_cast<double>(separation)));
      }
      const omnimeans::Assignment<T> first{
          .centroids = centroids.view(), .drift = {}, .labels = labels, .guessed = true};
      const omnimeans::AssignmentStats stats =
          omnimeans::algorithms::FirstStep<T>(problem, engine, bounds, first).run();
      all += n * k;
      spared += stats.distances_computed < n * k ? n * k - stats.distances_computed : 0;
      for (std::size_t i = 0; i < n; ++i) wrong += labels[i] != walk.labels[step][i];
      if (factor > 1) continue;
      wrong += violations(walk, centroids, labels, bounds);
      const double inertia = oracle::inertia<T>(walk.samples.view(), centroids.view(), labels, walk.weights);
      wrong += stats.inertia_bound < inertia * (1 - static_cast<double>(n) * 0x1p-52);
    }
  }
  return wrong;
}

TYPED_TEST(SampleBounds, HoldAfterAFirstStepFromGuesses) {
  using T = TypeParam;
  std::size_t spared = 0, all = 0;
  for (std::size_t number = 0; number < 30; ++number) {
    const Walk<T> path = walk<T>(number);
    ASSERT_EQ(wrong_first_steps(path, 1, spared, all), 0u) << path.name;
  }
  EXPECT_GT(spared, all / 100) << "some must begin from guesses";
}

/// Twenty clusters so far apart that every right guess can be proved, in two steps that hardly differ.
template <class T>
Walk<T> clusters_apart() {
  constexpr std::size_t n = 2000, d = 8, k = 20;
  Random random(1);
  Walk<T> walk;
  walk.name = "clusters apart";
  walk.samples = Matrix<T>(n, d);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t t = 0; t < d; ++t)
      walk.samples(i, t) = static_cast<T>(100 * static_cast<double>(i / (n / k)) + random.normal());
  }
  for (std::size_t step = 0; step < 2; ++step) {
    Matrix<T> centroids(k, d);
    for (std::size_t j = 0; j < k; ++j)
      std::ranges::copy(walk.samples.row(j * (n / k) + step), centroids.row(j).begin());
    walk.labels.push_back(oracle::labels<T>(walk.samples.view(), centroids.view()));
    walk.centroids.push_back(std::move(centroids));
  }
  walk.drifts.push_back(drift_of(walk.centroids[1], walk.centroids[0]));
  return walk;
}

TYPED_TEST(SampleBounds, AFirstStepComputesLittleWhereGuessesAreRight) {
  std::size_t spared = 0, all = 0;
  ASSERT_EQ(wrong_first_steps(clusters_apart<TypeParam>(), 1, spared, all), 0u);
  // One distance of 20 where all guesses are right; where every second one is, half of the tiles besides. A
  // block that is asked first adds one a sample.
  EXPECT_GT(spared, all * 65 / 100);
  EXPECT_LT(spared, all * 75 / 100) << "wrong guesses cannot be proved";
}

TYPED_TEST(SampleBounds, GuessesAreNotProvedByTooLargeASeparation) {
  using T = TypeParam;
  std::size_t caught = 0, spared = 0, all = 0;
  for (std::size_t number = 0; number < 30; ++number)
    caught += wrong_first_steps(walk<T>(number), 2, spared, all) > 0;
  EXPECT_GE(caught, 5u);
}

TYPED_TEST(SampleBounds, DoNotHoldIfTheDriftIsTooSmall) {
  using T = TypeParam;
  std::size_t caught = 0, kept = 0;
  for (std::size_t number = 0; number < 30; ++number)
    caught += follow(walk<T>(number), omnimeans::default_isa(), 0.9, kept) > 0;
  EXPECT_GE(caught, 25u);
}

}  // namespace
