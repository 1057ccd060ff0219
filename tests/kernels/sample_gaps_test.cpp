// SPDX-License-Identifier: MIT
// One number a sample, as gap carries it: on every path and after every step, what it says of the distances
// holds in 113 bits. Told too small a drift, it does not, and the check says so.
#include <gtest/gtest.h>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "backends/sample_gaps.hpp"
#include "core/oracle.hpp"
#include "core/walks.hpp"

namespace {

using omnimeans::Matrix;
using omnimeans::RowRange;

template <class T>
double exact_distance(const T* a, const T* b, std::size_t d) {
  oracle::Quad squared = 0;
  for (std::size_t t = 0; t < d; ++t) {
    const oracle::Quad difference = static_cast<oracle::Quad>(a[t]) - static_cast<oracle::Quad>(b[t]);
    squared += difference * difference;
  }
  return std::sqrt(static_cast<double>(squared));
}

/// Samples for which another centroid is nearer to being the nearest than their gap says.
template <class T>
std::size_t violations(const Walk<T>& walk, const Matrix<T>& centroids,
                       const std::vector<std::int32_t>& labels,
                       const omnimeans::algorithms::SampleGaps<T>& gaps) {
  const std::size_t d = centroids.cols();
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto own = static_cast<std::size_t>(labels[i]);
    const double lead = static_cast<double>(gaps.gap(i)) - gaps.path(own);
    if (!(lead > 0)) continue;
    const T* x = walk.samples.row(i).data();
    const double nearest = exact_distance(x, centroids.row(own).data(), d);
    for (std::size_t j = 0; j < centroids.rows(); ++j) {
      if (j == own) continue;
      const double distance = exact_distance(x, centroids.row(j).data(), d);
      // The roots and their difference are rounded to double.
      if (distance - nearest < lead - (distance + nearest) * 0x1p-51) {
        ++wrong;
        break;
      }
    }
  }
  return wrong;
}

/// Walks the path as gap does, drifts multiplied by `factor`; returns all violations. Counts in `kept` the
/// samples whose gap proved their label.
template <class T>
std::size_t follow(const Walk<T>& walk, omnimeans::Isa isa, double factor, std::size_t& kept) {
  const std::size_t n = walk.samples.rows(), k = walk.centroids.front().rows();
  const omnimeans::Problem<T> problem = problem_of(walk, 1, isa);
  omnimeans::DenseEngine<T> engine(problem.samples, k, isa, 1);
  omnimeans::algorithms::SampleGaps<T> gaps(problem, engine.kernels());
  std::vector<std::int32_t> labels(n, -1);
  std::size_t wrong = 0;
  for (std::size_t step = 0; step < walk.centroids.size(); ++step) {
    const Matrix<T>& centroids = walk.centroids[step];
    engine.set_centroids(centroids.view());
    std::vector<double> drift = step == 0 ? std::vector<double>() : walk.drifts[step - 1];
    for (double& value : drift) value *= factor;
    if (step == 0 || !gaps.take_drift(drift)) {
      gaps.begin();
      engine.assign(gaps.labelling(labels, nullptr));
    } else {
      wrong += violations(walk, centroids, labels, gaps);
      engine.assign_listed(gaps.labelling(labels, nullptr), n, [&](RowRange rows, auto& scratch) {
        gaps.find_open(rows, labels, scratch.listed);
        kept += rows.size() - scratch.listed.size();
      });
    }
    wrong += violations(walk, centroids, labels, gaps);
  }
  return wrong;
}

template <class T>
class SampleGaps : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(SampleGaps, Types);

TYPED_TEST(SampleGaps, HoldAfterEveryStep) {
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
  EXPECT_GT(kept, samples / 5) << "gaps must be worth having";
}

TYPED_TEST(SampleGaps, DoNotHoldIfTheDriftIsTooSmall) {
  using T = TypeParam;
  // Centroids rarely move straight to and from a sample: a quarter of the drift is what most paths need.
  std::size_t caught = 0, kept = 0;
  for (std::size_t number = 0; number < 30; ++number)
    caught += follow(walk<T>(number), omnimeans::default_isa(), 0.25, kept) > 0;
  EXPECT_GE(caught, 15u);
}

}  // namespace
