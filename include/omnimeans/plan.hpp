// SPDX-License-Identifier: MIT
// How the dense kernels would run a problem, for people who tune or wonder.
#pragma once

#include <cstddef>
#include <string>

#include "omnimeans/export.h"
#include "omnimeans/isa.hpp"

namespace omnimeans {

/// Tiles, blocking and threads of the exhaustive assignment of n_samples x n_features values of T to
/// n_clusters centroids, in a few lines of text. Throws InvalidArgument if a size is zero.
template <class T>
OMNIMEANS_API std::string describe_dense_plan(std::size_t n_samples, std::size_t n_features,
                                              std::size_t n_clusters, Isa isa, int threads);

}  // namespace omnimeans
