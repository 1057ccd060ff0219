// SPDX-License-Identifier: MIT
// When auto (auto.cpp) gives bounds a try beside a search of every distance: rules. auto_plan.hpp says which
// bounds, beside which search.
//
//   step 10    unless said otherwise below, and again in steps 22, 46, ... after a trial that was lost
//   step 6     bytes, where distances are dear or bounds last
//   step 3     blocks, gaps or bytes where eight bits prove little and are slow, whatever is said below
//   step 22    beside eight bits, where samples are few, and with VNNI or tiles (AMX) mostly
//   later      bytes beside those, where much lies still: in the next of these steps
//   never      beside a prefix with VNNI (auto_plan.hpp); beside tiles of eight bits, where bounds cannot
//              last; where steps are short; and for step 22 in fits that have not ten left then
#pragma once

#include <cstddef>
#include <limits>

#include "backends/auto_plan.hpp"
#include "int8_filter.hpp"

namespace omnimeans::algorithms {

/// Whether tiles of eight bits (AMX) leave bounds nothing to win. Seconds of a fit of 25 steps with a trial
/// over one without, Xeon with AMX. Where all pairs are near: uniform points, gaps d = 128 and 256 1.04 to
/// 1.2, bytes d = 100 and 128 (near 0.69 and 0.82) 1.04 to 1.16, d = 512 and 784 1.04 to 1.1; `blobs` d = 128
/// k = 1000 (0.66) 1.1, but d = 256 to 784 k = 500 to 1000 (0.85 to 0.93) 0.65 to 1.1. Bytes where a byte a
/// pair from memory takes as long as the products of few features, and where those are next to nothing:
/// `blobs` n = 200,000 d = 64 k = 1000 1.1, n = 20,000 d = 48 k = 500 1.1 to 1.3; five sets of d = 64 0.88 to
/// 1.06, d = 96 k = 256 0.8 to 0.93, d = 128 to 256 k = 512 0.8 to 0.98, d = k = 1000 0.65. (50,000,000 pairs
/// are more than a core's share of the caches.)
template <class T>
bool tiles_beat_bounds(const Problem<T>& problem, const Plan& plan, double near) {
  if (plan.dense.name != "int8" || !has_int8_tiles(problem)) return false;
  const std::size_t d = problem.samples.cols();
  // Of fewer features the share is asked for blocks and trees alone.
  if (d >= 100 && near >= (d < 200 ? 0.65 : 0.95) && asks_for_near_pairs(problem)) return true;
  return plan.bounded.name == "bytebounds" &&
         (d < 64 || (d < 128 && pairs(problem.samples.rows(), problem.n_clusters) > 5e7));
}

/// Whether int8 wins by leaving out what lies still (int8_moved.hpp); `left_out`: distances a sample, in the
/// step before. Bytes save the same, and cost more: milliseconds of fits of 60 steps without their trials and
/// with them, half of the pairs left out in step 22, in tiles (AMX): word embeddings 42 and 77, `blobs` d =
/// 256 k = 1000 41 and 57; with VNNI word embeddings 61 and 99. Below a quarter the trial comes as before.
template <class T>
bool rest_beats_bounds(const Problem<T>& problem, const Plan& plan, double left_out) {
  return plan.dense.name == "int8" && plan.bounded.name == "bytebounds" && has_fast_integers(problem) &&
         left_out > static_cast<double>(problem.n_clusters) / 4;
}

/// Whether bounds get their first trial in step 6 instead of 10. Bytes cost a pass and a half to write, and
/// hardly pay while centroids move far. Seconds of a fit with the early trial over those with one in step 14:
/// Zen 3, 25 steps, 0.6 to 0.9 with 100 features and more, 0.97 to 1.05 with 32. Beside integers at twice the
/// rate (VNNI) of 100 features or more where less than 60 % of the pairs are near; beside int8 late_trial()
/// goes first.
template <class T>
bool early_trial(const Problem<T>& problem, const Plan& plan, double near) {
  if (plan.bounded.name != "bytebounds" || plan.dense.name == "prefix") return false;
  return !has_fast_integers(problem) || (problem.samples.cols() >= 100 && near < 0.6);
}

/// Whether they get it in step 22, beside eight bits: few samples make up for little of what bounds begin
/// with. Seconds of a fit of 25 steps with a trial in step 10 over those without. Gaps, without tiles (AMX)
/// three sets of k d = 8,000 to 16,000 n = 1,000 to 8,000 1.0 to 1.25. Bytes beside tiles, d = 512 and 784 k
/// = 100 to 300: n = 1,000 and 2,000 0.9 to 1.1, mostly above 1; n = 3,000 and 5,000 where few pairs are near
/// 0.85 to 1.06, elsewhere 0.93 to 1.15.
///
/// And beside VNNI or tiles, which compare with a sample's own centroid at half of what its lowest bounds
/// cost, and leave out what lies still: milliseconds of fits of 25 steps with bytes on trial in step 10 and
/// without, n = 20,000 k = 300: `blobs` d = 784 in tiles 53 and 40, with VNNI 104 and 59, `anisotropic` 52
/// and 43, 98 and 66. But with VNNI and 627,000 features times clusters bytes alone win by half (with 235,000
/// they lose), and of many features bounds of `images` last. Gaps beside tiles, n = 100,000 and 200,000, k =
/// 200 to 400 1.05 to 1.12 times as long; n = 20,000 to 100,000 d = 96 and 128 k = 100 and 128 0.9 to 1.2, in
/// geometric mean 1.05; k = 64 0.87 to 1.25.
template <class T>
bool late_trial(const Problem<T>& problem, const Plan& plan, double near) {
  if (plan.dense.name != "int8" || !has_fast_integers(problem)) return false;
  const std::size_t n = problem.samples.rows(), d = problem.samples.cols(), k = problem.n_clusters;
  const bool tiles = has_int8_tiles(problem);
  if (plan.bounded.name == "gap") return n <= 10'000 || (tiles && k >= 100);
  if (plan.bounded.name != "bytebounds") return false;
  if (d >= 500 && near < few_near) return d * k < 100'000 && n <= 2000;
  return tiles || d * k < 300'000;
}

inline constexpr std::size_t never = std::numeric_limits<std::size_t>::max(), earliest_trial = 3;

/// The step of the first trial.
template <class T>
std::size_t first_trial(const Problem<T>& problem, const Plan& plan, double near) {
  // Of a step of some microseconds the clock says little, and memory costs more than it.
  const double work = static_cast<double>(problem.samples.rows()) * work_per_sample(problem);
  if (work < 5e6 || plan.bounded.name == plan.dense.name || tiles_beat_bounds(problem, plan, near))
    return never;
  // In step 22 of 25 a trial costs a tenth of the fit and has nothing left to win.
  if (late_trial(problem, plan, near))
    return problem.most_steps == 0 || problem.most_steps >= 32 ? 22 : never;
  return early_trial(problem, plan, near) ? 6 : 10;
}

/// Whether the forecast says more than exp(log_speed) times the speed of gap, of 10,000 samples or more: of
/// fewer int8 soon leaves out what lies still (n = 5,900, k = 312: blocks are 0.75 times as fast).
template <class T>
bool blocks_may_prove_more(const Problem<T>& problem, const Plan& plan, double log_speed) {
  return problem.samples.rows() >= 10'000 && plan.forecast.blocks > log_speed;
}

/// Whether bounds get a trial in step earliest_trial; `again`: how many distances a sample were computed
/// again in float in the step before. Where that is more than 2.5, eight bits say too little of these
/// samples, and will; where blocks are foretold to be faster than gaps, which save the most here, 2 are
/// enough, and of few clusters one is. Seven sets but `imbalanced` (1.7 to 5.5) and `lattice` (11 and more)
/// have 0.5 to 1.6.
template <class T>
bool bounds_pay_early(const Problem<T>& problem, const Plan& plan, double again) {
  const bool few_clusters = problem.n_clusters < Int8Filter::least_compared;
  const double most = few_clusters ? 1 : blocks_may_prove_more(problem, plan, 0) ? 2 : 2.5;
  return again > most && plan.dense.name == "int8" &&
         (plan.bounded.name == "gap" || plan.bounded.name == "bytebounds") && has_fast_integers(problem) &&
         problem.samples.rows() > 5000;
}

/// Which. Bounds over int8 in fits of 25 steps, `imbalanced`, Xeon with AMX, d k = 16,000 to 100,000: gap 0.7
/// to 0.83 below 30,000, 1.2 to 2.1 beyond; bytes (on trial in step 10) 0.8 to 0.94 beyond. Blocks, which
/// save more where few clusters are around (Zen 5, 26 such sets, d = 40 to 128, k = 64 to 440): auto with
/// blocks on trial takes 0.43 to 0.85 of its time with gaps or bytes where they are foretold to be faster
/// than gap, and 0.82 in a set where 0.9 times as fast was foretold.
template <class T>
Choice early_bounds(const Problem<T>& problem, const Plan& plan) {
  constexpr Choice gaps{"gap", "eight bits prove little here: one number a sample may save more, on trial"},
      bytes{"bytebounds", "eight bits prove little here: one byte a pair may save more, on trial"},
      blocks{"blockbounds", "eight bits prove little here: bounds of neighbours may save more, on trial"};
  // Where 0.82 times as fast is foretold blocks are often faster: the forecast is a mean over all data.
  constexpr double nearly_as_fast = -0.2;
  if (blocks_may_prove_more(problem, plan, nearly_as_fast)) return blocks;
  return plan.bounded.name == "gap" || problem.samples.cols() * problem.n_clusters < 30'000 ? gaps : bytes;
}

}  // namespace omnimeans::algorithms
