// SPDX-License-Identifier: MIT
// The named errors. The library prints nothing and never aborts: whatever goes wrong arrives as one of these.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include "omnimeans/export.h"

namespace omnimeans {

/// Base of every error thrown by omnimeans. `what()` names the offending value.
class OMNIMEANS_API Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// An option or argument is out of its range, e.g. "n_clusters = 12 exceeds n_samples = 10".
class OMNIMEANS_API InvalidArgument : public Error {
 public:
  using Error::Error;
};

/// Two arguments do not fit together, e.g. centroids of 3 features for samples of 4.
class OMNIMEANS_API ShapeMismatch : public InvalidArgument {
 public:
  using InvalidArgument::InvalidArgument;
};

/// A value is NaN, infinite, or so large that squared distances overflow, e.g. "X[17][3] is NaN".
class OMNIMEANS_API NonFiniteValue : public InvalidArgument {
 public:
  using InvalidArgument::InvalidArgument;
};

/// No backend of that name; the message lists those there are.
class OMNIMEANS_API UnknownBackend : public InvalidArgument {
 public:
  using InvalidArgument::InvalidArgument;
};

/// No such instruction set, or one that this build or this CPU lacks.
class OMNIMEANS_API UnsupportedIsa : public InvalidArgument {
 public:
  using InvalidArgument::InvalidArgument;
};

/// The work needs more memory than `Options::memory_limit_bytes` (or than a size can express).
class OMNIMEANS_API MemoryLimitExceeded : public Error {
 public:
  using Error::Error;
};

/// A cluster lost its last sample under `EmptyClusterPolicy::error`.
class OMNIMEANS_API EmptyCluster : public Error {
 public:
  using Error::Error;
};

/// A file cannot be read or written, or its content is damaged; `byte_offset` says where (-1: not known).
class OMNIMEANS_API FileError : public Error {
 public:
  explicit FileError(const std::string& what, std::int64_t byte_offset = -1)
      : Error(what), byte_offset_(byte_offset) {}
  std::int64_t byte_offset() const noexcept { return byte_offset_; }

 private:
  std::int64_t byte_offset_;
};

}  // namespace omnimeans
