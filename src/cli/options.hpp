// SPDX-License-Identifier: MIT
// Option values, read strictly, and the options that several subcommands have. CLI11 converts numbers with
// strtoull, for which "-5" is a huge count, "010" is eight and an overflow is silent; here each of them is an
// error.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "io/io.hpp"

namespace omnimeans::cli {

struct CountRange {
  std::uint64_t least = 0;
  std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
};

/// A whole decimal number in `range`.
CLI::Option* add_count(CLI::App& app, const std::string& flags, std::uint64_t& value, CountRange range,
                       const std::string& help);

/// A finite number >= 0, or > 0 if `positive`.
CLI::Option* add_real(CLI::App& app, const std::string& flags, double& value, bool positive,
                      const std::string& help);

/// Bytes: a whole number and, if wanted, a unit of 1024: K, M, G or T ("512M", "4G", "4GiB").
CLI::Option* add_bytes(CLI::App& app, const std::string& flags, std::uint64_t& value,
                       const std::string& help);

/// One of `choices`.
CLI::Option* add_choice(CLI::App& app, const std::string& flags, std::string& value,
                        const std::vector<std::string>& choices, const std::string& help);

/// A path that is not empty.
CLI::Option* add_path(CLI::App& app, const std::string& flags, std::filesystem::path& value,
                      const std::string& help);

/// --threads and --isa.
struct ComputeOptions {
  std::uint64_t threads = 0;
  std::string isa;

  void add_to(CLI::App& app);
  /// Throws UnsupportedIsa, for the option and for the environment's OMNIMEANS_ISA.
  void check() const;
};

/// --dtype, --delimiter and --header.
struct InputOptions {
  std::string dtype;  ///< "f32", "f64"; empty: the file's
  std::optional<char> delimiter;
  std::string header = "auto";

  void add_to(CLI::App& app);
  std::optional<io::DType> wanted_dtype() const;
  io::CsvOptions csv() const;       ///< of DATA
  io::CsvOptions side_csv() const;  ///< of weights and centroids, whose first lines tell by themselves
  /// Throws UsageError where --delimiter or --header are given and none of `inputs` is a text file.
  void check(const std::vector<std::filesystem::path>& inputs) const;
};

/// In lower case, as io compares it: ".npy".
std::string extension_of(const std::filesystem::path& path);

}  // namespace omnimeans::cli
