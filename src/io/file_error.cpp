// SPDX-License-Identifier: MIT
// The wording of file errors.
#include "io/file_error.hpp"

#include <system_error>

namespace omnimeans::io {
namespace {

void append_escaped(std::string& to, char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= 0x20 && byte != 0x7f) {
    to += c;
    return;
  }
  constexpr char digits[] = "0123456789abcdef";
  to += "\\x";
  to += digits[byte >> 4];
  to += digits[byte & 15];
}

}  // namespace

std::string display(const std::filesystem::path& path) {
  std::string text;
  for (const char c : path.string()) append_escaped(text, c);
  return text;
}

std::string quote(std::string_view text) {
  constexpr std::size_t most = 40;
  std::string quoted = "'";
  for (const char c : text.substr(0, most)) append_escaped(quoted, c);
  if (text.size() > most) quoted += "...";
  return quoted + "'";
}

void fail(const std::filesystem::path& path, const std::string& what) {
  throw FileError(display(path) + ": " + what);
}

void fail_at(const std::filesystem::path& path, const std::string& what, std::uint64_t byte_offset) {
  throw FileError(display(path) + ": " + what + " (byte " + std::to_string(byte_offset) + ")",
                  static_cast<std::int64_t>(byte_offset));
}

void fail_errno(const std::filesystem::path& path, const std::string& what, int error_number) {
  fail(path, what + ": " + std::generic_category().message(error_number));
}

}  // namespace omnimeans::io
