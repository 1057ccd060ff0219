// SPDX-License-Identifier: MIT
// Centroids that have moved since the step before, as panels of their own (kernels/int8.hpp). The others are
// as far from a sample as before, and need not be compared with it while they are known to be farther than
// its own centroid (int8_filter.hpp). Of 500 clusters of 20,000 word embeddings a third moves in the tenth
// step, an eighth in the twenty-fifth.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "aligned_buffer.hpp"
#include "kernels/int8.hpp"
#include "parallel.hpp"

namespace omnimeans {

class MovedCentroids {
 public:
  MovedCentroids(std::size_t n_clusters, int threads)
      : n_clusters_(n_clusters), threads_(threads), place_(n_clusters) {}

  /// `row`: bytes of a centroid.
  static double bytes_needed(std::size_t n_clusters, double row) {
    return static_cast<double>(most_places(n_clusters)) * (row + 24);
  }

  /// Nothing is known of who moved.
  void forget() { known_ = false; }

  /// Of `all`, those whose drift is not 0; `zero`: what a value of 0 is in eight bits. Nothing if so many
  /// have moved that leaving out the others would not pay.
  void take(const kernels::Int8Centroids& all, std::span<const double> drift, std::uint8_t zero) {
    index_.clear();
    for (std::size_t j = 0; j < n_clusters_; ++j) {
      place_[j] = static_cast<std::int32_t>(index_.size());
      if (drift[j] != 0) index_.push_back(static_cast<std::int32_t>(j));
    }
    known_ = 8 * index_.size() <= 7 * n_clusters_;
    few_lie_still_ = 16 * index_.size() > 15 * n_clusters_;
    if (!known_) return;
    for (std::size_t j = 0; j < n_clusters_; ++j) {
      if (drift[j] == 0) place_[j] = static_cast<std::int32_t>(index_.size());
    }
    pack(all, zero);
  }

  bool known() const { return known_; }
  /// So few that it is not likely to be known in the next step.
  bool few_lie_still() const { return few_lie_still_; }
  /// The centroid at each place of the panels, ascending; behind them padding, at one place at least.
  std::span<const std::int32_t> index() const { return index_; }
  /// Where a centroid stands; of one that lies still: the first padding.
  std::int32_t place(std::int32_t centroid) const { return place_[static_cast<std::size_t>(centroid)]; }
  /// As kernels want them: panels by place, rows of all centroids.
  const kernels::Int8Centroids& centroids() const { return centroids_; }

 private:
  static std::size_t most_places(std::size_t n_clusters) {
    return block_count(n_clusters + 1, kernels::int8_lanes) * kernels::int8_lanes;
  }

  void pack(const kernels::Int8Centroids& all, std::uint8_t zero) {
    const std::size_t places = most_places(index_.size());
    make_room(panels_, most_places(n_clusters_) * all.stride);
    for (auto* values : {&scale_, &half_norms_, &length_}) make_room(*values, most_places(n_clusters_));
    centroids_ = all;
    centroids_.panels = panels_.data();
    centroids_.scale = scale_.data();
    centroids_.half_norms = half_norms_.data();
    centroids_.length = length_.data();
    centroids_.n_vectors = places / kernels::int8_lanes;
    const std::vector<std::uint8_t> padding(all.stride, zero);
    // A vector's values of four features are a cache line.
    parallel_blocks(threads_for_centroids(places * all.stride, threads_), centroids_.n_vectors,
                    [&](std::size_t vector, int) {
                      for (std::size_t lane = 0; lane < kernels::int8_lanes; ++lane)
                        put(all, vector * kernels::int8_lanes + lane, padding.data());
                    });
  }

  /// What stands at a place: behind those moved padding.
  void put(const kernels::Int8Centroids& all, std::size_t place, const std::uint8_t* padding) {
    const bool there = place < index_.size();
    const std::size_t j = there ? static_cast<std::size_t>(index_[place]) : 0;
    kernels::put_in_panels(there ? all.rows + j * all.stride : padding, place, centroids_.n_vectors,
                           all.n_quads, panels_.data());
    scale_[place] = there ? all.scale[j] : 0;
    half_norms_[place] = there ? all.half_norms[j] : std::numeric_limits<float>::max();
    length_[place] = there ? all.length[j] : 0;
  }

  std::size_t n_clusters_;
  int threads_;
  bool known_ = false, few_lie_still_ = true;
  std::vector<std::int32_t> index_, place_;
  AlignedBuffer<std::uint8_t> panels_;
  AlignedBuffer<float> scale_, half_norms_, length_;
  kernels::Int8Centroids centroids_;
};

}  // namespace omnimeans
