// SPDX-License-Identifier: MIT
// Tiles and blocking of the dense engine, chosen once from the sizes, the instruction set and the caches.
#pragma once

#include <cstddef>
#include <string>

#include "omnimeans/isa.hpp"

namespace omnimeans {

struct DensePlan {
  Isa isa = Isa::scalar;
  int threads = 1;              ///< worth starting
  std::size_t tile_rows = 0;    ///< samples a tile of the nearest-centroid kernel
  std::size_t n_groups = 0;     ///< groups of centroids of nearly equal size that pass a tile
  bool direct = false;          ///< few centroids: multiplied as samples are transposed
  std::size_t chunk = 0;        ///< features at a time
  std::size_t block_rows = 0;   ///< samples a thread takes at a time, whole tiles
  std::size_t label_rows = 0;   ///< the same where only labels are wanted
  std::size_t panel_bytes = 0;  ///< of packed centroids that stay in the second-level cache where every score
                                ///< is wanted
};

/// For values of T.
template <class T>
DensePlan make_dense_plan(std::size_t n_samples, std::size_t n_features, std::size_t n_clusters, Isa isa,
                          int threads);

/// No block of a dense engine has more rows: what memory is reserved for.
inline constexpr std::size_t largest_block_rows =
    240;  // a multiple of every tile height but those of sixteen bits and of eight in AMX's tiles
inline constexpr std::size_t largest_label_rows = 4080;  // likewise

}  // namespace omnimeans
