// SPDX-License-Identifier: MIT
// Backends that carry bounds from step to step, driven by hand: centroids take Lloyd steps, tremble, jump
// onto samples, change places, fall together or stand still, and after every step all labels are the
// oracle's.
#include <gtest/gtest.h>
#include <cstddef>
#include <string>
#include <vector>

#include "core/oracle.hpp"
#include "core/walks.hpp"
#include "omnimeans/backend.hpp"
#include "omnimeans/omnimeans.hpp"

namespace {

using omnimeans::Matrix;

/// The first step after which labels are not the oracle's; the number of steps if all are. Drifts are
/// multiplied by `factor`.
template <class T>
std::size_t first_wrong_step(const Walk<T>& walk, const omnimeans::BackendEntry& entry, int threads,
                             omnimeans::Isa isa, double factor) {
  const std::size_t n = walk.samples.rows();
  const auto backend = entry.make<T>(problem_of(walk, threads, isa));
  // Twice: another run begins where the drift is empty.
  for (int run = 0; run < 2; ++run) {
    std::vector<std::int32_t> labels(n, -1);
    for (std::size_t step = 0; step < walk.centroids.size(); ++step) {
      std::vector<double> drift = step == 0 ? std::vector<double>() : walk.drifts[step - 1];
      for (double& value : drift) value *= factor;
      const Matrix<T>& centroids = walk.centroids[step];
      const omnimeans::AssignmentStats stats = backend->assign({centroids.view(), drift, labels});
      if (labels != walk.labels[step]) return step;
      if (factor < 1) continue;
      const double inertia =
          oracle::inertia<T>(walk.samples.view(), centroids.view(), labels, std::span<const T>(walk.weights));
      const double rounding = static_cast<double>(n) * 0x1p-52 * inertia;
      EXPECT_GE(stats.inertia_bound, inertia - rounding) << entry.info.name << ", step " << step;
    }
  }
  return walk.centroids.size();
}

template <class T>
class DriftingCentroids : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(DriftingCentroids, Types);

TYPED_TEST(DriftingCentroids, LabelsAreCanonicalAfterEveryStep) {
  using T = TypeParam;
  for (std::size_t number = 0; number < 40; ++number) {
    const Walk<T> path = walk<T>(number);
    SCOPED_TRACE(path.name);
    const std::vector<omnimeans::Isa> isas = omnimeans::usable_isas();
    for (const omnimeans::BackendEntry& entry : omnimeans::backends()) {
      if (!entry.info.exact) continue;
      for (const int threads : {1, 3}) {
        const omnimeans::Isa isa = isas[(number + static_cast<std::size_t>(threads)) % isas.size()];
        ASSERT_EQ(first_wrong_step(path, entry, threads, isa, 1), path.centroids.size())
            << entry.info.name << ", threads " << threads << ", " << to_string(isa);
      }
    }
  }
}

/// Eight bits are for these (int8_search.hpp, bytebounds.cpp), and for float.
TEST(DriftingManyCentroids, LabelsAreCanonicalAfterEveryStep) {
  for (std::size_t number = 0; number < 20; ++number) {
    const Walk<float> path = walk<float>(number, true);
    SCOPED_TRACE(path.name);
    for (const char* name : {"int8", "prefix", "bytebounds"}) {
      const omnimeans::BackendEntry& entry = omnimeans::find_backend(name);
      for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
        const int threads = number % 2 == 0 ? 1 : 3;
        ASSERT_EQ(first_wrong_step(path, entry, threads, isa, 1), path.centroids.size())
            << name << ", threads " << threads << ", " << to_string(isa);
      }
    }
  }
}

/// The check above would see bounds that give way too little: told half of the drift, whoever relies on it is
/// wrong somewhere.
TYPED_TEST(DriftingCentroids, DriftThatIsTooSmallIsCaught) {
  using T = TypeParam;
  for (const char* name : {"elkan", "hamerly", "exponion", "annulus", "yinyang"}) {
    std::size_t caught = 0;
    for (std::size_t number = 0; number < 40; ++number) {
      const Walk<T> path = walk<T>(number);
      caught += first_wrong_step(path, omnimeans::find_backend(name), 1, omnimeans::default_isa(), 0.5) <
                path.centroids.size();
    }
    EXPECT_GE(caught, 10u) << name;
  }
}

}  // namespace
