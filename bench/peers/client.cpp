// SPDX-License-Identifier: MIT
#include "bench/peers/client.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "bench/peers/openblas.hpp"

extern char** environ;

namespace omnimeans::peers {
namespace {

constexpr double kStartSeconds = 120;  // an interpreter that imports from a cold disk

/// Nobody's thread pool is larger than what is measured.
std::vector<std::string> environment(int threads) {
  static const std::array<std::string, 6> pools{"OMP_NUM_THREADS",        "OPENBLAS_NUM_THREADS",
                                                "MKL_NUM_THREADS",        "BLIS_NUM_THREADS",
                                                "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS"};
  std::vector<std::string> variables;
  for (char** entry = environ; *entry; ++entry) {
    const std::string variable = *entry;
    if (std::ranges::none_of(pools,
                             [&](const std::string& pool) { return variable.starts_with(pool + "="); }))
      variables.push_back(variable);
  }
  for (const std::string& pool : pools) variables.push_back(pool + "=" + std::to_string(threads));
  if (!std::getenv("OPENBLAS_CORETYPE")) {
    if (const std::string core = openblas_core(openblas_choice()); !core.empty())
      variables.push_back("OPENBLAS_CORETYPE=" + core);
  }
  variables.emplace_back("PYTHONDONTWRITEBYTECODE=1");
  return variables;
}

std::vector<std::string> command(const Peer& peer, int threads) {
  std::vector<std::string> words;
  if (peer.interpreter == "python") {
    const char* chosen = std::getenv("OMNIMEANS_PYTHON_COMMAND");
    // Debian's packages belong to the system's Python, not to another one earlier in the PATH.
    words = {chosen ? chosen : std::filesystem::exists("/usr/bin/python3") ? "/usr/bin/python3" : "python3"};
  } else if (peer.interpreter == "R") {
    words = {"Rscript", "--vanilla"};
  }
  words.push_back(peer.path);
  words.push_back(std::to_string(threads));
  std::istringstream more(peer.words);
  for (std::string word; more >> word;) words.push_back(word);
  return words;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> list;
  for (std::string& word : words) list.push_back(word.data());
  list.push_back(nullptr);
  return list;
}

/// Starts a program that ends with this one: a worker that is stopped between its requests would not see the
/// end of its input. -1 where there is no such program.
pid_t spawn(std::vector<std::string>& words, std::vector<std::string>& variables, int input, int output) {
  const auto arguments = pointers(words), values = pointers(variables);
  std::array<int, 2> failure{};  // closed by a successful exec
  if (::pipe2(failure.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  const pid_t parent = ::getpid(), child = ::fork();
  if (child == 0) {  // only what may be called between fork and exec
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() == parent && ::dup2(input, STDIN_FILENO) >= 0 && ::dup2(output, STDOUT_FILENO) >= 0)
      ::execvpe(arguments[0], arguments.data(), values.data());
    [[maybe_unused]] const auto told = ::write(failure[1], "x", 1);
    ::_exit(127);
  }
  ::close(failure[1]);
  char failed = 0;
  ssize_t got = -1;
  do {
    got = ::read(failure[0], &failed, 1);
  } while (got < 0 && errno == EINTR);
  ::close(failure[0]);
  if (child > 0 && got == 1) ::waitpid(child, nullptr, 0);
  return got == 1 ? -1 : child;
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

SharedFloats::SharedFloats(std::span<const float> values)
    : file_(::memfd_create("omnimeans", MFD_CLOEXEC)),
      path_("/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(file_)) {
  if (file_ < 0) throw std::runtime_error(std::string("no file in memory: ") + std::strerror(errno));
  std::ofstream out(path_, std::ios::binary);
  out.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size_bytes()));
  if (!out.flush()) {
    ::close(file_);
    throw std::runtime_error("cannot write " + std::to_string(values.size_bytes()) + " bytes in memory");
  }
}

SharedFloats::~SharedFloats() {
  ::close(file_);
}

std::vector<float> SharedFloats::read(std::size_t count) const {
  std::vector<float> values(count);
  std::ifstream in(path_, std::ios::binary);
  in.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(count * sizeof(float)));
  if (!in) throw std::runtime_error("cannot read " + path_);
  return values;
}

std::string in_seconds(double seconds) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3g s", seconds);
  return text.data();
}

Worker::Worker(const Peer& peer, int threads) : peer_(peer), threads_(threads) {
  ::signal(SIGPIPE, SIG_IGN);  // a worker that died is told by its answer that does not come
  start();
}

Worker::~Worker() {
  stop();
}

void Worker::start() {
  std::array<int, 2> down{}, up{};
  // Not inherited by the other workers, else none would see the end of its input.
  if (::pipe2(down.data(), O_CLOEXEC) != 0 || ::pipe2(up.data(), O_CLOEXEC) != 0)
    throw std::runtime_error("no pipe");
  auto words = command(peer_, threads_), variables = environment(threads_);
  pid_ = spawn(words, variables, down[0], up[1]);
  ::close(down[0]);
  ::close(up[1]);
  to_ = down[1];
  from_ = up[0];
  pending_.clear();
  if (pid_ < 0) {
    stop();
    throw std::runtime_error("no program " + words[0]);
  }
  const std::string hello = read_line(kStartSeconds);
  std::istringstream fields(hello);
  std::string ready;
  std::getline(fields, ready, '\t');
  if (ready != "ready") {
    stop();
    std::string what;
    if (ready == "missing" && std::getline(fields, what)) throw std::runtime_error("not installed: " + what);
    throw std::runtime_error("said \"" + hello + "\"");
  }
  std::getline(fields, version_, '\t');
  std::getline(fields, build_, '\t');
  std::getline(fields, marks_, '\t');
}

void Worker::stop() {
  if (to_ >= 0) ::close(to_);
  if (from_ >= 0) ::close(from_);
  to_ = from_ = -1;
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  pid_ = -1;
}

void Worker::died() {
  int status = 0;
  std::string how = "it died";
  if (pid_ > 0 && ::waitpid(pid_, &status, 0) == pid_) {
    if (WIFSIGNALED(status)) how += ": " + std::string(::strsignal(WTERMSIG(status)));
    if (WIFEXITED(status)) how += " with exit code " + std::to_string(WEXITSTATUS(status));
    pid_ = -1;
  }
  stop();
  throw std::runtime_error(how);
}

std::string Worker::read_line(double seconds) {
  const double end = now() + seconds;
  for (;;) {
    if (const auto at = pending_.find('\n'); at != pending_.npos) {
      const std::string line = pending_.substr(0, at);
      pending_.erase(0, at + 1);
      return line;
    }
    const double left = end - now();
    pollfd waiting{from_, POLLIN, 0};
    const int ready = left > 0 ? ::poll(&waiting, 1, static_cast<int>(left * 1000) + 1) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) {
      stop();
      throw TooSlow{"not done after " + in_seconds(seconds)};
    }
    std::array<char, 4096> buffer{};
    const ssize_t got = ::read(from_, buffer.data(), buffer.size());
    if (got <= 0) died();
    pending_.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

Reply Worker::fit(const std::string& request, double limit_seconds, double patience_seconds,
                  const SharedFloats& result) {
  if (pid_ < 0) start();
  ::kill(pid_, SIGCONT);
  std::ostringstream text;
  text << request << ' ' << limit_seconds << ' ' << result.path() << '\n';
  const std::string line = text.str();
  if (::write(to_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) died();
  std::istringstream answer(read_line(patience_seconds));
  // Threads of its pool that still spin would take the processor from the next one.
  ::kill(pid_, SIGSTOP);
  std::string verdict;
  answer >> verdict;
  Reply reply;
  if (verdict == "ok" && answer >> reply.seconds >> reply.conversion_seconds >> reply.n_iter >>
                             reply.peak_bytes >> reply.used_samples)
    return reply;
  std::string rest;
  std::getline(answer >> std::ws, rest);
  if (verdict == "slow") throw TooSlow{"it would take some " + in_seconds(std::atof(rest.c_str()))};
  throw std::runtime_error(verdict == "error" ? rest : "said \"" + verdict + " " + rest + "\"");
}

bool Worker::marked(const std::string& word) const {
  std::istringstream words(marks_);
  for (std::string mark; words >> mark;) {
    if (mark == word) return true;
  }
  return false;
}

}  // namespace omnimeans::peers
