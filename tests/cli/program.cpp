// SPDX-License-Identifier: MIT
// Running the program; see program.hpp. Output goes to files, so that no pipe can fill up and block it.
#include "program.hpp"

#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <fcntl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "datasets/datasets.hpp"

namespace omnimeans::cli_test {
namespace fs = std::filesystem;
namespace {

std::string content_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

fs::path new_directory() {
  std::string name = (fs::temp_directory_path() / "omnimeans-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
  return name;
}

int open_or_exit(const std::string& path, int flags) {
  const int file = ::open(path.c_str(), flags, 0600);
  if (file < 0) ::_exit(127);
  return file;
}

/// In the child: does not return.
[[noreturn]] void become_program(const fs::path& directory, const Arguments& arguments,
                                 const RunOptions& options, const std::string& out, const std::string& err) {
  if (::chdir(directory.c_str()) != 0) ::_exit(127);
  ::unsetenv("OMNIMEANS_ISA");
  for (const auto& [name, value] : options.environment) ::setenv(name.c_str(), value.c_str(), 1);
  ::dup2(open_or_exit("/dev/null", O_RDONLY), STDIN_FILENO);
  ::dup2(open_or_exit(out, O_WRONLY | O_CREAT | O_TRUNC), STDOUT_FILENO);
  if (options.closed_pipe) {
    int ends[2];
    if (::pipe(ends) != 0) ::_exit(127);
    ::dup2(ends[1], STDOUT_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    ::signal(SIGPIPE, SIG_DFL);
  }
  ::dup2(open_or_exit(err, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY), STDERR_FILENO);
  if (options.pending_interrupt) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    ::raise(SIGINT);  // the mask and the waiting signal survive exec
  }
  std::vector<char*> argv = {const_cast<char*>(OMNIMEANS_PROGRAM)};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  ::execv(OMNIMEANS_PROGRAM, argv.data());
  ::_exit(127);
}

/// All that is written to the terminal of which `master` is our end, or a pipe, until its last writer has
/// closed it.
std::string read_terminal(int master) {
  std::string text;
  std::array<char, 4096> buffer;
  for (ssize_t got; (got = ::read(master, buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return text;
}

}  // namespace

ProgramTest::ProgramTest() : directory_(new_directory()) {}

ProgramTest::~ProgramTest() {
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

Outcome ProgramTest::run(const Arguments& arguments, const RunOptions& options) const {
  const fs::path captured = new_directory();
  const std::string out = options.stdout_path.empty() ? (captured / "out").string() : options.stdout_path;
  std::string err = (captured / "err").string();
  int master = -1;
  if (options.terminal_stderr) {
    master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || ::grantpt(master) != 0 || ::unlockpt(master) != 0)
      throw std::runtime_error("no terminal");
    err = ::ptsname(master);
  }
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("cannot fork");
  if (child == 0) become_program(directory_, arguments, options, out, err);

  Outcome outcome;
  if (!options.fifo.empty()) {
    const int reader =
        ::open(options.fifo.c_str(), O_RDONLY | O_CLOEXEC);  // waits until the program opens it
    ::kill(child, options.signal_at_fifo);
    read_terminal(reader);
    ::close(reader);
  }
  if (master >= 0) outcome.err = read_terminal(master);
  int status = 0;
  ::waitpid(child, &status, 0);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  if (master < 0) outcome.err = content_of(err);
  if (options.stdout_path.empty()) outcome.out = content_of(out);
  if (master >= 0) ::close(master);
  fs::remove_all(captured);
  return outcome;
}

std::string ProgramTest::run_well(const Arguments& arguments) const {
  const Outcome outcome = run(arguments);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  return outcome.out;
}

nlohmann::json ProgramTest::run_json(const Arguments& arguments) const {
  return nlohmann::json::parse(run_well(arguments));
}

void ProgramTest::write(const std::string& name, const std::string& content) const {
  std::ofstream(path(name), std::ios::binary) << content;
}

std::string ProgramTest::read(const std::string& name) const {
  return content_of(path(name));
}

nlohmann::json ProgramTest::read_json(const std::string& name) const {
  return nlohmann::json::parse(read(name));
}

std::map<std::string, std::string> ProgramTest::snapshot() const {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory_)) {
    const std::string name = fs::relative(entry.path(), directory_).string();
    files[name] = entry.is_directory() ? "directory" : content_of(entry.path());
  }
  return files;
}

Matrix<float> ProgramTest::blobs() {
  return datasets::generate<float>("blobs", {.n_samples = 600, .n_features = 5, .n_clusters = 6, .seed = 3});
}

}  // namespace omnimeans::cli_test
