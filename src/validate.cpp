// SPDX-License-Identifier: MIT
#include "validate.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <locale>
#include <sstream>
#include <string>

#include "kernels/kernels.hpp"
#include "omnimeans/error.hpp"
#include "parallel.hpp"

namespace omnimeans {
namespace {

template <class T>
std::string describe(T value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "infinite" : "-infinite";
  std::ostringstream text;
  text.imbue(std::locale::classic());
  text << value;
  return text.str();
}

template <class T>
bool positive(std::span<const T> weights, std::size_t i) {
  return weights.empty() || weights[i] > 0;
}

/// The first value that is not finite; there is one.
template <class T>
[[noreturn]] void throw_non_finite(MatrixView<const T> matrix, std::string_view name) {
  for (std::size_t i = 0; i < matrix.rows(); ++i) {
    for (std::size_t t = 0; t < matrix.cols(); ++t) {
      if (!std::isfinite(matrix(i, t))) {
        throw NonFiniteValue(std::string(name) + "[" + std::to_string(i) + "][" + std::to_string(t) +
                             "] is " + describe(matrix(i, t)));
      }
    }
  }
  throw NonFiniteValue(std::string(name) + " has a value that is NaN or infinite");
}

/// The largest magnitude for which n_features squared differences, and sums over them, stay finite in double.
template <class T>
T largest_magnitude(std::size_t n_features) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return std::numeric_limits<float>::max();
  } else {
    return std::sqrt(std::numeric_limits<double>::max() / 64 / static_cast<double>(n_features)) / 65536;
  }
}

}  // namespace

template <class T>
void check_shape(MatrixView<const T> matrix, std::string_view name) {
  const std::string who(name);
  if (matrix.rows() == 0) throw InvalidArgument(who + " has no rows");
  if (matrix.cols() == 0) throw InvalidArgument(who + " has no columns");
  if (matrix.data() == nullptr) throw InvalidArgument(who + " is null");
  if (matrix.row_stride() < matrix.cols()) {
    throw InvalidArgument(who + ": row_stride = " + std::to_string(matrix.row_stride()) +
                          " is less than n_features = " + std::to_string(matrix.cols()));
  }
  constexpr std::size_t most =
      static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) / sizeof(T);
  if (matrix.rows() > most / matrix.row_stride()) {
    throw InvalidArgument(who + " of " + std::to_string(matrix.rows()) + " rows, row_stride = " +
                          std::to_string(matrix.row_stride()) + ", is larger than the address space");
  }
}

template <class T>
std::vector<T> check_values(MatrixView<const T> matrix, std::string_view name, Isa isa, int threads,
                            std::span<const T> weights) {
  check_shape(matrix, name);
  const std::size_t n = matrix.rows(), d = matrix.cols();
  const auto& kernels = kernels::kernels_for<T>(isa);
  constexpr std::size_t block_rows = 4096;
  const std::size_t blocks = block_count(n, block_rows);
  const int team = useful_threads(threads_for_values(n * d, threads), blocks);
  std::vector<std::vector<T>> largest(static_cast<std::size_t>(team), std::vector<T>(d, T(0)));
  std::vector<std::vector<T>> absent(static_cast<std::size_t>(team), std::vector<T>(d, T(0)));
  std::atomic<bool> finite{true};
  parallel_blocks(team, blocks, [&](std::size_t block, int thread) {
    const RowRange rows = block_range(block, n, block_rows);
    // Runs of equal presence, so that absent samples are checked but do not count.
    for (std::size_t i = rows.begin; i < rows.end;) {
      const bool present = positive(weights, i);
      std::size_t end = i + 1;
      if (weights.empty()) end = rows.end;
      while (end < rows.end && positive(weights, end) == present) ++end;
      auto& into = (present ? largest : absent)[static_cast<std::size_t>(thread)];
      if (!kernels.column_absmax({matrix.row_data(i), matrix.row_stride(), end - i}, d, into.data()))
        finite = false;
      i = end;
    }
  });
  if (!finite) throw_non_finite(matrix, name);
  std::vector<T> result(d, T(0));
  T overall = 0;
  for (std::size_t t = 0; t < d; ++t) {
    for (std::size_t team_member = 0; team_member < largest.size(); ++team_member) {
      result[t] = std::max(result[t], largest[team_member][t]);
      overall = std::max({overall, result[t], absent[team_member][t]});
    }
  }
  const T limit = largest_magnitude<T>(d);
  if (overall > limit) {
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t t = 0; t < d; ++t) {
        if (std::abs(matrix(i, t)) > limit) {
          throw NonFiniteValue(std::string(name) + "[" + std::to_string(i) + "][" + std::to_string(t) +
                               "] = " + describe(matrix(i, t)) +
                               " is so large that squared distances overflow; scale the data");
        }
      }
    }
  }
  return result;
}

template <class T>
void check_weights(std::span<const T> weights, std::size_t n_samples) {
  if (weights.empty()) return;
  if (weights.size() != n_samples) {
    throw ShapeMismatch("sample_weights has " + std::to_string(weights.size()) +
                        " values for n_samples = " + std::to_string(n_samples));
  }
  double total = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const auto who = [&] { return "sample_weights[" + std::to_string(i) + "] "; };
    if (!std::isfinite(weights[i])) throw NonFiniteValue(who() + "is " + describe(weights[i]));
    if (weights[i] < 0) throw InvalidArgument(who() + "= " + describe(weights[i]) + " is negative");
    total += static_cast<double>(weights[i]);
  }
  if (total == 0) throw InvalidArgument("sample_weights are all zero");
  if (!(total < 1e100)) {
    throw NonFiniteValue("sample_weights add up to " + describe(total) +
                         ": weighted distances overflow; scale them");
  }
}

template <class T>
void check_weighted_range(std::span<const T> absmax, std::span<const T> weights) {
  double total = 0, squared = 0;
  for (T w : weights) total += static_cast<double>(w);
  for (T x : absmax) squared += 4 * static_cast<double>(x) * static_cast<double>(x);
  if (!std::isfinite(total * squared)) {
    throw NonFiniteValue("sample_weights add up to " + describe(total) +
                         ": weighted distances of this data overflow; scale the weights or the data");
  }
}

template <class T>
void check_n_clusters(std::size_t n_clusters, std::size_t n_samples, std::span<const T> weights) {
  const std::string who = "n_clusters = " + std::to_string(n_clusters);
  if (n_clusters == 0) throw InvalidArgument("n_clusters = 0; at least 1 is needed");
  if (n_clusters > n_samples)
    throw InvalidArgument(who + " exceeds n_samples = " + std::to_string(n_samples));
  if (n_clusters > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    throw InvalidArgument(who + " exceeds 2147483647, the largest label of 32 bits");
  }
  if (weights.empty()) return;
  const auto present = std::count_if(weights.begin(), weights.end(), [](T w) { return w > 0; });
  if (n_clusters > static_cast<std::size_t>(present)) {
    throw InvalidArgument(who + " exceeds the " + std::to_string(present) + " samples of positive weight");
  }
}

template <class T>
void check_same_features(MatrixView<const T> samples, MatrixView<const T> centroids) {
  if (samples.cols() != centroids.cols()) {
    throw ShapeMismatch("centroids have " + std::to_string(centroids.cols()) + " features, X has " +
                        std::to_string(samples.cols()));
  }
}

template <class T>
void check_label_range(MatrixView<const T> centroids) {
  if (centroids.rows() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    throw InvalidArgument("n_clusters = " + std::to_string(centroids.rows()) +
                          " exceeds 2147483647, the largest label of 32 bits");
  }
}

void check_threads(int threads) {
  if (threads < 0) {
    throw InvalidArgument("threads = " + std::to_string(threads) +
                          " is negative; 0 means as many as OpenMP would use");
  }
  if (threads > 4096) throw InvalidArgument("threads = " + std::to_string(threads) + " exceeds 4096");
}

#define OMNIMEANS_INSTANTIATE(T)                                                           \
  template void check_shape<T>(MatrixView<const T>, std::string_view);                     \
  template std::vector<T> check_values<T>(MatrixView<const T>, std::string_view, Isa, int, \
                                          std::span<const T>);                             \
  template void check_weights<T>(std::span<const T>, std::size_t);                         \
  template void check_weighted_range<T>(std::span<const T>, std::span<const T>);           \
  template void check_n_clusters<T>(std::size_t, std::size_t, std::span<const T>);         \
  template void check_same_features<T>(MatrixView<const T>, MatrixView<const T>);          \
  template void check_label_range<T>(MatrixView<const T>);
OMNIMEANS_INSTANTIATE(float)
OMNIMEANS_INSTANTIATE(double)
#undef OMNIMEANS_INSTANTIATE

}  // namespace omnimeans
