// SPDX-License-Identifier: MIT
// Damaged .fvecs and .bvecs files.
#include <gtest/gtest.h>

#include <limits>

#include "bad_file.hpp"
#include "bytes.hpp"

namespace omnimeans::io::testing {
namespace {

std::vector<BadFile> bad_vecs() {
  constexpr auto most = std::numeric_limits<std::int32_t>::max();
  constexpr auto least = std::numeric_limits<std::int32_t>::min();
  const std::string row = vecs_row<float>(3, {1, 2, 3});            // 16 bytes
  const std::string bytes = vecs_row<unsigned char>(3, {1, 2, 3});  // 7 bytes
  const std::string big_endian =
      encode(3, true) + encode(1.0f, true) + encode(2.0f, true) + encode(3.0f, true);
  return {
      {"Empty", ".fvecs", "", "is empty", 0},
      {"OneByte", ".fvecs", row.substr(0, 1), "too short", 1},
      {"ThreeBytes", ".fvecs", row.substr(0, 3), "too short", 3},
      {"OnlyALength", ".fvecs", row.substr(0, 4), "needs 16 bytes, the file has 4", 4},
      {"LengthZero", ".fvecs", encode(0) + row, "row 0 has length 0", 0},
      {"LengthNegative", ".fvecs", encode(-3) + row, "row 0 has length -3", 0},
      {"LengthLeast", ".fvecs", encode(least) + row, "length -2147483648", 0},
      {"LengthMost", ".fvecs", encode(most) + row, "needs 8589934592 bytes, the file has 20", 20},
      {"LengthOneTooMany", ".fvecs", vecs_row<float>(4, {1, 2, 3}), "needs 20 bytes, the file has 16", 16},
      {"FirstRowCutOff", ".fvecs", row.substr(0, 15), "row 0 of length 3 is cut off", 15},
      {"BigEndian", ".fvecs", big_endian + big_endian, "row 0 of length 50331648 is cut off", 32},
      {"RowsDiffer", ".fvecs", row + vecs_row<float>(2, {1, 2}) + row, "row 1 has length 2, row 0 has 3", 16},
      {"RowNegative", ".fvecs", row + row + encode(-1) + row, "row 2 has length -1, row 0 has 3", 32},
      {"RowZero", ".fvecs", row + encode(0) + row, "row 1 has length 0, row 0 has 3", 16},
      {"RowShifted", ".fvecs", row + "x" + row, "row 1 has length 888", 16},
      {"LastRowCutOff", ".fvecs", row + row + row.substr(0, 15), "row 2 is cut off: 15 of 16 bytes", 47},
      {"LastRowOnlyLength", ".fvecs", row + row.substr(0, 4), "row 1 is cut off: 4 of 16 bytes", 20},
      {"LastRowOneByte", ".fvecs", row + "x", "row 1 is cut off: 1 of 16 bytes", 17},
      {"BytesAsFloats", ".fvecs", bytes + bytes + bytes + bytes + bytes, "row 1 has length", 16},
      {"TextAsFloats", ".fvecs", "1.0 2.0 3.0\n", "row 0 of length", 12},
      {"Empty", ".bvecs", "", "is empty", 0},
      {"TwoBytes", ".bvecs", bytes.substr(0, 2), "too short", 2},
      {"LengthZero", ".bvecs", encode(0) + bytes, "row 0 has length 0", 0},
      {"LengthNegative", ".bvecs", encode(least) + bytes, "row 0 has length -2147483648", 0},
      {"LengthMost", ".bvecs", encode(most) + bytes, "needs 2147483651 bytes, the file has 11", 11},
      {"FirstRowCutOff", ".bvecs", bytes.substr(0, 6), "needs 7 bytes, the file has 6", 6},
      {"RowsDiffer", ".bvecs", bytes + vecs_row<unsigned char>(4, {1, 2, 3, 4}) + bytes, "row 1 has length 4",
       7},
      {"LastRowCutOff", ".bvecs", bytes + bytes + bytes.substr(0, 5), "row 2 is cut off: 5 of 7 bytes", 19},
      {"FloatsAsBytes", ".bvecs", row + row, "row 1 has length", 7},
  };
}
std::string vecs_case_name(const ::testing::TestParamInfo<BadFile>& info) {
  return info.param.name + (info.param.extension == ".fvecs" ? "Float" : "Byte");
}
INSTANTIATE_TEST_SUITE_P(Vecs, BadFileTest, ::testing::ValuesIn(bad_vecs()), vecs_case_name);

}  // namespace
}  // namespace omnimeans::io::testing
