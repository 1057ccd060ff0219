// SPDX-License-Identifier: MIT
// What backends share that look at one sample's candidates at a time: lone distances with their bounds, who
// of two centroids takes a label, and the loop over blocks of samples.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "backends/bounds.hpp"
#include "omnimeans/backend.hpp"
#include "parallel.hpp"

namespace omnimeans::algorithms {

template <class T>
class LoneSearch {
 public:
  /// Working memory of one thread; the backend uses the lists as it likes.
  struct Scratch {
    std::size_t thread;  ///< whose it is
    std::vector<std::int32_t> open, candidates;
    std::vector<T> squared;
    AssignmentStats stats;
  };
  /// The label among some candidates, and what is known of the best of the others.
  struct Found {
    std::int32_t label, second;  ///< second: -1 if there is none, or squares overflow
    T squared, second_squared;
  };
  /// Who may take a label, and a distance that every other centroid is beyond.
  struct Candidates {
    std::span<const std::int32_t> listed;
    T beyond;
  };

  LoneSearch(const Problem<T>& problem, const kernels::Kernels<T>& kernels)
      : problem_(problem),
        kernels_(kernels),
        rounding_(problem.samples.cols()),
        scratch_(static_cast<std::size_t>(problem.threads)) {
    for (Scratch& scratch : scratch_) {
      scratch.thread = static_cast<std::size_t>(&scratch - scratch_.data());
      for (auto* list : {&scratch.open, &scratch.candidates}) list->resize(problem.n_clusters);
      scratch.squared.resize(problem.n_clusters);
    }
  }

  static double bytes_needed(const Problem<T>& problem) {
    return pairs(problem.n_clusters, static_cast<std::size_t>(problem.threads)) *
           (2 * sizeof(T) + 2 * sizeof(std::int32_t));
  }

  const Rounding<T>& rounding() const { return rounding_; }
  void set_centroids(MatrixView<const T> centroids) { centroids_ = centroids; }

  /// Calls body(rows, scratch) over blocks of samples, in parallel; sums up what the scratches' stats hold.
  template <class Body>
  AssignmentStats over_blocks(std::size_t block_rows, Body&& body) {
    const std::size_t n = problem_.samples.rows();
    for (Scratch& scratch : scratch_) scratch.stats = {};
    parallel_blocks(problem_.threads, block_count(n, block_rows), [&](std::size_t block, int thread) {
      body(block_range(block, n, block_rows), scratch_[static_cast<std::size_t>(thread)]);
    });
    AssignmentStats total;
    for (const Scratch& scratch : scratch_) total += scratch.stats;
    return total;
  }

  /// The first step of a backend with many bounds: every distance once, by the dense kernel. Writes labels
  /// and upper bounds; take(i, label, lower) gets lower bounds of all k distances.
  template <class Take>
  AssignmentStats first_pass(DenseEngine<T>& engine, const Assignment<T>& step, std::span<T> upper,
                             Take&& take) const {
    engine.set_centroids(step.centroids);
    return engine.over_scores([&](RowRange rows, typename DenseEngine<T>::Scratch& scratch) {
      scratch.lower.resize(problem_.n_clusters);
      for (std::size_t i = rows.begin; i < rows.end; ++i) {
        const T* scores = scratch.scores.data() + (i - rows.begin) * engine.padded_clusters();
        const auto ranked = engine.rank(i, scores, scratch);
        step.labels[i] = ranked.label;
        upper[i] = rounding_.upper_root(ranked.distance);
        scratch.stats.inertia_bound += weight_of(problem_, i) * ranked.distance;
        scratch.stats.reranked += ranked.reranked;
        engine.lower_distances(i, scores, scratch.lower.data());
        take(i, static_cast<std::size_t>(ranked.label), std::span<const T>(scratch.lower));
      }
    });
  }

  /// |x_i - c_j|^2 in T, of one centroid or of some.
  T squared_distance(std::size_t i, std::size_t j, AssignmentStats& stats) const {
    const auto label = static_cast<std::int32_t>(j);
    T squared;
    squared_distances(i, {&label, 1}, &squared, stats);
    return squared;
  }
  void squared_distances(std::size_t i, std::span<const std::int32_t> listed, T* out,
                         AssignmentStats& stats) const {
    kernels_.squared_distances(problem_.samples.row_data(i), centroids_.data(), centroids_.row_stride(),
                               listed.data(), listed.size(), centroids_.cols(), out);
    stats.distances_computed += listed.size();
  }

  /// Whether j, at the square `squared`, takes x_i's label from `owner`. The squares decide if their errors
  /// cannot matter, else the canonical distance.
  bool takes(std::size_t i, std::size_t j, T squared, std::size_t owner, T owner_squared,
             AssignmentStats& stats) const {
    if (rounding_.certainly_less(owner_squared, squared)) return false;
    if (rounding_.certainly_less(squared, owner_squared)) return true;
    ++stats.reranked;
    const double to_j = canonical(i, j), to_owner = canonical(i, owner);
    return to_j < to_owner || (to_j == to_owner && j < owner);
  }

  /// The label of x_i among `listed`, each once.
  Found nearest_two(std::size_t i, std::span<const std::int32_t> listed, Scratch& scratch) const {
    constexpr T infinity = std::numeric_limits<T>::infinity();
    make_room(scratch.squared, listed.size());
    const T* squared = scratch.squared.data();
    squared_distances(i, listed, scratch.squared.data(), scratch.stats);
    // By the squares alone; only if their errors could matter, one against the other.
    std::size_t best = 0;
    Found found{listed[0], -1, squared[0], infinity};
    for (std::size_t c = 1; c < listed.size(); ++c) {
      if (!(squared[c] < found.second_squared)) continue;
      const bool nearer = squared[c] < found.squared;
      const std::size_t second = nearer ? best : c;
      best = nearer ? c : best;
      found = {listed[best], listed[second], squared[best], squared[second]};
    }
    if (rounding_.certainly_less(found.squared, found.second_squared)) return found;
    found = {listed[0], -1, squared[0], infinity};
    for (std::size_t c = 1; c < listed.size(); ++c) {
      std::int32_t other = listed[c];
      T to_other = squared[c];
      if (takes(i, static_cast<std::size_t>(other), to_other, static_cast<std::size_t>(found.label),
                found.squared, scratch.stats)) {
        std::swap(other, found.label);
        std::swap(to_other, found.squared);
      }
      if (to_other < found.second_squared) {
        found.second = other;
        found.second_squared = to_other;
      }
    }
    return found;
  }

  /// One step of a backend with one upper and one lower bound a sample: bounds move, are tightened, and whose
  /// label is still open is labelled among candidates_of(i, scratch). found(i, result) hears of each.
  template <class CandidatesOf, class Done>
  AssignmentStats label_open(SampleBounds<T>& bounds, const Assignment<T>& step, CandidatesOf&& candidates_of,
                             Done&& done) {
    return over_blocks(bounds.block_rows(), [&](RowRange rows, Scratch& scratch) {
      double inertia = bounds.move(rows, step.labels, scratch.open);
      scratch.stats.distances_computed += scratch.open.size();
      inertia += bounds.tighten(rows, step, scratch.open);
      for (const std::int32_t r : scratch.open) {
        const std::size_t i = rows.begin + static_cast<std::size_t>(r);
        const Candidates candidates = candidates_of(i, scratch);
        const Found found = nearest_two(i, candidates.listed, scratch);
        step.labels[i] = found.label;
        bounds.upper(i) = rounding_.upper_root(static_cast<double>(found.squared));
        bounds.lower(i) = std::min(rounding_.lower_root(found.second_squared), candidates.beyond);
        inertia += inertia_within(problem_, i, bounds.upper(i));
        done(i, found);
      }
      scratch.stats.inertia_bound += inertia;
    });
  }

 private:
  double canonical(std::size_t i, std::size_t j) const {
    double squared;
    kernels_.canonical_distances(problem_.samples.row_data(i), centroids_.row_data(j), 0, nullptr, 1,
                                 centroids_.cols(), &squared);
    return squared;
  }

  const Problem<T>& problem_;
  const kernels::Kernels<T>& kernels_;
  Rounding<T> rounding_;
  MatrixView<const T> centroids_;
  std::vector<Scratch> scratch_;
};

}  // namespace omnimeans::algorithms
