// SPDX-License-Identifier: MIT
// Vectors: weights and labels out of any format, columns and rows alike.
#include <gtest/gtest.h>

#include <vector>

#include "bytes.hpp"
#include "io/io.hpp"
#include "scratch.hpp"

namespace omnimeans::io::testing {
namespace {

using VectorTest = Scratch;

TEST_F(VectorTest, ReadsColumnsAndRows) {
  const std::vector<float> expected = {1, 2, 3};
  EXPECT_EQ(read_vector_as<float>(file("a.npy", npy(1, "|u1", false, "(3,)", "\1\2\3"))), expected);
  EXPECT_EQ(read_vector_as<float>(file("a.npy", npy(1, "|u1", false, "(3, 1)", "\1\2\3"))), expected);
  EXPECT_EQ(read_vector_as<float>(file("a.npy", npy(1, "|u1", true, "(1, 3)", "\1\2\3"))), expected);
  EXPECT_EQ(read_vector_as<float>(file("a.csv", "1\n2\n3\n")), expected);
  EXPECT_EQ(read_vector_as<float>(file("a.csv", "1,2,3\n")), expected);
  EXPECT_EQ(read_vector_as<float>(file("a.txt", "weight\n1\n2\n3\n")), expected);
  EXPECT_EQ(read_vector_as<float>(file("a.fvecs", vecs_row<float>(3, {1, 2, 3}))), expected);
  EXPECT_EQ(read_vector_as<double>(file("a.csv", "0.1\n")), std::vector<double>{0.1});
}

TEST_F(VectorTest, LabelsRoundTrip) {
  const std::vector<std::int32_t> labels = {0, 5, -1, 2147483647, -2147483647 - 1, 16777217};
  for (const char* name : {"l.npy", "l.csv", "l.tsv", "l.txt"}) {
    write_labels(dir / name, labels);
    EXPECT_EQ(read_vector_as<std::int32_t>(dir / name), labels) << name;
  }
  EXPECT_EQ(read_bytes(dir / "l.csv"), "0\n5\n-1\n2147483647\n-2147483648\n16777217\n");
}

}  // namespace
}  // namespace omnimeans::io::testing
