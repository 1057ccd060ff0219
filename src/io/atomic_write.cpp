// SPDX-License-Identifier: MIT
// Files are replaced whole or not at all: written beside the old ones, forced to the disk, renamed.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <functional>
#include <ios>
#include <optional>
#include <set>
#include <streambuf>
#include <string>
#include <system_error>
#include <utility>

#include "io/file_descriptor.hpp"
#include "io/file_error.hpp"
#include "io/io.hpp"

namespace omnimeans::io {
namespace {

namespace fs = std::filesystem;

/// Buffered output to a descriptor that remembers the first errno: a std::ofstream only knows that
/// "something" failed.
class DescriptorBuffer : public std::streambuf {
 public:
  explicit DescriptorBuffer(int descriptor) : descriptor_(descriptor) { reset(); }
  int error() const noexcept { return error_; }
  bool flush() { return write_all(pbase(), static_cast<std::size_t>(pptr() - pbase())) && (reset(), true); }

 protected:
  int_type overflow(int_type c) override {
    if (!flush()) return traits_type::eof();
    if (!traits_type::eq_int_type(c, traits_type::eof())) sputc(traits_type::to_char_type(c));
    return traits_type::not_eof(c);
  }
  std::streamsize xsputn(const char* from, std::streamsize count) override {
    if (count < static_cast<std::streamsize>(buffer_.size())) return std::streambuf::xsputn(from, count);
    return flush() && write_all(from, static_cast<std::size_t>(count)) ? count : 0;
  }
  int sync() override { return flush() ? 0 : -1; }

 private:
  void reset() { setp(buffer_.data(), buffer_.data() + buffer_.size()); }
  bool write_all(const char* from, std::size_t count) {
    while (count > 0 && error_ == 0) {
      const ssize_t done = ::write(descriptor_, from, count);
      if (done < 0) {
        if (errno != EINTR) error_ = errno;
        continue;
      }
      from += done;
      count -= static_cast<std::size_t>(done);
    }
    return error_ == 0;
  }

  int descriptor_;
  int error_ = 0;
  std::array<char, std::size_t{1} << 16> buffer_;
};

/// What `write` does must have reached the descriptor, or this throws.
void write_through(const fs::path& path, int descriptor, const std::function<void(std::ostream&)>& write) {
  DescriptorBuffer buffer(descriptor);
  std::ostream out(&buffer);
  try {
    write(out);
    out.flush();
  } catch (const std::ios_base::failure&) {  // `write` asked the stream to throw: below says what went wrong
    if (buffer.error() == 0) throw;
  }
  if (buffer.error() != 0) fail_errno(path, "cannot write", buffer.error());
  if (!out) fail(path, "cannot write: the stream was left in a failed state");
}

/// The file that a chain of symbolic links leads to, whether it exists or not: the links themselves stay.
fs::path follow_links(fs::path path) {
  std::error_code error;
  for (int links = 0; fs::is_symlink(fs::symlink_status(path, error)); ++links) {
    if (links == 40) fail_errno(path, "cannot write", ELOOP);
    const fs::path target = fs::read_symlink(path, error);
    if (error) fail(path, "cannot write: " + error.message());
    path = target.is_absolute() ? target : path.parent_path() / target;
  }
  return path;
}

fs::path directory_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : ".";
}

/// The same name for the same file, where links have been followed.
fs::path absolute_name(const fs::path& file) {
  std::error_code error;
  const fs::path absolute = fs::absolute(directory_of(file), error);
  if (error) return file;
  const fs::path directory = fs::weakly_canonical(absolute, error);
  return error ? file : directory / file.filename();
}

/// A name that is free for now, in the directory of `target`.
fs::path temporary_beside(const fs::path& target) {
  static std::atomic<unsigned> counter{0};
  return directory_of(target) /
         (".omnimeans-" + std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".tmp");
}

/// Devices and pipes (/dev/stdout, >(command)) hold nothing to be kept: they are written to as they are.
void write_to_special(const fs::path& path, const std::function<void(std::ostream&)>& write) {
  FileDescriptor descriptor(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!descriptor.valid()) fail_errno(path, "cannot open for writing", errno);
  write_through(path, descriptor.get(), write);
  if (!descriptor.close()) fail_errno(path, "cannot write", errno);
}

/// So that the new name survives a power cut. Not every file system can; the file is whole either way.
void sync_directory(const fs::path& directory) {
  const FileDescriptor descriptor(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.valid()) ::fsync(descriptor.get());
}

}  // namespace

/// A file beside its place: gone with this object, unless it has taken the place.
struct OutputFiles::Pending {
  fs::path path, target;
  fs::path temporary = {};  ///< empty: not made yet, or renamed

  Pending(fs::path path_, fs::path target_) : path(std::move(path_)), target(std::move(target_)) {}
  Pending(Pending&& other) noexcept
      : path(std::move(other.path)),
        target(std::move(other.target)),
        temporary(std::exchange(other.temporary, {})) {}
  Pending& operator=(Pending&&) = delete;
  ~Pending() {
    if (!temporary.empty()) ::unlink(temporary.c_str());
  }

  /// Makes the temporary file. Its mode is what the umask makes of 0666, as for any new file.
  FileDescriptor create() {
    for (;;) {
      fs::path name = temporary_beside(target);
      FileDescriptor descriptor(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
      if (descriptor.valid()) {
        temporary = std::move(name);
        return descriptor;
      }
      if (errno != EEXIST) {
        const int error_number = errno;
        fail_errno(path, "cannot create a file in " + quote(display(directory_of(target))), error_number);
      }
    }
  }
};

fs::path file_behind(const fs::path& path) {
  return absolute_name(follow_links(path));
}

OutputFiles::OutputFiles() = default;
OutputFiles::~OutputFiles() = default;

void OutputFiles::add(const fs::path& path, const std::function<void(std::ostream&)>& write) {
  if (path.empty()) throw FileError("the name of the file to write is empty");
  std::optional<mode_t> old_mode;
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) fail(path, "is a directory");
    if (!S_ISREG(status.st_mode)) return write_to_special(path, write);
    // A rename would replace even a file that may not be written to.
    if (::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0) fail_errno(path, "cannot write", errno);
    old_mode = status.st_mode & 0777;
  } else if (errno != ENOENT) {
    fail_errno(path, "cannot write", errno);
  }

  const fs::path target = follow_links(path);
  if (!target.has_filename()) fail_errno(path, "cannot write", EISDIR);
  Pending file(path, absolute_name(target));
  for (const Pending& other : pending_) {
    if (other.target == file.target) fail(path, "is the same file as " + quote(display(other.path)));
  }
  FileDescriptor descriptor = file.create();
  if (old_mode && ::fchmod(descriptor.get(), *old_mode) != 0) fail_errno(path, "cannot write", errno);
  write_through(path, descriptor.get(), write);
  if (::fsync(descriptor.get()) != 0) fail_errno(path, "cannot write", errno);
  if (!descriptor.close()) fail_errno(path, "cannot write", errno);
  pending_.push_back(std::move(file));
}

void OutputFiles::commit() {
  std::set<fs::path> directories;
  const Pending* failed = nullptr;
  int error_number = 0;
  for (Pending& file : pending_) {
    if (file.temporary.empty()) continue;  // renamed by a commit that failed after it
    if (::rename(file.temporary.c_str(), file.target.c_str()) != 0) {
      error_number = errno;
      failed = &file;
      break;
    }
    file.temporary.clear();
    directories.insert(directory_of(file.target));
  }
  for (const fs::path& directory : directories) sync_directory(directory);
  if (failed != nullptr) fail_errno(failed->path, "cannot replace the file", error_number);
  pending_.clear();
}

void write_file_atomically(const fs::path& path, const std::function<void(std::ostream&)>& write) {
  OutputFiles files;
  files.add(path, write);
  files.commit();
}

}  // namespace omnimeans::io
