// SPDX-License-Identifier: MIT
// Canonical labels and inertia for given centroids, on validated data: what predict() and the end of fit()
// share.
#pragma once

#include <cstdint>
#include <span>

#include "dense_engine.hpp"
#include "omnimeans/backend.hpp"
#include "omnimeans/matrix_view.hpp"

namespace omnimeans {

/// The canonical label of every sample, by an engine that has these samples and its centroids.
template <class T>
AssignmentStats label_samples(DenseEngine<T>& engine, std::span<std::int32_t> labels);

/// The same by an engine of its own.
template <class T>
AssignmentStats label_samples(MatrixView<const T> samples, MatrixView<const T> centroids, Isa isa,
                              int threads, std::span<std::int32_t> labels);

/// sum_i w_i D(x_i, c_labels[i]): blocks of 1024 samples, each summed in order, then the blocks in order.
template <class T>
double canonical_inertia(MatrixView<const T> samples, std::span<const T> weights,
                         MatrixView<const T> centroids, std::span<const std::int32_t> labels, Isa isa,
                         int threads);

}  // namespace omnimeans
