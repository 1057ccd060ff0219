// SPDX-License-Identifier: MIT
// How many times as fast as gap other backends will be in a whole fit: foretold by sizes, and by how clusters
// lie around a few samples (near_pairs.hpp). auto (auto_plan.hpp) begins with what is foretold to be fastest.
//
//   ln(seconds of gap / seconds of the other) = c + the sum of a weight times each of
//       ln near, ln around, ln k, ln d, ln n, ln k ln n, 25 / steps - 1; and a constant by type and CPU
//
// The fewer centroids are around a sample, the more boxes of samples (kdtree) and bounds of neighbours
// (blockbounds) exclude; the more are nearly as near as the nearest, the less gaps prove, and the less eight
// bits leave undecided, whose errors grow with the distance of what is around.
//
// The weights are those of least squares with less weight for outliers, over 3,400 fits: nine kinds of data
// (`omnimeans generate`), d = 2 to 96 (int8 24 to 784), k = 7 to 830, n = 5,600 to 500,000 with 16 samples a
// cluster or more, 10 to 60 steps, float and double, vectors of 512 and 256 bits, two threads, a Xeon with
// VNNI and AVX-VNNI, without AMX; other CPUs count as that with 256 bits. More clusters, samples and steps
// than measured count as the most measured. Of 260 other problems auto took 1.02 times as long as the fastest
// of gap, int8, blockbounds and kdtree in the same run, in geometric mean, and more than 1.2 times in 10; by
// rules before 1.046, and in 21.
// On a Zen 5 the weights hold, too, but that blocks gain less over gaps in up to ten features: 0.04, 0.15 and
// 0.19 of the logarithm in the mean of three times 300 problems, the last of them as the code is now; with
// that constant auto took 1.022 times as long as the fastest of 200 others, and more than 1.2 times in 7. Ten
// hand-made rules of sizes, the near share and equal values gave way to this.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "backends/dense_costs.hpp"
#include "backends/near_pairs.hpp"
#include "int8_filter.hpp"
#include "omnimeans/backend.hpp"

namespace omnimeans::algorithms {

/// Whether distances are those of double in vectors of 512 bits.
template <class T>
bool has_wide_doubles(const Problem<T>& problem) {
  return sizeof(T) == sizeof(double) && problem.isa == Isa::avx512;
}

/// Weights of the logarithms above. Constants are for float with AVX-512 and VNNI; the last ones come on top
/// for other floats, for doubles with 512 bits, other ones, and for float on a Zen 5 with 512 bits.
struct SpeedModel {
  double constant, near, around, clusters, features, samples, clusters_samples, steps;
  double other_float, wide_double, other_double, zen5 = 0;
};

/// Explains 0.82 of the variance; half of the fits are within 17 % of what it says.
inline constexpr SpeedModel tree_model{1.98,  0.616, -0.702, -0.519, -0.322, -0.188,
                                       0.075, 0.006, 0.31,   0.25,   0.4};
/// Of up to 10 features 0.87 and 10 %, of more 0.86 and 11 %.
inline constexpr SpeedModel blocks_of_few_features{0.072, 0.278,  -0.296, -0.095, 0.024, -0.11,
                                                   0.041, -0.112, 0.354,  0.15,   0.406, -0.17},
    blocks_of_many_features{-2.788, -0.073, -0.29, 0.293, 0.131, 0.039, 0, -0.159, 0.224, 0.193, 0.317};
/// 0.71 and 14 %; in float alone. With tiles (AMX), which were not there to be fitted to: int8 took 0.53 of
/// the time that it takes with VNNI in d = 100 and 256, k = 500.
inline constexpr SpeedModel int8_model{-2.14, 0.049, 0.164, 0.432, 0.278, -0.108, 0, 0.029, 0.089, 0, 0};
inline constexpr double tiles_over_vnni = 0.6;  // ln(1 / 0.53), nearly

/// That logarithm.
template <class T>
double log_speed(const SpeedModel& model, const Problem<T>& problem, const NearShares& shares) {
  const auto log_of = [](std::size_t value, std::size_t most) {
    return std::log(static_cast<double>(std::min(value, most)));
  };
  const double k = log_of(problem.n_clusters, 830), n = log_of(problem.samples.rows(), 500'000),
               d = log_of(problem.samples.cols(), 784);
  const double steps =
      problem.most_steps == 0 ? 60 : static_cast<double>(std::clamp<std::size_t>(problem.most_steps, 8, 60));
  const double machine = sizeof(T) == sizeof(float)
                             ? (problem.isa != Isa::avx512 || !has_fast_integers(problem) ? model.other_float
                                : kernels::is_wide_zen5(problem.isa)                      ? model.zen5
                                                                                          : 0)
                             : (has_wide_doubles(problem) ? model.wide_double : model.other_double);
  return model.constant + model.near * std::log(shares.near) + model.around * std::log(shares.around) +
         model.clusters * k + model.features * d + model.samples * n + model.clusters_samples * k * n +
         model.steps * (25 / steps - 1) + machine;
}

/// Samples. Of 1,500 to 5,000, fewer than the models were fitted to, 350 problems, 512 and 256 bits: with
/// them 1.02 and 1.05 times as long as the fastest, without 1.04 and 1.10.
inline constexpr std::size_t least_ordered = 1500;

/// Whether samples are enough, and the fit long enough, for an order of them to come back.
template <class T>
bool order_may_pay(const Problem<T>& problem) {
  const std::size_t n = problem.samples.rows(), k = problem.n_clusters;
  return n >= least_ordered && k >= 8 && n >= 16 * k &&
         (problem.most_steps == 0 || problem.most_steps >= 8) &&
         static_cast<double>(n) * work_per_sample(problem) >= 1e6;
}

/// Whether kdtree is foretold.
template <class T>
bool tree_is_foretold(const Problem<T>& problem) {
  return order_may_pay(problem) && problem.samples.cols() >= 2 && problem.samples.cols() <= 10;
}
/// Whether blockbounds is.
template <class T>
bool blocks_are_foretold(const Problem<T>& problem) {
  const std::size_t d = problem.samples.cols();
  return order_may_pay(problem) && d >= 3 && d <= (has_wide_doubles(problem) ? 256 : 128);
}
/// Whether int8 is: with VNNI and without tiles, of which a rule (auto_plan.hpp) has been measured.
template <class T>
bool int8_is_foretold(const Problem<T>& problem) {
  const std::size_t n = problem.samples.rows(), d = problem.samples.cols(), k = problem.n_clusters;
  return n > 5000 && n >= 16 * k && d >= 20 && k >= 32 && has_fast_integers(problem) &&
         !has_int8_tiles(problem) && int8_kernels_for(problem) != nullptr;
}

/// From which logarithm on it is taken: of fewer steps than were measured rounding is much. Where 0.32 was
/// foretold four and six steps were 0.86 and 0.94 times as fast as gap's, where 0.42 was 0.91 and 1.01, where
/// 0.8 was 1.0 and 1.15.
template <class T>
double least_log_speed_of_int8(const Problem<T>& problem) {
  return problem.most_steps != 0 && problem.most_steps < 8 ? 0.6 : 0;
}

/// What is foretold, as logarithms; nothing is less than any.
struct Forecast {
  static constexpr double nothing = -1e9;
  double tree = nothing, blocks = nothing, int8 = nothing;
};

template <class T>
Forecast forecast_for(const Problem<T>& problem, const NearShares& shares) {
  Forecast forecast;
  if (tree_is_foretold(problem)) forecast.tree = log_speed(tree_model, problem, shares);
  if (blocks_are_foretold(problem)) {
    const bool few = problem.samples.cols() <= 10;
    forecast.blocks = log_speed(few ? blocks_of_few_features : blocks_of_many_features, problem, shares);
  }
  if (int8_is_foretold(problem) || has_int8_tiles(problem))
    forecast.int8 = log_speed(int8_model, problem, shares) + (has_int8_tiles(problem) ? tiles_over_vnni : 0);
  return forecast;
}

/// Whether a tree pays of one feature, or of two where it is not foretold, whatever the samples: their boxes
/// are always small. The best other over kdtree, uniform points, blobs and photo pixels, 25 steps: AVX2 and
/// double 1.0 to 2.5 from k = 8 on. Zen 4 in float d = 1 1.8 to 2.5. A Xeon with AMX, n = 1,500 to 4,500: d =
/// 1 1.1 to 3.2 at 16 and 64, d = 2 0.9 to 1.5 at 64, 1.04 to 2.2 at 128. In fewer steps of as many times
/// more clusters as 22 is more than the steps less 3, for the tree takes some three of them: 10 steps 0.6
/// to 1.2 at the limit for 25. (Of two features, 109 random problems, this would take 1.08 times as long as
/// the faster of gap and kdtree, the forecast 1.02.)
constexpr bool few_features_suit_trees(std::size_t n, std::size_t d, std::size_t k, std::size_t most_steps,
                                       bool fast_integers) {
  if (d > 2 || n < 1500 || n < k << (d + 2)) return false;
  const double steps = most_steps == 0 || most_steps > 25 ? 25 : static_cast<double>(most_steps);
  const double share = (steps - 3) / (25 - 3);
  const double least = n < 5000 ? (d == 1 ? 16 : 100) : d == 2 && fast_integers && n < 50'000 ? 32 : 8;
  return static_cast<double>(k) * share >= least;
}

}  // namespace omnimeans::algorithms
