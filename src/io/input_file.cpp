// SPDX-License-Identifier: MIT
// Opening and reading files with POSIX calls: a stream would add a copy, and could not tell a FIFO from a
// file.
#include "io/input_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "io/file_error.hpp"

namespace omnimeans::io {

InputFile::InputFile(std::filesystem::path path) : path_(std::move(path)) {
  // Without O_NONBLOCK, opening a FIFO would wait for someone to write into it.
  descriptor_ = FileDescriptor(::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!descriptor_.valid()) fail_errno(path_, "cannot open", errno);
  struct stat status {};
  if (::fstat(descriptor_.get(), &status) != 0) fail_errno(path_, "cannot open", errno);
  if (S_ISDIR(status.st_mode)) io::fail(path_, "is a directory");
  if (!S_ISREG(status.st_mode)) io::fail(path_, "is not a regular file");
  if (status.st_size <= 0) fail("is empty", 0);
  size_ = static_cast<std::uint64_t>(status.st_size);
}

void InputFile::read(std::uint64_t offset, void* to, std::size_t bytes) const {
  auto* next = static_cast<char*>(to);
  while (bytes > 0) {
    constexpr std::size_t most = std::size_t{1} << 30;  // some systems refuse more than 2^31 in one call
    const ssize_t got = ::pread(descriptor_.get(), next, std::min(bytes, most), static_cast<off_t>(offset));
    if (got < 0) {
      if (errno == EINTR) continue;
      fail_errno(path_, "cannot read", errno);
    }
    if (got == 0) fail("became shorter while it was read", offset);
    next += got;
    offset += static_cast<std::uint64_t>(got);
    bytes -= static_cast<std::size_t>(got);
  }
}

void InputFile::fail(const std::string& what, std::uint64_t byte_offset) const {
  fail_at(path_, what, byte_offset);
}

}  // namespace omnimeans::io
