// SPDX-License-Identifier: MIT
// Predictor against predict() and the oracle: batches of every size around the switch of kernels, several
// callers at once, damaged samples.
#include <gtest/gtest.h>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/compare.hpp"
#include "core/data.hpp"
#include "core/oracle.hpp"
#include "core/problems.hpp"

namespace {

using omnimeans::Matrix;
using omnimeans::MatrixView;
using omnimeans::PredictOptions;
using omnimeans::Predictor;

template <class T>
class PredictorTest : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(PredictorTest, Types);

template <class T>
MatrixView<const T> rows(MatrixView<const T> matrix, std::size_t first, std::size_t count) {
  return {matrix.row_data(first), count, matrix.cols(), matrix.row_stride()};
}

TYPED_TEST(PredictorTest, AgreesWithTheOracleInBatchesOfEverySize) {
  using T = TypeParam;
  for (std::uint64_t index = 0; index < 60; ++index) {
    const TestProblem<T> problem = make_problem<T>(index, 1e6);
    SCOPED_TRACE(problem.describe());
    // Samples as centroids: ties and zero distances.
    const MatrixView<const T> centroids = rows(problem.samples(), 0, problem.options.n_clusters);
    const std::vector<std::int32_t> expected = oracle::labels<T>(problem.samples(), centroids);
    for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
      SCOPED_TRACE(to_string(isa));
      const Predictor<T> predictor(
          centroids, {.threads = static_cast<int>(1 + index % 3), .isa = std::string(to_string(isa))});
      ASSERT_TRUE(same_labels(predictor.predict(problem.samples()), expected));
      std::size_t first = 0;
      for (std::size_t count = 1; first + count <= problem.n && count < 30; first += count, ++count) {
        std::vector<std::int32_t> labels(count, -1);
        predictor.label(rows(problem.samples(), first, count), labels);
        for (std::size_t r = 0; r < count; ++r) {
          ASSERT_EQ(labels[r], expected[first + r]) << "row " << first + r << " in a batch of " << count;
        }
      }
      for (std::size_t i = 0; i < problem.n && i < 20; ++i)
        ASSERT_EQ(predictor.label(problem.samples().row(i)), expected[i]) << "row " << i;
    }
  }
}

TYPED_TEST(PredictorTest, KeepsItsOwnCentroids) {
  using T = TypeParam;
  const Matrix<T> samples = blobs<T>(50, 5, 7, 1);
  Matrix<T> centroids = blobs<T>(9, 5, 7, 2);
  const std::vector<std::int32_t> expected = oracle::labels<T>(samples, centroids);
  Predictor<T> first(centroids);
  const Matrix<T> given = centroids;
  centroids = Matrix<T>(9, 5);
  const Predictor<T> moved = std::move(first);
  EXPECT_EQ(moved.predict(samples), expected);
  for (std::size_t j = 0; j < 9; ++j) {
    for (std::size_t t = 0; t < 5; ++t) EXPECT_EQ(moved.centroids()(j, t), given(j, t));
  }
}

TYPED_TEST(PredictorTest, SeveralCallersAtOnce) {
  using T = TypeParam;
  const Matrix<T> samples = blobs<T>(600, 17, 20, 1), centroids = blobs<T>(70, 17, 20, 2);
  const std::vector<std::int32_t> expected = oracle::labels<T>(samples, centroids);
  const Predictor<T> predictor(centroids);
  std::vector<std::vector<std::int32_t>> found(6, std::vector<std::int32_t>(samples.rows(), -1));
  std::vector<std::thread> callers;
  for (std::size_t caller = 0; caller < found.size(); ++caller) {
    callers.emplace_back([&, caller] {
      // Each its own size of batch, the last ones shorter.
      const std::size_t batch = 1 + 11 * caller;
      for (std::size_t first = 0; first < samples.rows(); first += batch) {
        const std::size_t count = std::min(batch, samples.rows() - first);
        predictor.label(rows(samples.view(), first, count), std::span(found[caller]).subspan(first, count));
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (const auto& labels : found) EXPECT_TRUE(same_labels(labels, expected));
}

TYPED_TEST(PredictorTest, NamesWhatIsWrong) {
  using T = TypeParam;
  const Predictor<T> predictor(blobs<T>(9, 4, 7, 2));
  Matrix<T> samples = blobs<T>(12, 4, 7, 1);
  samples(11, 2) = std::numeric_limits<T>::quiet_NaN();
  std::vector<std::int32_t> labels(12, 77);
  try {
    predictor.label(samples, labels);
    FAIL() << "no error";
  } catch (const omnimeans::NonFiniteValue& error) {
    EXPECT_STREQ(error.what(), "X[11][2] is NaN");
  }
  EXPECT_EQ(labels, std::vector<std::int32_t>(12, 77));
  EXPECT_THROW(predictor.label(samples.row(11)), omnimeans::NonFiniteValue);
  EXPECT_THROW(predictor.label(samples.row(0).first(3)), omnimeans::ShapeMismatch);
  EXPECT_THROW(predictor.label(samples, std::span(labels).first(11)), omnimeans::ShapeMismatch);
  EXPECT_THROW(predictor.predict(Matrix<T>(3, 5)), omnimeans::ShapeMismatch);
  EXPECT_THROW(predictor.predict(Matrix<T>(0, 4)), omnimeans::InvalidArgument);
  EXPECT_THROW(Predictor<T>(Matrix<T>(0, 4).view()), omnimeans::InvalidArgument);
  EXPECT_THROW(Predictor<T>(samples.view()), omnimeans::NonFiniteValue);
  EXPECT_THROW(Predictor<T>(Matrix<T>(3, 4), {.threads = -1}), omnimeans::InvalidArgument);
  EXPECT_THROW(Predictor<T>(Matrix<T>(3, 4), {.isa = "z80"}), omnimeans::UnsupportedIsa);
  EXPECT_NO_THROW(predictor.label(samples.row(0)));
}

}  // namespace
