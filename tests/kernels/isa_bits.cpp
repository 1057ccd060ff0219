// SPDX-License-Identifier: MIT
// Prints the instruction set and, for a few small problems, hashes of what fit() returns under it. The first
// line differs between machines; the others must not: scripts/check_isas.py compares them between instruction
// sets, compilers, emulated CPUs and architectures.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "core/data.hpp"
#include "core/random.hpp"
#include "omnimeans/omnimeans.hpp"

namespace {

using omnimeans::Matrix;

/// FNV-1a over the bytes of the values, little end first.
class Hash {
 public:
  void add(std::uint64_t bits, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i) {
      value_ = (value_ ^ ((bits >> (8 * i)) & 0xff)) * 0x100000001b3u;
    }
  }
  void add(float value) { add(std::bit_cast<std::uint32_t>(value), 4); }
  void add(double value) { add(std::bit_cast<std::uint64_t>(value), 8); }
  void add(std::int32_t value) { add(static_cast<std::uint32_t>(value), 4); }
  unsigned long long value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325u;
};

template <class T>
void print(const char* problem, const std::string& backend, const omnimeans::Result<T>& result) {
  Hash labels, centroids;
  for (const std::int32_t label : result.labels) labels.add(label);
  for (std::size_t i = 0; i < result.centroids.rows() * result.centroids.cols(); ++i) {
    centroids.add(result.centroids.data()[i]);
  }
  std::printf("%-10s f%zu %-10s labels %016llx centroids %016llx inertia %016llx n_iter %zu\n", problem,
              8 * sizeof(T), backend.c_str(), labels.value(), centroids.value(),
              static_cast<unsigned long long>(std::bit_cast<std::uint64_t>(result.inertia)), result.n_iter);
}

/// By every exact backend but the plain ones, which no instruction set touches and an emulator is slow at.
template <class T>
void run(const char* problem, const Matrix<T>& samples, std::size_t n_clusters,
         const std::vector<T>& weights = {}) {
  for (const std::string& backend : exact_backends()) {
    if (backend == "openmp") continue;
    const omnimeans::Options options{
        .n_clusters = n_clusters, .max_iter = 12, .tol = 0, .seed = 5, .threads = 2, .backend = backend};
    print(problem, backend, omnimeans::fit(samples, options, {.sample_weights = weights}));
  }
}

/// Points of a small grid: most distances tie.
template <class T>
Matrix<T> grid(std::size_t n, std::size_t d) {
  Random random(3);
  Matrix<T> samples(n, d);
  for (std::size_t i = 0; i < n * d; ++i) samples.data()[i] = static_cast<T>(random.below(3));
  return samples;
}

template <class T>
Matrix<T> moved(Matrix<T> samples, T factor, T offset) {
  for (std::size_t i = 0; i < samples.rows() * samples.cols(); ++i) {
    samples.data()[i] = samples.data()[i] * factor + offset;
  }
  return samples;
}

template <class T>
void run_all() {
  run("blobs", blobs<T>(500, 17, 9, 1), 13);
  run("narrow", blobs<T>(700, 2, 9, 2), 37);
  run("wide", blobs<T>(150, 300, 5, 3), 7);
  run("ties", grid<T>(600, 5), 19);
  run("offset", moved(blobs<T>(400, 8, 6, 4), T(1), T(1e5)), 11);
  run("tiny", moved(blobs<T>(400, 3, 6, 5), T(1e-30), T(0)), 6);
  run("huge", moved(blobs<T>(400, 3, 6, 6), T(1e18), T(0)), 6);
  Random random(7);
  std::vector<T> weights(500);
  for (T& weight : weights) weight = static_cast<T>(static_cast<double>(random.below(5)) * 0.37);
  run("weights", blobs<T>(500, 10, 9, 8), 12, weights);
}

}  // namespace

int main() {
  try {
    std::printf("isa %s\n", std::string(to_string(omnimeans::default_isa())).c_str());
    run_all<float>();
    run_all<double>();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "isa_bits: %s\n", error.what());
    return 1;
  }
}
