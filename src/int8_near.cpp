// SPDX-License-Identifier: MIT
// The part of Int8Filter that compares with the bounds of rows' own centroids (kernels/int8-near-inl.hpp).
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "aligned_buffer.hpp"
#include "int8_filter.hpp"
#include "kernels/int8.hpp"
#include "rounding.hpp"

namespace omnimeans {

using kernels::Int8Found;

/// What compare() is to know of rows, and where it puts what it finds: a value a row, or of all.
struct Int8Filter::NearOf {
  const std::int32_t* place;
  const float* limit;
  Int8Found* found;
  std::uint16_t* far;
  std::size_t room;  ///< for pairs
};

void Int8Filter::labels_are_of_step_before(std::span<const double> drift) {
  if (n_clusters_ < least_compared) return;  // find_near() compares nothing then
  moved_.take(centroids_, drift, static_cast<std::uint8_t>(kernels::int8_shift(kernels_.centroids.range)));
  keeps_ = !moved_.few_lie_still();
  if (!keeps_) return;
  make_room(others_, n_samples_);
  make_room(own_, n_samples_);
  make_room(own_least_, n_samples_);
}

bool Int8Filter::looks_farther() const {
  return looks_farther_ && moved_.known() && 4 * (moved_.centroids().n_vectors + 2) <= 3 * n_vectors_;
}

void Int8Filter::forget(RowRange rows) {
  std::fill_n(others_.data() + rows.begin, rows.size(), -std::numeric_limits<float>::infinity());
  std::fill_n(own_.data() + rows.begin, rows.size(), -1);
}

bool Int8Filter::find_near(RowRange rows, std::span<const std::int32_t> own, Scratch& scratch) {
  if (n_clusters_ < least_compared) return false;
  Near& near = scratch.near;
  const std::size_t n_rows = rows.size();
  const std::size_t room = kernels::Int8Near::room_for_pairs(n_rows);
  for (auto* values : {&scratch.reach, &scratch.least, &near.inverse, &near.level, &near.others, &near.limit})
    make_room(*values, n_rows);
  make_room(near.found, n_rows);
  make_room(near.starts, n_rows);
  make_room(near.listed, n_rows);
  // Of two parts each.
  make_room(near.pair_row, 2 * room);
  make_room(near.pair_centroid, 2 * room);
  make_room(near.far, n_rows * n_vectors_);
  if (keeps_ && !kept_) forget(rows);
  find_reach(rows, scratch.reach.data());
  find_own_bounds(rows, own, scratch);
  find_limits(rows, scratch);
  near.n_listed = near.n_pairs = near.n_compared = 0;
  near.in_parts = moved_.known() && part(rows, own, scratch);
  if (near.in_parts) {
    if (!find_near_in_parts(rows, own, room, scratch)) return false;
  } else {
    if (!compare(centroids_, samples_from(rows.begin, n_rows),
                 {own.data(), near.limit.data(), near.found.data(), near.far.data(), room}, near))
      return false;
    near.n_compared = n_rows * n_clusters_;
  }
  if (keeps_) std::copy_n(near.others.data(), n_rows, others_.data() + rows.begin);
  return true;
}

/// Upper bounds of the scores of rows' own centroids; where a row has the one that it had, and that lies
/// still, what it was.
void Int8Filter::find_own_bounds(RowRange rows, std::span<const std::int32_t> own, Scratch& scratch) {
  const std::size_t n_rows = rows.size();
  const kernels::Int8Rows samples = samples_from(rows.begin, n_rows);
  float* const least = scratch.least.data();
  if (moved_.known()) {
    const std::int32_t* const before = own_.data() + rows.begin;
    std::vector<std::int32_t>& anew = scratch.near.anew;
    make_room(anew, n_rows);
    const auto n_moved = static_cast<std::int32_t>(moved_.index().size());
    std::size_t n_anew = 0;
    for (std::size_t r = 0; r < n_rows; ++r) {
      anew[n_anew] = static_cast<std::int32_t>(r);
      // Bits instead of branches: which row is which cannot be foreseen.
      const auto differs = static_cast<std::uint32_t>(before[r] ^ own[r]),
                 moved = static_cast<std::uint32_t>(moved_.place(own[r]) - n_moved) >> 31;
      n_anew += moved | (differs | (0u - differs)) >> 31;
    }
    std::copy_n(own_least_.data() + rows.begin, n_rows, least);
    if (n_anew > 0) kernels_.own_bounds(centroids_, samples, own.data(), {anew.data(), n_anew}, least);
  } else {
    kernels_.own_bounds(centroids_, samples, own.data(), {}, least);
  }
  if (!keeps_) return;
  std::copy_n(own.data(), n_rows, own_.data() + rows.begin);
  std::copy_n(least, n_rows, own_least_.data() + rows.begin);
}

/// What is near to rows, compared with all centroids, and what is known of the others then.
void Int8Filter::find_limits(RowRange rows, Scratch& scratch) const {
  const float apart = looks_farther() ? farther / 2 : 0;  // of scores, which are halves of squares
  Near& near = scratch.near;
  const float* norms = engine_.norms() + rows.begin;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const float squared = norms[r] * norms[r] + 2 * scratch.least[r];
    near.others[r] = scratch.least[r] + apart * std::max(squared, 0.0f);
    near.limit[r] = near.others[r] + scratch.reach[r];
  }
}

/// Which rows need be compared with moved centroids alone; false if these are too few for that to pay.
bool Int8Filter::part(RowRange rows, std::span<const std::int32_t> own, Scratch& scratch) const {
  Near& near = scratch.near;
  const std::size_t n_rows = rows.size();
  make_room(near.place, n_rows);
  make_room(near.with_moved, n_rows);
  make_room(near.with_all, n_rows);
  std::size_t n_with_all = 0;
  const auto n_moved = static_cast<std::int32_t>(moved_.index().size());
  for (std::size_t r = 0; r < n_rows; ++r) {
    const std::int32_t place = moved_.place(own[r]);
    // Bits instead of branches: which row is which cannot be foreseen.
    const std::int32_t known = scratch.least[r] + scratch.reach[r] <= others_[rows.begin + r],
                       all = (place - n_moved) >> 31 & (known - 1);
    near.place[r] = place;
    near.with_moved[r] = all + 1;
    near.with_all[n_with_all] = static_cast<std::int32_t>(r);
    n_with_all += static_cast<std::size_t>(-all);
  }
  // Tiles take as long for fewer rows.
  constexpr std::size_t tile = kernels::int8_tile_rows;
  const std::size_t searched = kernels_.in_tiles ? block_count(n_with_all, tile) * tile : n_with_all;
  // What else it takes, in comparisons with a vector: of all rows two, of one that is copied four.
  if (n_rows * (moved_.centroids().n_vectors + 2) + searched * (n_vectors_ + 4) > n_rows * n_vectors_)
    return false;
  for (std::size_t r = 0; r < n_rows; ++r) {
    const bool with_moved = near.with_moved[r] != 0;
    const float before = others_[rows.begin + r],
                others = (!with_moved | (near.others[r] < before)) ? near.others[r] : before;
    near.others[r] = others;
    near.limit[r] = with_moved ? std::max(others, scratch.least[r]) + scratch.reach[r]
                               : -std::numeric_limits<float>::infinity();
  }
  near.with_all.resize(n_with_all);
  return true;
}

bool Int8Filter::find_near_in_parts(RowRange rows, std::span<const std::int32_t> own, std::size_t room,
                                    Scratch& scratch) const {
  Near& near = scratch.near;
  auto& copied = near.copied;
  const std::size_t n_rows = rows.size(), n_with_all = near.with_all.size();
  if (!compare(moved_.centroids(), samples_from(rows.begin, n_rows),
               {near.place.data(), near.limit.data(), near.found.data(), near.far.data(), room}, near))
    return false;
  for (std::size_t p = 0; p < near.n_pairs; ++p) {
    near.pair_centroid[p] =
        moved_centroid(near.pair_centroid[p], own[static_cast<std::size_t>(near.pair_row[p])]);
    // Its own may stand last of a row's, and is to be in order.
    for (std::size_t q = p; q > 0 && near.pair_row[q - 1] == near.pair_row[q] &&
                            near.pair_centroid[q - 1] > near.pair_centroid[q];
         --q)
      std::swap(near.pair_centroid[q - 1], near.pair_centroid[q]);
  }
  make_room_for_copies(n_with_all, scratch);
  make_room(copied.own, n_with_all);
  make_room(copied.limit, n_with_all);
  make_room(copied.found, n_with_all);
  for (std::size_t c = 0; c < n_with_all; ++c) {
    const auto r = static_cast<std::size_t>(near.with_all[c]);
    copy(rows.begin + r, c, scratch);
    copied.own[c] = own[r];
    copied.limit[c] = near.others[r] + scratch.reach[r];
  }
  const std::size_t listed = near.n_listed, pairs = near.n_pairs;
  near.far_of_copies = near.far.data() + n_rows * moved_.centroids().n_vectors;
  if (!compare(centroids_, copies(0, n_with_all, scratch),
               {copied.own.data(), copied.limit.data(), copied.found.data(), near.far_of_copies, room}, near))
    return false;
  for (std::size_t l = listed; l < near.n_listed; ++l)
    near.listed[l] = near.with_all[static_cast<std::size_t>(near.listed[l])];
  for (std::size_t p = pairs; p < near.n_pairs; ++p)
    near.pair_row[p] = near.with_all[static_cast<std::size_t>(near.pair_row[p])];
  for (std::size_t c = 0; c < n_with_all; ++c)
    near.found[static_cast<std::size_t>(near.with_all[c])] = copied.found[c];
  near.n_compared = n_rows * (moved_.index().size() + 1) + n_with_all * n_clusters_;
  return true;
}

/// What stands at a place of those moved, for a row whose own centroid is `own`.
std::int32_t Int8Filter::moved_centroid(std::int32_t place, std::int32_t own) const {
  const auto at = static_cast<std::size_t>(place);
  return at < moved_.index().size() ? moved_.index()[at] : own;
}

/// Adds to what is found.
bool Int8Filter::compare(const kernels::Int8Centroids& centroids, const kernels::Int8Rows& rows,
                         const NearOf& of, Near& near) const {
  if (rows.n_rows == 0) return true;
  std::size_t n_listed, n_pairs;
  const bool fits = kernels_.near(centroids, rows,
                                  {.place = of.place,
                                   .limit = of.limit,
                                   .found = of.found,
                                   .far = of.far,
                                   .listed = near.listed.data() + near.n_listed,
                                   .n_listed = &n_listed,
                                   .pair_row = near.pair_row.data() + near.n_pairs,
                                   .pair_centroid = near.pair_centroid.data() + near.n_pairs,
                                   .room = of.room,
                                   .n_pairs = &n_pairs,
                                   .inverse = near.inverse.data(),
                                   .level = near.level.data(),
                                   .starts = near.starts.data()});
  if (!fits) return false;
  near.n_listed += n_listed;
  near.n_pairs += n_pairs;
  return true;
}

/// The centroids that row r's bits call near, and its own one, in order.
std::span<const std::int32_t> Int8Filter::near_of_row(std::size_t r, std::int32_t own, Near& near) const {
  std::vector<std::int32_t>& found = near.of_row;
  found.clear();
  const auto take = [&](const std::uint16_t* far, std::size_t n_places, auto&& centroid) {
    for (std::size_t at = 0; at < n_places; ++at) {
      const std::int32_t j = centroid(at);
      const bool is_far = (far[at / kernels::int8_lanes] >> at % kernels::int8_lanes & 1) != 0;
      if (!is_far && j != own) found.push_back(j);
    }
  };
  const auto itself = [](std::size_t at) { return static_cast<std::int32_t>(at); };
  if (!near.in_parts) {
    take(near.far.data() + r * n_vectors_, n_clusters_, itself);
  } else if (near.with_moved[r] != 0) {
    take(near.far.data() + r * moved_.centroids().n_vectors, moved_.index().size(),
         [&](std::size_t at) { return moved_.index()[at]; });
  } else {
    const auto copy = std::ranges::lower_bound(near.with_all, static_cast<std::int32_t>(r));
    take(near.far_of_copies + static_cast<std::size_t>(copy - near.with_all.begin()) * n_vectors_,
         n_clusters_, itself);
  }
  found.insert(std::ranges::upper_bound(found, own), own);
  return found;
}

std::span<const std::int32_t> Int8Filter::near_candidates(std::size_t r, std::size_t i, std::int32_t own,
                                                          const float* x, Scratch& scratch) const {
  const std::span<const std::int32_t> near = near_of_row(r, own, scratch.near);
  std::vector<float>& bounds = scratch.lane_bounds;
  make_room(bounds, near.size());
  pair_bounds(i, near, bounds.data());
  const auto lowest = static_cast<std::size_t>(
      std::min_element(bounds.begin(), bounds.begin() + static_cast<std::ptrdiff_t>(near.size())) -
      bounds.begin());
  float score;
  engine_.listed_scores(x, {&near[lowest], 1}, &score);
  const float limit = score + scratch.reach[r];
  scratch.found.clear();
  for (std::size_t o = 0; o < near.size(); ++o) {
    if (!(bounds[o] > limit)) scratch.found.push_back(near[o]);
  }
  return scratch.found;
}

double Int8Filter::own_squares(RowRange rows, const float* weights, const Scratch& scratch) const {
  const Largest largest = this->largest();
  const double relative = 16 * unit_roundoff<float>() + tag_error_, scale = engine_.scale();
  const float* norms = engine_.norms();
  const float* least = scratch.least.data();
  constexpr std::size_t lanes = 4;
  double sums[lanes] = {};
  const auto add = [&](std::size_t r, double& sum) {
    const std::size_t i = rows.begin + r;
    const double norm = static_cast<double>(norms[i]);
    const double squared =
        norm * norm + 2 * (static_cast<double>(least[r]) + relative * largest(i) + tag_floor_);
    // A NaN stays one.
    sum += (squared < 0 ? 0 : squared) * (weights != nullptr ? static_cast<double>(weights[i]) : 1.0);
  };
  std::size_t r = 0;
  for (; r + lanes <= rows.size(); r += lanes) {
    for (std::size_t l = 0; l < lanes; ++l) add(r + l, sums[l]);
  }
  for (; r < rows.size(); ++r) add(r, sums[0]);
  const double sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  const double squares = sum / (scale * scale) * (1 + 0x1p-20);
  return std::isnan(squares) ? std::numeric_limits<double>::infinity() : squares;
}

}  // namespace omnimeans
