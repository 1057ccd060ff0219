// SPDX-License-Identifier: MIT
// The program `omnimeans`: parses the command line, runs one subcommand, turns any error into one line on
// stderr.
#include <algorithm>
#include <iostream>
#include <new>
#include <string>
#include <vector>

#include "cli/cli.hpp"
#include "omnimeans/error.hpp"
#include "omnimeans/version.hpp"

namespace {

using namespace omnimeans;
using namespace omnimeans::cli;

int fail(std::string message, int status) {
  std::replace(message.begin(), message.end(), '\n', ' ');
  std::cerr << "omnimeans: error: " << message << '\n';
  return status;
}

std::string help_hint(const CLI::App& program) {
  const auto parsed = program.get_subcommands();
  return " (see: omnimeans " + (parsed.empty() ? "" : parsed.front()->get_name() + ' ') + "--help)";
}

std::string names_of(const std::vector<Command>& commands) {
  std::string names;
  for (const Command& command : commands) names += (names.empty() ? "" : ", ") + command.app->get_name();
  return names;
}

/// The status, unless what was printed got lost.
int flushed(int status) {
  return std::cout.flush() ? status : fail("cannot write to standard output", exit_data);
}

int run(const std::vector<Command>& commands) {
  for (const Command& command : commands) {
    if (!command.app->parsed()) continue;
    return flushed(command.run());
  }
  throw UsageError("a subcommand is required: " + names_of(commands));
}

int guarded_main(int argc, char** argv) {
  CLI::App program("K-means: many exact backends, one interface.", "omnimeans");
  program.set_version_flag("--version", std::string("omnimeans ") + OMNIMEANS_VERSION);
  program.require_subcommand(0, 1);  // none is an error of our own: a mistyped name should be named
  program.get_formatter()->column_width(34);
  program.footer(
      "Examples:\n"
      "  omnimeans generate blobs data.npy --n 100000 --d 16 --k 50\n"
      "  omnimeans fit data.npy -k 50 --centroids centroids.npy --labels labels.npy\n"
      "  omnimeans predict data.npy --centroids centroids.npy --labels again.npy\n"
      "\n"
      "Exit status: 0 done; 1 a file or its content is at fault; 2 the command line is at fault;\n"
      "130 a fit was interrupted (its outputs are written). Options of a subcommand: omnimeans fit --help");

  const std::vector<Command> commands = {add_fit_command(program), add_predict_command(program),
                                         add_generate_command(program), add_backends_command(program),
                                         add_info_command(program)};
  const auto is_called = [&](const Command& command) { return command.app->get_name() == argv[1]; };
  if (argc > 1 && argv[1][0] != '-' && std::ranges::none_of(commands, is_called)) {
    return fail("no subcommand is called '" + std::string(argv[1]) + "'; there are " + names_of(commands) +
                    help_hint(program),
                exit_usage);
  }
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return flushed(program.exit(e));  // --help, --version
    return fail(e.what() + help_hint(program), exit_usage);
  }

  try {
    return run(commands);
  } catch (const UsageError& e) {
    return fail(e.what() + help_hint(program), exit_usage);
  } catch (const UnknownBackend& e) {
    return fail(e.what(), exit_usage);
  } catch (const UnsupportedIsa& e) {
    return fail(e.what(), exit_usage);
  } catch (const std::bad_alloc&) {
    return fail("out of memory", exit_data);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return guarded_main(argc, argv);
  } catch (const std::exception& e) {
    return fail(e.what(), exit_data);
  }
}
