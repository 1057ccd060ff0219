// SPDX-License-Identifier: MIT
// Damaged and hostile .npy files.
#include <gtest/gtest.h>

#include <limits>

#include "bad_file.hpp"
#include "bytes.hpp"

namespace omnimeans::io::testing {
namespace {

using namespace std::string_literals;

constexpr std::int64_t dict_at = 10;  // where the dict of a version 1 file starts
constexpr std::int64_t shape_at = 60;

const std::string six_floats = encode_all<float>({1, 2, 3, 4, 5, 6});

/// A file with a dict of our own.
BadFile dict(const std::string& name, const std::string& text, const std::string& fragment, std::int64_t at) {
  return {name, ".npy", npy_start(1, text + "\n") + six_floats, fragment, dict_at + at};
}

BadFile descr(const std::string& name, const std::string& value, const std::string& fragment) {
  const std::string text = "{'descr': " + value + ", 'fortran_order': False, 'shape': (2, 3), }";
  return dict(name, text, fragment, 10);
}

BadFile order(const std::string& name, const std::string& value, const std::string& fragment,
              std::int64_t at) {
  const std::string text = "{'descr': '<f4', 'fortran_order': " + value + ", 'shape': (2, 3), }";
  return dict(name, text, fragment, 34 + at);
}

/// `at` counts from the opening parenthesis.
BadFile shape(const std::string& name, const std::string& value, const std::string& fragment,
              std::int64_t at = 0) {
  const std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': " + value + ", }";
  return dict(name, text, fragment, shape_at - dict_at + at);
}

/// A sound header that does not fit the values.
BadFile values(const std::string& name, const std::string& type, const std::string& shape_text,
               const std::string& data, const std::string& fragment, std::int64_t at) {
  return {name, ".npy", npy(1, type, false, shape_text, data), fragment, at};
}

BadFile raw(const std::string& name, const std::string& bytes, const std::string& fragment, std::int64_t at) {
  return {name, ".npy", bytes, fragment, at};
}

std::vector<BadFile> bad_start() {
  const std::string good = npy(1, "<f4", false, "(2, 3)", six_floats);
  const auto with_version = [&](char major, char minor) {
    std::string bytes = good;
    bytes[6] = major;
    bytes[7] = minor;
    return bytes;
  };
  const auto with_length = [&](char low, char high) {
    std::string bytes = good;
    bytes[8] = low;
    bytes[9] = high;
    return bytes;
  };
  return {
      raw("Empty", "", "is empty", 0),
      raw("OneByte", good.substr(0, 1), "too short", 1),
      raw("MagicOnly", good.substr(0, 6), "too short", 6),
      raw("HalfALength", good.substr(0, 9), "too short", 9),
      raw("Version2HalfALength", npy_start(2, "").substr(0, 11), "too short", 11),
      raw("WrongFirstByte", "\x92" + good.substr(1), "wrong magic", 0),
      raw("LowerCaseMagic", "\x93numpy" + good.substr(6), "wrong magic", 0),
      raw("ZipArchive", "PK\x03\x04" + good, "wrong magic", 0),
      raw("TextFile", "1,2,3\n4,5,6\n", "wrong magic", 0),
      raw("Zeros", std::string(200, '\0'), "wrong magic", 0),
      raw("Version0", with_version(0, 0), "version 0.0", 6),
      raw("Version4", with_version(4, 0), "version 4.0", 6),
      raw("Version255", with_version('\xff', '\xff'), "version 255.255", 6),
      raw("Version1Point1", with_version(1, 1), "version 1.1", 6),
      raw("LengthZero", with_length(0, 0), "header length 0", 8),
      raw("LengthBeyondFile", with_length('\xff', '\xff'), "header length 65535", 8),
      raw("LengthCutsDict", with_length(30, 0), "string without an end", 27),
      raw("LengthIntoValues", with_length(static_cast<char>(118 + 4), 0), "unexpected text", 128),
      raw("Version2LengthHuge", npy_start(2, "").substr(0, 8) + "\xff\xff\xff\xff{}\n", "4294967295", 8),
      raw("Version3LengthHuge", npy_start(3, "").substr(0, 8) + "\xff\xff\xff\x7f{}\n", "2147483647", 8),
      raw("Version2LengthOverLimit", npy_start(2, std::string(70000, ' ')), "70000", 8),
      raw("HeaderWithoutValues", npy_start(1, "\n"), "expected '{'", 11),
  };
}
INSTANTIATE_TEST_SUITE_P(NpyStart, BadFileTest, ::testing::ValuesIn(bad_start()), case_name);

std::vector<BadFile> bad_dict() {
  const std::string d = "'descr': '<f4'", o = "'fortran_order': False", s = "'shape': (2, 3)";
  return {
      dict("NotADict", "hello", "expected '{'", 0),
      dict("AList", "[" + d + "]", "expected '{'", 0),
      dict("NulBytes", std::string(40, '\0'), "expected '{'", 0),
      dict("EmptyDict", "{}", "'descr' is missing", 0),
      dict("NoDescr", "{" + o + ", " + s + "}", "'descr' is missing", 0),
      dict("NoOrder", "{" + d + ", " + s + "}", "'fortran_order' is missing", 0),
      dict("NoShape", "{" + d + ", " + o + "}", "'shape' is missing", 0),
      dict("DescrTwice", "{" + d + ", " + d + ", " + o + ", " + s + "}", "'descr' appears twice", 17),
      dict("OrderTwice", "{" + o + ", " + o + ", " + d + ", " + s + "}", "'fortran_order' appears twice", 25),
      dict("ShapeTwice", "{" + s + ", " + s + ", " + d + ", " + o + "}", "'shape' appears twice", 18),
      dict("UnknownKey", "{'colour': 'red', " + d + "}", "unknown key 'colour'", 1),
      dict("LongUnknownKey", "{'" + std::string(300, 'x') + "': 1}", "xxx...'", 1),
      dict("UnprintableKey", "{'a\x01\n': 1}", "'a\\x01\\x0a'", 1),
      dict("KeyNotAString", "{descr: '<f4'}", "expected a string", 1),
      dict("KeyWithoutEnd", "{'descr: <f4}", "string without an end", 1),
      dict("MixedQuotes", "{'descr\": 1}", "string without an end", 1),
      dict("EscapedKey", "{'des\\x63r': '<f4'}", "escape sequence", 1),
      dict("NoColon", "{'descr' '<f4'}", "expected ':'", 9),
      dict("NoComma", "{" + d + " " + o + "}", "expected ','", 16),
      dict("TwoCommas", "{" + d + ",, " + o + "}", "expected a string", 16),
      dict("OnlyAComma", "{,}", "expected a string", 1),
      dict("NoClosingBrace", "{" + d + ", " + o + ", " + s, "expected ','", 57),
      dict("TextBehind", "{" + d + ", " + o + ", " + s + "} + 1", "unexpected text", 58),
      raw("NoNewline", npy_start(1, "{" + d + ", " + o + ", " + s + "}") + six_floats, "newline", 10 + 56),
      descr("DescrNone", "None", "expected a string"),
      descr("DescrNumber", "4", "expected a string"),
      descr("DescrStructured", "[('x', '<f4'), ('y', '<f4')]", "structured"),
      descr("DescrEmpty", "''", "dtype '' is not supported"),
      descr("DescrOrderOnly", "'<'", "dtype '<' is not supported"),
      descr("DescrNoOrder", "'f4'", "dtype 'f4' is not supported"),
      descr("DescrNativeOrder", "'=f4'", "no byte order"),
      descr("DescrBarOrder", "'|f4'", "no byte order"),
      descr("DescrComplex", "'<c8'", "dtype '<c8' is not supported"),
      descr("DescrQuadruple", "'<f16'", "dtype '<f16' is not supported"),
      descr("DescrHalfNoOrder", "'|f2'", "no byte order"),
      descr("DescrBoolWide", "'<b8'", "dtype '<b8' is not supported"),
      descr("DescrObject", "'|O'", "dtype '|O' is not supported"),
      descr("DescrText", "'<U7'", "dtype '<U7' is not supported"),
      descr("DescrDate", "'<M8[ns]'", "dtype '<M8[ns]' is not supported"),
      descr("DescrHugeItem", "'<f99999999999'", "is not supported"),
      order("OrderLowerCase", "false", "expected True or False", 0),
      order("OrderNumber", "0", "expected True or False", 0),
      order("OrderText", "'False'", "expected True or False", 0),
      order("OrderLongerWord", "Falsehood", "expected ','", 5),
  };
}
INSTANTIATE_TEST_SUITE_P(NpyDict, BadFileTest, ::testing::ValuesIn(bad_dict()), case_name);

std::vector<BadFile> bad_shape() {
  return {
      shape("ShapeList", "[2, 3]", "expected '('"),
      shape("ShapeNumber", "6", "expected '('"),
      shape("ShapeNotATuple", "(6)", "not a tuple"),
      shape("ShapeEmpty", "()", "a single value"),
      shape("ShapeThree", "(1, 2, 3)", "more than two dimensions"),
      shape("ShapeManyDimensions", "(1" + std::string(3000, ',') + ")", "expected an integer", 3),
      shape("ShapeNegativeRows", "(-2, 3)", "negative size", 1),
      shape("ShapeNegativeCols", "(2, -3)", "negative size", 4),
      shape("ShapeFloat", "(2.0, 3)", "expected ',' or ')'", 2),
      shape("ShapeExponent", "(1e3, 3)", "expected ',' or ')'", 2),
      shape("ShapeHexadecimal", "(0x2, 3)", "expected ',' or ')'", 2),
      shape("ShapeLeadingZero", "(02, 3)", "leading zero", 1),
      shape("ShapePlus", "(+2, 3)", "expected an integer", 1),
      shape("ShapeWord", "(two, 3)", "expected an integer", 1),
      shape("ShapeNoComma", "(2 3)", "expected ',' or ')'", 3),
      shape("ShapeTwoCommas", "(2,, 3)", "expected an integer", 3),
      shape("ShapeNoEnd", "(2, 3", "expected an integer", 7),
      shape("ShapeNoRows", "(0, 3)", "holds no values"),
      shape("ShapeNoCols", "(2, 0)", "holds no values"),
      shape("ShapeNothing", "(0,)", "holds no values"),
      shape("ShapeManyRowsOfNothing", "(9223372036854775807, 0)", "holds no values"),
      shape("ShapeBeyond64Bits", "(18446744073709551616, 1)", "size beyond 64 bits", 1),
      shape("ShapeManyDigits", "(" + std::string(5000, '9') + ", 1)", "size beyond 64 bits", 1),
      shape("ShapeProductOverflows", "(4294967296, 4294967296)", "'shape' is beyond 64 bits"),
      shape("ShapeProductWrapsToZero", "(4611686018427387904, 4)", "'shape' is beyond 64 bits"),
      shape("ShapeProductWrapsToSix", "(9223372036854775811, 2)", "'shape' is beyond 64 bits"),
      shape("ShapeBytesOverflow", "(2305843009213693952,)", "'shape' is beyond 64 bits"),
  };
}
INSTANTIATE_TEST_SUITE_P(NpyShape, BadFileTest, ::testing::ValuesIn(bad_shape()), case_name);

std::vector<BadFile> bad_values() {
  const std::string f8 = encode_all<double>({1, 2, 3, 4, 5, 6});
  return {
      values("NoValues", "<f4", "(2, 3)", "", "2 x 3 values need 24 bytes, the file has 0", 128),
      values("OneByteShort", "<f4", "(2, 3)", six_floats.substr(1), "the file has 23", 151),
      values("OneValueShort", "<f8", "(2, 3)", f8.substr(8), "need 48 bytes, the file has 40", 168),
      values("OneDimensionShort", "|u1", "(5,)", "abcd", "5 x 1 values need 5 bytes", 132),
      values("FloatsSaidToBeDoubles", "<f8", "(2, 3)", six_floats, "cut off", 152),
      values("TerabytesClaimed", "<f4", "(1000000000000, 3)", six_floats, "need 12000000000000 bytes", 152),
      values("ExabytesClaimed", "<i8", "(1152921504606846975,)", six_floats, "9223372036854775800 bytes",
             152),
      values("OneByteMore", "<f4", "(2, 3)", six_floats + "x", "more than the array", 152),
      values("TwoArrays", "<f4", "(2, 3)", six_floats + npy(1, "<f4", false, "(2, 3)", six_floats),
             "the file has 176", 152),
      values("DoublesSaidToBeFloats", "<f4", "(2, 3)", f8, "more than the array", 152),
  };
}
INSTANTIATE_TEST_SUITE_P(NpyValues, BadFileTest, ::testing::ValuesIn(bad_values()), case_name);

std::vector<BadFile> too_large() {
  const std::string threshold = encode_all<double>({1, 2, 3, 0x1.ffffffp127, 5, 6});
  const std::string c_order = encode_all<double>({1, 2, 3, 4, 5, -1e300});
  const std::string fortran = encode_all<double>({1, 2, 3, 1e300, 5, 6});
  return {
      values("HalfAStepAboveTheLargest", "<f8", "(2, 3)", threshold, "[1][0] = 3.4028235677973366e+38",
             128 + 24),
      values("LastValue", "<f8", "(2, 3)", c_order, "[1][2] = -1e+300 is too large for f32", 128 + 40),
      values("OneDimension", "<f8", "(6,)", c_order, "[5][0] = -1e+300 is too large for f32", 128 + 40),
      raw("FortranOrder", npy(1, "<f8", true, "(2, 3)", fortran), "[1][1] = 1e+300 is too large", 128 + 24),
      raw("FortranOneRow", npy(1, "<f8", true, "(1, 6)", fortran), "[0][3] = 1e+300 is too large", 128 + 24),
      raw("BigEndian", npy(1, ">f8", false, "(1, 1)", encode(std::numeric_limits<double>::max(), true)),
          "[0][0] = 1.7976931348623157e+308", 128),
  };
}
INSTANTIATE_TEST_SUITE_P(Npy, TooLargeForFloat, ::testing::ValuesIn(too_large()), case_name);

}  // namespace
}  // namespace omnimeans::io::testing
