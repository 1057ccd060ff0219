// SPDX-License-Identifier: MIT
// Text that is not a table of numbers: the message gives line and column.
#include <gtest/gtest.h>

#include "bad_file.hpp"

namespace omnimeans::io::testing {
namespace {

using namespace std::string_literals;

std::vector<BadFile> bad_tables() {
  return {
      {"Empty", ".csv", "", "is empty", 0},
      {"OnlyByteOrderMark", ".csv", "\xef\xbb\xbf", "holds no rows", 3},
      {"OnlyLineBreaks", ".csv", "\n\r\n\r\n", "holds no rows", 5},
      {"OnlyBlanks", ".csv", "   ", "holds no rows", 3},
      {"OnlyHeader", ".csv", "x,y\n", "holds no rows", 4},
      {"OnlyHeaderNoLineBreak", ".csv", "x,y", "holds no rows", 3},
      {"OnlyForcedHeader", ".csv", "1,2\n", "holds no rows", 4, {.header = true}},
      {"HeaderNotExpected",
       ".csv",
       "x,y\n1,2\n",
       "line 1, column 1: 'x' is not a number",
       0,
       {.header = false}},
      {"WordInFirstRow", ".csv", "1,oops\n3,4\n",
       "line 1, column 3: 'oops' is not a number, but other fields of the first line are numbers", 2},
      {"NothingInFirstRow", ".csv", "1,\n3,4\n", "line 1, column 3: empty field, but other", 2},
      {"SecondHeader", ".csv", "x,y\na,b\n1,2\n", "line 2, column 1: 'a' is not a number", 4},
      {"Utf16LittleEndian", ".csv",
       "\xff\xfe"
       "1\0,\0"s,
       "UTF-16", 0},
      {"Utf16BigEndian", ".csv", "\xfe\xff\0001\0,"s, "UTF-16", 0},
      {"ShortRow", ".csv", "1,2,3\n4,5,6\n7,8\n", "line 3 has 2 fields, line 1 has 3", 12},
      {"LongRow", ".csv", "1,2\n3,4,5\n", "line 2 has 3 fields, line 1 has 2", 4},
      {"ShortHeader", ".csv", "x,y\n1,2,3\n", "line 2 has 3 fields, line 1 has 2", 4},
      {"LongHeader", ".csv", "x,y,z\n1,2\n", "line 2 has 2 fields, line 1 has 3", 6},
      {"HeaderOfTwoLines", ".csv", "\"x\ny\",z\n1\n", "line 3 has 1 field, line 1 has 2", 8},
      {"LineBetween", ".csv", "1,2\n\n3,4\n", "line 2 is empty", 4},
      {"BlankLineBetween", ".csv", "1,2\r\n  \r\n3,4\r\n", "line 2 is empty", 5},
      {"LineBeforeHeader", ".csv", "\nx,y\n1,2\n", "line 1 is empty", 0},
      {"LineAfterHeader", ".csv", "x,y\n\n1,2\n", "line 2 is empty", 4},
      {"TwoLinesBetween", ".csv", "1\n\n\n2\n", "line 2 is empty", 2},
      {"OnlyCommas", ".csv", ",,\n,,\n", "line 2, column 1: empty field", 3},
      {"TrailingComma", ".csv", "1,2\n3,4,\n", "line 2, column 5: empty field", 8},
      {"LeadingComma", ".csv", "1,2\n,3\n", "line 2, column 1: empty field", 4},
      {"DoubleComma", ".csv", "1,2,3\n4,,6\n", "line 2, column 3: empty field", 8},
      {"BlankField", ".csv", "1,2,3\n4, ,6\n", "line 2, column 4: empty field", 9},
      {"EmptyQuotes", ".csv", "1,2\n\"\",3\n", "line 2, column 1: empty field", 4},
  };
}
INSTANTIATE_TEST_SUITE_P(CsvTable, BadFileTest, ::testing::ValuesIn(bad_tables()), case_name);

/// A field in the second row, at line 2, column 3, byte 6.
BadFile field(const std::string& name, const std::string& text, const std::string& fragment,
              CsvOptions csv = {}) {
  return {name, ".csv", "1,2\n3," + text + "\n5,6\n", "line 2, column 3: " + fragment, 6, csv};
}

std::vector<BadFile> bad_fields() {
  return {
      field("Word", "abc", "'abc' is not a number"),
      field("MissingMark", "NA", "'NA' is not a number"),
      field("QuestionMark", "?", "'?' is not a number"),
      field("NumberAndUnit", "12cm", "'12cm' is not a number"),
      field("Percent", "12%", "'12%' is not a number"),
      field("TwoNumbers", "1 2", "'1 2' is not a number"),
      field("TwoPoints", "1.2.3", "'1.2.3' is not a number"),
      field("OnlyPoint", ".", "'.' is not a number"),
      field("OnlyMinus", "-", "'-' is not a number"),
      field("OnlyPlus", "+", "'+' is not a number"),
      field("TwoMinus", "--1", "'--1' is not a number"),
      field("PlusMinus", "+-1", "'+-1' is not a number"),
      field("TwoPlus", "++1", "'++1' is not a number"),
      field("MinusApart", "- 1", "'- 1' is not a number"),
      field("NoExponent", "1e", "'1e' is not a number"),
      field("NoExponentDigits", "1e+", "'1e+' is not a number"),
      field("FractionInExponent", "1e1.5", "'1e1.5' is not a number"),
      field("Hexadecimal", "0x10", "'0x10' is not a number"),
      field("FortranExponent", "1d3", "'1d3' is not a number"),
      field("LongInfinity", "infinite", "'infinite' is not a number"),
      field("NulByte", "1\0"s, "'1\\x00' is not a number"),
      field("ControlByte", "\x1b[31m", "'\\x1b[31m' is not a number"),
      field("OtherDelimiter", "1;2", "'1;2' is not a number"),
      field("Tab", "1\t2", "'1\\x092' is not a number"),
      field("VeryLong", std::string(5000, 'x'), "'" + std::string(40, 'x') + "...' is not a number"),
      field("QuotedWord", "\"abc\"", "'abc' is not a number"),
      field("QuotedQuote", "\"1\"\"\"", "'1\"' is not a number"),
      field("QuotedLineBreak", "\"1\n2\"", "'1\\x0a2' is not a number"),
      field("QuoteInside", "1\"2\"", "'1\"2\"' is not a number"),
      field("QuoteWithoutEnd", "\"1", "quoted field without an end"),
      field("QuoteWithoutEndAfterQuotes", "\"1\"\"", "quoted field without an end"),
      field("TextAfterQuote", "\"1\"2", "text after a closing quote"),
      field("TooLarge", "1e999", "'1e999' is too large for f"),
      field("TooSmall", "-1e999", "'-1e999' is too large for f"),
      field("ManyDigits", std::string(400, '9'), "'" + std::string(40, '9') + "...' is too large for f"),
      field("HugeExponent", "1e99999999999999999999", "'1e99999999999999999999' is too large for f"),
      field("LargeDespiteLeadingZeros", "0.000001e999", "'0.000001e999' is too large for f"),
      field("QuotedTooLarge", "\"+1e999\"", "'+1e999' is too large for f"),
  };
}
INSTANTIATE_TEST_SUITE_P(CsvField, BadFileTest, ::testing::ValuesIn(bad_fields()), case_name);

std::vector<BadFile> bad_dialects() {
  const CsvOptions semicolon{.delimiter = ';'};
  return {
      {"DecimalComma", ".csv", "1;2\n1,5;2\n",
       "line 2, column 1: '1,5' is not a number; a comma neither separates fields here nor stands for a "
       "decimal "
       "point",
       4, semicolon},
      {"CommasForSemicolons", ".csv", "1;2\n3,4\n", "line 2, column 1: '3,4' is not a number", 4, semicolon},
      {"SemicolonsForCommas", ".csv", "1;2\n3;4\n",
       "line 2, column 1: '3;4' is not a number; where ';' separates the fields, name it as the delimiter",
       4},
      {"TabsForCommas", ".csv", "1\t2\n3\t4\n", "is not a number; where a tab separates the fields, name it",
       4},
      {"SemicolonsAndDecimalCommasInTheFirstLine", ".csv", "1,5;2\n",
       "'5;2' is not a number; where ';' separates", 2},
      {"SemicolonsAndDecimalCommas", ".csv", "x;y\n1,5;2\n",
       "line 2, column 3: '5;2' is not a number; where ';' separates", 6},
      {"CommasForTabs", ".tsv", "1\t2\n3,4\n", "line 2, column 1: '3,4' is not a number", 4},
      {"EmptyTabField", ".tsv", "1\t2\n3\t\n", "line 2, column 3: empty field", 6},
      {"BlanksForCommas", ".txt", "1,2\n3 4\n",
       "line 2, column 1: '3 4' is not a number; where blanks separate the fields, name ' ' as the delimiter",
       4},
      {"BlanksForSemicolons", ".csv", "1;2\n3 4\n", "'3 4' is not a number; where blanks", 4, semicolon},
      {"UnitsAfterBlanks", ".csv", "1,2\n3,4 kg\n", "line 2, column 3: '4 kg' is not a number (", 6},
      {"WordsWithBlanks", ".csv", "1,2\nso 4,5\n", "line 2, column 1: 'so 4' is not a number", 4},
      {"CommasForBlanks", ".txt", "1 2\n3,4\n", "line 2, column 1: '3,4' is not a number", 4},
      {"CommasAndPointsForBlanks", ".txt", "1 2\n3.5,4\n",
       "'3.5,4' is not a number; where ',' separates the fields, name it as the delimiter", 4},
      {"ShortBlankRow", ".txt", " 1  2\n 3\n", "line 2 has 1 field, line 1 has 2", 6},
      {"QuoteGluedToNumber", ".txt", "1 2\n\"3\"4 5\n", "line 2, column 1: text after a closing quote", 4},
      {"AfterLineBreaksInQuotes", ".csv", "\"x\n\n\",y\n1,2\n3,z\n", "line 5, column 3: 'z' is not a number",
       14},
      {"AfterMacLineBreaks", ".csv", "1,2\r3,4\r5,x\r", "line 3, column 3: 'x' is not a number", 10},
      {"AfterByteOrderMark", ".csv",
       "\xef\xbb\xbf"
       "1,2\nx,4\n",
       "line 2, column 1: 'x' is not a number", 7},
      {"ColumnAfterByteOrderMark",
       ".csv",
       "\xef\xbb\xbf"
       "1,x\n",
       "line 1, column 3: 'x' is not a number",
       5,
       {.header = false}},
  };
}
INSTANTIATE_TEST_SUITE_P(CsvDialect, BadFileTest, ::testing::ValuesIn(bad_dialects()), case_name);

std::vector<BadFile> too_large() {
  const std::string half_a_step =
      "340282356779733661637539395458142568448";  // above the largest float: 2^128 - 2^103
  return {
      field("Power", "1e39", "'1e39' is too large for f32, but not for f64"),
      field("Negative", "-3.5e38", "'-3.5e38' is too large for f32"),
      field("HalfAStepAboveTheLargest", half_a_step, "'" + half_a_step + "' is too large for f32"),
      field("ManyDigits", "4" + std::string(38, '0'), "'4" + std::string(38, '0') + "' is too large for f32"),
  };
}
INSTANTIATE_TEST_SUITE_P(Csv, TooLargeForFloat, ::testing::ValuesIn(too_large()), case_name);

class BadDelimiterTest : public Scratch, public ::testing::WithParamInterface<char> {};
TEST_P(BadDelimiterTest, IsRefused) {
  const fs::path path = file("a.csv", "1,2\n");
  EXPECT_THROW(read_matrix(path, {}, {.delimiter = GetParam()}), InvalidArgument);
}
INSTANTIATE_TEST_SUITE_P(Csv, BadDelimiterTest,
                         ::testing::Values('\0', '\n', '\r', '"', '.', '+', '-', '_', '0', '9', 'e', 'E', 'x',
                                           '\x1b', '\x7f', '\xe9'));

}  // namespace
}  // namespace omnimeans::io::testing
