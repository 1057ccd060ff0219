// SPDX-License-Identifier: MIT
// Output files are checked before any work is done, so that a long fit does not end at a path that cannot be
// written.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "io/io.hpp"

namespace omnimeans::cli {

class OutputPlan {
 public:
  /// A file that is read; no output may replace it. An empty path is none.
  void input(const std::filesystem::path& path);
  /// A file that `option` asks for. `extensions`: those that say how to write it; empty: any. An empty path
  /// is none. Throws UsageError naming the option, the path and the fix: unknown extension, no such
  /// directory, a directory in its place, not writable, the same file as an input or as another output.
  void output(const std::string& option, const std::filesystem::path& path,
              const std::vector<std::string>& extensions = {});

 private:
  struct Taken {
    std::string what;
    std::filesystem::path resolved;
  };
  std::vector<Taken> taken_;
};

/// What io::write_matrix writes for any values, and what io::write_labels writes.
const std::vector<std::string>& matrix_extensions();
const std::vector<std::string>& label_extensions();

/// Throws UsageError if `path` is .fvecs, which holds f32, and `dtype` is not "f32".
void check_dtype_fits(const std::string& option, const std::filesystem::path& path, const std::string& dtype);

/// To standard output.
void print_json(const nlohmann::ordered_json& json);

/// Adds it to `files`; an empty path and "-" (standard output) are none.
void write_json(io::OutputFiles& files, const std::filesystem::path& path,
                const nlohmann::ordered_json& json);

}  // namespace omnimeans::cli
