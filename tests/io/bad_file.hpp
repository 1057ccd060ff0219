// SPDX-License-Identifier: MIT
// What every damaged file must lead to: a FileError that says where and why, modest memory, and nothing
// touched.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/io.hpp"
#include "largest_allocation.hpp"
#include "scratch.hpp"

namespace omnimeans::io::testing {

struct BadFile {
  std::string name;  ///< of the case: letters and digits
  std::string extension;
  std::string bytes;
  std::string fragment;  ///< of the message
  std::int64_t byte_offset;
  CsvOptions csv = {};
};

inline std::string case_name(const ::testing::TestParamInfo<BadFile>& info) {
  return info.param.name;
}
inline void PrintTo(const BadFile& bad, std::ostream* out) {
  *out << bad.name << bad.extension;
}

class BadFileTest : public Scratch, public ::testing::WithParamInterface<BadFile> {
 protected:
  void expect_refused(DType dtype) {
    const BadFile& bad = GetParam();
    const std::string name = bad.name + bad.extension;
    const fs::path path = file(name, bad.bytes);
    reset_largest_allocation();
    try {
      read_matrix(path, dtype, bad.csv);
      ADD_FAILURE() << "was read without complaint";
    } catch (const FileError& error) {
      const std::string message = error.what();
      EXPECT_EQ(message.rfind(path.string() + ": ", 0), 0u) << message;
      EXPECT_NE(message.find(bad.fragment), std::string::npos) << message;
      EXPECT_NE(message.find("(byte " + std::to_string(bad.byte_offset) + ")"), std::string::npos) << message;
      EXPECT_EQ(message.find('\n'), std::string::npos) << message;
      EXPECT_EQ(error.byte_offset(), bad.byte_offset) << message;
    }
    EXPECT_LE(largest_allocation(), 16 * bad.bytes.size() + 4096);
    EXPECT_EQ(read_bytes(path), bad.bytes);
    EXPECT_EQ(entries(), std::set<std::string>{name});
  }
};

/// Numbers that double holds and float does not.
class TooLargeForFloat : public BadFileTest {};

}  // namespace omnimeans::io::testing
