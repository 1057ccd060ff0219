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
#include "prefetch.hpp"
#include "rounding.hpp"

namespace omnimeans {

using kernels::Int8Found;

/// What compare() is to know of rows, and where it puts what it finds: a value a row, or of all.
struct Int8Filter::NearOf {
  const std::int32_t *own, *own_place;
  const float* reach;
  float* least;
  Int8Found* found;
  std::uint16_t* far;
  std::size_t n_centroids, room;  ///< compared with each; for pairs
};

void Int8Filter::labels_are_of_step_before(std::span<const double> drift) {
  if (n_clusters_ < least_compared) return;  // find_near() compares nothing then
  moved_.take(centroids_, drift, static_cast<std::uint8_t>(kernels::int8_shift(kernels_.centroids.range)));
}

bool Int8Filter::find_near(RowRange rows, std::span<const std::int32_t> own, Scratch& scratch) const {
  if (n_clusters_ < least_compared) return false;
  Near& near = scratch.near;
  const std::size_t n_rows = rows.size();
  const std::size_t room = kernels::Int8Near::room_for_pairs(n_rows);
  for (auto* values : {&scratch.reach, &scratch.least, &near.inverse, &near.limit})
    make_room(*values, n_rows);
  make_room(near.found, n_rows);
  make_room(near.starts, n_rows);
  make_room(near.listed, n_rows);
  // Of two parts each.
  make_room(near.pair_row, 2 * room);
  make_room(near.pair_centroid, 2 * room);
  make_room(near.far, n_rows * n_vectors_);
  find_reach(rows, scratch.reach.data());
  near.n_listed = near.n_pairs = near.n_compared = 0;
  near.in_parts = moved_.known() && part(rows, own, scratch);
  if (near.in_parts) return find_near_in_parts(n_rows, room, scratch);
  return compare(centroids_, samples_from(rows.begin, n_rows),
                 {own.data(), own.data(), scratch.reach.data(), scratch.least.data(), near.found.data(),
                  near.far.data(), n_clusters_, room},
                 near);
}

/// Puts copies of rows whose own centroid has moved before the others; false if these are too few for that to
/// pay.
bool Int8Filter::part(RowRange rows, std::span<const std::int32_t> own, Scratch& scratch) const {
  Near& near = scratch.near;
  const std::size_t n_rows = rows.size();
  std::size_t n_with_all = 0;
  for (const std::int32_t j : own) n_with_all += moved_.has(j);
  // Tiles take as long for fewer rows.
  constexpr std::size_t tile = kernels::int8_tile_rows;
  std::size_t fill =
      kernels_.in_tiles ? std::min(n_rows, block_count(n_with_all, tile) * tile) - n_with_all : 0;
  n_with_all += fill;
  if (4 * (n_rows - n_with_all) * (n_vectors_ - moved_.centroids().n_vectors) < n_rows * n_vectors_)
    return false;
  make_room_for_copies(n_rows, scratch);
  for (auto* values : {&near.copied.row, &near.copied.own, &near.copied.own_place})
    make_room(*values, n_rows);
  for (auto* values : {&near.copied.reach, &near.copied.least}) make_room(*values, n_rows);
  make_room(near.copied.found, n_rows);
  constexpr std::size_t ahead = 16;
  std::size_t with_all = 0, others = n_with_all;
  for (std::size_t r = 0; r < n_rows; ++r) {
    // Without a branch: which row is which cannot be foreseen.
    const bool moved = moved_.has(own[r]), filler = !moved & (fill > 0), all = moved | filler;
    const std::size_t place = others + (with_all - others) * std::size_t{all};
    fill -= filler;
    with_all += all;
    others += !all;
    if (r + ahead < n_rows) prefetch(samples_.data() + (rows.begin + r + ahead) * stride_, stride_);
    copy(rows.begin + r, place, scratch);
    near.copied.row[place] = static_cast<std::int32_t>(r);
    near.copied.own[place] = own[r];
    near.copied.reach[place] = scratch.reach[r];
  }
  // Of a row that is compared with those moved alone its own one stands for a place of padding.
  std::copy_n(near.copied.own.data(), n_with_all, near.copied.own_place.data());
  std::fill(near.copied.own_place.begin() + static_cast<std::ptrdiff_t>(n_with_all),
            near.copied.own_place.end(), static_cast<std::int32_t>(moved_.index().size()));
  near.n_with_all = n_with_all;
  return true;
}

bool Int8Filter::find_near_in_parts(std::size_t n_rows, std::size_t room, Scratch& scratch) const {
  Near& near = scratch.near;
  auto& copied = near.copied;
  const auto of = [&](std::size_t first, std::size_t n_centroids) {
    return NearOf{copied.own.data() + first,
                  copied.own_place.data() + first,
                  copied.reach.data() + first,
                  copied.least.data() + first,
                  copied.found.data() + first,
                  near.far.data() + first * n_vectors_,
                  n_centroids,
                  room};
  };
  const std::size_t with_all = near.n_with_all;
  if (!compare(centroids_, copies(0, with_all, scratch), of(0, n_clusters_), near)) return false;
  const std::size_t listed = near.n_listed, pairs = near.n_pairs;
  // And with its own one.
  const std::size_t n_moved = moved_.index().size() + 1;
  if (!compare(moved_.centroids(), copies(with_all, n_rows - with_all, scratch), of(with_all, n_moved), near))
    return false;
  // Of the others places from the first one of them on, and of moved centroids.
  for (std::size_t l = listed; l < near.n_listed; ++l) near.listed[l] += static_cast<std::int32_t>(with_all);
  for (std::size_t p = pairs; p < near.n_pairs; ++p) {
    near.pair_row[p] += static_cast<std::int32_t>(with_all);
    near.pair_centroid[p] =
        moved_centroid(near.pair_centroid[p], copied.own[static_cast<std::size_t>(near.pair_row[p])]);
    // Its own stands last of a row's, and is to be in order.
    for (std::size_t q = p; q > pairs && near.pair_row[q - 1] == near.pair_row[q] &&
                            near.pair_centroid[q - 1] > near.pair_centroid[q];
         --q)
      std::swap(near.pair_centroid[q - 1], near.pair_centroid[q]);
  }
  for (std::size_t l = 0; l < near.n_listed; ++l)
    near.listed[l] = copied.row[static_cast<std::size_t>(near.listed[l])];
  for (std::size_t p = 0; p < near.n_pairs; ++p)
    near.pair_row[p] = copied.row[static_cast<std::size_t>(near.pair_row[p])];
  for (std::size_t place = 0; place < n_rows; ++place) {
    const auto r = static_cast<std::size_t>(copied.row[place]);
    scratch.least[r] = copied.least[place];
    near.found[r] = copied.found[place];
  }
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
                                  {.own = of.own,
                                   .place = of.own_place,
                                   .reach = of.reach,
                                   .least = of.least,
                                   .found = of.found,
                                   .far = of.far,
                                   .listed = near.listed.data() + near.n_listed,
                                   .n_listed = &n_listed,
                                   .pair_row = near.pair_row.data() + near.n_pairs,
                                   .pair_centroid = near.pair_centroid.data() + near.n_pairs,
                                   .room = of.room,
                                   .n_pairs = &n_pairs,
                                   .inverse = near.inverse.data(),
                                   .limit = near.limit.data(),
                                   .starts = near.starts.data()});
  if (!fits) return false;
  near.n_listed += n_listed;
  near.n_pairs += n_pairs;
  near.n_compared += rows.n_rows * of.n_centroids;
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
  // Rows with many near are few.
  const auto& row = near.copied.row;
  const std::size_t place =
      near.in_parts
          ? static_cast<std::size_t>(std::ranges::find(row, static_cast<std::int32_t>(r)) - row.begin())
          : r;
  if (!near.in_parts || place < near.n_with_all) {
    take(near.far.data() + place * n_vectors_, n_clusters_,
         [](std::size_t at) { return static_cast<std::int32_t>(at); });
  } else {
    take(near.far.data() + near.n_with_all * n_vectors_ +
             (place - near.n_with_all) * moved_.centroids().n_vectors,
         moved_.index().size(), [&](std::size_t at) { return moved_.index()[at]; });
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
