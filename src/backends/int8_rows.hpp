// SPDX-License-Identifier: MIT
// Which rows a backend's 8-bit filter holds: all features, or a few principal components.
#pragma once

#include <algorithm>
#include <memory>
#include <utility>

#include "backends/backends.hpp"
#include "int8_filter.hpp"

namespace omnimeans::algorithms {

/// `prefix` needs features enough for one, else it is whole; `best` is a prefix where its tails are short.
enum class Int8Rows { whole, prefix, best };

/// Bytes of a filter at most, and of what makes its prefix.
template <class T>
double int8_filter_bytes(const Problem<T>& problem, Int8Rows rows) {
  if (int8_kernels_for(problem) == nullptr) return 0;
  const std::size_t n = problem.samples.rows(), d = problem.samples.cols(), k = problem.n_clusters,
                    most = rows == Int8Rows::whole ? 0 : PrincipalPrefix::most_values(d);
  const double whole = Int8Filter::bytes_needed(n, d, k);
  if (most == 0) return whole;
  const double prefix = Int8Filter::bytes_needed(n, most, k) + PrincipalPrefix::bytes_needed(n, d);
  return rows == Int8Rows::best ? std::max(whole, prefix) : prefix;
}

/// The filter of an engine that has its centroids; null where there are no products of bytes.
template <class T>
std::unique_ptr<Int8Filter> make_int8_filter(const Problem<T>& problem, const DenseEngine<T>& engine,
                                             Int8Rows rows) {
  if constexpr (sizeof(T) == sizeof(float)) {
    const auto* kernels = int8_kernels_for(problem);
    if (kernels == nullptr) return nullptr;
    const std::size_t n = problem.samples.rows(), d = problem.samples.cols();
    std::unique_ptr<PrincipalPrefix> prefix;
    if (rows != Int8Rows::whole && PrincipalPrefix::most_values(d) > 0)
      prefix = PrincipalPrefix::of(engine, n, d, problem.threads);
    if (rows == Int8Rows::best && prefix != nullptr && !prefix->worthwhile()) prefix.reset();
    return std::make_unique<Int8Filter>(engine, *kernels, n, d, problem.n_clusters, problem.threads,
                                        std::move(prefix));
  }
  return nullptr;
}

/// Whether a prefix pays for a problem's samples: looks at some hundred of them, which takes some ten
/// milliseconds.
template <class T>
bool prefix_pays(const Problem<T>& problem) {
  if constexpr (sizeof(T) == sizeof(float)) {
    const MatrixView<const T>& x = problem.samples;
    const std::size_t n = x.rows(), d = x.cols(),
                      count = std::min<std::size_t>(n, PrincipalPrefix::most_samples),
                      clusters = std::min<std::size_t>(count, 64);
    if (int8_kernels_for(problem) == nullptr || PrincipalPrefix::most_values(d) == 0) return false;
    const MatrixView<const T> some{x.data(), count, d, n / count * x.row_stride()};
    DenseEngine<T> engine(some, clusters, problem.isa, problem.threads);
    engine.set_centroids({x.data(), clusters, d, n / clusters * x.row_stride()});
    return PrincipalPrefix::of(engine, count, d, problem.threads)->worthwhile();
  }
  return false;
}

}  // namespace omnimeans::algorithms
