// SPDX-License-Identifier: MIT
// .fvecs and .bvecs: values and written bytes.
#include <gtest/gtest.h>

#include <limits>

#include "bytes.hpp"
#include "io/io.hpp"
#include "scratch.hpp"

namespace omnimeans::io::testing {
namespace {

using VecsTest = Scratch;

TEST_F(VecsTest, ReadsFloats) {
  const auto path = file("a.fvecs", vecs_row<float>(3, {1, -2.5f, 1e-40f}) + vecs_row<float>(3, {4, 5, 6}));
  const auto matrix = std::get<Matrix<float>>(read_matrix(path));
  ASSERT_EQ(matrix.rows(), 2u);
  ASSERT_EQ(matrix.cols(), 3u);
  EXPECT_EQ(matrix(0, 1), -2.5f);
  EXPECT_EQ(matrix(0, 2), 1e-40f);
  EXPECT_EQ(matrix(1, 0), 4.0f);
  EXPECT_EQ(read_matrix_as<double>(path)(0, 2), static_cast<double>(1e-40f));
}

TEST_F(VecsTest, ReadsBytes) {
  const auto path =
      file("a.bvecs", vecs_row<unsigned char>(2, {0, 255}) + vecs_row<unsigned char>(2, {128, 7}));
  const auto matrix = std::get<Matrix<float>>(read_matrix(path));
  ASSERT_EQ(matrix.rows(), 2u);
  EXPECT_EQ(matrix(0, 1), 255.0f);
  EXPECT_EQ(read_matrix_as<double>(path)(1, 0), 128.0);
}

TEST_F(VecsTest, WritesFloats) {
  Matrix<float> matrix(2, 2);
  matrix(0, 1) = 1.5f;
  matrix(1, 0) = -std::numeric_limits<float>::infinity();
  write_matrix(dir / "a.fvecs", matrix.view());
  EXPECT_EQ(read_bytes(dir / "a.fvecs"),
            vecs_row<float>(2, {0, 1.5f}) + vecs_row<float>(2, {-std::numeric_limits<float>::infinity(), 0}));
}

TEST_F(VecsTest, RoundsDoublesToFloats) {
  Matrix<double> matrix(1, 2);
  matrix(0, 0) = 0.1;
  matrix(0, 1) = 1e-300;
  write_matrix(dir / "a.fvecs", matrix.view());
  EXPECT_EQ(read_bytes(dir / "a.fvecs"), vecs_row<float>(2, {0.1f, 0.0f}));
}

TEST_F(VecsTest, WritesBytes) {
  Matrix<double> matrix(2, 2);
  matrix(0, 0) = 255;
  matrix(1, 1) = 17;
  write_matrix(dir / "a.bvecs", matrix.view());
  EXPECT_EQ(read_bytes(dir / "a.bvecs"),
            vecs_row<unsigned char>(2, {255, 0}) + vecs_row<unsigned char>(2, {0, 17}));
}

TEST_F(VecsTest, RoundTripOfManyChunks) {
  Matrix<float> matrix(3000, 61);
  for (std::size_t i = 0; i < 3000 * 61; ++i) matrix.data()[i] = static_cast<float>(i % 251);
  for (const char* name : {"a.fvecs", "a.bvecs"}) {
    write_matrix(dir / name, matrix.view());
    EXPECT_EQ(read_matrix_as<float>(dir / name), matrix) << name;
  }
}

TEST_F(VecsTest, RoundTripOfRowsLongerThanAChunk) {
  Matrix<double> matrix(3, 300000);
  for (std::size_t i = 0; i < 3 * 300000; ++i) matrix.data()[i] = static_cast<double>(i % 256);
  for (const char* name : {"a.fvecs", "a.bvecs"}) {
    write_matrix(dir / name, matrix.view());
    EXPECT_EQ(read_matrix_as<double>(dir / name), matrix) << name;
  }
}

}  // namespace
}  // namespace omnimeans::io::testing
