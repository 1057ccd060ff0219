// SPDX-License-Identifier: MIT
// Checks of what callers hand in. Each throws a named error that says which value is wrong; none changes
// anything.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "omnimeans/isa.hpp"
#include "omnimeans/matrix_view.hpp"
#include "omnimeans/options.hpp"

namespace omnimeans {

/// Non-null, not empty, row_stride >= cols, sizes that a computer can hold. `name` is what messages call the
/// matrix.
template <class T>
void check_shape(MatrixView<const T> matrix, std::string_view name);

/// check_shape, then every value: finite, and small enough that n_features squared differences do not
/// overflow. Returns the largest |value| of each feature over the rows of positive weight.
template <class T>
std::vector<T> check_values(MatrixView<const T> matrix, std::string_view name, Isa isa, int threads,
                            std::span<const T> weights = {});

/// Empty, or n_samples finite values >= 0 that are not all zero.
template <class T>
void check_weights(std::span<const T> weights, std::size_t n_samples);

/// Weights and values together: no weighted sum of squared distances may overflow. `absmax`: n_features
/// largest magnitudes.
template <class T>
void check_weighted_range(std::span<const T> absmax, std::span<const T> weights);

/// 1 <= n_clusters <= n_samples of positive weight, and a label fits int32.
template <class T>
void check_n_clusters(std::size_t n_clusters, std::size_t n_samples, std::span<const T> weights);

/// As many features in X as in the centroids.
template <class T>
void check_same_features(MatrixView<const T> samples, MatrixView<const T> centroids);

/// A label fits int32.
template <class T>
void check_label_range(MatrixView<const T> centroids);

void check_threads(int threads);

}  // namespace omnimeans
