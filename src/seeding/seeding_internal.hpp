// SPDX-License-Identifier: MIT
#pragma once

#include "omnimeans/seeding.hpp"

namespace omnimeans::seeding {

/// seed_centroids() on what has been validated.
template <class T>
Seeds<T> seed_validated(MatrixView<const T> samples, std::span<const T> weights,
                        const SeedingOptions& options, Isa isa);

}  // namespace omnimeans::seeding
