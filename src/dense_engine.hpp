// SPDX-License-Identifier: MIT
// Exhaustive assignment on the dense kernels, certified: a label is taken from the fast scores only where a
// rounding-error bound proves that the canonical rule decides the same; the other samples are re-ranked with
// the canonical distance.
//
// Scores. With x' = (x - m) * 2^e and c' = (c - m) * 2^e, the kernels compute s_j = |c'_j|^2/2 - x'.c'_j, so
// that |x' - c'_j|^2 = |x'|^2 + 2 s_j. m is the centroids' mean where their common offset is not small
// against their spread (beside eight bits sooner), and in sixteen bits always; else zero, and samples are
// read as they are. 2^e is 1 unless squares would over- or underflow in T.
//
// Error bound. u is T's unit roundoff, gamma_g = g u / (1 - g u) (Higham 2002, lemma 3.1), C >= max_j |c'_j|,
// N >= |x'|.
//   chains of at most L = dense_chain FMAs, b = ceil(d / L) of them added:      gamma_{L+b} (C^2/2 + N C)
//   product and sum rounded apart where there is no FMA, |c'|^2/2 rounded to T,
//   c' and x' rounded to T (x' - x'' is at most u N long, and so on):           4 more roundings, so
//   gamma_{L+b+8} is safe the place in its group written into the lowest 3 bits: 7 ulp <= 14 u |s|:   15 more
//   |c'|^2/2 itself summed in double (matters for T = double only):             d/8 + 8 more
//   underflow of products and of x', c': at most eta = the least subnormal each: 8 d eta (1 + C + N)
// give |s^_j - s_j| <= E(N) = gamma_g (C^2/2 + N C) + 8 d eta (1 + C + N). The canonical distance itself is
// off by a relative theta = gamma_{d/8+8} in double (and 2 d 2^-1074 2^2e by underflow). So the canonical
// rule takes the lowest score's centroid, and no other, if second - best > 2 E + theta (N + C)^2 + underflow
// =: margin(N), a quadratic in N.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "aligned_buffer.hpp"
#include "dense_plan.hpp"
#include "int16_rows.hpp"
#include "kernels/kernels.hpp"
#include "omnimeans/backend.hpp"
#include "omnimeans/matrix_view.hpp"
#include "parallel.hpp"
#include "rounding.hpp"

namespace omnimeans {

/// What an assignment writes, and reads of the samples: all n_samples long.
template <class T>
struct Labelling {
  std::span<const T> weights;  ///< empty: all ones
  std::span<std::int32_t> labels;
  /// For backends with bounds (both or none): |x_i - c_label(i)| <= upper[i], and |x_i - c_j| >= lower[i] for
  /// every other j.
  std::span<T> upper = {}, lower = {};
  /// For a backend with gaps (sample_gaps.hpp): gaps[i] <= lower - upper + path[label] of sample i, where
  /// that is more than path[label]; -infinity where the canonical rule alone proved the label.
  std::span<T> gaps = {};
  std::span<const T> path = {};       ///< n_clusters
  LabelObserver* observer = nullptr;  ///< told of what assign() and assign_listed() label
  bool inertia =
      true;  ///< whether its bound is asked for; else it is infinite, and saves some cycles a sample
};

template <class T>
class DenseEngine {
 public:
  /// With int16, labels are found in sixteen bits where those prove them.
  DenseEngine(MatrixView<const T> samples, std::size_t n_clusters, Isa isa, int threads,
              const kernels::Int16Kernels* int16 = nullptr);

  /// Another engine for the same centroids, whose packed values it shares: `packed` has packed them
  /// (pack_all) and takes no others as long as this one lives. set_samples() comes next.
  explicit DenseEngine(const DenseEngine& packed);

  /// Other samples, of as many features.
  void set_samples(MatrixView<const T> samples, int threads);

  /// Packs all that assign() and over_scores() need.
  void pack_all() {
    pack_groups();
    pack_panels();
  }

  /// Working memory of one thread.
  struct Scratch {
    AlignedBuffer<T> tile, partial;        ///< of the nearest-centroid kernel
    AlignedBuffer<T> rows;                 ///< transformed rows
    AlignedBuffer<T> scores;               ///< block_rows x padded_clusters()
    std::vector<std::int32_t> listed;      ///< of a block: rows to label, counted from its first
    std::vector<T> squared, upper, lower;  ///< of those rows: squared distances, at most; bounds of distances
    std::vector<std::int32_t> labels, in_block, candidates;
    std::vector<std::size_t> open;  ///< samples whose label is not proved
    std::vector<double> distances;
    AssignmentStats stats;
    std::size_t thread = 0;
    bool with_gaps = true;  ///< whether a block's samples get the gaps that are asked for
  };

  /// Takes the centroids for the next assignments; the view must stay valid until then.
  void set_centroids(MatrixView<const T> centroids);

  /// The canonical label of every sample, and its bounds if asked for.
  AssignmentStats assign(const Labelling<T>& out) {
    return assign(out, plan_.label_rows, [](RowRange, Scratch&) {});
  }
  /// The same in blocks of at most `block_rows` samples; before(rows, scratch) is called before each, and may
  /// change scratch.with_gaps, which is true.
  template <class Before>
  AssignmentStats assign(const Labelling<T>& out, std::size_t block_rows, Before&& before) {
    pack_for_labels(true);
    over_blocks(block_rows, [&](RowRange rows, Scratch& scratch) {
      scratch.with_gaps = true;
      before(rows, scratch);
      label_rows(rows.begin, rows.size(), {}, out, scratch);
    });
    all_labelled();
    rerank(out);
    return sum_stats();
  }

  /// The same for some samples: body(rows, scratch) is called over blocks of at most `block_rows` samples, in
  /// parallel, and leaves in scratch.listed (empty before) those of `rows` that are to be labelled, counted
  /// from rows.begin (of a list of all of them only the size counts). It may add to scratch.stats and change
  /// scratch.with_gaps. (All of them at once are read in place, which is cheaper a sample: see nearly_all()
  /// and gap.cpp.)
  template <class Body>
  AssignmentStats assign_listed(const Labelling<T>& out, std::size_t block_rows, Body&& body) {
    pack_for_labels(false);
    over_blocks(block_rows, [&](RowRange rows, Scratch& scratch) {
      scratch.listed.clear();
      scratch.with_gaps = true;
      body(rows, scratch);
      const std::size_t count = scratch.listed.size();
      if (count == rows.size()) scratch.listed.clear();
      if (count > 0) label_rows(rows.begin, count, scratch.listed, out, scratch);
    });
    rerank(out);
    return sum_stats();
  }

  /// Calls body(rows, scratch) over blocks of samples, in parallel, with every score at hand in
  /// scratch.scores (row stride padded_clusters()); sums up what the scratches' stats hold.
  template <class Body>
  AssignmentStats over_scores(Body&& body) {
    pack_panels();
    over_blocks(block_rows_, [&](RowRange rows, Scratch& scratch) {
      score(rows, scratch);
      body(rows, scratch);
    });
    norms_known_ = true;
    return sum_stats();
  }

  /// |x_i - c_j| >= factor * sqrt(2 score + base).
  struct LowerTerms {
    T base, factor;
  };
  LowerTerms lower_terms(std::size_t i) const;
  T lower_factor() const { return lower_factor_; }  ///< the factor, which is the same for all

  /// At least the length of the longest centroid, in the samples' units, from where the engine centres.
  double largest_norm() const { return largest_norm_ * std::sqrt(inverse_scale2_); }

  /// |x_i - c_j|^2 at most, from a score that is off by `error` at most; infinite where the score is a NaN,
  /// as it is of a centroid far outside the range that the scale was chosen for.
  double upper_squared(std::size_t i, T score, double error) const {
    const double squared = norm(i) * norm(i) + 2 * (static_cast<double>(score) + error);
    if (squared <= 0) return 0;
    return squared > 0 ? squared * inverse_scale2_ * (1 + 0x1p-20) : std::numeric_limits<double>::infinity();
  }

  /// Lower bounds of |x_i - c_j| for all j from sample i's scores.
  void lower_distances(std::size_t i, const T* scores, T* out) const;

  /// Scores of single pairs, as good as those of tiles: after pack_rows(), for a sample that load_sample()
  /// put into `x` (padded_features() values), and the centroids that `index` lists.
  void pack_rows();
  /// The same in sixteen bits, n_words() apart.
  void pack_rows(Int16Rows& int16);
  void load_sample(std::size_t i, T* x) const;
  /// The same, in place if it lies there as it should.
  const T* sample(std::size_t i, T* x) const {
    if (!transformed_ && samples_.cols() == row_stride_) return samples_.row_data(i);
    load_sample(i, x);
    return x;
  }
  std::size_t padded_features() const { return row_stride_; }
  void listed_scores(const T* x, std::span<const std::int32_t> index, T* scores) const {
    kernels_.listed_scores(x, rows_.data(), row_stride_, half_norms_.data(), index.data(), index.size(),
                           row_stride_, scores);
  }

  /// The same of pairs of a sample, as pair_sample() gives it, and a centroid each.
  void paired_scores(std::span<const T* const> x, const std::int32_t* index, T* scores) const {
    kernels_.paired_scores(x.data(), transformed_ ? row_stride_ : samples_.cols(), rows_.data(), row_stride_,
                           half_norms_.data(), index, x.size(), row_stride_, scores);
  }
  /// Whether samples are not read in place.
  bool moves_samples() const { return transformed_; }
  /// Sample i in place, or, where they are moved, put into `x` (padded_features() values).
  const T* pair_sample(std::size_t i, T* x) const {
    if (!transformed_) return samples_.row_data(i);
    load_sample(i, x);
    return x;
  }

  /// The same of blocks of samples that lie elsewhere, transposed: all of a task that is the centroids'.
  kernels::BlockTask<T> block_task() const;
  /// And all of what makes such blocks that is not the samples'.
  kernels::BlockStart<T> block_start() const;

  /// Every score of the samples begin + listed[r], to scratch.scores; pack_panels() first.
  void pack_panels();
  void score_listed(std::size_t begin, std::span<const std::int32_t> listed, Scratch& scratch);

  /// Calls body(rows, scratch) over blocks of samples, in parallel; sums up what the scratches' stats hold.
  template <class Body>
  AssignmentStats over_samples(std::size_t block_rows, Body&& body) {
    over_blocks(block_rows, body);
    return sum_stats();
  }

  /// The canonical label and its distance D from sample i's scores: re-ranks all that the margin leaves open.
  struct Ranked {
    std::int32_t label;
    double distance;
    bool reranked;
  };
  Ranked rank(std::size_t i, const T* scores, Scratch& scratch) const;

  /// The same from the scores of some centroids in ascending order (empty: all), one of which is the nearest;
  /// the distance is an upper bound of D, and D itself only if re-ranked.
  Ranked rank_listed(std::size_t i, std::span<const std::int32_t> index, const T* scores,
                     Scratch& scratch) const;

  /// Which of the first `count` of scratch.candidates, in ascending order, is nearest to sample i by the
  /// canonical rule; its distance D goes to scratch.distances[0].
  std::int32_t canonical_winner(std::size_t i, std::size_t count, Scratch& scratch) const;

  // In the engine's own units (moved and scaled): of a sample N, of the longest centroid C, of a packed one
  // |c'|^2/2 and its values, after pack_rows(); and the margin within which scores prove nothing.
  double norm(std::size_t i) const { return static_cast<double>(norms_[i]); }
  double longest() const { return largest_norm_; }
  double scale() const { return static_cast<double>(scale_); }
  T half_norm(std::size_t j) const { return half_norms_[j]; }
  const T* packed_row(std::size_t j) const { return rows_.data() + j * row_stride_; }
  /// Whether the last pack_rows() changed it.
  bool packed_row_changed(std::size_t j) const { return row_changed_[j] != 0; }
  double score_margin(std::size_t i) const { return margin(norm(i)); }
  /// A score that is lower by more is that of a nearer centroid.
  T reach_of(std::size_t i) const { return narrow<T>(1.25 * score_margin(i)); }
  /// Of the current centroids, for loops over many: a copy that no store can change.
  struct MarginOfNorm {
    double margin2, margin1, margin0, limit;
    double operator()(double norm) const {
      const double value = (margin2 * norm + margin1) * norm + margin0;
      return norm < limit ? value : std::numeric_limits<double>::infinity();
    }
  };
  MarginOfNorm margin_of_norm() const {
    return {static_cast<double>(margin2_), static_cast<double>(margin1_), static_cast<double>(margin0_),
            static_cast<double>(norm_limit_)};
  }
  const T* norms() const { return norms_.data(); }
  std::size_t n_features() const { return samples_.cols(); }
  /// The norms of at most so many samples; infinite where one is not finite.
  std::vector<double> some_norms(std::size_t count);
  /// Centres where the square of the centroids' common offset is more than `share` of their spread's, instead
  /// of a quarter. Before the first set_centroids().
  void centre_from(double share) { centre_from_ = share; }
  void always_centre() { centre_from(-1); }

  /// The norms of some samples, for those who need them before any scores.
  void find_norms(RowRange rows);
  /// They are known for all.
  void norms_found() { norms_known_ = true; }

  std::size_t padded_clusters() const { return n_vectors_ * kernels_.lanes; }
  const kernels::Kernels<T>& kernels() const { return kernels_; }

  /// Working memory at most, in bytes: with every score of a block at hand, or of the few that are re-ranked.
  static double bytes_needed(const Problem<T>& problem, bool every_score);

 private:
  template <class Body>
  void over_blocks(std::size_t block_rows, Body&& body) {
    const std::size_t n = samples_.rows(), blocks = block_count(n, block_rows);
    const int team = useful_threads(threads_, blocks);
    prepare_scratch(team);
    parallel_blocks(team, blocks, [&](std::size_t block, int thread) {
      body(block_range(block, n, block_rows), scratch_[static_cast<std::size_t>(thread)]);
    });
  }

  void prepare_scratch(int team);
  void choose_transform();
  void measure_centroids();
  void pack_groups();
  template <class Value>
  void pack_grouped(std::size_t length, T* out, Value&& value) const;
  void pack_for_labels(bool all_samples);
  bool int16_fits();
  void find_margin(double largest_squared_norm);
  void transform_row(std::size_t i, T* out) const;
  T packed(T value, std::size_t t) const;
  void score(RowRange rows, Scratch& scratch);
  void set_norm(std::size_t i, T squared);
  kernels::NearestTask<T> nearest_task(std::size_t begin, Scratch& scratch) const;
  void label_rows(std::size_t begin, std::size_t count, std::span<const std::int32_t> listed,
                  const Labelling<T>& out, Scratch& scratch);
  void write_listed(std::size_t begin, std::span<const std::int32_t> listed, std::size_t n_open,
                    const Labelling<T>& out, Scratch& scratch) const;
  void observe(std::size_t begin, std::size_t count, std::size_t n_open, LabelObserver& observer,
               const Scratch& scratch) const;
  void all_labelled();
  void judge_int16(std::uint64_t labelled);
  void rerank(const Labelling<T>& out);
  AssignmentStats sum_stats() const;
  kernels::PackedCentroids<T> panels() const;

  /// N = norm_factor * sqrt(|x'|^2 in T + squares_floor), at most.
  T squares_floor() const {
    return round_up<T>(2 * static_cast<double>(samples_.cols()) *
                       static_cast<double>(std::numeric_limits<T>::denorm_min()));
  }
  T norm_factor() const { return round_up<T>(1 + norm_slack_ / 2); }
  double margin(double norm) const { return margin_of_norm()(norm); }

  MatrixView<const T> samples_;
  MatrixView<const T> centroids_;
  const kernels::Kernels<T>& kernels_;
  DensePlan plan_;
  int threads_;
  std::size_t n_clusters_, n_vectors_, n_groups_, block_rows_, row_stride_;

  // Chosen for the first centroids. Others far outside their range cost time (every sample is re-ranked),
  // never a label.
  bool transformed_ = false, transform_chosen_ = false;
  double centre_from_ = 0.25;
  bool groups_packed_ = false, panels_packed_ = false;  ///< of the current centroids
  std::vector<T> offset_;                               ///< m
  T scale_ = 1;                                         ///< 2^e
  double inverse_scale2_ = 1;

  AlignedBuffer<T> grouped_, half_norms_;       ///< packed for the nearest-centroid kernel
  AlignedBuffer<T> panels_, panel_half_norms_;  ///< packed for the score kernel, on demand
  AlignedBuffer<T> rows_;  ///< row by row, row_stride_ apart, padded with zeros; on demand
  std::vector<std::uint8_t> row_changed_;
  double largest_norm_ = 0;                    ///< C
  T margin0_ = 0, margin1_ = 0, margin2_ = 0;  ///< margin(N) = (margin2 N + margin1) N + margin0
  T norm_limit_ = 0;        ///< where the kernels' arithmetic might overflow: nothing is proved beyond
  AlignedBuffer<T> norms_;  ///< N of each sample, an upper bound of |x'|
  double norm_slack_ = 0, norm_floor_ = 0;  ///< |x'| >= N (1 - norm_slack) - norm_floor
  T lower_factor_ = 1;                      ///< of lower_terms()
  bool norms_known_ = false;
  std::unique_ptr<Int16Rows> int16_;  ///< null: not asked for, or of no use
  bool in_int16_ = false;             ///< the current pass
  int coarse_passes_ = 0;             ///< in a row, that left many samples open in sixteen bits
  std::vector<Scratch> scratch_;
  std::vector<std::size_t> open_;      ///< of all threads
  std::vector<double> squared_norms_;  ///< of the centroids, scaled
};

}  // namespace omnimeans
