// SPDX-License-Identifier: MIT
// What an adapter to another library is: a program of its own that answers requests on its standard input, so
// that no library's threads, allocator or crash reaches another's figures. An adapter writes the class,
// serve() is its main(); worker.py is the same for Python, r_kmeans.R for R, client.cpp the other end.
//
// One request a line, one answer a line:
//   fit SAMPLES n d CENTROIDS k MAX_ITER TOL given|own LIMIT RESULT
//   ok SECONDS CONVERSION_SECONDS ITERATIONS PEAK_BYTES USED_SAMPLES | slow SECONDS | error TEXT
// SAMPLES and CENTROIDS are files of row-major float32; the final centroids are written to RESULT in the same
// form. LIMIT is in seconds: a fit from given centroids that would take longer, as its first three iterations
// tell, is answered by "slow" and what it would take; 0: no limit, and no warm-up either, because the caller
// has tried a part. USED_SAMPLES is how many the library looked at, 0 for all. Before the first request a
// worker says: ready VERSION BUILD MARKS, separated by tabs; or, where its library is not installed, missing
// WHY. Marks are words:
//   labels       takes the labels that the given centroids imply, not the centroids
//   own-start    cannot be given a start at all
//   float64      computes in double: the samples are converted (that time is told apart)
//   approximate  does not look at all samples in every iteration
//   ours         this project
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace omnimeans::peers {

struct Task {
  std::span<const float> samples;    ///< n x d
  std::span<const float> centroids;  ///< k x d, the given start
  std::size_t n = 0, d = 0, k = 0;
  double tol = 0;
  int threads = 1;
};

struct Answer {
  std::vector<float> centroids;  ///< k x d
  long n_iter = -1;              ///< iterations done; -1: the library does not tell
  std::size_t used_samples = 0;  ///< where the library draws a sample of them; 0: all
};

/// Made anew for every request. The constructor converts the samples where the library needs them otherwise.
class Adapter {
 public:
  virtual ~Adapter() = default;
  /// From the given centroids, `max_iter` iterations, Task::tol. Called several times: a warm-up with one
  /// iteration first, a short fit once more.
  virtual Answer given(std::size_t max_iter) = 0;
  /// With the library's own seeding, stopping rule and limit of iterations; one start.
  virtual Answer own() = 0;
};

struct About {
  std::string version;
  std::string build;  ///< who compiled it, with what
  std::string marks = {};
};

using Make = std::function<std::unique_ptr<Adapter>(const Task&)>;

/// main() of a worker; argv[1] is the number of threads. Returns the exit code.
int serve(int argc, char** argv, const About& about, const Make& make);

template <class A>
int serve(int argc, char** argv, const About& about) {
  return serve(argc, argv, about, [](const Task& task) { return std::make_unique<A>(task); });
}

/// The samples as doubles, for libraries that know nothing else.
std::vector<double> as_doubles(std::span<const float> values);
std::vector<float> as_floats(std::span<const double> values);

}  // namespace omnimeans::peers
