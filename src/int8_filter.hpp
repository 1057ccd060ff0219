// SPDX-License-Identifier: MIT
// Scores in eight bits with a proven error, beside a dense engine: they leave a candidate or two of each
// sample to be scored in float, at a quarter of a float pass's cost with VNNI. Only where the CPU has the
// instructions (kernels::int8_kernels), and for float.
//
// With x' = x^ + e and c' = c^ + f, where x^ and c^ are what eight bits hold (kernels/int8.hpp) and |e|, |f|
// are measured:
//   |x'.c' - x^.c^| = |e.c' + x^.f| <= |e| |c'| + (N + |e|) |f| =: off,     N >= |x'|
// So the kernels' b = |c'|^2/2 - x^.c^ - off is a lower bound of the score s, and b + 2 off an upper one.
// With C >= |c'| and F >= |f| of every centroid no value on the way is above 2 (N + |e|) (C + F) + C^2 =: Z;
// the kernels' roundings, a dozen at most, are 16 u Z =: rounding at most. A place in its lane written into
// the lowest t bits changes b by 2^t u 2 Z; with it, rounding is least_error.
//
// The canonical winner w is among the centroids with b_w <= limit. For any a, with the engine's E and theta
// (dense_engine.hpp), margin = 2 E + theta (N + C)^2 and score_a its score in float:
//   b_w <= s_w + least_error <= s_a + theta (N + C)^2 + least_error <= score_a + margin + least_error
// and with an upper bound of s_a from here in place of score_a, off by least_error itself, one more. So
// limit = that + margin + 2 least_error does for both; that additions in float are off by u Z is in a
// hundredth more.
//
// From step to step (int8_near.cpp). Of a sample with the centroid a every other centroid j that was far, b_j
// above limit = others + reach, has s_j > others, for reach holds least_error; of those near the scores in
// float tell it. While j lies still its score stays as it is. So in a later step, where an upper bound of s_a
// with its own reach is not above others, only centroids that have moved since need be compared: those of
// each step in that step. Where a itself lies still, and its label is right, that is so at any rate, for the
// canonical distances of both are the same as before. To last for some steps limits lie a little farther than
// a step asks for. No bound is above Z (1 + 16 u): a limit beyond that calls nothing far, so that roundings
// which count stay below 16 u Z.
//
// The same holds for x~ and c~, a few coordinates each (principal_prefix.hpp), with N and C the largest |x~|
// and |c~|, E_x and E_c added to |e| and |f|, and 2 t_x t_c more in the upper bound and in Z.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "aligned_buffer.hpp"
#include "dense_engine.hpp"
#include "int8_moved.hpp"
#include "kernels/int8.hpp"
#include "parallel.hpp"
#include "principal_prefix.hpp"
#include "rounding.hpp"

namespace omnimeans {

/// The 8-bit kernels that may be used for a problem, or null.
template <class T>
const kernels::Int8Kernels* int8_kernels_for(const Problem<T>& problem) {
  const std::size_t d = problem.samples.cols();
  // A place in a lane must leave most of a float's bits.
  constexpr std::size_t most_clusters = std::size_t{1} << 24;
  if (sizeof(T) != sizeof(float) || d < 16 || d > kernels::int8_longest || problem.n_clusters > most_clusters)
    return nullptr;
  return kernels::int8_kernels(problem.isa);
}

/// Whether products of eight bits come in tiles: AMX.
template <class T>
bool has_int8_tiles(const Problem<T>& problem) {
  const kernels::Int8Kernels* kernels = int8_kernels_for(problem);
  return kernels != nullptr && kernels->in_tiles;
}

class Int8Filter {
 public:
  /// What is rounded: all features; the coordinates of a prefix, where there are features enough for one; or
  /// what saves time, a prefix only where its tails are short and there is work to save.
  enum class Rows { whole, prefix, shorter };

  Int8Filter(const DenseEngine<float>& engine, const kernels::Int8Kernels& kernels, std::size_t n_samples,
             std::size_t n_features, std::size_t n_clusters, int threads, Rows rows);

  /// Bytes at most, what a prefix is found with included.
  static double bytes_needed(std::size_t n_samples, std::size_t n_features, std::size_t n_clusters,
                             int threads, Rows rows);

  /// Directions of these samples for the prefix, which nobody need look for then; or null. Before the first
  /// set_centroids().
  void take_directions(std::shared_ptr<const PrincipalPrefix> directions) { prefix_ = std::move(directions); }

  /// Takes the engine's centroids, after every pack_rows() of it.
  void set_centroids();

  /// After set_centroids(), until it is called again: labels that find_near() gets are right for the
  /// centroids of the step before, which have moved by `drift` each, 0 where they lie as they did; and in
  /// that step each sample was given to a find_near() that returned true, or to find_candidates(rows, ...).
  void labels_are_of_step_before(std::span<const double> drift);

  /// What find_near() finds, as kernels::Int8Near; rows are listed in any order, pairs of a row one behind
  /// the other.
  struct Near {
    std::vector<kernels::Int8Found> found;
    std::vector<std::int32_t> listed;
    AlignedBuffer<std::int32_t> pair_row, pair_centroid;
    std::size_t n_listed = 0, n_pairs = 0;
    std::uint64_t n_compared = 0;  ///< pairs

    AlignedBuffer<std::uint16_t> far;
    std::vector<float> inverse, level;
    std::vector<std::int32_t> starts, of_row, anew;
    std::vector<float> others, limit;  ///< as others_; what is near is below
    /// Whether rows are compared with moved centroids alone, but for some, which are copied and compared with
    /// all.
    bool in_parts = false;
    std::vector<std::int32_t> place;       ///< of a row's own centroid among those moved
    std::vector<std::int32_t> with_moved;  ///< 1: it is compared with these alone
    std::vector<std::int32_t> with_all;    ///< the other rows, ascending
    std::uint16_t* far_of_copies = nullptr;
    struct {
      std::vector<std::int32_t> own;
      std::vector<float> limit;
      std::vector<kernels::Int8Found> found;
    } copied;
  };

  /// Working memory of one thread, and what find_candidates() finds: a value a row.
  struct Scratch {
    Near near;
    std::vector<float> least;           ///< an upper bound of the lowest score (of find_near(): of the own
                                        ///< centroid's), but for least_error()
    std::vector<std::uint8_t> alone;    ///< whether there is one candidate
    std::vector<std::int32_t> nearest;  ///< the centroid of the lowest bound: that one
    AlignedBuffer<float> bounds;        ///< of listed rows, bounds_stride() apart

    std::vector<float> reach;
    AlignedBuffer<float> lanes;  ///< as kernels::Int8Lowest
    std::vector<std::int32_t> found, lane;
    std::vector<float> lane_bounds;
    AlignedBuffer<float> x, projected, extended;  ///< of rows to be rounded
    AlignedBuffer<std::int8_t> rows;  ///< copies of rows that do not follow each other, with what is theirs
    std::vector<float> scale, cut_off, length, tail;
    std::vector<std::int32_t> sum;
  };

  /// Rounds samples, once, after set_centroids() and the engine's find_norms().
  void load(RowRange rows, Scratch& scratch);

  /// Finds which centroids may be the nearest of each of `rows`, or of the samples begin + listed[r],
  /// ascending, by these bounds alone; of listed ones the bounds of every pair, too, in scratch.bounds.
  void find_candidates(RowRange rows, Scratch& scratch);
  void find_candidates(std::size_t begin, std::span<const std::int32_t> listed, Scratch& scratch) const;
  /// From so many clusters on the bound of a row's own centroid takes less time than it saves.
  static constexpr std::size_t least_compared = 49;
  /// The same of `rows`, whose labels `own` has, at half the time: of each row whether the nearest centroid
  /// may be another than its own one, and which. False if values are too many for it: nothing is found then.
  bool find_near(RowRange rows, std::span<const std::int32_t> own, Scratch& scratch);
  /// After find_near(), of sample i whose pairs are listed: those of its centroids that are not its label
  /// score above this. Of a sample that has many near: nothing is known of its others.
  void others_are_above(std::size_t i, float score) {
    if (keeps_) others_[i] = std::min(others_[i], score);
  }
  void forget_others(std::size_t i) {
    if (keeps_) others_[i] = -std::numeric_limits<float>::infinity();
  }
  /// Whether find_near() may look beyond a sample's own centroid, which lists more pairs; and whether it does
  /// in this step: where much lies still.
  void look_farther(bool so) { looks_farther_ = so; }
  bool looks_farther() const;
  /// After find_near(): sum_i w_i |x_i - c_own(i)|^2 of the rows at most; `weights` of them, or null: ones.
  double own_squares(RowRange rows, const float* weights, const Scratch& scratch) const;
  /// Of row r, sample i, of which find_near() found many: as candidates().
  std::span<const std::int32_t> near_candidates(std::size_t r, std::size_t i, std::int32_t own,
                                                const float* x, Scratch& scratch) const;

  /// Those of row r, sample i, in ascending order: one at least, the nearest among them. `x` is the sample as
  /// DenseEngine::sample() gives it: the score of the lowest bound's centroid leaves the fewest. Valid until
  /// the next call.
  std::span<const std::int32_t> candidates(std::size_t r, std::size_t i, const float* x,
                                           Scratch& scratch) const;
  /// The same from an upper bound of any centroid's score, as above.
  std::span<const std::int32_t> candidates_below(std::size_t r, std::size_t i, float score,
                                                 Scratch& scratch) const;
  bool in_tiles() const { return kernels_.in_tiles; }
  /// Of blocks to be searched. In tiles, which make short work of one, some 160 KiB of rows, or 448 if that
  /// is more, in four blocks a thread at least: 25 steps, instead of 224 rows, n = 50,000 d = 128 k = 256 56
  /// to 53 ms, n = 200,000 d = 64 k = 300 217 to 198, n = 20,000 d = 784 k = 500 106 to 102. The first two
  /// with 448 rows 55 and 208, with 1920 53 and 198, with 3840 54 and 201.
  std::size_t block_rows() const { return block_rows(kernels_, n_samples_, threads_, stride_); }
  /// What block_rows() will be at most.
  static std::size_t most_block_rows(const kernels::Int8Kernels& kernels, std::size_t n_samples,
                                     std::size_t n_features, int threads, Rows rows);
  std::size_t bounds_stride() const { return n_vectors_ * kernels::int8_lanes; }
  /// Features, or coordinates that stand for them.
  std::size_t n_values() const { return n_values_; }

  /// Lower bounds of the scores of sample i and the centroids that `index` lists, but for rounding(i).
  void pair_bounds(std::size_t i, std::span<const std::int32_t> index, float* out) const;

  double least_error(std::size_t i) const { return rounding(i) + tag_error_ * largest(i) + tag_floor_; }
  double rounding(std::size_t i) const { return 16 * unit_roundoff<float>() * largest(i); }

 private:
  /// Beyond a sample's own centroid, as a part of its squared distance. Farther, more pairs are listed; less
  /// far, what is known of others is of use for fewer steps. Word embeddings, 25 steps: 28 ms, with 0.004 29,
  /// with 0.02 29, with 0 31.
  static constexpr float farther = 0.01f;
  static std::size_t values_at_most(std::size_t n_features, Rows rows);
  static std::size_t block_rows(const kernels::Int8Kernels& kernels, std::size_t n_samples, int threads,
                                std::size_t stride);
  void begin();
  /// Without a prefix: none.
  const float* tails(const std::vector<float>& values, std::size_t i) const {
    return prefix_ != nullptr ? values.data() + i : nullptr;
  }
  /// How far above the limit's score a bound may be: infinite where a float may overflow.
  float reach(std::size_t i) const {
    float value;
    find_reach({i, i + 1}, &value);
    return value;
  }
  void find_reach(RowRange rows, float* out) const;
  kernels::Int8Rows samples_from(std::size_t i, std::size_t count) const {
    return {samples_.data() + i * stride_,
            stride_,
            &sample_scale_[i],
            &sample_sum_[i],
            &sample_cut_off_[i],
            &sample_length_[i],
            tails(sample_tail_, i),
            count};
  }
  /// Z of each sample: a copy that no store can change, for loops over many.
  struct Largest {
    const float *length, *tail;
    double per_length, per_tail, rest;
    double operator()(std::size_t i) const {
      const double z = per_length * static_cast<double>(length[i]) + rest;
      return tail == nullptr ? z : z + per_tail * static_cast<double>(tail[i]);
    }
  };
  Largest largest() const {
    return {sample_length_.data(), prefix_ != nullptr ? sample_tail_.data() : nullptr,
            2 * (largest_length_ + largest_cut_off_), 2 * largest_tail_,
            engine_.longest() * engine_.longest()};
  }
  double largest(std::size_t i) const { return largest()(i); }
  /// What `x` is rounded to, and how far that is off.
  struct Rounded {
    float scale, cut_off, length, tail;
    std::int32_t sum;
  };
  Rounded round(const float* x, double norm, const float* projected, float* extended,
                const kernels::Int8Limits& limits, std::int8_t* values) const;
  void put(std::size_t i, const Rounded& rounded);
  void set_some_centroids(std::span<const std::size_t> index);
  void set_centroid(std::size_t j, const float* projected, float* extended, std::int8_t* values);
  void make_room_for_copies(std::size_t count, Scratch& scratch) const;
  /// Sample i as the copy at `place`; the copies from `first` on.
  void copy(std::size_t i, std::size_t place, Scratch& scratch) const;
  kernels::Int8Rows copies(std::size_t first, std::size_t count, const Scratch& scratch) const;
  void forget(RowRange rows);
  void find_own_bounds(RowRange rows, std::span<const std::int32_t> own, Scratch& scratch);
  void find_limits(RowRange rows, Scratch& scratch) const;
  bool part(RowRange rows, std::span<const std::int32_t> own, Scratch& scratch) const;
  bool find_near_in_parts(RowRange rows, std::span<const std::int32_t> own, std::size_t room,
                          Scratch& scratch) const;
  std::int32_t moved_centroid(std::int32_t place, std::int32_t own) const;
  std::span<const std::int32_t> near_of_row(std::size_t r, std::int32_t own, Near& near) const;
  struct NearOf;
  bool compare(const kernels::Int8Centroids& centroids, const kernels::Int8Rows& rows, const NearOf& of,
               Near& near) const;
  void search(std::size_t begin, std::span<const std::int32_t> listed, const kernels::Int8Rows& rows,
              float* bounds, Scratch& scratch) const;

  const DenseEngine<float>& engine_;
  const kernels::Int8Kernels& kernels_;
  std::size_t n_samples_, n_features_, n_clusters_, n_vectors_;
  std::size_t n_values_ = 0, stride_ = 0;  ///< from the first centroids on
  std::vector<std::uint8_t> stale_;        ///< a centroid: it is not yet rounded as it is
  int threads_;
  Rows kind_;
  std::shared_ptr<const PrincipalPrefix> prefix_;
  AlignedBuffer<std::int8_t> samples_;
  std::vector<float> sample_scale_, sample_cut_off_, sample_length_;  ///< ..., |e|, N + |e|
  std::vector<float> sample_tail_;                                    ///< of a prefix
  std::vector<std::int32_t> sample_sum_;
  // Of each sample, from the first step in which some centroids lie still.
  AlignedBuffer<float> others_;        ///< the scores of all centroids but its own are above this
  AlignedBuffer<std::int32_t> own_;    ///< its own centroid, or -1: nothing is known of it
  AlignedBuffer<float> own_least_;     ///< and the upper bound of its score
  bool keeps_ = false, kept_ = false;  ///< these, in this step; in the step before
  bool looks_farther_ = true;
  AlignedBuffer<std::uint8_t> panels_, rows_;
  AlignedBuffer<float> scale_, half_norms_, length_, cut_off_, tail_, terms_;
  kernels::Int8Centroids centroids_;
  MovedCentroids moved_;
  double largest_cut_off_ = 0, largest_length_ = 0, largest_tail_ = 0;  ///< F, C, of t_c
  double tag_error_, tag_floor_;  ///< of a bound whose lowest bits gave way: relative, and of a tiny one
};

}  // namespace omnimeans
