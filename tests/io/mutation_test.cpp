// SPDX-License-Identifier: MIT
// Thousands of damaged files: each is either read or refused with one of our errors, within modest memory.
// Run under the sanitizers this also shows that nothing is read or written out of bounds.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <variant>

#include "bytes.hpp"
#include "io/io.hpp"
#include "largest_allocation.hpp"
#include "scratch.hpp"

namespace omnimeans::io::testing {
namespace {

/// Engines of the standard library give the same numbers everywhere (its distributions do not).
class Damage {
 public:
  explicit Damage(std::uint64_t seed) : engine_(seed) {}

  std::string operator()(std::string bytes) {
    for (std::size_t i = 0, count = 1 + below(3); i < count; ++i) strike(bytes);
    return bytes;
  }
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(engine_() % bound); }

 private:
  void strike(std::string& bytes) {
    static const std::string hostile("\0\x01\x7f\x80\xff\n\r\t \"',;.-+e09{}()[]:LTF<>|", 33);
    if (bytes.empty()) return;
    const std::size_t at = below(bytes.size());
    const std::size_t length = std::min(bytes.size() - at, 1 + below(16));
    switch (below(8)) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 1:
        bytes[at] = static_cast<char>(engine_() & 255);
        break;
      case 2:
        bytes[at] = hostile[below(hostile.size())];
        break;
      case 3:
        bytes.resize(at);
        break;
      case 4:
        bytes.erase(at, length);
        break;
      case 5:
        bytes.insert(at, bytes.substr(below(bytes.size()), length));
        break;
      case 6:
        bytes.insert(at, 1, hostile[below(hostile.size())]);
        break;
      case 7:
        bytes.replace(at, length, length, hostile[below(hostile.size())]);
        break;
    }
  }

  std::mt19937_64 engine_;
};

struct Seed {
  std::string name, extension, bytes;
};
void PrintTo(const Seed& seed, std::ostream* out) {
  *out << seed.name;
}

class MutationTest : public Scratch, public ::testing::WithParamInterface<Seed> {};

TEST_P(MutationTest, IsReadOrRefused) {
  constexpr int rounds = 1500;
  const Seed& seed = GetParam();
  const std::string name = "m" + seed.extension;
  Damage damage(seed.bytes.size());
  int read = 0;
  int refused = 0;
  for (int round = 0; round < rounds; ++round) {
    const std::string bytes = damage(seed.bytes);
    const fs::path path = file(name, bytes);
    const std::optional<DType> dtype =
        round % 3 == 0 ? std::nullopt : std::optional(round % 3 == 1 ? DType::f32 : DType::f64);
    reset_largest_allocation();
    try {
      const AnyMatrix matrix = read_matrix(path, dtype);
      std::visit([](const auto& m) { EXPECT_GT(m.rows() * m.cols(), 0u); }, matrix);
      ++read;
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
      ++refused;
    }
    ASSERT_LE(largest_allocation(), 16 * bytes.size() + 4096) << "round " << round;
    ASSERT_EQ(entries(), std::set<std::string>{name});
  }
  // Otherwise the damage would be too light, or so heavy that it tests one check only.
  EXPECT_GT(read, rounds / 100);
  EXPECT_GT(refused, rounds / 100);
}

std::vector<Seed> seeds() {
  const std::string floats = encode_all<float>({1, -2, 3.5f, 4, 5e30f, 6});
  const std::string doubles = encode_all<double>({1, -2, 3.5, 4, 5e300, 6});
  return {
      {"NpyF4", ".npy", npy(1, "<f4", false, "(2, 3)", floats)},
      {"NpyF8Fortran", ".npy", npy(2, "<f8", true, "(3, 2)", doubles)},
      {"NpyBigEndianVersion3", ".npy", npy(3, ">i4", true, "(2, 3)", floats)},
      {"NpyOneDimension", ".npy", npy(1, "|u1", false, "(24,)", floats)},
      {"NpyI8Unpadded", ".npy",
       npy_start(1, "{'descr':'<i8','fortran_order':False,'shape':(2,3)}\n") + doubles},
      {"Fvecs", ".fvecs", vecs_row<float>(3, {1, 2, 3}) + vecs_row<float>(3, {4, 5, 6})},
      {"Bvecs", ".bvecs", vecs_row<unsigned char>(3, {1, 2, 3}) + vecs_row<unsigned char>(3, {4, 5, 6})},
      {"Csv", ".csv", "x,\"y \"\"quoted\"\"\nname\",z\r\n1.5,-2e3,\"0.25\"\r\n+4,nan,inf\r\n7,8,9\r\n\r\n"},
      {"CsvNumbers", ".csv", "1,2,3\n4,5,6\n7,8,9\n"},
      {"CsvByteOrderMark", ".csv",
       "\xef\xbb\xbf"
       "a,b\n1e38,1e-38\n"},
      {"Tsv", ".tsv", "1\t2\t3\n4\t5\t6\n"},
      {"TextBlanks", ".txt", "  1   2\n  3.25 \t4\n\"5\" 6\n"},
  };
}
INSTANTIATE_TEST_SUITE_P(Formats, MutationTest, ::testing::ValuesIn(seeds()),
                         [](const auto& seed) { return seed.param.name; });

/// Every prefix of a valid file: a download that broke off.
TEST_P(MutationTest, EveryPrefixIsReadOrRefused) {
  const Seed& seed = GetParam();
  for (std::size_t length = 0; length < seed.bytes.size(); ++length) {
    const fs::path path = file("p" + seed.extension, seed.bytes.substr(0, length));
    try {
      read_matrix(path);
      EXPECT_NE(seed.extension, ".npy") << "read from " << length << " of " << seed.bytes.size() << " bytes";
    } catch (const FileError& error) {
      EXPECT_GE(error.byte_offset(), 0) << error.what();
      EXPECT_LE(error.byte_offset(), static_cast<std::int64_t>(length)) << error.what();
    }
  }
}

}  // namespace
}  // namespace omnimeans::io::testing
