// SPDX-License-Identifier: MIT
// fork(), threads of one's own, and other parallel regions. A child that waited for its parent's threads
// would never end: ctest's own limit ends such a test.
#include <gtest/gtest.h>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif

#include "core/compare.hpp"
#include "core/data.hpp"
#include "parallel.hpp"

#if defined(__has_feature)
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif

namespace {

#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)
constexpr bool address_sanitizer = true;
#else
constexpr bool address_sanitizer = false;
#endif

using omnimeans::Matrix;
using omnimeans::Predictor;
using omnimeans::Result;

const Matrix<float>& samples() {
  static const Matrix<float> data = blobs<float>(20'000, 16, 40, 3);
  return data;
}

Result<float> fit_with(int threads) {
  return omnimeans::fit(samples(), {.n_clusters = 40, .max_iter = 5, .threads = threads});
}

bool same(const Result<float>& a, const Result<float>& b) {
  return a.centroids == b.centroids && a.labels == b.labels && a.inertia == b.inertia;
}

/// What the child returns; a child that dies otherwise is -1.
template <class Body>
int in_child(Body&& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#if __has_include(<sys/single_threaded.h>)
// ctest gives every test a process of its own; in one process, others would have left threads behind.
TEST(Fork, AChildOfAParentWithoutThreadsMayStartSome) {
  if (__libc_single_threaded == 0) GTEST_SKIP() << "this process has had threads";
  const Result<float> expected = fit_with(1);
  // A daemon forks first and works later.
  EXPECT_EQ(in_child([&] { return omnimeans::may_start_threads() && same(fit_with(3), expected) ? 0 : 1; }),
            0);
}
#endif

TEST(Fork, AChildOfAParentWithThreadsWorksInOne) {
  const Result<float> expected = fit_with(3);
  const Predictor<float> predictor(expected.centroids);
  EXPECT_TRUE(omnimeans::may_start_threads());
  const auto child = [&] {
    if (omnimeans::may_start_threads()) return 1;
    if (!same(fit_with(3), expected)) return 2;
    if (predictor.predict(samples()) != expected.labels) return 3;
    // And its own child, who has one parent with a single thread.
    return in_child([&] { return !omnimeans::may_start_threads() && same(fit_with(2), expected) ? 0 : 4; });
  };
  EXPECT_EQ(in_child(child), 0);
  EXPECT_TRUE(omnimeans::may_start_threads());
  EXPECT_TRUE(same(fit_with(3), expected));
}

TEST(Fork, SomebodyElsesParallelRegionCountsAsWell) {
  int sum = 0;
#pragma omp parallel for num_threads(3) reduction(+ : sum)
  for (int i = 0; i < 300; ++i) sum += i;
  EXPECT_EQ(sum, 300 * 299 / 2);
  EXPECT_EQ(in_child([] { return fit_with(3).n_iter == 5 && !omnimeans::may_start_threads() ? 0 : 1; }), 0);
}

TEST(Fork, SeveralFitsAtOnceAndAForkAmongThem) {
  // The child waits for a lock that another thread held when it forked, now and then for ever.
  if (address_sanitizer)
    GTEST_SKIP() << "address sanitizers of g++ 12 and clang 14 do not hold their locks while a process forks";
  const Result<float> expected = fit_with(1);
  std::vector<int> failed(4, -1);
  std::vector<std::thread> callers;
  for (std::size_t caller = 0; caller < failed.size(); ++caller) {
    callers.emplace_back([&, caller] {
      const auto fits = [&] { return same(fit_with(static_cast<int>(caller)), expected) ? 0 : 1; };
      failed[caller] = caller == 3 ? in_child(fits) : fits();
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(failed, std::vector<int>(4, 0));
}

}  // namespace
