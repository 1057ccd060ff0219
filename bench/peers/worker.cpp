// SPDX-License-Identifier: MIT
// The loop of a worker; see worker.hpp.
#include "bench/peers/worker.hpp"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>

namespace omnimeans::peers {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// A file of floats, mapped: its pages are shared by all workers.
class Floats {
 public:
  Floats(const std::string& path, std::size_t count) : bytes_(count * sizeof(float)) {
    std::FILE* file = std::fopen(path.c_str(), "rb");
    if (!file) throw std::runtime_error("cannot read " + path);
    // Populated, so that no first touch falls into a time.
    data_ = ::mmap(nullptr, bytes_, PROT_READ, MAP_SHARED | MAP_POPULATE, ::fileno(file), 0);
    std::fclose(file);
    if (data_ == MAP_FAILED) throw std::runtime_error("cannot map " + path);
  }
  ~Floats() { ::munmap(data_, bytes_); }
  Floats(const Floats&) = delete;
  Floats& operator=(const Floats&) = delete;
  std::span<const float> span() const { return {static_cast<const float*>(data_), bytes_ / sizeof(float)}; }

 private:
  std::size_t bytes_;
  void* data_;
};

/// VmRSS or VmHWM of this process, in bytes.
long memory_field(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name)) return std::strtol(line.c_str() + name.size() + 1, nullptr, 10) * 1024;
  }
  return -1;
}

/// Starts the high-water mark anew; returns what is resident. -1 where the kernel does not know how.
long reset_peak() {
  ::malloc_trim(0);
  std::ofstream clear("/proc/self/clear_refs");
  clear << 5 << std::flush;
  return clear ? memory_field("VmRSS:") : -1;
}

struct Request {
  std::string samples, centroids, mode, result;
  std::size_t n = 0, d = 0, k = 0, max_iter = 0;
  double tol = 0, limit = 0;
};

Request parse(const std::string& line) {
  std::istringstream words(line);
  std::string verb;
  Request r;
  words >> verb >> r.samples >> r.n >> r.d >> r.centroids >> r.k >> r.max_iter >> r.tol >> r.mode >>
      r.limit >> r.result;
  if (!words || verb != "fit" || (r.mode != "given" && r.mode != "own"))
    throw std::runtime_error("not a request: " + line);
  return r;
}

/// Seconds that `work` takes.
template <class Work>
double timed(const Work& work) {
  const double start = now();
  work();
  return now() - start;
}

/// Warms the adapter up. What `max_iter` iterations will take: one call's set-up is paid once, and bounds
/// make later iterations cheaper, so that where one iteration says "too long" three are asked.
double expected_seconds(Adapter& adapter, std::size_t max_iter, double limit) {
  const double rest = static_cast<double>(max_iter) - 1;
  double once = 0;
  for (int attempt = 0; attempt < 2; ++attempt) {  // the first may start threads
    once = timed([&] { adapter.given(1); });
    if (once * (1 + rest) <= limit) return once * (1 + rest);
  }
  if (once > limit / 2 || max_iter <= 3) return once * (1 + rest);
  const double three = timed([&] { adapter.given(3); });
  return once + rest * std::max(0.0, three - once) / 2;
}

/// Seconds. A fit that takes less is done once more, and that counts: else a first touch of memory that one
/// iteration leaves alone would be a good part of what is measured.
constexpr double kShort = 0.05;

std::string answer(const Request& r, int threads, const Make& make) {
  const Floats samples(r.samples, r.n * r.d), centroids(r.centroids, r.k * r.d);
  const long before = reset_peak();
  const double start = now();
  const auto adapter = make({.samples = samples.span(),
                             .centroids = centroids.span(),
                             .n = r.n,
                             .d = r.d,
                             .k = r.k,
                             .tol = r.tol,
                             .threads = threads});
  const double conversion = now() - start;
  reset_peak();  // what a conversion took in between is not the library's

  std::ostringstream text;
  text.precision(17);
  if (r.limit > 0) {
    if (r.mode == "own") {
      adapter->given(1);
    } else if (const double expected = expected_seconds(*adapter, r.max_iter, r.limit); expected > r.limit) {
      text << "slow " << expected;
      return text.str();
    }
  }

  Answer fitted;
  const auto fit = [&] { fitted = r.mode == "own" ? adapter->own() : adapter->given(r.max_iter); };
  double seconds = timed(fit);
  if (seconds < kShort) seconds = timed(fit);
  const long peak = before < 0 ? -1 : memory_field("VmHWM:") - before;
  if (fitted.centroids.size() != r.k * r.d) throw std::runtime_error("not k centroids");
  std::ofstream result(r.result, std::ios::binary);
  result.write(reinterpret_cast<const char*>(fitted.centroids.data()),
               static_cast<std::streamsize>(fitted.centroids.size() * sizeof(float)));
  if (!result.flush()) throw std::runtime_error("cannot write " + r.result);
  text << "ok " << seconds << ' ' << conversion << ' ' << fitted.n_iter << ' ' << peak << ' '
       << fitted.used_samples;
  return text.str();
}

std::string one_line(std::string text) {
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return text;
}

}  // namespace

int serve(int argc, char** argv, const About& about, const Make& make) {
  // What a library prints goes to stderr; the answers keep the standard output to themselves.
  std::FILE* out = ::fdopen(::dup(STDOUT_FILENO), "w");
  if (!out || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) return 1;
  const auto say = [out](const std::string& text) {
    std::fprintf(out, "%s\n", one_line(text).c_str());
    std::fflush(out);
  };
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
  say("ready\t" + about.version + "\t" + about.build + "\t" + about.marks);
  for (std::string line; std::getline(std::cin, line);) {
    try {
      say(answer(parse(line), threads, make));
    } catch (const std::exception& error) {
      say(std::string("error ") + error.what());
    }
  }
  return 0;
}

std::vector<double> as_doubles(std::span<const float> values) {
  return {values.begin(), values.end()};
}

std::vector<float> as_floats(std::span<const double> values) {
  std::vector<float> floats(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) floats[i] = static_cast<float>(values[i]);
  return floats;
}

}  // namespace omnimeans::peers
