// SPDX-License-Identifier: MIT
// What a kind of data set is made of: a function that writes one row. Private to the datasets target.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "datasets/datasets.hpp"
#include "rng.hpp"

namespace omnimeans::datasets {

/// Writes row `i` (n_features doubles). It may depend on the spec and on `i` only, so rows can be made in any
/// order.
using RowWriter = std::function<void(std::size_t i, std::span<double> row)>;

// One function a kind: draws what all rows share (centres, maps, strokes) and returns the writer.
RowWriter make_blobs(const Spec& spec);
RowWriter make_anisotropic(const Spec& spec);
RowWriter make_imbalanced(const Spec& spec);
RowWriter make_uniform(const Spec& spec);
RowWriter make_duplicates(const Spec& spec);
RowWriter make_grid(const Spec& spec);
RowWriter make_embedding(const Spec& spec);
RowWriter make_images(const Spec& spec);
RowWriter make_lattice(const Spec& spec);
RowWriter make_pixels(const Spec& spec);

/// What a random stream is used for; keeps the streams of one seed apart.
enum class Draw : std::uint64_t { rows = 1, centres, maps, basis, strokes };

/// The stream of item `i` (a row, a component).
inline CounterRng stream(const Spec& spec, Draw draw, std::size_t i) {
  return CounterRng(spec.seed, (static_cast<std::uint64_t>(draw) << 56) + i);
}

}  // namespace omnimeans::datasets
