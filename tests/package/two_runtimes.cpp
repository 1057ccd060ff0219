// SPDX-License-Identifier: MIT
// Compiled with clang's OpenMP, linked to a library that brings libgomp: regions of both, one after the
// other, from several threads at once, and in a child of fork().
#include <cstdio>
#include <omnimeans/omnimeans.hpp>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace {

omnimeans::Result<float> fit(const omnimeans::Matrix<float>& points) {
  return omnimeans::fit(points, {.n_clusters = 30, .max_iter = 4, .threads = 3});
}

long region() {
  long sum = 0;
#pragma omp parallel for num_threads(3) reduction(+ : sum)
  for (int i = 0; i < 1000; ++i) sum += i;
  return sum;
}

}  // namespace

int main() {
  omnimeans::Matrix<float> points(20000, 8);
  unsigned state = 1;
  for (std::size_t i = 0; i < points.rows(); ++i) {
    for (float& value : points.row(i))
      value = static_cast<float>((state = state * 1664525u + 1013904223u) >> 8);
  }
  const auto first = fit(points);
  bool good = region() == 499500;
  std::vector<std::thread> callers;
  bool same[3] = {};
  for (bool& one : same) {
    callers.emplace_back([&] { one = region() == 499500 && fit(points).labels == first.labels; });
  }
  for (std::thread& caller : callers) caller.join();
  good = good && same[0] && same[1] && same[2];
  const pid_t child = fork();
  if (child == 0) _exit(fit(points).labels == first.labels ? 0 : 1);
  int status = 1;
  waitpid(child, &status, 0);
  good = good && status == 0;
  if (!good) std::puts("two runtimes: bad");
  return good ? 0 : 1;
}
