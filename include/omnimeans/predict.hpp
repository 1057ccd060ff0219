// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "omnimeans/export.h"
#include "omnimeans/matrix_view.hpp"

namespace omnimeans {

struct PredictOptions {
  int threads = 0;       ///< 0: as many as OpenMP would use
  std::string isa = {};  ///< a name of usable_isas(); empty: default_isa()
};

/// The label of each of n_samples x n_features `samples`: the nearest row of n_clusters x n_features
/// `centroids`, the lowest where several are equally near. Same bits for every thread count and instruction
/// set. Of many samples, features and centroids in eight or sixteen bits where the CPU has such products, 16
/// million values at a time: some 50 MB of working memory. Throws InvalidArgument, ShapeMismatch,
/// NonFiniteValue, UnsupportedIsa.
OMNIMEANS_API std::vector<std::int32_t> predict(MatrixView<const float> samples,
                                                MatrixView<const float> centroids,
                                                const PredictOptions& options = {});
OMNIMEANS_API std::vector<std::int32_t> predict(MatrixView<const double> samples,
                                                MatrixView<const double> centroids,
                                                const PredictOptions& options = {});

/// Euclidean distances, n_samples x n_clusters: the canonical squared distance's root, rounded to T and at
/// most the largest T. Errors as predict; MemoryLimitExceeded if the matrix is larger than the address space.
OMNIMEANS_API Matrix<float> transform(MatrixView<const float> samples, MatrixView<const float> centroids,
                                      const PredictOptions& options = {});
OMNIMEANS_API Matrix<double> transform(MatrixView<const double> samples, MatrixView<const double> centroids,
                                       const PredictOptions& options = {});

/// sum_i w_i D(x_i, c_labels[i]): canonical inertia, summed in a fixed order. n_samples labels; n_samples
/// weights, or none, which stands for ones. Errors as predict; ShapeMismatch, InvalidArgument for labels.
OMNIMEANS_API double inertia(MatrixView<const float> samples, MatrixView<const float> centroids,
                             std::span<const std::int32_t> labels, std::span<const float> sample_weights = {},
                             const PredictOptions& options = {});
OMNIMEANS_API double inertia(MatrixView<const double> samples, MatrixView<const double> centroids,
                             std::span<const std::int32_t> labels,
                             std::span<const double> sample_weights = {}, const PredictOptions& options = {});

}  // namespace omnimeans
