// SPDX-License-Identifier: MIT
// What the suites measure. The table is in suites.cpp; everything else reads it from there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace omnimeans::bench {

/// Iterations of a measured fit (tol = 0: fewer only if no label changes any more).
inline constexpr std::size_t kIterations = 25;

/// One problem: a data set of n samples and d features, and k clusters.
struct Case {
  std::string dataset;  ///< a kind of omnimeans::datasets, or "file:PATH"
  std::string dtype;    ///< "f32" or "f64"
  std::size_t n = 0, d = 0, k = 0;

  /// "blobs/dtype:f32/n:1000/d:16/k:8"; of a file the name without its directories.
  std::string name() const;
  /// Pairs times features of one assignment pass.
  double work() const { return static_cast<double>(n) * static_cast<double>(d) * static_cast<double>(k); }
};

/// So many, but none any more where those before took so long together.
struct Repetitions {
  int count = 3;
  double seconds = 4;
};

struct Suite {
  std::string_view name;
  std::string_view description;
  Repetitions repetitions = {}, peer_repetitions = {};  ///< peers: of bench_peers, whose runs are long
  double min_seconds = 0.05;                            ///< a repetition repeats its work for as long as this
  /// The scalar backends (`naive`, `openmp`) run where n * d * k, over all passes of the run, is at most
  /// this.
  double scalar_limit = 0;
  double lone_limit = 0;            ///< the same for backends that compute distances one by one
  bool every_thread_count = false;  ///< 1, 2, 4, ... and all; else 1 and all
  std::vector<Case> fits = {}, assignments = {}, seedings = {}, kernels = {};
  /// Of bench_limits: dense assignment in the second-level cache, whole iterations on more data than the
  /// caches hold (see corner_data.hpp), and fits so small that the call itself counts.
  std::vector<Case> limits = {}, iterations = {}, small_fits = {};
  /// Of bench_peers: beside other libraries from given centroids; the same on a grid of sizes; the prefixes
  /// of a fit; and with everybody's own defaults.
  std::vector<Case> peers = {}, peer_maps = {}, peer_curves = {}, peer_own = {};
  double peer_limit = 5;  ///< seconds: a library that takes longer for a fit is left out of that problem
};

/// smoke, quick, full.
std::span<const Suite> suites();

/// The thread counts that a suite measures on this machine, ascending.
std::vector<int> thread_counts(const Suite& suite);

}  // namespace omnimeans::bench
