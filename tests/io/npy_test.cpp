// SPDX-License-Identifier: MIT
// .npy: every type, byte order, memory order, version and dimension; values and written bytes compared with
// ==.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "bytes.hpp"
#include "io/io.hpp"
#include "scratch.hpp"

namespace omnimeans::io::testing {
namespace {

/// Sample values of a type: its extremes first, then a bit of everything.
template <class Source>
Source sample(std::size_t i) {
  using Limits = std::numeric_limits<Source>;
  if constexpr (std::is_floating_point_v<Source>) {
    constexpr float floats[] = {std::numeric_limits<float>::max(), std::numeric_limits<float>::denorm_min(),
                                -0.0f, std::numeric_limits<float>::infinity(),
                                std::numeric_limits<float>::quiet_NaN()};
    if (i < std::size(floats)) return static_cast<Source>(floats[i]);
    return static_cast<Source>(std::sin(static_cast<double>(i)) * 1000.0 / 3.0);
  } else {
    if (i < 2) return i == 0 ? Limits::min() : Limits::max();
    return static_cast<Source>(static_cast<std::uint64_t>(i) * 0x9e3779b97f4a7c15u >>
                               (64 - 8 * sizeof(Source)));
  }
}

/// The bits, so that NaN and -0 are compared too.
template <class T>
std::vector<Word<sizeof(T)>> bits(const Matrix<T>& matrix) {
  std::vector<Word<sizeof(T)>> words;
  for (std::size_t i = 0; i < matrix.rows() * matrix.cols(); ++i) {
    words.push_back(std::bit_cast<Word<sizeof(T)>>(matrix.data()[i]));
  }
  return words;
}

struct Shape {
  std::size_t rows, cols;
  bool one_dimension = false;
  std::string text() const {
    return "(" + std::to_string(rows) + "," + (one_dimension ? "" : " " + std::to_string(cols)) + ")";
  }
};

using NpyTest = Scratch;

template <class Source>
void expect_read(const fs::path& path, const std::string& type, int version, bool big, bool fortran,
                 const Shape& shape, const std::string& data) {
  SCOPED_TRACE(type + " version " + std::to_string(version) + (big ? " big-endian " : " ") +
               (fortran ? "fortran " : "") + shape.text());
  Matrix<float> floats(shape.rows, shape.cols);
  Matrix<double> doubles(shape.rows, shape.cols);
  for (std::size_t i = 0; i < shape.rows * shape.cols; ++i) {
    floats.data()[i] = static_cast<float>(sample<Source>(i));
    doubles.data()[i] = static_cast<double>(sample<Source>(i));
  }
  const char mark = sizeof(Source) == 1 ? '|' : big ? '>' : '<';
  write_bytes(path, npy(version, mark + type, fortran, shape.text(), data));
  EXPECT_EQ(bits(read_matrix_as<float>(path)), bits(floats));
  EXPECT_EQ(bits(read_matrix_as<double>(path)), bits(doubles));
  const bool is_double = sizeof(Source) == 8 || type == "i4" || type == "u4";
  EXPECT_EQ(std::holds_alternative<Matrix<double>>(read_matrix(path)), is_double);
}

template <class Source>
void expect_read_in_every_layout(const fs::path& path, const std::string& type) {
  const Shape shapes[] = {{1, 1}, {7, 1}, {1, 7}, {3, 4}, {7, 1, true}, {1, 1, true}, {2500, 19}};
  for (const Shape& shape : shapes) {
    for (const bool big : {false, true}) {
      std::string c_order, fortran_order;
      for (std::size_t i = 0; i < shape.rows * shape.cols; ++i) c_order += encode(sample<Source>(i), big);
      for (std::size_t t = 0; t < shape.cols; ++t) {
        for (std::size_t i = 0; i < shape.rows; ++i) {
          fortran_order += encode(sample<Source>(i * shape.cols + t), big);
        }
      }
      for (const int version : {1, 2, 3}) {
        expect_read<Source>(path, type, version, big, false, shape, c_order);
        expect_read<Source>(path, type, version, big, true, shape, fortran_order);
      }
    }
  }
}

TEST_F(NpyTest, ReadsF4) {
  expect_read_in_every_layout<float>(dir / "a.npy", "f4");
}
TEST_F(NpyTest, ReadsF8) {
  expect_read_in_every_layout<double>(dir / "a.npy", "f8");
}
TEST_F(NpyTest, ReadsU1) {
  expect_read_in_every_layout<std::uint8_t>(dir / "a.npy", "u1");
}
TEST_F(NpyTest, ReadsU2) {
  expect_read_in_every_layout<std::uint16_t>(dir / "a.npy", "u2");
}
TEST_F(NpyTest, ReadsU4) {
  expect_read_in_every_layout<std::uint32_t>(dir / "a.npy", "u4");
}
TEST_F(NpyTest, ReadsU8) {
  expect_read_in_every_layout<std::uint64_t>(dir / "a.npy", "u8");
}
TEST_F(NpyTest, ReadsI2) {
  expect_read_in_every_layout<std::int16_t>(dir / "a.npy", "i2");
}
TEST_F(NpyTest, ReadsI1) {
  expect_read_in_every_layout<std::int8_t>(dir / "a.npy", "i1");
}
TEST_F(NpyTest, ReadsI4) {
  expect_read_in_every_layout<std::int32_t>(dir / "a.npy", "i4");
}
TEST_F(NpyTest, ReadsI8) {
  expect_read_in_every_layout<std::int64_t>(dir / "a.npy", "i8");
}

TEST_F(NpyTest, ReadsB1) {
  const auto matrix =
      read_matrix_as<float>(file("a.npy", npy(1, "|b1", false, "(3,)", std::string("\1\0\1", 3))));
  EXPECT_EQ(std::vector<float>(matrix.data(), matrix.data() + 3), (std::vector<float>{1, 0, 1}));
}

TEST_F(NpyTest, ReadsEveryF2) {
  for (const bool big : {false, true}) {
    std::string data;
    for (std::uint32_t word = 0; word < 65536; ++word) data += encode(static_cast<std::uint16_t>(word), big);
    const auto path = file("a.npy", npy(1, big ? ">f2" : "<f2", false, "(65536,)", data));
    EXPECT_TRUE(std::holds_alternative<Matrix<float>>(read_matrix(path)));
    const Matrix<float> floats = read_matrix_as<float>(path);
    const Matrix<double> doubles = read_matrix_as<double>(path);
    for (std::uint32_t word = 0; word < 65536; ++word) {
      const int exponent = word >> 10 & 31, fraction = word & 1023;
      double expected =
          exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
      if (exponent == 31) {
        expected = fraction == 0 ? std::numeric_limits<double>::infinity()
                                 : std::numeric_limits<double>::quiet_NaN();
      }
      if (word >> 15) expected = -expected;
      if (std::isnan(expected)) {
        ASSERT_TRUE(std::isnan(floats(word, 0)) && std::isnan(doubles(word, 0))) << word;
      } else {
        ASSERT_EQ(std::bit_cast<std::uint64_t>(doubles(word, 0)), std::bit_cast<std::uint64_t>(expected))
            << word;
        ASSERT_EQ(std::bit_cast<std::uint32_t>(floats(word, 0)),
                  std::bit_cast<std::uint32_t>(static_cast<float>(expected)))
            << word;
      }
    }
  }
}

TEST_F(NpyTest, ReadsFortranOrderWiderThanATile) {
  const Shape shape{3, 30001};
  std::string data;
  for (std::size_t t = 0; t < shape.cols; ++t) {
    for (std::size_t i = 0; i < shape.rows; ++i) data += encode(sample<std::int32_t>(i * shape.cols + t));
  }
  expect_read<std::int32_t>(dir / "a.npy", "i4", 1, false, true, shape, data);
}

TEST_F(NpyTest, ReadsTheLargestDoubleThatRoundsToAFloat) {
  const double below = std::nextafter(0x1.ffffffp127, 0.0);
  const auto path = file("a.npy", npy(1, "<f8", false, "(2,)", encode_all({below, -below})));
  const auto matrix = read_matrix_as<float>(path);
  EXPECT_EQ(matrix(0, 0), std::numeric_limits<float>::max());
  EXPECT_EQ(matrix(1, 0), -std::numeric_limits<float>::max());
}

TEST_F(NpyTest, AcceptsWhatOtherWritersMakeOfTheDict) {
  const std::string data = encode_all<float>({1, 2});
  for (const std::string dict : {
           "{'shape': (1, 2), 'descr': '<f4', 'fortran_order': False}\n",
           "{\"descr\": \"<f4\", \"fortran_order\": False, \"shape\": (1, 2)}\n",
           "{'descr':'<f4','fortran_order':False,'shape':(1,2,),}\n",
           "{ 'descr' : '<f4' , 'fortran_order' : False , 'shape' : ( 1 , 2 , ) , }   \n",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (1L, 2L), }\n",
           "{'descr': '<f4',\n 'fortran_order': False,\n 'shape': (1, 2), }\n\n",
       }) {
    const auto matrix = read_matrix_as<float>(file("a.npy", npy_start(1, dict) + data));
    EXPECT_EQ(matrix.rows(), 1u) << dict;
    EXPECT_EQ(matrix(0, 1), 2.0f) << dict;
  }
}

TEST_F(NpyTest, UpperCaseExtension) {
  EXPECT_EQ(read_vector_as<float>(file("A.NPY", npy(1, "|u1", false, "(3,)", "\1\2\3"))).size(), 3u);
}

/// What numpy.save writes for these arrays, byte for byte.
TEST_F(NpyTest, WritesWhatNumpyWrites) {
  const auto header = [](const std::string& dict) {
    return std::string("\x93NUMPY\x01\x00\x76\x00", 10) + dict + std::string(117 - dict.size(), ' ') + "\n";
  };
  Matrix<float> floats(2, 3);
  for (std::size_t i = 0; i < 6; ++i) floats.data()[i] = static_cast<float>(i + 1);
  write_matrix(dir / "f.npy", floats.view());
  EXPECT_EQ(read_bytes(dir / "f.npy"), header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }") +
                                           encode_all<float>({1, 2, 3, 4, 5, 6}));
  Matrix<double> doubles(1, 2);
  doubles(0, 1) = -0.5;
  write_matrix(dir / "d.npy", doubles.view());
  EXPECT_EQ(read_bytes(dir / "d.npy"), header("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }") +
                                           encode_all<double>({0, -0.5}));
  const std::vector<std::int32_t> labels = {3, -1, 2147483647};
  write_labels(dir / "l.npy", labels);
  EXPECT_EQ(read_bytes(dir / "l.npy"), header("{'descr': '<i4', 'fortran_order': False, 'shape': (3,), }") +
                                           encode_all<std::int32_t>({3, -1, 2147483647}));
  EXPECT_EQ(entries(), (std::set<std::string>{"d.npy", "f.npy", "l.npy"}));
}

template <class T>
void expect_round_trip(const fs::path& path) {
  Matrix<T> wide(300, 50);
  for (std::size_t i = 0; i < 300 * 50; ++i) wide.data()[i] = sample<T>(i);
  write_matrix(path, wide.view());
  EXPECT_EQ(bits(std::get<Matrix<T>>(read_matrix(path))), bits(wide));

  // A range of columns: a view with a stride.
  write_matrix(path, MatrixView<const T>(wide.data() + 2, 300, 7, 50));
  Matrix<T> narrow(300, 7);
  for (std::size_t i = 0; i < 300; ++i) {
    for (std::size_t t = 0; t < 7; ++t) narrow(i, t) = wide(i, t + 2);
  }
  EXPECT_EQ(bits(std::get<Matrix<T>>(read_matrix(path))), bits(narrow));
}
TEST_F(NpyTest, RoundTripFloat) {
  expect_round_trip<float>(dir / "a.npy");
}
TEST_F(NpyTest, RoundTripDouble) {
  expect_round_trip<double>(dir / "a.npy");
}

}  // namespace
}  // namespace omnimeans::io::testing
