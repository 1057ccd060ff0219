// SPDX-License-Identifier: MIT
// The .npy header is a Python dict literal of three entries; only that much of Python is understood here.
#include "io/npy_header.hpp"

#include <array>
#include <bit>
#include <limits>
#include <optional>

#include "io/file_error.hpp"

namespace omnimeans::io {
namespace {

constexpr std::string_view magic = "\x93NUMPY";

struct TypeEntry {
  std::string_view name;
  NpyType type;
  std::size_t bytes;
};
constexpr TypeEntry types[] = {{"f2", NpyType::f2, 2}, {"f4", NpyType::f4, 4}, {"f8", NpyType::f8, 8},
                               {"b1", NpyType::b1, 1}, {"u1", NpyType::u1, 1}, {"u2", NpyType::u2, 2},
                               {"u4", NpyType::u4, 4}, {"u8", NpyType::u8, 8}, {"i1", NpyType::i1, 1},
                               {"i2", NpyType::i2, 2}, {"i4", NpyType::i4, 4}, {"i8", NpyType::i8, 8}};

class DictParser {
 public:
  DictParser(const InputFile& file, std::string_view text, std::uint64_t text_offset)
      : file_(file), text_(text), text_offset_(text_offset) {}

  /// Fills everything but `data_offset`.
  NpyHeader parse();

 private:
  struct Shape {
    std::array<std::size_t, 2> sizes{};
    std::size_t n_dims = 0;
    std::size_t position = 0;
  };

  [[noreturn]] void fail(const std::string& what, std::size_t position) const {
    file_.fail("npy header: " + what, text_offset_ + position);
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++at_;
  }
  bool accept(char c) {
    skip_space();
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(std::string("expected '") + c + "'", at_);
  }

  std::string_view string();
  bool boolean();
  std::size_t integer();
  Shape shape();
  void descr(NpyHeader& header);
  void end();

  const InputFile& file_;
  std::string_view text_;
  std::uint64_t text_offset_;
  std::size_t at_ = 0;
};

std::string_view DictParser::string() {
  skip_space();
  const std::size_t start = at_;
  const char mark = peek();
  if (mark != '\'' && mark != '"') fail("expected a string", start);
  const std::size_t stop = text_.find(mark, start + 1);
  if (stop == std::string_view::npos) fail("string without an end", start);
  at_ = stop + 1;
  const std::string_view content = text_.substr(start + 1, stop - start - 1);
  if (content.find('\\') != std::string_view::npos) fail("escape sequence in a string", start);
  return content;
}

bool DictParser::boolean() {
  skip_space();
  for (const bool value : {true, false}) {
    const std::string_view word = value ? "True" : "False";
    if (text_.substr(at_, word.size()) == word) {
      at_ += word.size();
      return value;
    }
  }
  fail("expected True or False", at_);
}

std::size_t DictParser::integer() {
  skip_space();
  const std::size_t start = at_;
  if (peek() == '-') fail("negative size in 'shape'", start);
  std::size_t value = 0;
  for (; peek() >= '0' && peek() <= '9'; ++at_) {
    const auto digit = static_cast<std::size_t>(peek() - '0');
    if (value > (std::numeric_limits<std::size_t>::max() - digit) / 10) fail("size beyond 64 bits", start);
    value = value * 10 + digit;
  }
  if (at_ == start) fail("expected an integer", start);
  if (text_[start] == '0' && at_ - start > 1) fail("integer with a leading zero", start);
  if (peek() == 'L') ++at_;  // Python 2 wrote long integers so
  return value;
}

DictParser::Shape DictParser::shape() {
  skip_space();
  Shape shape;
  shape.position = at_;
  expect('(');
  bool comma = true;
  while (!accept(')')) {
    if (!comma) fail("expected ',' or ')'", at_);
    const std::size_t size = integer();
    if (shape.n_dims == 2) fail("more than two dimensions", shape.position);
    shape.sizes[shape.n_dims++] = size;
    comma = accept(',');
  }
  if (shape.n_dims == 0) fail("a single value (shape ()), not an array", shape.position);
  if (shape.n_dims == 1 && !comma) fail("'shape' is not a tuple", shape.position);
  return shape;
}

void DictParser::descr(NpyHeader& header) {
  skip_space();
  const std::size_t start = at_;
  if (peek() == '[') fail("structured dtypes are not supported", start);
  const std::string_view text = string();
  const char order = text.empty() ? '\0' : text.front();
  for (const TypeEntry& entry : types) {
    if (order == '\0' || text.substr(1) != entry.name) continue;
    const bool known_order = order == '<' || order == '>' || (order == '|' && entry.bytes == 1);
    if (!known_order) fail("dtype " + quote(text) + " has no byte order ('<' or '>')", start);
    header.type = entry.type;
    header.item_bytes = entry.bytes;
    header.swap = entry.bytes > 1 && (order == '<') != (std::endian::native == std::endian::little);
    return;
  }
  fail("dtype " + quote(text) + " is not supported (f2, f4, f8, b1, u1 to u8 and i1 to i8 are)", start);
}

NpyHeader DictParser::parse() {
  NpyHeader header;
  std::optional<Shape> shape_found;
  bool has_descr = false;
  bool has_order = false;

  expect('{');
  while (!accept('}')) {
    skip_space();
    const std::size_t start = at_;
    const std::string_view key = string();
    expect(':');
    const bool repeated = (key == "descr" && has_descr) || (key == "fortran_order" && has_order) ||
                          (key == "shape" && shape_found.has_value());
    if (repeated) fail("key " + quote(key) + " appears twice", start);
    if (key == "descr") {
      descr(header);
      has_descr = true;
    } else if (key == "fortran_order") {
      header.fortran_order = boolean();
      has_order = true;
    } else if (key == "shape") {
      shape_found = shape();
    } else {
      fail("unknown key " + quote(key), start);
    }
    if (accept('}')) break;
    expect(',');
  }
  end();
  if (!has_descr) fail("key 'descr' is missing", 0);
  if (!has_order) fail("key 'fortran_order' is missing", 0);
  if (!shape_found) fail("key 'shape' is missing", 0);

  header.rows = shape_found->sizes[0];
  header.cols = shape_found->n_dims == 2 ? shape_found->sizes[1] : 1;
  if (header.rows == 0 || header.cols == 0) fail("the array holds no values", shape_found->position);
  const std::uint64_t most = std::numeric_limits<std::int64_t>::max() / header.item_bytes;
  if (header.rows > most / header.cols) fail("'shape' is beyond 64 bits", shape_found->position);
  return header;
}

void DictParser::end() {
  skip_space();
  if (at_ != text_.size()) fail("unexpected text after '}'", at_);
  if (text_.back() != '\n') fail("does not end in a newline", text_.size() - 1);
}

}  // namespace

NpyHeader read_npy_header(const InputFile& file) {
  unsigned char start[12] = {};
  if (file.size() < 10) file.fail("too short for a npy header", file.size());
  file.read(0, start, 10);
  const std::string_view found(reinterpret_cast<const char*>(start), magic.size());
  if (found != magic) file.fail("not a npy file (wrong magic)", 0);
  const int major = start[6];
  const int minor = start[7];
  if (major < 1 || major > 3 || minor != 0) {
    file.fail("npy version " + std::to_string(major) + "." + std::to_string(minor) + " is not supported", 6);
  }
  std::uint64_t length = start[8] | std::uint64_t{start[9]} << 8;
  std::uint64_t offset = 10;
  if (major >= 2) {
    offset = 12;
    if (file.size() < offset) file.fail("too short for a npy header", file.size());
    file.read(10, start + 10, 2);
    length |= std::uint64_t{start[10]} << 16 | std::uint64_t{start[11]} << 24;
  }
  // Much more than three entries and padding ever need; far larger headers are an attack or damage.
  constexpr std::uint64_t most = 1 << 16;
  if (length == 0 || length > file.size() - offset || length > most) {
    file.fail("npy header length " + std::to_string(length) + " does not fit the file", 8);
  }
  std::string text(length, '\0');
  file.read(offset, text.data(), text.size());

  NpyHeader header = DictParser(file, text, offset).parse();
  header.data_offset = offset + length;
  const std::uint64_t available = file.size() - header.data_offset;
  const std::string claim = std::to_string(header.rows) + " x " + std::to_string(header.cols) +
                            " values need " + std::to_string(header.data_bytes()) + " bytes, the file has " +
                            std::to_string(available);
  if (available < header.data_bytes()) file.fail("cut off: " + claim, file.size());
  if (available > header.data_bytes()) {
    file.fail("has more than the array: " + claim, header.data_offset + header.data_bytes());
  }
  return header;
}

std::string make_npy_header(std::string_view descr, std::initializer_list<std::size_t> shape) {
  std::string dict = "{'descr': '";
  dict.append(descr).append("', 'fortran_order': False, 'shape': (");
  for (const std::size_t size : shape)
    dict.append(std::to_string(size)).append(shape.size() == 1 ? "," : ", ");
  if (shape.size() > 1) dict.resize(dict.size() - 2);  // a tuple of one keeps its comma
  dict.append("), }");
  constexpr std::size_t prefix = 10;
  const std::size_t total = (prefix + dict.size() + 1 + 63) / 64 * 64;
  dict.append(total - prefix - dict.size() - 1, ' ');
  dict += '\n';
  std::string header(magic);
  for (const std::size_t byte : {std::size_t{1}, std::size_t{0}, dict.size() & 255, dict.size() >> 8}) {
    header += static_cast<char>(static_cast<unsigned char>(byte));
  }
  return header + dict;
}

}  // namespace omnimeans::io
