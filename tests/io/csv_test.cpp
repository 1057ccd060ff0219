// SPDX-License-Identifier: MIT
// Tables of text: what is accepted, what it means, what is written.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <locale>

#include "io/io.hpp"
#include "scratch.hpp"

namespace omnimeans::io::testing {
namespace {

struct Table {
  std::string name;
  std::string extension;
  std::string text;
  std::vector<std::vector<double>> rows;
  CsvOptions csv = {};
};

std::string table_name(const ::testing::TestParamInfo<Table>& info) {
  return info.param.name;
}
void PrintTo(const Table& table, std::ostream* out) {
  *out << table.name;
}

class CsvTableTest : public Scratch, public ::testing::WithParamInterface<Table> {
 protected:
  template <class T>
  void expect_rows() {
    const Table& table = GetParam();
    const auto matrix = read_matrix_as<T>(file("a" + table.extension, table.text), table.csv);
    ASSERT_EQ(matrix.rows(), table.rows.size());
    ASSERT_EQ(matrix.cols(), table.rows[0].size());
    for (std::size_t i = 0; i < matrix.rows(); ++i) {
      for (std::size_t t = 0; t < matrix.cols(); ++t) {
        EXPECT_EQ(matrix(i, t), static_cast<T>(table.rows[i][t])) << i << ", " << t;
      }
    }
  }
};
TEST_P(CsvTableTest, AsFloat) {
  expect_rows<float>();
}
TEST_P(CsvTableTest, AsDouble) {
  expect_rows<double>();
}

const std::vector<std::vector<double>> square = {{1, 2}, {3, 4}};

std::vector<Table> layouts() {
  const CsvOptions no_header{.header = false};
  return {
      {"Plain", ".csv", "1,2\n3,4\n", square},
      {"NoLastLineBreak", ".csv", "1,2\n3,4", square},
      {"OneValue", ".csv", "7", {{7}}},
      {"OneColumn", ".csv", "1\n2\n3\n", {{1}, {2}, {3}}},
      {"CarriageReturns", ".csv", "1,2\r\n3,4\r\n", square},
      {"OldMacLineBreaks", ".csv", "1,2\r3,4\r", square},
      {"MixedLineBreaks", ".csv", "1,2\r\n3,4\n", square},
      {"ByteOrderMark", ".csv",
       "\xef\xbb\xbf"
       "1,2\n3,4\n",
       square},
      {"ByteOrderMarkAndHeader", ".csv", "\xef\xbb\xbfx,y\n1,2\n3,4\n", square},
      {"EmptyLinesAtTheEnd", ".csv", "1,2\n3,4\n\n\r\n  \n", square},
      {"Blanks", ".csv", "  1 ,\t2 \n 3\t, 4\n", square},
      {"Header", ".csv", "x,y\n1,2\n3,4\n", square},
      {"HeaderWithOneWord", ".csv", "1,y\n1,2\n3,4\n", square, {.header = true}},
      {"HeaderWithEmptyField", ".csv", ",y\n1,2\n3,4\n", square},
      {"HeaderForced", ".csv", "9,9\n1,2\n3,4\n", square, {.header = true}},
      {"HeaderDenied", ".csv", "1,2\n3,4\n", square, no_header},
      {"HeaderInUtf8", ".csv", "l\xc3\xa4nge,breite\n1,2\n3,4\n", square},
      {"HeaderQuoted", ".csv", "\"x, or \"\"y\"\"\",\"two\r\nlines\"\n1,2\n3,4\n", square},
      {"HeaderWithQuoteInside", ".csv", "5\" pipe,y\n1,2\n3,4\n", square},
      {"QuotedNumbers", ".csv", "\"1\",\" 2 \"\n\"3\" , \"4\"\n", square},
      {"QuotedLastField", ".csv", "1,2\n3,\"4\"", square},
      {"Semicolons", ".csv", "1;2\n3;4\n", square, {.delimiter = ';'}},
      {"Bars", ".txt", "1|2\n3|4\n", square, {.delimiter = '|'}},
      {"Tabs", ".tsv", "1\t2\n3\t4\n", square},
      {"TabsAndBlanks", ".tsv", " 1 \t 2\n3\t4 \n", square},
      {"TabsByOption", ".csv", "1\t2\n3\t4\n", square, {.delimiter = '\t'}},
      {"CommaByOption", ".tsv", "1,2\n3,4\n", square, {.delimiter = ','}},
      {"TextWithCommas", ".txt", "1,2\n3,4\n", square},
      {"TextWithBlanks", ".txt", "1 2\n3 4\n", square},
      {"TextAligned", ".txt", "    1     2  \n  3\t   4\t\n", square},
      {"TextWithHeader", ".txt", "# x y\n1 2 3\n", {{1, 2, 3}}},
      {"TextQuoted", ".txt", "\"1\" \"2\"\n3 \"4\"\n", square},
      {"UpperCaseExtension", ".TSV", "1\t2\n3\t4\n", square},
  };
}
INSTANTIATE_TEST_SUITE_P(Layout, CsvTableTest, ::testing::ValuesIn(layouts()), table_name);

std::vector<Table> numbers() {
  constexpr double inf = std::numeric_limits<double>::infinity();
  const auto one = [](const std::string& name, const std::string& text, double value) {
    return Table{name, ".csv", "0\n" + text + "\n", {{0}, {value}}};
  };
  return {
      one("Plus", "+1.5", 1.5),
      one("Minus", "-1.5", -1.5),
      one("NoIntegerPart", ".5", 0.5),
      one("NoFraction", "5.", 5),
      one("Exponent", "1.5e3", 1500),
      one("ExponentPlus", "1.5E+3", 1500),
      one("ExponentMinus", "25e-2", 0.25),
      one("LeadingZeros", "007", 7),
      one("QuotedPlus", "\"+2\"", 2),
      one("Infinity", "inf", inf),
      one("InfinityWord", "-Infinity", -inf),
      one("PlusInfinity", "+inf", inf),
      one("Underflow", "1e-999", 0),
      one("UnderflowDespiteDigits", "123456789e-400", 0),
      one("UnderflowNoExponent", "0." + std::string(400, '0') + "1", 0),
      one("UnderflowHugeExponent", "1e-99999999999999999999", 0),
      one("UnderflowLargeMantissa", std::string(50, '9') + ".5e-450", 0),
      one("ZeroWithHugeExponent", "0e999", 0),
      one("ZeroesWithHugeExponent", "-0.000e99999999999999999999", 0),
      one("ManyDigits", "0.1000000000000000055511151231257827021181583404541015625", 0.1),
      one("LongButSmall", "1" + std::string(400, '0') + "e-400", 1),
  };
}
INSTANTIATE_TEST_SUITE_P(Number, CsvTableTest, ::testing::ValuesIn(numbers()), table_name);

using CsvTest = Scratch;

TEST_F(CsvTest, FloatIsRoundedOnce) {
  // Just above the middle of two floats: by way of double it would be a tie and round down to even.
  const auto path = file("a.csv", "1.00000005960464477540000001\n");
  EXPECT_EQ(read_matrix_as<float>(path)(0, 0), 1.00000011920928955078125f);
}

TEST_F(CsvTest, SubnormalsAndNegativeZero) {
  const auto path = file("a.csv", "1e-40,-1e-999,4.9e-324\n");
  const auto floats = read_matrix_as<float>(path);
  EXPECT_EQ(floats(0, 0), 1e-40f);
  EXPECT_TRUE(std::signbit(floats(0, 1)));
  EXPECT_EQ(floats(0, 2), 0.0f);
  EXPECT_EQ(read_matrix_as<double>(path)(0, 2), std::numeric_limits<double>::denorm_min());
}

TEST_F(CsvTest, NanIsANumber) {
  const auto matrix = read_matrix_as<float>(file("a.csv", "nan,1\n-nan,NaN\n"));
  ASSERT_EQ(matrix.rows(), 2u);  // so the first line is no header
  EXPECT_TRUE(std::isnan(matrix(0, 0)));
  EXPECT_TRUE(std::isnan(matrix(1, 1)));
}

template <class T>
Matrix<T> awkward_values() {
  Matrix<T> matrix(40, 5);
  for (std::size_t i = 0; i < 200; ++i) {
    matrix.data()[i] =
        static_cast<T>(std::sin(static_cast<double>(i)) * std::pow(10.0, static_cast<double>(i % 70) - 35));
  }
  matrix(0, 0) = std::numeric_limits<T>::max();
  matrix(0, 1) = std::numeric_limits<T>::denorm_min();
  matrix(0, 2) = -std::numeric_limits<T>::infinity();
  return matrix;
}
TEST_F(CsvTest, RoundTrip) {
  for (const char* name : {"a.csv", "a.tsv", "a.txt"}) {
    const auto floats = awkward_values<float>();
    write_matrix(dir / name, floats.view());
    EXPECT_EQ(read_matrix_as<float>(dir / name), floats) << name;
    const auto doubles = awkward_values<double>();
    write_matrix(dir / name, doubles.view());
    EXPECT_EQ(read_matrix_as<double>(dir / name), doubles) << name;
  }
}

TEST_F(CsvTest, WritesTheShortestDigits) {
  Matrix<float> matrix(2, 3);
  matrix(0, 0) = 0.1f;
  matrix(0, 1) = -1e30f;
  matrix(0, 2) = 16777216.0f;
  matrix(1, 2) = std::numeric_limits<float>::quiet_NaN();
  write_matrix(dir / "a.csv", matrix.view());
  EXPECT_EQ(read_bytes(dir / "a.csv"), "0.1,-1e+30,16777216\n0,0,nan\n");
  write_matrix(dir / "a.tsv", MatrixView<const float>(matrix.data(), 2, 2, 3));
  EXPECT_EQ(read_bytes(dir / "a.tsv"), "0.1\t-1e+30\n0\t0\n");
  write_matrix(dir / "a.txt", MatrixView<const float>(matrix.data(), 2, 2, 3));
  EXPECT_EQ(read_bytes(dir / "a.txt"), "0.1 -1e+30\n0 0\n");
}

TEST_F(CsvTest, DefaultTypeIsFloat) {
  EXPECT_TRUE(std::holds_alternative<Matrix<float>>(read_matrix(file("a.csv", "1\n"))));
  EXPECT_TRUE(std::holds_alternative<Matrix<double>>(read_matrix(file("a.csv", "1\n"), DType::f64)));
}

TEST_F(CsvTest, ManyRows) {
  std::string text = "x,y,z\n";
  for (int i = 0; i < 20000; ++i) {
    text += std::to_string(i) + "," + std::to_string(-i) + "," + (i % 7 == 0 ? "\"0.5\"" : "0.25") + "\r\n";
  }
  const auto matrix = read_matrix_as<double>(file("a.csv", text));
  ASSERT_EQ(matrix.rows(), 20000u);
  ASSERT_EQ(matrix.cols(), 3u);
  for (std::size_t i = 0; i < 20000; ++i) {
    ASSERT_EQ(matrix(i, 0), static_cast<double>(i));
    ASSERT_EQ(matrix(i, 1), -static_cast<double>(i));
    ASSERT_EQ(matrix(i, 2), i % 7 == 0 ? 0.5 : 0.25);
  }
}

/// Commas for points, and groups of one digit: whoever asks the locale gets it wrong.
struct OddPunctuation : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\1"; }
};

TEST_F(CsvTest, LocaleChangesNothing) {
  Matrix<double> matrix(1, 2);
  matrix(0, 0) = 1234.5;
  matrix(0, 1) = 1e6;
  const std::vector<std::int32_t> labels(1234, 1000);
  const std::locale before = std::locale::global(std::locale(std::locale::classic(), new OddPunctuation));
  write_matrix(dir / "a.csv", matrix.view());
  write_labels(dir / "l.csv", labels);
  write_labels(dir / "l.npy", labels);
  const auto read = read_matrix_as<double>(dir / "a.csv");
  const auto read_csv_labels = read_vector_as<std::int32_t>(dir / "l.csv");
  const auto read_npy_labels = read_vector_as<std::int32_t>(dir / "l.npy");
  std::locale::global(before);
  EXPECT_EQ(read_bytes(dir / "a.csv"), "1234.5,1e+06\n");
  EXPECT_EQ(read, matrix);
  EXPECT_EQ(read_csv_labels, labels);
  EXPECT_EQ(read_npy_labels, labels);
}

}  // namespace
}  // namespace omnimeans::io::testing
