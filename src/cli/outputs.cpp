// SPDX-License-Identifier: MIT
// Checks on output paths; see outputs.hpp.
#include "cli/outputs.hpp"

#include <algorithm>
#include <iostream>

#include <unistd.h>

#include "cli/cli.hpp"
#include "cli/options.hpp"
#include "omnimeans/error.hpp"

namespace omnimeans::cli {
namespace fs = std::filesystem;
namespace {

/// A path in it may hold bytes that are not UTF-8: they are replaced.
std::string text_of(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace

void OutputPlan::input(const fs::path& path) {
  if (path.empty()) return;
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  const fs::path found = error ? path : fs::weakly_canonical(absolute, error);
  taken_.push_back({"the input", error ? path : found});
}

void OutputPlan::output(const std::string& option, const fs::path& path,
                        const std::vector<std::string>& extensions) {
  if (path.empty()) return;
  const auto reject = [&](const std::string& why) {
    throw UsageError(option + " " + path.string() + ": " + why);
  };

  const std::string extension = extension_of(path);
  if (!extensions.empty() && std::find(extensions.begin(), extensions.end(), extension) == extensions.end()) {
    reject("the name must end in " + CLI::detail::join(extensions, ", "));
  }

  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::exists(status) && !fs::is_directory(status) && !fs::is_regular_file(status)) {
    if (::access(path.c_str(), W_OK) != 0) reject("is not writable");
    return;  // devices and pipes are written to as they are
  }
  fs::path full;
  try {
    full = io::file_behind(path);
  } catch (const FileError& e) {
    throw UsageError(option + ' ' + e.what());
  }
  if (fs::is_directory(status)) reject("is a directory; name a file in it");
  if (fs::exists(status) && ::access(full.c_str(), W_OK) != 0) reject("is not writable");
  const fs::path directory = full.parent_path();
  if (!fs::is_directory(directory, error)) reject("there is no directory " + directory.string());
  if (::access(directory.c_str(), W_OK | X_OK) != 0) reject("its directory is not writable");
  for (const Taken& other : taken_) {
    if (other.resolved == full) reject("is the same file as " + other.what + "; choose another name");
  }
  taken_.push_back({option, full});
}

const std::vector<std::string>& matrix_extensions() {
  static const std::vector<std::string> extensions = {".npy", ".fvecs", ".csv", ".tsv", ".txt"};
  return extensions;
}

const std::vector<std::string>& label_extensions() {
  static const std::vector<std::string> extensions = {".npy", ".csv", ".tsv", ".txt"};
  return extensions;
}

void check_dtype_fits(const std::string& option, const fs::path& path, const std::string& dtype) {
  if (extension_of(path) == ".fvecs" && dtype != "f32") {
    throw UsageError(option + " " + path.string() + ": .fvecs holds f32 and the values are " + dtype +
                     "; choose .npy or --dtype f32");
  }
}

void print_json(const nlohmann::ordered_json& json) {
  std::cout << text_of(json);
}

void write_json(io::OutputFiles& files, const fs::path& path, const nlohmann::ordered_json& json) {
  if (path.empty() || path == "-") return;
  files.add(path, [&](std::ostream& out) { out << text_of(json); });
}

}  // namespace omnimeans::cli
