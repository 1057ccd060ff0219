// SPDX-License-Identifier: MIT
// The table of what is measured. The backends are not listed here: every one of backends() runs on every
// case, and `auto` too. Times are for two cores of 2023.
#include "bench/suites.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "bench/ceilings.hpp"
#include "parallel.hpp"

namespace omnimeans::bench {
namespace {

/// Dense assignment of about a mebibyte of samples, which the second-level cache of most CPUs holds, in whole
/// tiles of up to 48; at least a few thousand samples where k is large, so that packing the
/// centroids is less than 2 % of a pass.
Case cached_case(const std::string& dtype, std::size_t d, std::size_t k) {
  constexpr std::size_t tile = 48, bytes = std::size_t{1} << 20;
  const std::size_t fitting = bytes / (d * (dtype == "f32" ? 4 : 8));
  const std::size_t n = std::max(fitting, k >= 100 ? std::size_t{4096} : std::size_t{0});
  return {"blobs", dtype, (n + tile / 2) / tile * tile, d, k};
}

/// A gibibyte of samples, less where that is more than an eighth of the memory.
Case streamed_case(std::size_t d, std::size_t k) {
  std::uint64_t bytes = std::uint64_t{1} << 30;
  if (const std::uint64_t memory = ceilings::physical_memory_bytes(); memory > 0)
    bytes = std::min(bytes, memory / 8);
  return {"corners", "f32", static_cast<std::size_t>(bytes / 4 / 256) * 256 / d, d, k};
}

/// Every combination, on blobs.
std::vector<Case> peer_map(const std::vector<std::size_t>& ds, const std::vector<std::size_t>& ns,
                           const std::vector<std::size_t>& ks) {
  std::vector<Case> cases;
  for (const std::size_t d : ds) {
    for (const std::size_t n : ns) {
      for (const std::size_t k : ks) cases.push_back({"blobs", "f32", n, d, k});
    }
  }
  return cases;
}

// Every data set, both types, sizes of a blink: is everything there and right?
Suite smoke() {
  Suite suite{.name = "smoke",
              .description = "every data set and backend once, tiny: seconds",
              .repetitions = {.count = 1},
              .peer_repetitions = {.count = 1},
              .min_seconds = 0.001,
              .scalar_limit = 1e8,
              .lone_limit = 2.5e7};
  suite.fits = {
      {"blobs", "f32", 2000, 16, 20},      {"blobs", "f64", 1000, 16, 20},
      {"anisotropic", "f32", 1000, 8, 10}, {"uniform", "f32", 1000, 3, 10},
      {"imbalanced", "f32", 1000, 8, 10},  {"duplicates", "f32", 1000, 4, 10},
      {"grid", "f32", 1000, 4, 10},        {"embedding", "f32", 1000, 48, 30},
      {"images", "f32", 300, 196, 10},     {"blobs", "f32", 8000, 16, 60},
  };
  suite.assignments = {
      {"blobs", "f32", 2000, 16, 20}, {"grid", "f64", 1000, 4, 10}, {"embedding", "f32", 1000, 48, 30}};
  suite.seedings = {{"blobs", "f32", 2000, 16, 20}, {"duplicates", "f64", 1000, 4, 10}};
  suite.kernels = {{"blobs", "f32", 512, 17, 33}, {"blobs", "f64", 512, 17, 33}};
  suite.limits = {{"blobs", "f32", 960, 16, 10}, {"blobs", "f64", 960, 16, 10}};
  suite.iterations = {{"corners", "f32", 20000, 16, 4}};
  suite.small_fits = {{"uniform", "f32", 150, 4, 3}};
  suite.peers = {{"blobs", "f32", 1000, 4, 8}};
  suite.peer_maps = {{"blobs", "f32", 1000, 2, 8}};
  suite.peer_curves = suite.peers;
  suite.peer_own = suite.peers;
  suite.peer_limit = 2;
  return suite;
}

// bench_fit three minutes, bench_assign one, the others and the study of seedings together two; naive runs on
// most cases.
Suite quick() {
  Suite suite{.name = "quick",
              .description = "the comparison at sizes where naive still runs: about six minutes",
              .repetitions = {.count = 7, .seconds = 1.5},
              .min_seconds = 0.01,
              .scalar_limit = 2e9,
              .lone_limit = 5e8};
  suite.fits = {
      {"blobs", "f32", 50000, 2, 100},       {"blobs", "f32", 20000, 16, 100},
      {"blobs", "f64", 20000, 16, 100},      {"blobs", "f32", 10000, 64, 100},
      {"anisotropic", "f32", 10000, 32, 64}, {"uniform", "f32", 20000, 8, 64},
      {"imbalanced", "f32", 20000, 16, 64},  {"duplicates", "f32", 20000, 8, 64},
      {"grid", "f32", 20000, 8, 64},         {"embedding", "f32", 8000, 128, 100},
      {"images", "f32", 2000, 784, 10},      {"blobs", "f32", 50000, 32, 256},
  };
  suite.assignments = {
      {"blobs", "f32", 100000, 2, 100},      {"blobs", "f32", 100000, 16, 100},
      {"blobs", "f64", 100000, 16, 100},     {"blobs", "f32", 50000, 64, 256},
      {"embedding", "f32", 20000, 256, 256}, {"images", "f32", 10000, 784, 64},
  };
  suite.seedings = {{"blobs", "f32", 100000, 16, 100},
                    {"blobs", "f64", 100000, 16, 100},
                    {"embedding", "f32", 20000, 128, 100}};
  suite.kernels = {{"blobs", "f32", 1024, 2, 100},  {"blobs", "f32", 1024, 16, 100},
                   {"blobs", "f32", 1024, 64, 256}, {"blobs", "f32", 1024, 256, 256},
                   {"blobs", "f64", 1024, 16, 100}, {"blobs", "f64", 1024, 64, 256}};
  suite.limits = {cached_case("f32", 128, 256), cached_case("f32", 16, 256), cached_case("f32", 64, 100),
                  cached_case("f32", 64, 10),   cached_case("f32", 8, 64),   cached_case("f64", 128, 256)};
  suite.iterations = {streamed_case(64, 4)};
  suite.small_fits = {{"uniform", "f32", 150, 4, 3}};
  suite.peers = {{"pixels", "f32", 273280, 3, 16},
                 {"lattice", "f32", 100000, 2, 100},
                 {"uniform", "f32", 65536, 8, 256},
                 {"blobs", "f32", 200000, 10, 10},
                 {"embedding", "f32", 10000, 768, 100}};
  suite.peer_maps = peer_map({2, 16, 128}, {10000}, {8, 128});
  suite.peer_curves = {{"uniform", "f32", 65536, 8, 256}};
  suite.peer_own = {{"lattice", "f32", 100000, 2, 100}, {"embedding", "f32", 10000, 768, 100}};
  suite.peer_limit = 5;
  return suite;
}

// Sweeps over n, d and k around one middle size, every data set, and sizes of real work. Naive runs where it
// can.
Suite full() {
  Suite suite{.name = "full",
              .description = "sweeps over n, d, k and all data sets: about twenty minutes",
              .repetitions = {.count = 7, .seconds = 2},
              .peer_repetitions = {.seconds = 2},
              .min_seconds = 0.02,
              .scalar_limit = 2.5e9,
              .lone_limit = 4e10,
              .every_thread_count = true};
  suite.fits = {
      {"blobs", "f32", 30000, 32, 64},
      // n
      {"blobs", "f32", 3000, 32, 64},
      {"blobs", "f32", 10000, 32, 64},
      {"blobs", "f32", 100000, 32, 64},
      // d
      {"blobs", "f32", 30000, 2, 64},
      {"blobs", "f32", 30000, 8, 64},
      {"blobs", "f32", 30000, 128, 64},
      // k
      {"blobs", "f32", 30000, 32, 8},
      {"blobs", "f32", 30000, 32, 256},
      {"blobs", "f32", 30000, 32, 1000},
      // double
      {"blobs", "f64", 30000, 32, 64},
      {"embedding", "f64", 20000, 128, 100},
      // data sets
      {"anisotropic", "f32", 30000, 16, 100},
      {"uniform", "f32", 30000, 16, 100},
      {"imbalanced", "f32", 30000, 16, 100},
      {"duplicates", "f32", 30000, 16, 100},
      {"grid", "f32", 30000, 16, 100},
      {"embedding", "f32", 20000, 128, 100},
      {"images", "f32", 10000, 784, 10},
      // real work
      {"embedding", "f32", 50000, 256, 256},
      {"blobs", "f32", 1000000, 16, 64},
  };
  suite.assignments = {
      {"blobs", "f32", 100000, 2, 100},      {"blobs", "f32", 100000, 4, 100},
      {"blobs", "f32", 100000, 8, 100},      {"blobs", "f32", 100000, 16, 100},
      {"blobs", "f32", 100000, 32, 100},     {"blobs", "f32", 100000, 64, 100},
      {"blobs", "f32", 100000, 128, 100},    {"blobs", "f32", 100000, 16, 8},
      {"blobs", "f32", 100000, 16, 1000},    {"blobs", "f64", 100000, 16, 100},
      {"blobs", "f64", 100000, 64, 100},     {"blobs", "f32", 1000000, 16, 100},
      {"embedding", "f32", 20000, 256, 256}, {"images", "f32", 10000, 784, 64},
  };
  suite.seedings = {{"blobs", "f32", 100000, 16, 100},     {"blobs", "f64", 100000, 16, 100},
                    {"blobs", "f32", 1000000, 16, 100},    {"blobs", "f32", 100000, 16, 1000},
                    {"embedding", "f32", 20000, 128, 100}, {"images", "f32", 10000, 784, 64}};
  for (const std::size_t d : {3u, 16u, 64u, 256u}) {
    for (const std::size_t k : {16u, 256u}) suite.kernels.push_back({"blobs", "f32", 1024, d, k});
  }
  for (const std::size_t d : {16u, 64u}) suite.kernels.push_back({"blobs", "f64", 1024, d, 256});
  for (const std::string dtype : {"f32", "f64"}) {
    using Shape = std::pair<std::size_t, std::size_t>;
    for (const auto& [d, k] : {Shape{64, 256},
                               {128, 256},
                               {128, 1024},
                               {256, 1000},
                               {768, 1000},
                               {16, 256},
                               {16, 1000},
                               {64, 100},
                               {64, 10},
                               {128, 10},
                               {784, 10},
                               {2, 100},
                               {3, 256},
                               {4, 64},
                               {8, 64},
                               {8, 256}}) {
      suite.limits.push_back(cached_case(dtype, d, k));
    }
    suite.small_fits.push_back({"uniform", dtype, 150, 4, 3});
  }
  for (const std::size_t d : {16u, 64u, 256u}) {
    for (const std::size_t k : {2u, 4u, 8u}) suite.iterations.push_back(streamed_case(d, k));
  }
  suite.peers = {{"pixels", "f32", 273280, 3, 16},   {"pixels", "f32", 273280, 3, 256},
                 {"lattice", "f32", 100000, 2, 100}, {"blobs", "f32", 1000000, 10, 10},
                 {"uniform", "f32", 1000000, 8, 64}, {"uniform", "f32", 65536, 8, 256},
                 {"blobs", "f32", 1000000, 16, 100}, {"blobs", "f32", 200000, 64, 1000},
                 {"images", "f32", 20000, 784, 10},  {"embedding", "f32", 100000, 768, 1000}};
  suite.peer_maps = peer_map({2, 8, 32, 128}, {10000}, {4, 32, 256});
  for (const Case& c : peer_map({16}, {1000, 10000, 100000}, {4, 32, 256})) suite.peer_maps.push_back(c);
  suite.peer_curves = {{"uniform", "f32", 65536, 8, 256}, {"pixels", "f32", 273280, 3, 16}};
  suite.peer_own = {{"pixels", "f32", 273280, 3, 16},
                    {"lattice", "f32", 100000, 2, 100},
                    {"blobs", "f32", 1000000, 10, 10},
                    {"uniform", "f32", 65536, 8, 256},
                    {"embedding", "f32", 10000, 768, 100}};
  suite.peer_limit = 8;
  return suite;
}

}  // namespace

std::string Case::name() const {
  std::string shown = dataset;
  if (dataset.starts_with("file:"))
    shown = "file:" + std::filesystem::path(dataset.substr(5)).filename().string();
  return shown + "/dtype:" + dtype + "/n:" + std::to_string(n) + "/d:" + std::to_string(d) +
         "/k:" + std::to_string(k);
}

std::span<const Suite> suites() {
  static const std::array all{smoke(), quick(), full()};
  return all;
}

std::vector<int> thread_counts(const Suite& suite) {
  const int all = resolve_threads(0);
  std::vector<int> counts{1};
  for (int threads = 2; suite.every_thread_count && threads < all; threads *= 2) counts.push_back(threads);
  if (all > 1) counts.push_back(all);
  return counts;
}

}  // namespace omnimeans::bench
