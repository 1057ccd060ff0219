// SPDX-License-Identifier: MIT
// What auto (auto.cpp) begins with, and what it tries later: rules. auto_trials.hpp says when.
//
//   first     kdtree      few features, or foretold to be fastest (auto_forecast.hpp): boxes exclude most
//                         centroids
//             blockbounds foretold to be fastest, of up to 128 features (double with AVX-512 256): so
//                         do bounds of neighbours (auto_blocks.hpp says where they get a trial, and where
//                         bytebounds gives way to them)
//             prefix      many features and clusters, and a few directions hold nearly all of the variance
//                         (without VNNI bytebounds goes before it, and before int8, from k d = 64,000 on,
//                         or 128,000 where all pairs of samples and centroids are about equally far)
//             bytebounds  very many features and clusters: a byte of memory saves a distance (with VNNI never
//                         first)
//             int8        many, or foretold to be faster than gap: every distance, but of pairs that lie
//                         still, in eight bits, where the CPU has such products
//             gap         the rest: every distance, in sixteen bits where those pay, until gaps do
//             int16, simd a step or two; and simd where a step is next to nothing and for what does not fit
//                         the memory limit, then openmp, naive
//
// Whether every distance is faster in eight bits is foretold of more than 5,000 samples with VNNI; else, and
// with tiles (AMX), it goes by rule, and of many samples by the clock, on a slice of them (dense_costs.hpp).
//
// Measured on a Xeon of 2023 (VNNI, two threads, float, 20 or 25 iterations, seconds of simd over those of
// the backend): int8 2.3 at d = 100 with k = 500, 2.9 at d = 256 (in tiles, AMX, 3.9 and 5.7); bytebounds 0.8
// to 1.6 at k d = 51,200, 6 to 8 at 384,000; prefix 14 on `embedding` d = 768 k = 1000 (bytebounds 12), on
// `images` d = 784 k = 500, whose tails are longer, 5 (bytebounds 6); gap 1.0 to 1.2 at k = 8, 1.3 to 4 from
// k = 32 on. Without products of eight bits (CPUs without AVX2, or with AVX-512 but no VNNI) trials of bytes
// begin at k d = 64,000 instead of 24,000; in double, whose distances cost twice as much, at 12,000 (Zen 3,
// two threads, 25 steps, 19 sets of k d = 12,800 to 50,000, gap over gap with a trial: 0.9 to 1.05 where the
// trial is lost, 1.1 to 1.7 elsewhere), with 512 bits at 24,000 (a Xeon, d = 100 k = 128 0.8 to 0.95, d = 200
// k = 128 0.9 to 1.14).
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <string_view>

#include "backends/auto_blocks.hpp"
#include "backends/auto_forecast.hpp"
#include "backends/backends.hpp"
#include "backends/dense_costs.hpp"
#include "backends/eight_bits.hpp"
#include "backends/near_pairs.hpp"
#include "int16_rows.hpp"
#include "int8_filter.hpp"

namespace omnimeans::algorithms {

/// A backend worth trying, and why, in words for `omnimeans fit --explain`.
struct Choice {
  std::string_view name, reason;
};

/// What a problem may be solved with: `first`, then `dense` and, if it is another one, `bounded` by turns.
struct Plan {
  Choice first, dense, bounded;
  Forecast forecast = {};                                       ///< what --explain tells
  std::shared_ptr<const PrincipalPrefix> directions = nullptr;  ///< of prefix, if that is one of them
};

/// From so many features, clusters, and features times clusters on.
struct Least {
  std::size_t features, clusters, values;
};

/// From where on every distance is found sooner in eight bits than by gap while its gaps prove nothing: where
/// samples are few from fewer values on, for they make up for less of what gap begins with; of many features
/// or clusters, too, for what a sample costs beside its distances weighs less. Fits of 25 steps of `blobs`,
/// `uniform` and, in tiles, `embedding`, gap over int8.
///
/// In tiles (a Xeon with AMX), from the limit to half as much again: n = 1,500 0.95 to 1.1, n = 5,000 0.9 to
/// 1.1, n = 10,000 1.0 to 1.25; n = 20,000 to 200,000 d = 32 to 64 k = 128 to 256 0.92 to 1.34, in geometric
/// mean 1.1, d = 96 to 200 k = 64 to 128 0.95 to 1.5 (`lattice`, which soon gets gaps, 0.5 to 0.7); beyond
/// 1.3 to 3.2.
constexpr Least least_in_tiles(std::size_t n, std::size_t d, std::size_t k) {
  const bool wide = d >= 128;
  if (n <= 2000) return {48, 16, 4'000};
  if (n <= 5000) return {48, 16, 6'000};
  if (n <= 10'000) return {32, 16, wide ? 8'000u : k >= 128 ? 7'500u : 10'000u};
  return {32, 48, k >= 128 ? 8'000u : 12'000u};
}

/// With VNNI, a Xeon without AMX, vectors of 512 and of 256 bits, gap over int8 at the limit: n = 1,500 1.1
/// to 1.3, n = 3,000 1.1 to 1.7. More than 5,000 samples are foretold (auto_forecast.hpp), but for fits of
/// one or two steps.
constexpr Least least_with_vnni(std::size_t n, std::size_t k) {
  if (n <= 2000) return {24, 16, 4'000};
  if (n <= 5000) return {24, 32, 6'000};
  if (k >= 128) return {20, 128, 10'000};
  return {96, 64, 16'000};
}

/// With AVX2: n = 3,000 1.1 to 1.7, n = 20,000 at 32,000 1.1 and 1.4.
constexpr Least least_with_avx2(std::size_t n, std::size_t d) {
  return n <= 5000 && d >= 128 ? Least{128, 32, 8'000} : Least{96, 64, 32'000};
}

/// By what the CPU has.
constexpr Least least_in_eight_bits(std::size_t n, std::size_t d, std::size_t k, bool tiles, bool vnni) {
  return tiles ? least_in_tiles(n, d, k) : vnni ? least_with_vnni(n, k) : least_with_avx2(n, d);
}

/// Whether every distance is found sooner in eight bits, by that rule, or by the clock where that is cheap.
template <class T>
bool better_in_eight_bits(const Problem<T>& problem, bool by_clock) {
  const std::size_t d = problem.samples.cols(), k = problem.n_clusters;
  if (int8_kernels_for(problem) == nullptr) return false;
  const bool tiles = has_int8_tiles(problem);
  const bool vnni = has_fast_integers(problem);
  const Least least = by_clock ? Least{32, tiles ? 48u : 64u, 8'000}
                               : least_in_eight_bits(problem.samples.rows(), d, k, tiles, vnni);
  if (d < least.features || k < least.clusters || k * d < least.values) return false;
  // Where samples are many and values few, rounding takes longer to come back.
  const bool few_steps = problem.most_steps != 0 && problem.most_steps < 8;
  if (few_steps && !tiles && problem.samples.rows() > 10'000 && k * d < 12'000) return false;
  if (!by_clock) return true;
  const std::string_view gap_is = int16_pays(problem) ? "int16" : "simd";
  return slice_seconds(problem, "int8") < 0.95 * slice_seconds(problem, gap_is);
}

/// Of one step or two, which do not make up for bounds or boxes; nor for rounding, of few features or
/// clusters. (Eight bits of few samples, from where on 25 steps ask for them: a Xeon with AMX, `blobs` n =
/// 1,000 to 20,000, k d >= 8,000, one step by int8 over the faster of simd and int16 0.82 to 1.08, two 0.69
/// to 1.03; of fewer 0.92 to 1.2.)
template <class T>
Plan short_plan(const Problem<T>& problem) {
  constexpr std::string_view reason = "one step or two: what bounds and boxes cost would not come back";
  const std::size_t d = problem.samples.cols(), k = problem.n_clusters;
  const bool in_eight_bits = k >= 64 && k * d >= 8000 && better_in_eight_bits(problem, false);
  const Choice choice{in_eight_bits ? "int8" : d >= 32 && int16_pays(problem) ? "int16" : "simd", reason};
  return {choice, choice, choice};
}

/// Whether something asks for near_shares().
template <class T>
bool asks_for_near_pairs(const Problem<T>& problem) {
  const bool many_features = problem.samples.rows() >= 1000 && problem.samples.cols() >= 100 &&
                             problem.n_clusters >= 64 && problem.most_steps != 1 && problem.most_steps != 2;
  return many_features || tree_is_foretold(problem) || blocks_are_foretold(problem) ||
         (int8_is_foretold(problem) && problem.most_steps != 1 && problem.most_steps != 2);
}
/// Those shares, else 1.
template <class T>
NearShares near_shares_if_asked(const Problem<T>& problem) {
  return asks_for_near_pairs(problem) ? near_shares(problem) : NearShares{};
}

/// A share of near pairs below which there is structure: bounds last long, or few directions hold the
/// variance.
inline constexpr double few_near = 0.12;

/// How much of the variance a few directions hold: `most` leaves bounds narrow enough for bytebounds to use
/// them, `nearly_all` for a search of its own.
enum class Held { less, most, nearly_all };

/// Asks some of the samples. What that takes is not counted beside the backend's memory, but observes the
/// limit. `near`: the share of near pairs; `found`: gets the directions, if they were looked for.
///
/// Half as many directions as a prefix may have are found in 0.5 to 4.5 ms with 128 to 784 features, all of
/// them in 1.3 to 16. Half, where they leave 1 % of the squares at most, are looked for with VNNI from
/// 1,000,000 pairs of samples and clusters on, if few of those are near and the fit has 8 steps or more:
/// `embedding` d = 768 n = 10,000 k = 100 34 instead of 61 ms, n = 40,000 k = 64 96 instead of 212 (Zen 4).
/// In tiles (AMX) all features take so little time that the search comes back later: prefix over int8, 25
/// steps of `embedding`, n d k = 0.2e9 to 0.8e9 0.8 to 1.0 times as fast, 0.8e9 to 1.5e9 0.9 to 1.1,
/// beyond 1.02 to 1.75.
///
/// All of them, which may leave 2.5 %, where the products that they save in a step are many beside those that
/// a sample's coordinates and the search take, once: n k (d - m) over 10,000 d m, m coordinates. Milliseconds
/// of int8 and of prefix, with the search, 25 steps of `embedding`, `images` and `pixels`, Xeon with AMX.
/// In its tiles, d below 256, where prefixes are short: 8.5 to 14 of `embedding` d = 160 and 200 60 and 48,
/// 65 and 55, 76 and 66; 10 of d = 128 50 and 53; 19 of `images` d = 160, which leave more than 1 %, 61 and
/// 69; d from 256 on: 6 and 10 (d = 784 k = 500, d = 256 k = 500, n = 20,000 and 50,000) 84 and 94, 85 and
/// 128; 20 to 60 324 and 269, 165 and 119, 547 and 422. With VNNI: 1 to 2.3 26 and 40, 49 and 56, 62 and
/// 68; 2.6 to 8 157 and 125, 127 and 104, 35 and 31, 110 and 95. With AVX-VNNI: 1.1 33 and 45, 1.6 26 and
/// 27, 2.3 69 and 65; 3.9 to 5 182 and 127, 50 and 38.
template <class T>
Held held_by_few(const Problem<T>& problem, double near,
                 std::shared_ptr<const PrincipalPrefix>* found = nullptr) {
  if constexpr (sizeof(T) == sizeof(float)) {
    const std::size_t n = problem.samples.rows(), d = problem.samples.cols(), k = problem.n_clusters;
    const bool few_and_long = near < few_near && (problem.most_steps == 0 || problem.most_steps >= 8);
    const double least_pairs =
        few_and_long && has_fast_integers(problem) ? 1e6 : PrincipalPrefix::least_pairs;
    if (int8_kernels_for(problem) == nullptr || d < 128 || k < 64 || pairs(n, k) < least_pairs)
      return Held::less;
    const bool tiles = has_int8_tiles(problem);
    const double work = pairs(n, k) * static_cast<double>(d);
    if (tiles && work < 1.5e9) return Held::less;
    // The more pairs are equally far, the more directions there are in which they differ: where a few hold
    // nearly all, 0.02 to 0.11 are near, of `lattice` 0.15, of all others 0.41 and more.
    if (near > 0.3) return Held::less;
    const std::size_t most = PrincipalPrefix::most_values(d);
    const double saved = pairs(n, k) * static_cast<double>(d - most),
                 once = 1e4 * static_cast<double>(most * d);
    const double least_saved = !tiles ? 3 : d > 128 && d < 256 ? 8 : 15;
    const bool all_may_pay = !has_fast_integers(problem) || saved >= least_saved * once;
    const bool few_features = tiles && d < 256;
    Problem<T> some = problem;
    const std::size_t count = std::min(n, PrincipalPrefix::most_samples);
    some.samples = {problem.samples.data(), count, d, n / count * problem.samples.row_stride()};
    some.n_clusters = 64;
    const double bytes = DenseEngine<T>::bytes_needed(some, false) + PrincipalPrefix::bytes_needed(count, d);
    if (problem.memory_limit_bytes != 0 && bytes > static_cast<double>(problem.memory_limit_bytes))
      return Held::less;
    try {
      DenseEngine<T> engine(some.samples, some.n_clusters, problem.isa, problem.threads);
      engine.centre_from(EightBits<T>::centre_from);
      engine.set_centroids(
          {problem.samples.data(), some.n_clusters, d, n / some.n_clusters * problem.samples.row_stride()});
      const std::shared_ptr<const PrincipalPrefix> prefix =
          PrincipalPrefix::of(engine, count, d, problem.threads, !all_may_pay);
      if (found != nullptr) *found = prefix;
      if (all_may_pay && !few_features ? prefix->tail_share() <= 0.025 : prefix->has_short_tails())
        return Held::nearly_all;
      if (prefix->worthwhile()) return Held::most;
    } catch (const std::bad_alloc&) {
    }
  }
  return Held::less;
}

/// Whether bytes may pay from the first step on, from so many features times clusters on.
template <class T>
bool bytes_may_pay(const Problem<T>& problem, std::size_t least_values) {
  const std::size_t n = problem.samples.rows(), d = problem.samples.cols(), k = problem.n_clusters;
  const std::size_t least_steps = int8_kernels_for(problem) != nullptr ? 8 : 3;
  const bool short_fit = problem.most_steps != 0 && problem.most_steps < least_steps;
  return !short_fit && n >= 1000 && k >= 64 && d >= 100 && k * d >= least_values;
}

/// Whether eight bits have products at twice the rate or more: VNNI, AMX.
template <class T>
bool fast_eight_bits(const Problem<T>& problem) {
  return has_fast_integers(problem) && int8_kernels_for(problem) != nullptr;
}

/// Whether they do even where prefix is another choice, so that nobody has to look for directions; `near`:
/// the share of near pairs. Seconds of the dense plan, with a trial later, over those of bytes from the
/// start, two threads. Zen 3 (10 and 25 steps, data sets of 100 features and more): k d = 64,000 to 80,000
/// 0.96 to 1.25, 100,000 to 768,000 1.0 to 1.3, prefix or not; below 128,000 of uniform points, whose pairs
/// are all near from 256 features on, 0.8 to 1.0.
///
/// With VNNI never, for int8 leaves out as much where centroids lie still: milliseconds of fits of 25 steps
/// with bytes at once and with int8, n = 20,000, AVX-VNNI, 256 bits: `blobs` d = 256 k = 500 96 and 67,
/// `anisotropic` d = 200 k = 300 45 and 35, `embedding` d = 200 k = 500 76 and 99 (by prefix 59); with 512
/// bits 81 and 49, 35 and 29, 71 and 80 (41).
template <class T>
bool bytes_pay_at_once(const Problem<T>& problem, double near) {
  if (fast_eight_bits(problem) || blocks_go_before_bytes(problem)) return false;
  return bytes_may_pay(problem, near < 0.95 ? 64'000 : 128'000);
}

/// Whether they do where no prefix is taken: from 48,000 on where few pairs are near (images and embeddings,
/// 5 to 11 %: 1.0 to 1.6 as above). Else from 128,000 on, or 96,000 where bounds are narrow.
template <class T>
bool bytes_pay(const Problem<T>& problem, Held held, double near) {
  if (held == Held::nearly_all || fast_eight_bits(problem) || blocks_go_before_bytes(problem)) return false;
  if (near < few_near && bytes_may_pay(problem, 48'000)) return true;
  const std::size_t n = problem.samples.rows(), d = problem.samples.cols(), k = problem.n_clusters;
  return int8_kernels_for(problem) != nullptr && n >= 1000 && k >= 64 &&
         k * d >= (held == Held::most ? 96'000u : 128'000u);
}

/// A step of a few microseconds. Making gaps and what rounds to sixteen bits cost 1 to 3 of them: Zen 4 in
/// float, two threads, 100 to 1,000 samples, gap over simd 1.0 to 1.25 below 200,000 multiply-adds, 0.95 to
/// 1.08 up to 350,000. (Not measured elsewhere: with narrow vectors a step is longer.)
template <class T>
bool is_tiny(const Problem<T>& problem) {
  return static_cast<double>(problem.samples.rows()) * work_per_sample(problem) < 2e5;
}

/// Whether so few samples would be searched in sixteen bits by gap that rounding the centroids is much of a
/// step: a Xeon with AMX, gap over simd, k = 16 to 128, d = 6 to 48 n = 700 and 1,000 1.0 to 1.4, n = 1,500
/// 0.8 to 1.1.
template <class T>
bool rounding_is_too_much(const Problem<T>& problem) {
  return problem.samples.rows() < 1250 && problem.n_clusters <= 128 && has_fast_integers(problem) &&
         int16_pays(problem);
}

/// Whether blocks get their trial (auto_blocks.hpp) beside this search: gap; or tiles of eight bits (AMX),
/// where bytes gain little, in long fits. Seconds of one with the trial, in step 10, over one with bytes or
/// none, d = 48 to 64, k d = 24,000 to 34,000: 60 and 120 steps 0.55 to 1.1, in geometric mean 0.92, n =
/// 100,000 0.55 and 0.71; 25 steps 0.8 to 1.17. Never beside eight bits in vectors (VNNI): where blocks are
/// faster they are foretold, and begin; where they are not, a step of them in the trial is faster than one of
/// int8, but the fit is not, for int8 soon leaves out what lies still: 60 and 120 steps of `blobs`, `uniform`
/// and `anisotropic`, d = 32 to 48, k = 512 to 1000, with the trial 1.25 to 1.44 times as long as int8 alone.
template <class T>
bool blocks_may_pay_beside(const Problem<T>& problem, std::string_view dense) {
  if (dense != "int8") return dense == "gap";
  if (!has_int8_tiles(problem)) return false;
  const std::size_t d = problem.samples.cols();
  const bool many = d * problem.n_clusters >= 24'000 || (d < 32 && problem.samples.rows() >= 50'000);
  return d <= 64 && many && (problem.most_steps == 0 || problem.most_steps >= 40);
}

inline constexpr Choice bytes_at_once{
    "bytebounds", "many features and clusters: a bound of one byte a pair saves most distances"};

/// Boxes or blocks where they are foretold to be faster than the dense search, or that.
template <class T>
Choice foretold_or_dense(const Problem<T>& problem, const Plan& plan) {
  const std::size_t n = problem.samples.rows(), d = problem.samples.cols(), k = problem.n_clusters;
  if (!tree_is_foretold(problem) &&
      few_features_suit_trees(n, d, k, problem.most_steps, has_fast_integers(problem)))
    return {"kdtree", "few features: boxes of samples exclude most centroids"};
  if (plan.dense.name == "prefix") return plan.dense;  // its directions have been found
  double dense = 0;
  if (plan.dense.name == "int8") {
    // By rule (AVX2, and few samples) it is 1.1 to 1.7 times as fast as gap where that begins.
    constexpr double by_rule = 0.2;
    dense = plan.forecast.int8 == Forecast::nothing ? by_rule : std::max(plan.forecast.int8, 0.0);
  }
  const double tree = plan.forecast.tree, blocks = plan.forecast.blocks;
  if (tree > std::max(dense, blocks))
    return {"kdtree", "foretold to be fastest: boxes of samples exclude most centroids"};
  if (blocks > dense)
    return {"blockbounds", "foretold to be fastest: bounds of neighbours exclude most centroids"};
  return plan.dense;
}

template <class T>
Plan plan_for(const Problem<T>& problem, const NearShares& shares) {
  if (problem.most_steps == 1 || problem.most_steps == 2) return short_plan(problem);
  const std::size_t d = problem.samples.cols(), k = problem.n_clusters;
  const bool eight_bits = int8_kernels_for(problem) != nullptr;
  std::shared_ptr<const PrincipalPrefix> directions;
  const double near = shares.near;
  const Held held = held_by_few(problem, near, &directions);
  const bool prefix = held == Held::nearly_all;
  const bool in_double = sizeof(T) == sizeof(double);
  const std::size_t least_for_bytes = in_double && !has_wide_doubles(problem) ? 12'000
                                      : in_double || eight_bits               ? 24'000
                                                                              : 64'000;
  const bool bytes_may_come = k >= 64 && k * d >= least_for_bytes;
  const bool blocks_may_come = blocks_may_pay_later(problem, bytes_may_come);
  Plan plan{
      .first = {},
      .dense =
          {"gap",
           bytes_may_come || blocks_may_come
               ? "every distance, until one number a sample, or other bounds, on trial, save them"
               : "no rule for trees, eight bits or a byte a pair applies: every distance, until one number a "
                 "sample saves them"},
      .bounded = {"gap", "centroids move less: one number a sample may save its distances, on trial"}};
  plan.forecast = forecast_for(problem, shares);
  if (prefix) {
    plan.dense = {"prefix", "a few directions hold nearly all of the variance: they exclude most centroids"};
    plan.directions = directions;
  } else if (int8_is_foretold(problem) ? plan.forecast.int8 > least_log_speed_of_int8(problem)
                                       : better_in_eight_bits(problem, worth_timing(problem))) {
    plan.dense = {
        "int8",
        int8_is_foretold(problem)
            ? "foretold to be faster than gap: every distance in eight bits, few of them again"
        : has_int8_tiles(problem)
            ? "many features and clusters: every distance in eight bits, in tiles of AMX, few of them again"
            : "many features and clusters: every distance in eight bits, few of them again"};
  }
  if (prefix && has_fast_integers(problem))
    plan.bounded = plan.dense;  // it leaves out as much as bounds would
  else if (blocks_may_come && blocks_may_pay_beside(problem, plan.dense.name))
    plan.bounded = {"blockbounds",
                    "centroids move less: bounds of neighbours may exclude most of them, on trial"};
  else if (bytes_may_come)
    plan.bounded = {"bytebounds", "centroids move less: one byte a pair may skip most distances, on trial"};
  if (is_tiny(problem) || (plan.dense.name == "gap" && rounding_is_too_much(problem)))
    plan.dense = plan.bounded = {"simd", "a step of so little work: what would save distances takes longer"};
  plan.first = foretold_or_dense(problem, plan);
  if (bytes_pay_at_once(problem, near) || bytes_pay(problem, held, near)) plan.first = bytes_at_once;
  return plan;
}

}  // namespace omnimeans::algorithms
