// SPDX-License-Identifier: MIT
// The harness's end of a worker: starts it, asks it, ends it where it dies or takes too long. See worker.hpp
// for what is said.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace omnimeans::peers {

/// One line of the list in CMakeLists.txt.
struct Peer {
  std::string name;
  std::string interpreter;  ///< "python", "R", or empty: `path` is a program
  std::string path;
  std::string words;  ///< arguments
};

/// Floats in a file without a name, in memory, which the workers map by `path()`. The system removes it with
/// this object, or with this process however it ends.
class SharedFloats {
 public:
  explicit SharedFloats(std::span<const float> values);
  ~SharedFloats();
  SharedFloats(const SharedFloats&) = delete;
  SharedFloats& operator=(const SharedFloats&) = delete;
  const std::string& path() const { return path_; }
  std::vector<float> read(std::size_t count) const;

 private:
  int file_ = -1;
  std::string path_;
};

/// What a worker answers to a request.
struct Reply {
  double seconds = 0, conversion_seconds = 0;
  long n_iter = -1;       ///< -1: the library does not tell
  long peak_bytes = -1;   ///< resident memory above that before the request, at most; -1: unknown
  long used_samples = 0;  ///< 0: all
};

/// A request took or would take longer than the limit: no failure, but no figure either.
struct TooSlow {
  std::string why;
};

/// "12.3 s"
std::string in_seconds(double seconds);

class Worker {
 public:
  /// Throws std::runtime_error, with the worker's last words, if it does not start.
  Worker(const Peer& peer, int threads);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// `request` without its LIMIT and RESULT. Throws TooSlow where the worker says so or does not answer
  /// within `patience_seconds`, and std::runtime_error where the library failed or the worker died. After a
  /// death or where time ran out the next request starts a new worker.
  Reply fit(const std::string& request, double limit_seconds, double patience_seconds,
            const SharedFloats& result);

  const std::string& version() const { return version_; }
  const std::string& build() const { return build_; }
  bool marked(const std::string& word) const;
  const std::string& marks() const { return marks_; }

 private:
  void start();
  void stop();
  /// One line, without its end. Throws TooSlow after `seconds`.
  std::string read_line(double seconds);
  [[noreturn]] void died();

  Peer peer_;
  int threads_;
  pid_t pid_ = -1;
  int to_ = -1, from_ = -1;
  std::string pending_, version_, build_, marks_;
};

}  // namespace omnimeans::peers
