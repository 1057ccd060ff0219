// SPDX-License-Identifier: MIT
// What `omnimeans fit` tells about a fit: as JSON for programs, as a short summary for people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "omnimeans/result.hpp"

namespace omnimeans::cli {

/// What the result does not say itself.
struct FitFacts {
  std::string data;
  std::string weights;  ///< empty: none
  std::string init;     ///< "random", "k-means++" or a path
  std::string dtype;
  std::string backend;  ///< as asked for: a name or "auto"
  std::string empty_clusters;
  std::size_t n_samples = 0;
  std::size_t n_features = 0;
  std::size_t n_init = 1;
  std::size_t max_iter = 0;
  double tol = 0;
  std::uint64_t seed = 0;
  double load_seconds = 0;
};

/// Times in seconds, memory in bytes; "history" has one entry an iteration.
template <class T>
nlohmann::ordered_json fit_json(const FitFacts& facts, const Result<T>& result);

template <class T>
std::string fit_summary(const FitFacts& facts, const Result<T>& result);

/// Which backend did which iterations, at what cost, and why "auto" took it; how the dense kernels run.
template <class T>
std::string fit_explanation(const FitFacts& facts, const Result<T>& result);

}  // namespace omnimeans::cli
