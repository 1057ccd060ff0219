// SPDX-License-Identifier: MIT
// blockbounds: its labels are the oracle's after every step, whatever moves; told of too
// small a drift, they are not. guard_blocks_test.cpp looks at its kernels.
#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "core/oracle.hpp"
#include "kernels/moving_centroids.hpp"
#include "kernels/shapes.hpp"

namespace {

using omnimeans::Matrix;

template <class T>
class BlockBounds : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(BlockBounds, Types);

TYPED_TEST(BlockBounds, LabelsAreTheOraclesWhateverMoves) {
  expect_oracle_labels<TypeParam>("blockbounds", {{3000, 2, 40},
                                                  {6000, 1, 9},
                                                  {2500, 3, 120},
                                                  {1500, 8, 70},
                                                  {500, 17, 5},
                                                  {300, 150, 40},
                                                  {60, 2, 60},
                                                  {20, 2, 3},
                                                  {4000, 2, 1}});
}

TYPED_TEST(BlockBounds, SkipsMostDistances) {
  using T = TypeParam;
  const Matrix<T> samples = data<T>("uniform", 20000, 4, 1);
  std::uint64_t distances = 0;
  ASSERT_EQ(
      wrong_labels<T>("blockbounds", samples, 100, 1, 1, 1, omnimeans::default_isa(), false, &distances), 0u);
  EXPECT_LT(distances, 13 * samples.rows() * 100 / 3);
}

/// In sixteen bits samples much longer than the others do not fit; their labels are right all the same.
TYPED_TEST(BlockBounds, OutliersAreLabelled) {
  using T = TypeParam;
  for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(std::string(to_string(isa)));
    Matrix<T> samples = data<T>("uniform", 5000, 5, 3);
    for (std::size_t i = 1; i < samples.rows(); i += 400) {
      for (std::size_t t = 0; t < samples.cols(); ++t) samples(i, t) *= static_cast<T>(50 + i);
    }
    EXPECT_EQ(wrong_labels<T>("blockbounds", samples, 90, 1, 1, 3, isa, false), 0u);
  }
}

/// A second run's centroid, far outside, makes sixteen bits useless from there on: blocks are written anew,
/// and bounds go on.
TEST(BlockBounds16, LaterCentroidsThatDoNotFit) {
  const std::size_t k = 100;
  for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
    for (const int threads : {1, 3}) {
      SCOPED_TRACE(std::string(to_string(isa)) + ", threads " + std::to_string(threads));
      const Matrix<float> samples = data<float>("uniform", 5000, 8, 7);
      const auto backend = omnimeans::find_backend("blockbounds")
                               .make<float>({.samples = samples.view(),
                                             .sample_weights = {},
                                             .n_clusters = k,
                                             .threads = threads,
                                             .isa = isa});
      std::vector<std::int32_t> labels(samples.rows(), -1);
      Random random(5);
      for (const float far : {1.0f, 60.0f, 1.0f}) {
        Matrix<float> centroids(k, samples.cols());
        for (std::size_t j = 0; j < k; ++j) std::ranges::copy(samples.row(37 * j), centroids.row(j).begin());
        for (std::size_t t = 0; t < samples.cols(); ++t) centroids(3, t) *= far;
        std::vector<double> drift;
        for (int step = 0; step < 6; ++step) {
          const auto stats =
              backend->assign({.centroids = centroids.view(), .drift = drift, .labels = labels});
          ASSERT_EQ(labels, oracle::labels<float>(samples.view(), centroids.view())) << "step " << step;
          EXPECT_LE(stats.distances_computed, samples.rows() * k * 11 / 10);
          const Matrix<float> before = centroids;
          move(centroids, samples.view(), Move::creep, random);
          drift = drift_of(before, centroids);
        }
      }
    }
  }
}

/// The same while a run lasts, and where the first centroids leave most scores in doubt.
TEST(BlockBounds16, CentroidsThatLeaveScoresInDoubt) {
  const std::size_t k = 100;
  for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
    for (const bool at_first : {true, false}) {
      SCOPED_TRACE(std::string(to_string(isa)) + (at_first ? ", at first" : ", later"));
      const Matrix<float> samples = data<float>("uniform", 5000, 8, 7);
      const auto backend = omnimeans::find_backend("blockbounds")
                               .make<float>({.samples = samples.view(),
                                             .sample_weights = {},
                                             .n_clusters = k,
                                             .threads = 2,
                                             .isa = isa});
      std::vector<std::int32_t> labels(samples.rows(), -1);
      Matrix<float> centroids(k, samples.cols());
      for (std::size_t j = 0; j < k; ++j) std::ranges::copy(samples.row(37 * j), centroids.row(j).begin());
      std::vector<double> drift;
      std::uint64_t last = 0;
      Random random(5);
      for (int step = 0; step < 10; ++step) {
        const Matrix<float> before = centroids;
        if (step > 0) move(centroids, samples.view(), Move::creep, random);
        if (step == (at_first ? 0 : 3)) centroids(3, 0) = 60;
        drift = step == 0 ? std::vector<double>() : drift_of(before, centroids);
        last = backend->assign({.centroids = centroids.view(), .drift = drift, .labels = labels})
                   .distances_computed;
        ASSERT_EQ(labels, oracle::labels<float>(samples.view(), centroids.view())) << "step " << step;
      }
      EXPECT_LT(last, samples.rows() * k / 2);
    }
  }
}

TYPED_TEST(BlockBounds, TooSmallADriftShows) {
  expect_wrong_labels_without_drift<TypeParam>("blockbounds");
}

/// Bounds last for epochs of some 16,000 words. Centroids that walk to and fro come to some 75,000: if no
/// epoch ended, all bounds would be used up.
TYPED_TEST(BlockBounds, EpochsEnd) {
  using T = TypeParam;
  const Matrix<T> samples = data<T>("uniform", 8000, 3, 4);
  Matrix<T> centroids(30, 3);
  for (std::size_t j = 0; j < centroids.rows(); ++j)
    std::ranges::copy(samples.row(50 * j), centroids.row(j).begin());
  const auto backend = omnimeans::find_backend("blockbounds")
                           .make<T>({.samples = samples.view(),
                                     .sample_weights = {},
                                     .n_clusters = centroids.rows(),
                                     .threads = 2,
                                     .isa = omnimeans::default_isa()});
  std::vector<std::int32_t> labels(samples.rows(), -1);
  std::vector<double> drift;
  for (int step = 0; step < 300; ++step) {
    const auto stats = backend->assign({.centroids = centroids.view(), .drift = drift, .labels = labels});
    if (step > 0) {
      ASSERT_LT(stats.distances_computed, samples.rows() * centroids.rows() / 2) << "step " << step;
    }
    ASSERT_EQ(labels, oracle::labels<T>(samples.view(), centroids.view())) << "step " << step;
    const Matrix<T> before = centroids;
    for (std::size_t j = 0; j < centroids.rows(); ++j)
      centroids(j, j % 3) += static_cast<T>(step % 2 == 0 ? 0.015 : -0.015);
    drift = drift_of(before, centroids);
  }
}

}  // namespace
