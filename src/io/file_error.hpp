// SPDX-License-Identifier: MIT
// How every message about a file is worded: "path: what (byte 17)", on one line whatever the file contains.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "omnimeans/error.hpp"

namespace omnimeans::io {

/// The path with control characters escaped, so that a message stays one line.
std::string display(const std::filesystem::path& path);

/// Text out of a file, quoted, with what is not printable escaped and what is long cut off.
std::string quote(std::string_view text);

/// The shortest text that reads back as the same value; no locale is involved.
template <std::floating_point T>
std::string to_text(T value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

/// "[17][3] = 1e+300": a value of a matrix by row and column.
template <class T>
std::string describe_value(std::uint64_t row, std::uint64_t col, T value) {
  std::string text("[");
  text.append(std::to_string(row)).append("][").append(std::to_string(col)).append("] = ");
  return text.append(to_text(value));
}

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what);
[[noreturn]] void fail_at(const std::filesystem::path& path, const std::string& what,
                          std::uint64_t byte_offset);

/// "path: what: No such file or directory", for a value of errno.
[[noreturn]] void fail_errno(const std::filesystem::path& path, const std::string& what, int error_number);

}  // namespace omnimeans::io
