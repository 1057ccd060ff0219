// SPDX-License-Identifier: MIT
// What the subcommands of the program share: exit statuses, the error of a wrong command line, how main()
// knows them.
#pragma once

#include <functional>
#include <stdexcept>

#include <CLI/CLI.hpp>

namespace omnimeans::cli {

inline constexpr int exit_done = 0;
inline constexpr int exit_data = 1;           ///< a file or its content is at fault
inline constexpr int exit_usage = 2;          ///< an option is at fault, alone or for these data
inline constexpr int exit_interrupted = 130;  ///< Ctrl-C; the outputs asked for were written

/// An option is at fault: alone, or for the data it was given with. Ends the program with exit_usage.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A subcommand: its options (parsed into variables that `run` owns) and what it does. `run` returns the exit
/// status.
struct Command {
  CLI::App* app;
  std::function<int()> run;
};

// One file a subcommand.
Command add_fit_command(CLI::App& program);
Command add_predict_command(CLI::App& program);
Command add_generate_command(CLI::App& program);
Command add_backends_command(CLI::App& program);
Command add_info_command(CLI::App& program);

}  // namespace omnimeans::cli
