// SPDX-License-Identifier: MIT
// "auto": what it takes, that it says so and why, and that the bits are those of naive whatever it takes.
#include <gtest/gtest.h>
#include <cstdint>
#include <string>

#include "core/compare.hpp"
#include "core/data.hpp"
#include "omnimeans/backend.hpp"
#include "omnimeans/fit.hpp"

namespace {

using omnimeans::Init;
using omnimeans::Options;

template <class T>
omnimeans::Result<T> run(const omnimeans::Matrix<T>& points, std::size_t k, const std::string& backend,
                         std::uint64_t memory_limit = 0, int max_iter = 20) {
  Options options;
  options.n_clusters = k;
  options.init = Init::random;
  options.max_iter = max_iter;
  options.tol = 0;
  options.threads = 2;
  options.backend = backend;
  options.memory_limit_bytes = memory_limit;
  return omnimeans::fit(points.view(), options);
}

template <class T>
void check_history(const omnimeans::Result<T>& result) {
  ASSERT_FALSE(result.history.empty());
  EXPECT_FALSE(result.history[0].reason.empty()) << "the first choice has a reason";
  std::string_view before;
  for (const omnimeans::IterationStats& stats : result.history) {
    EXPECT_EQ(omnimeans::find_backend(stats.backend).info.name, stats.backend);
    EXPECT_TRUE(omnimeans::find_backend(stats.backend).info.exact);
    const bool kept = stats.reason.starts_with("the trial was faster: it stays (a step took ");
    EXPECT_EQ(stats.backend != before, !stats.reason.empty() && !kept)
        << "iteration " << stats.iteration << ": a reason wherever the backend changes";
    before = stats.backend;
  }
  EXPECT_EQ(result.backend, before);
}

/// The first reason tells what some samples were asked.
void expect_asked(const omnimeans::Result<float>& result) {
  const std::string reason(result.history.at(0).reason);
  EXPECT_NE(reason.find(" % of the clusters are at most 1.2 times, "), std::string::npos) << reason;
}

/// auto ends with that backend, and with the bits of naive.
template <class T>
void expect_taken(const omnimeans::Matrix<T>& points, std::size_t k, const std::string& backend) {
  const auto result = run(points, k, "auto");
  check_history(result);
  EXPECT_EQ(result.backend, backend);
  EXPECT_TRUE(same_result(result, run(points, k, "naive")));
}

TEST(Auto, FewFeaturesAndManyClustersTakeTheTree) {
  expect_taken(blobs<float>(6000, 2, 50, 1), 70, "kdtree");
  expect_taken(blobs<double>(6000, 1, 20, 1), 10, "kdtree");
}

/// Samples that fill a plane in so many features.
omnimeans::Matrix<float> on_a_plane(std::size_t n, std::size_t d, std::uint64_t seed) {
  const auto plane = blobs<float>(n, 2, 40, seed);
  omnimeans::Matrix<float> points(n, d);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t t = 0; t < d; ++t) points(i, t) = plane(i, t % 2) * static_cast<float>(1 + t % 5);
  }
  return points;
}

TEST(Auto, FewClustersAroundASampleTakeTheTree) {
  const auto points = on_a_plane(40'000, 3, 1);
  expect_taken(points, 120, "kdtree");
  const auto result = run(points, 120, "auto");
  expect_asked(result);
  const std::string reason(result.history.front().reason);
  EXPECT_NE(reason.find("(kdtree "), std::string::npos) << reason;
  EXPECT_NE(reason.find(" times as fast as gap; of a few samples"), std::string::npos) << reason;
}

TEST(Auto, SomeMoreFeaturesAndManyClustersTakeBoundsOfBlocks) {
  expect_taken(blobs<double>(20'000, 8, 50, 1), 300, "blockbounds");
}

/// One byte too few for them.
TEST(Auto, WhatFitsIsTheNextBestSearch) {
  const auto points = blobs<double>(6000, 8, 50, 1);
  const auto blocks = run(points, 190, "blockbounds");
  EXPECT_EQ(run(points, 190, "auto").history.front().backend, "blockbounds");
  const auto result = run(points, 190, "auto", blocks.backend_bytes - 1);
  check_history(result);
  EXPECT_EQ(result.backend, "gap");
  EXPECT_NE(result.history.front().reason.find("does not fit"), std::string_view::npos);
  EXPECT_TRUE(same_result(result, blocks));
}

TEST(Auto, ManyFeaturesAndClustersTakeBytes) {
  expect_taken(blobs<double>(1500, 128, 80, 2), 520, "bytebounds");
}

TEST(Auto, GapKeepsItsNumbersOfSomeSamplesThenOfAll) {
  // Blocks enough for some to keep gaps from the start and the rest once those pay, and distances dear enough
  // for that on any CPU.
  const auto points = blobs<double>(100000, 16, 80, 3, 4);
  const auto result = run(points, 80, "auto");
  check_history(result);
  EXPECT_EQ(result.history[0].backend, "gap");
  ASSERT_GT(result.n_iter, 2u);
  EXPECT_GE(result.history[1].distances_computed, 100000u * 80 * 7 / 8);
  EXPECT_LT(2 * result.history.back().distances_computed, result.history[1].distances_computed);
  EXPECT_TRUE(same_result(result, run(points, 80, "naive")));
}

TEST(Auto, GapKeepsAllItsNumbersFromTheStartBesideDearDistances) {
  const auto points = blobs<float>(20000, 400, 12, 8);
  const auto result = run(points, 15, "auto");
  check_history(result);
  EXPECT_EQ(result.history[0].backend, "gap");
  ASSERT_GT(result.n_iter, 3u);
  EXPECT_LT(result.history[3].distances_computed, 20000u * 15 / 2);
  EXPECT_EQ(result.history[0].reason.find('%'), std::string::npos) << "so few features: nobody asked";
  EXPECT_TRUE(same_result(result, run(points, 15, "simd")));
}

/// A plane in 24 features: of 260 clusters few are near a sample.
TEST(Auto, StructureTakesBoundsOfBlocks) {
  const auto points = on_a_plane(7500, 24, 8);
  const auto result = run(points, 260, "auto");
  check_history(result);
  EXPECT_EQ(result.history[0].backend, "blockbounds");
  expect_asked(result);
  EXPECT_TRUE(same_result(result, run(points, 260, "naive")));
}

TEST(Auto, GapFromTheStartGivesBlocksATrial) {
  // 6,000 features times clusters, enough for one; where distances cost more, blocks come first.
  const auto points = blobs<float>(40000, 24, 1, 6);
  const auto result = run(points, 250, "auto", 0, 45);
  check_history(result);
  ASSERT_GT(result.n_iter, 12u);
  const bool gap_first = result.history[0].backend == "gap";
  EXPECT_EQ(result.history[gap_first ? 10 : 0].backend, "blockbounds");
  if (gap_first) {
    EXPECT_EQ(result.history[9].backend, "gap");
  }
  EXPECT_TRUE(same_result(result, run(points, 250, "simd", 0, 45)));
}

TEST(Auto, GapFromTheStartGivesBytesATrial) {
  // 26,000 features times clusters: in double enough for a trial, and too many features for blocks.
  const auto points = blobs<double>(6000, 260, 1, 6);
  const auto result = run(points, 100, "auto");
  check_history(result);
  EXPECT_EQ(result.history[0].backend, "gap");
  ASSERT_GT(result.n_iter, 14u);
  EXPECT_EQ(result.history[6].backend, "bytebounds");
  EXPECT_EQ(result.history[14].backend, "bytebounds") << "it stays, or has another trial";
  EXPECT_TRUE(same_result(result, run(points, 100, "simd")));
}

TEST(Auto, EightBitsAndThenBytesLeaveTheResultAsItIs) {
  const auto points = blobs<float>(6000, 100, 300, 5, 4);
  const auto result = run(points, 300, "auto");
  check_history(result);
  expect_asked(result);
  EXPECT_TRUE(same_result(result, run(points, 300, "naive")));
}

TEST(Auto, TheFastestSearchByTheClockLeavesTheResultAsItIs) {
  // Enough samples for int8 and int16 to be timed on a slice of them, where that is not foretold; no
  // structure.
  const auto points = blobs<float>(170000, 64, 1, 7);
  const auto result = run(points, 130, "auto");
  check_history(result);
  EXPECT_TRUE(result.history[0].backend == "int8" || result.history[0].backend == "gap");
  EXPECT_TRUE(same_result(result, run(points, 130, "simd")));
}

TEST(Auto, GivesWayToTheMemoryLimitAndSaysSo) {
  const auto points = blobs<float>(6000, 2, 50, 4);
  const auto expected = run(points, 70, "naive");
  std::string taken;
  for (const std::uint64_t limit : {1u, 4'000u, 2'000'000u, 100'000'000u}) {
    const auto result = run(points, 70, "auto", limit);
    check_history(result);
    EXPECT_LE(result.backend_bytes, limit == 1 ? 0 : limit);
    EXPECT_TRUE(same_result(result, expected));
    taken += result.backend + " ";
  }
  EXPECT_EQ(taken.substr(0, 6), "naive ");
  EXPECT_TRUE(taken.ends_with("kdtree ")) << taken;
}

}  // namespace
