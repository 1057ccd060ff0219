// SPDX-License-Identifier: MIT
#pragma once

#include "omnimeans/export.h"
#include "omnimeans/options.hpp"
#include "omnimeans/result.hpp"

namespace omnimeans {

/// K-means (Lloyd's iteration) of n_samples x n_features `samples`.
///
/// For given samples, weights, options and start, `labels`, `centroids`, `inertia` and `n_iter` are the same
/// bits for every exact backend, thread count and instruction set. The caller's data are only read.
///
/// A centroid is the mean of values rounded to 2^-42 (float) or 2^-84 (double) of the largest magnitude in
/// their feature, for up to 2^20 samples. float takes 2^-84 in all features where that would change one in 64
/// or more of the values of one that are not zero, as it does beside a far outlier (asked of 256 samples).
/// Squares of differences below 1e-162 are zero in double: scale such data.
///
/// Throws InvalidArgument, ShapeMismatch, NonFiniteValue, UnknownBackend, UnsupportedIsa before any work is
/// done; MemoryLimitExceeded; EmptyCluster under that policy; and whatever the progress callback throws.
OMNIMEANS_API Result<float> fit(MatrixView<const float> samples, const Options& options,
                                const FitInputs<float>& inputs = {});
OMNIMEANS_API Result<double> fit(MatrixView<const double> samples, const Options& options,
                                 const FitInputs<double>& inputs = {});

}  // namespace omnimeans
