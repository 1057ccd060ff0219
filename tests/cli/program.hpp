// SPDX-License-Identifier: MIT
// Runs the program in a directory of its own and says what came of it.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "omnimeans/matrix_view.hpp"

namespace omnimeans::cli_test {

using Arguments = std::vector<std::string>;

struct Outcome {
  int status = -1;  ///< exit status; -signal if a signal ended it
  std::string out, err;
};

struct RunOptions {
  std::vector<std::pair<std::string, std::string>> environment = {};
  std::string stdout_path = {};  ///< instead of capturing it
  bool closed_pipe = false;      ///< stdout is a pipe that nobody reads any more
  std::string fifo = {};         ///< a pipe that it writes: opened, then the signal is sent, then it is read
  int signal_at_fifo = 0;
  bool pending_interrupt = false;  ///< start with a SIGINT that is blocked and waits
  bool terminal_stderr = false;    ///< stderr is a terminal; the outcome's `err` is what it showed
};

/// A test with an empty directory, in which the program runs.
class ProgramTest : public ::testing::Test {
 protected:
  ProgramTest();
  ~ProgramTest() override;

  Outcome run(const Arguments& arguments, const RunOptions& options = {}) const;
  /// As run, and expects success with nothing on stderr.
  std::string run_well(const Arguments& arguments) const;
  nlohmann::json run_json(const Arguments& arguments) const;

  std::filesystem::path path(const std::string& name) const { return directory_ / name; }
  void write(const std::string& name, const std::string& content) const;
  std::string read(const std::string& name) const;
  nlohmann::json read_json(const std::string& name) const;
  /// Name and content of all files.
  std::map<std::string, std::string> snapshot() const;

  /// blobs of 600 x 5 with 6 components.
  static Matrix<float> blobs();

 private:
  std::filesystem::path directory_;
};

}  // namespace omnimeans::cli_test
