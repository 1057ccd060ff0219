// SPDX-License-Identifier: MIT
// A regular file, opened for reading, whose size is known: what every reader checks its claims against.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "io/file_descriptor.hpp"

namespace omnimeans::io {

class InputFile {
 public:
  /// Throws FileError if the file is missing, unreadable, empty, or anything but a regular file.
  explicit InputFile(std::filesystem::path path);

  const std::filesystem::path& path() const noexcept { return path_; }
  std::uint64_t size() const noexcept { return size_; }

  /// Reads exactly `bytes` bytes from `offset` on; throws FileError if the file has become shorter or cannot
  /// be read.
  void read(std::uint64_t offset, void* to, std::size_t bytes) const;

  [[noreturn]] void fail(const std::string& what, std::uint64_t byte_offset) const;

 private:
  std::filesystem::path path_;
  FileDescriptor descriptor_;
  std::uint64_t size_ = 0;
};

}  // namespace omnimeans::io
