// SPDX-License-Identifier: MIT
// The kernels of one Arch as a table. Included by kernels_<isa>.cpp alone.
#pragma once

#include "kernels/account-inl.hpp"
#include "kernels/block-inl.hpp"
#include "kernels/bounds-inl.hpp"
#include "kernels/box-inl.hpp"
#include "kernels/nearest-inl.hpp"
#include "kernels/pairs-inl.hpp"
#include "kernels/rows-inl.hpp"
#include "kernels/scores-inl.hpp"
#include "kernels/words-inl.hpp"

namespace omnimeans::kernels {
namespace {

template <class T, class Arch>
constexpr Kernels<T> make_kernels() {
  using lanes = NearestLanes<T, Arch>;
  using boxes = Boxes<T, Arch>;
  using scores = Scores<T, Arch>;
  using rows = Rows<T, Arch>;
  using pairs = Pairs<T, Arch>;
  return {
      .lanes = scores::W,
      .nearest_tile = lanes::tile,
      .nearest_group = lanes::largest_group,
      .nearest_direct = lanes::Direct::largest_k,
      .nearest = lanes::nearest,
      .leaf_rows = boxes::leaf_rows,
      .box_filter = boxes::filter,
      .leaf = boxes::leaf,
      .open_words = WordBounds<T, Arch>::open_words,
      .lower_words = WordBounds<T, Arch>::lower_words,
      .blocks_of_32 = Blocks<T, Arch, 32>::kernels(),
      .blocks_of_64 = Blocks<T, Arch, 64>::kernels(),
      .scores = scores::scores,
      .canonical_distances = rows::canonical_distances,
      .canonical_own = rows::canonical_own,
      .squared_distances = rows::squared_distances,
      .move_row = rows::move_row,
      .squared_norm = rows::squared_norm,
      .near_lowest = rows::near_lowest,
      .lower_distances = rows::lower_distances,
      .open_candidates = rows::open_candidates,
      .listed_scores = pairs::listed_scores,
      .paired_scores = pairs::paired_scores,
      .open_pairs = pairs::open_pairs,
      .lower_bytes = pairs::lower_bytes,
      .byte_bounds = pairs::byte_bounds,
      .listed_byte_bounds = pairs::listed_byte_bounds,
      .move_bounds = Bounds<T, Arch>::move_bounds,
      .open_gaps = Bounds<T, Arch>::open_gaps,
      .tighten_bounds = Bounds<T, Arch>::tighten_bounds,
      .differing = Account<T, Arch>::differing,
      .account = Account<T, Arch>::account,
      .account_leaf = Account<T, Arch>::account_leaf,
      .add_row = rows::add_row,
      .subtract_row = rows::subtract_row,
      .means = Account<T, Arch>::means,
      .column_absmax = rows::column_absmax,
  };
}

template <class Arch>
constexpr KernelTable make_table(Isa isa) {
  return {.isa = isa, .f32 = make_kernels<float, Arch>(), .f64 = make_kernels<double, Arch>()};
}

}  // namespace
}  // namespace omnimeans::kernels
