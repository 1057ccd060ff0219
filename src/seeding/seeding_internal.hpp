// SPDX-License-Identifier: MIT
#pragma once

#include "omnimeans/seeding.hpp"

namespace omnimeans::seeding {

/// seed_centroids() on what has been validated, but for the labels: they are there if they are wanted and the
/// method has them.
template <class T>
Seeds<T> seed_validated(MatrixView<const T> samples, std::span<const T> weights,
                        const SeedingOptions& options, Isa isa);

}  // namespace omnimeans::seeding
