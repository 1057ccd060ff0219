// SPDX-License-Identifier: MIT
// Blocks shared out between threads: each is done once, by the same thread as before unless that one is late.
#include "parallel.hpp"

#include <gtest/gtest.h>
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <stdexcept>
#include <vector>

namespace {

using omnimeans::parallel_blocks;
using omnimeans::SharedBlocks;

std::vector<std::size_t> taken_by(SharedBlocks& blocks, std::size_t thread, std::size_t most) {
  std::vector<std::size_t> taken;
  for (std::size_t block; taken.size() < most && blocks.take(thread, block);) taken.push_back(block);
  return taken;
}

TEST(SharedBlocks, ThreadsTakeNeighboursInOrder) {
  SharedBlocks blocks(10, 3);
  EXPECT_EQ(taken_by(blocks, 1, 3), (std::vector<std::size_t>{3, 4, 5}));
  EXPECT_EQ(taken_by(blocks, 0, 3), (std::vector<std::size_t>{0, 1, 2}));
  EXPECT_EQ(taken_by(blocks, 2, 5), (std::vector<std::size_t>{6, 7, 8, 9}));
}

TEST(SharedBlocks, WhoIsDoneTakesTheLastOfAnother) {
  SharedBlocks blocks(8, 2);
  EXPECT_EQ(taken_by(blocks, 0, 1), (std::vector<std::size_t>{0}));
  EXPECT_EQ(taken_by(blocks, 1, 6), (std::vector<std::size_t>{4, 5, 6, 7, 3, 2}));
  EXPECT_EQ(taken_by(blocks, 0, 9), (std::vector<std::size_t>{1}));
  EXPECT_TRUE(taken_by(blocks, 1, 1).empty());
}

TEST(SharedBlocks, OfMoreThreadsThanPartsEachFindsAll) {
  for (const std::size_t thread : {0u, 1u, 99u, 199u}) {
    SharedBlocks blocks(301, 200);
    std::vector<int> times(301, 0);
    for (const std::size_t block : taken_by(blocks, thread, 1000)) ++times.at(block);
    EXPECT_EQ(times, std::vector<int>(301, 1)) << "thread " << thread;
  }
}

TEST(ParallelBlocks, EachBlockOnceWhateverTheNumberOfThreads) {
  for (const int threads : {1, 2, 3, 4, 7, 70}) {
    for (const std::size_t n_blocks : {0u, 1u, 2u, 5u, 64u, 1000u, 20'000u}) {
      std::vector<std::atomic<int>> times(n_blocks);
      const int team = omnimeans::useful_threads(threads, n_blocks);
      std::atomic<bool> in_team{true};
      parallel_blocks(threads, n_blocks, [&](std::size_t block, int thread) {
        ++times[block];
        if (thread < 0 || thread >= std::max(team, 1)) in_team = false;
      });
      EXPECT_TRUE(in_team);
      for (std::size_t b = 0; b < n_blocks; ++b)
        ASSERT_EQ(times[b], 1) << "block " << b << " of " << n_blocks << ", " << threads << " threads";
    }
  }
}

TEST(ParallelBlocks, EachBlockOnceWithinAnotherRegion) {
  std::vector<std::atomic<int>> times(200);
  parallel_blocks(2, 2, [&](std::size_t outer, int) {
    parallel_blocks(3, 100, [&](std::size_t block, int) { ++times[100 * outer + block]; });
  });
  for (std::size_t b = 0; b < times.size(); ++b) ASSERT_EQ(times[b], 1) << "block " << b;
}

TEST(ParallelBlocks, AnErrorInABlockArrives) {
  for (const int threads : {1, 3}) {
    EXPECT_THROW(parallel_blocks(threads, 100,
                                 [](std::size_t block, int) {
                                   if (block == 57) throw std::runtime_error("57");
                                 }),
                 std::runtime_error);
  }
}

}  // namespace
