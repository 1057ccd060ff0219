// SPDX-License-Identifier: MIT
// Numbers in lines of text, after RFC 4180: quoted fields with doubled quotes and line breaks, any line
// ending. Numbers are read by std::from_chars, so no locale is involved; what is too small for T becomes zero
// or subnormal.
#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "io/convert.hpp"
#include "io/file_error.hpp"
#include "io/formats.hpp"

namespace omnimeans::io {
namespace {

enum class Parsed { number, not_a_number, too_large };

/// For a well-formed number outside the range of a type: true if it is too small, not too large.
bool is_too_small(std::string_view number) {
  const std::size_t mark = std::min(number.find_first_of("eE"), number.size());
  std::int64_t exponent = 0;
  if (mark < number.size()) {
    std::string_view digits = number.substr(mark + 1);
    const bool negative = digits.front() == '-';
    if (negative || digits.front() == '+') digits.remove_prefix(1);
    std::int64_t size = 0;
    // Beyond a file's length nothing that the digits before it say can matter.
    if (std::from_chars(digits.data(), digits.data() + digits.size(), size).ec != std::errc{})
      return negative;
    exponent = negative ? -size : size;
  }
  const std::string_view mantissa = number.substr(0, mark);
  const std::size_t leading = mantissa.find_first_of("123456789");
  if (leading == std::string_view::npos) return true;
  const std::size_t point = std::min(mantissa.find('.'), mantissa.size());
  // Places from the units digit to the leading one; the point itself takes up a character.
  const auto places = leading < point ? static_cast<std::int64_t>(point - leading) - 1
                                      : -static_cast<std::int64_t>(leading - point);
  return exponent < -places;
}

template <class T>
Parsed parse_number(std::string_view text, T& value) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return Parsed::not_a_number;
  text = text.substr(first, text.find_last_not_of(" \t") - first + 1);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);  // from_chars knows no '+'
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::invalid_argument || stop != text.data() + text.size()) return Parsed::not_a_number;
  if (error == std::errc::result_out_of_range) {
    if (!is_too_small(text)) return Parsed::too_large;
    value = text.front() == '-' ? -T{0} : T{0};
  }
  return Parsed::number;
}

/// Whether all that stands between delimiters is a number.
bool separates_numbers(std::string_view text, char delimiter) {
  double value = 0;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(delimiter, begin), text.size());
    const bool empty_blank = delimiter == ' ' && end == begin;  // blanks may be many
    if (!empty_blank && parse_number(text.substr(begin, end - begin), value) != Parsed::number) return false;
    begin = end + 1;
  }
  return true;
}

bool is_line_end(char c) {
  return c == '\n' || c == '\r';
}

template <class T>
class CsvReader {
 public:
  CsvReader(const InputFile& file, const CsvOptions& csv)
      : file_(file), size_(file.size()), text_(std::make_unique_for_overwrite<char[]>(size_)) {
    file.read(0, text_.get(), size_);
    at_ = text_.get();
    end_ = at_ + size_;
    skip_byte_order_mark();
    line_start_ = at_;
    delimiter_ = csv.delimiter ? *csv.delimiter : guess_delimiter();
    skip_header(csv.header);
  }

  Matrix<T> read();

 private:
  [[noreturn]] void fail(const std::string& what, const char* at) const {
    file_.fail(
        "line " + std::to_string(line_) + ", column " + std::to_string(at - line_start_ + 1) + ": " + what,
        static_cast<std::uint64_t>(at - text_.get()));
  }
  bool is_blank(char c) const { return c == ' ' || (c == '\t' && delimiter_ != '\t'); }
  const char* skip_blanks(const char* at) const {
    while (at != end_ && is_blank(*at)) ++at;
    return at;
  }
  bool at_line_end() const { return at_ == end_ || is_line_end(*at_); }
  /// Where a field may end at `at` (blanks included), moves there.
  bool end_field(const char* at) {
    const char* after = skip_blanks(at);
    const bool ends =
        after == end_ || is_line_end(*after) || *after == delimiter_ || (delimiter_ == ' ' && after != at);
    if (ends) at_ = after;
    return ends;
  }

  void skip_byte_order_mark();
  char guess_delimiter() const;
  void skip_header(std::optional<bool> header);
  bool next_field();
  void next_line();
  std::string field_text();
  std::string why_not(const std::string& field) const;
  T number();
  void read_record();
  void reserve(const char* record);

  /// Where the cursor is.
  struct Place {
    const char *at, *line_start;
    std::size_t line;
  };
  Place here() const { return {at_, line_start_, line_}; }
  void go_to(const Place& place) {
    at_ = place.at;
    line_start_ = place.line_start;
    line_ = place.line;
  }

  const InputFile& file_;
  std::size_t size_;
  std::unique_ptr<char[]> text_;
  const char* at_ = nullptr;
  const char* end_ = nullptr;
  const char* line_start_ = nullptr;
  std::size_t line_ = 1;
  char delimiter_ = ',';
  std::size_t cols_ = 0;        ///< 0 until the first line is read
  std::size_t first_line_ = 1;  ///< the line that `cols_` comes from
  std::vector<T> values_;
};

template <class T>
void CsvReader<T>::skip_byte_order_mark() {
  const std::string_view text(at_, size_);
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    file_.fail("UTF-16 text; UTF-8 is expected", 0);
  }
  if (text.starts_with("\xef\xbb\xbf")) at_ += 3;
}

template <class T>
char CsvReader<T>::guess_delimiter() const {
  const char* line_end = std::find_if(at_, end_, is_line_end);
  return std::find(at_, line_end, ',') != line_end ? ',' : ' ';
}

/// After a field: moves to the next one of the line; false if there is none.
template <class T>
bool CsvReader<T>::next_field() {
  if (at_line_end()) return false;
  if (delimiter_ != ' ') at_ = skip_blanks(at_ + 1);
  return true;
}

template <class T>
void CsvReader<T>::next_line() {
  if (at_ != end_ && *at_++ == '\r' && at_ != end_ && *at_ == '\n') ++at_;
  ++line_;
  line_start_ = at_;
}

/// The field at the cursor, without its quotes; the cursor moves behind it.
template <class T>
std::string CsvReader<T>::field_text() {
  const char* start = at_;
  if (at_ == end_ || *at_ != '"') {
    while (!at_line_end() && *at_ != delimiter_ && !(delimiter_ == ' ' && is_blank(*at_))) ++at_;
    std::string text(start, at_);
    at_ = skip_blanks(at_);
    return text;
  }
  std::string text;
  std::size_t lines = 0;
  const char* last_line = line_start_;
  for (++at_;; ++at_) {
    const char* quote_mark =
        at_ == end_ ? nullptr
                    : static_cast<const char*>(std::memchr(at_, '"', static_cast<std::size_t>(end_ - at_)));
    if (quote_mark == nullptr) fail("quoted field without an end", start);
    for (const char* c = at_; c != quote_mark; ++c) {
      if (*c == '\n' || (*c == '\r' && c[1] != '\n')) {
        ++lines;
        last_line = c + 1;
      }
    }
    text.append(at_, quote_mark);
    at_ = quote_mark + 1;
    if (at_ == end_ || *at_ != '"') break;
    text += '"';
  }
  if (!end_field(at_)) fail("text after a closing quote", start);
  line_ += lines;
  line_start_ = last_line;
  return text;
}

template <class T>
void CsvReader<T>::skip_header(std::optional<bool> header) {
  const char* record = at_;
  at_ = skip_blanks(at_);
  if (at_line_end() || header == false) {
    at_ = record;
    return;
  }
  bool any_number = false;
  std::optional<Place> at_word;  // the first field that is no number
  std::string word;
  do {
    const Place place = here();
    T value;
    std::string text = field_text();
    if (parse_number(text, value) != Parsed::not_a_number) {
      any_number = true;
    } else if (!at_word) {
      at_word = place;
      word = std::move(text);
    }
    ++cols_;
  } while (next_field());
  // A row with one bad value must not be taken for a header.
  if (!header && any_number && at_word) {
    go_to(*at_word);
    const std::string why = why_not(word);
    fail((word.empty() ? "empty field" : quote(word) + " is not a number") +
             (why.empty() ? ", but other fields of the first line are numbers; say whether it is a header"
                          : why),
         at_);
  }
  if (header.value_or(!any_number)) {
    next_line();
    return;
  }
  cols_ = 0;
  at_ = line_start_ = record;
  line_ = 1;
}

template <class T>
T CsvReader<T>::number() {
  T value{};
  const auto [stop, error] = std::from_chars(at_, end_, value);
  if (error == std::errc{} && end_field(stop)) return value;

  const Place start = here();
  const std::string text = field_text();
  const Parsed parsed = parse_number(text, value);
  if (parsed == Parsed::number) return value;
  go_to(start);
  if (text.empty()) fail("empty field", at_);
  if (parsed == Parsed::too_large) {
    double wider = 0;
    const bool fits = sizeof(T) < sizeof(double) && parse_number(text, wider) == Parsed::number;
    fail(quote(text) + " is too large for " + type_name<T> + (fits ? ", but not for f64" : ""), at_);
  }
  fail(quote(text) + " is not a number" + why_not(text), at_);
}

/// What most likely makes no number of a field; empty: nothing that is known.
template <class T>
std::string CsvReader<T>::why_not(const std::string& field) const {
  for (const char other : {';', '\t'}) {
    if (other == delimiter_ || field.find(other) == field.npos) continue;
    return std::string("; where ") + (other == ';' ? "';' separates" : "a tab separates") +
           " the fields, name it as the delimiter";
  }
  if (delimiter_ != ',' && field.find(',') != field.npos && field.find('.') == field.npos)
    return "; a comma neither separates fields here nor stands for a decimal point";
  for (const char other : {',', ' '}) {
    if (other == delimiter_ || field.find(other) == field.npos || !separates_numbers(field, other)) continue;
    return std::string("; where ") + (other == ',' ? "',' separates" : "blanks separate") +
           " the fields, name " + (other == ',' ? "it" : "' '") + " as the delimiter";
  }
  return "";
}

template <class T>
void CsvReader<T>::read_record() {
  const std::size_t line = line_;
  const char* record = at_;
  std::size_t fields = 0;
  at_ = skip_blanks(at_);
  do {
    values_.push_back(number());
    ++fields;
  } while (next_field());

  if (cols_ == 0) {
    cols_ = fields;
    first_line_ = line;
  }
  if (fields != cols_) {
    file_.fail("line " + std::to_string(line) + " has " + std::to_string(fields) +
                   (fields == 1 ? " field" : " fields") + ", line " + std::to_string(first_line_) + " has " +
                   std::to_string(cols_),
               static_cast<std::uint64_t>(record - text_.get()));
  }
  if (values_.size() == cols_) reserve(record);
  next_line();
}

/// Room for as many values as there will be if all lines are like the first; never more than the text can
/// hold.
template <class T>
void CsvReader<T>::reserve(const char* record) {
  const auto rest = static_cast<std::size_t>(end_ - at_);
  const std::size_t expected = rest / static_cast<std::size_t>(at_ - record + 1) * cols_;
  values_.reserve(cols_ + std::min(expected + expected / 16, rest / 2 + 1));
}

template <class T>
Matrix<T> CsvReader<T>::read() {
  std::size_t empty_line = 0;
  std::uint64_t empty_at = 0;
  while (at_ != end_) {
    const char* content = skip_blanks(at_);
    if (content == end_ || is_line_end(*content)) {
      if (empty_line == 0) {
        empty_line = line_;
        empty_at = static_cast<std::uint64_t>(at_ - text_.get());
      }
      at_ = content;
      next_line();
      continue;
    }
    // Empty lines at the end are harmless; one in between may be a lost value.
    if (empty_line != 0) file_.fail("line " + std::to_string(empty_line) + " is empty", empty_at);
    read_record();
  }
  if (values_.empty()) file_.fail("holds no rows of numbers", size_);
  text_.reset();  // before the matrix needs memory
  Matrix<T> matrix(values_.size() / cols_, cols_);
  std::copy(values_.begin(), values_.end(), matrix.data());
  return matrix;
}

/// A delimiter that can be part of a number would make the text ambiguous.
void check_delimiter(const CsvOptions& csv) {
  if (!csv.delimiter) return;
  const auto c = static_cast<unsigned char>(*csv.delimiter);
  const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  const bool usable = (c >= 0x20 || c == '\t') && c < 0x7f && !alphanumeric && c != '"' && c != '.' &&
                      c != '+' && c != '-' && c != '_';
  if (!usable) throw InvalidArgument("delimiter " + quote({&*csv.delimiter, 1}) + " cannot separate numbers");
}

}  // namespace

template <class T>
Matrix<T> read_csv(const InputFile& file, const CsvOptions& csv) {
  check_delimiter(csv);
  return CsvReader<T>(file, csv).read();
}
template Matrix<float> read_csv(const InputFile&, const CsvOptions&);
template Matrix<double> read_csv(const InputFile&, const CsvOptions&);

template <class T>
void write_csv(std::ostream& out, MatrixView<const T> matrix, char delimiter) {
  std::string line;
  for (std::size_t i = 0; i < matrix.rows() && out; ++i) {
    line.clear();
    for (const T value : matrix.row(i)) line.append(to_text(value)) += delimiter;
    line.back() = '\n';
    out.write(line.data(), static_cast<std::streamsize>(line.size()));
  }
}
template void write_csv(std::ostream&, MatrixView<const float>, char);
template void write_csv(std::ostream&, MatrixView<const double>, char);

}  // namespace omnimeans::io
