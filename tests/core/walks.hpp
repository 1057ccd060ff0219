// SPDX-License-Identifier: MIT
// Paths of centroids for the tests of backends that carry bounds from step to step: Lloyd steps, trembling,
// jumps onto samples, changes of places, falling together, standing still. With the oracle's labels.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/oracle.hpp"
#include "core/random.hpp"
#include "omnimeans/backend.hpp"
#include "omnimeans/matrix_view.hpp"

template <class T>
struct Walk {
  std::string name;
  omnimeans::Matrix<T> samples;
  std::vector<T> weights;                         // empty: none
  std::vector<omnimeans::Matrix<T>> centroids;    // of every step
  std::vector<std::vector<double>> drifts;        // between two steps
  std::vector<std::vector<std::int32_t>> labels;  // the oracle's
};

/// What a backend is made for; views of the walk.
template <class T>
omnimeans::Problem<T> problem_of(const Walk<T>& walk, int threads, omnimeans::Isa isa) {
  return {.samples = walk.samples.view(),
          .sample_weights = walk.weights,
          .n_clusters = walk.centroids.front().rows(),
          .threads = threads,
          .isa = isa,
          .memory_limit_bytes = 0};
}

/// Not below |a_j - b_j|: the square in 113 bits, then a root with room for its rounding and for underflow.
template <class T>
std::vector<double> drift_of(const omnimeans::Matrix<T>& a, const omnimeans::Matrix<T>& b) {
  const double d = static_cast<double>(a.cols());
  std::vector<double> drift(a.rows());
  for (std::size_t j = 0; j < a.rows(); ++j) {
    oracle::Quad squared = 0;
    for (std::size_t t = 0; t < a.cols(); ++t) {
      const oracle::Quad difference = static_cast<oracle::Quad>(a(j, t)) - static_cast<oracle::Quad>(b(j, t));
      squared += difference * difference;
    }
    // As fit() gives it: with the slack of a canonical distance.
    if (squared > 0)
      drift[j] =
          std::sqrt(static_cast<double>(squared)) * (1 + (d / 4 + 32) * 0x1p-52) + std::sqrt(d) * 0x1p-535;
  }
  return drift;
}

/// One move of the centroids, of one kind.
template <class T>
omnimeans::Matrix<T> moved(const Walk<T>& walk, std::size_t kind, Random& random) {
  const omnimeans::Matrix<T>& samples = walk.samples;
  omnimeans::Matrix<T> next = walk.centroids.back();
  const std::size_t k = next.rows(), d = next.cols();
  const auto copy = [d](const auto& from, std::size_t i, omnimeans::Matrix<T>& to, std::size_t j) {
    for (std::size_t t = 0; t < d; ++t) to(j, t) = from(i, t);
  };
  switch (kind) {
    case 0: {  // the means
      const auto clusters = oracle::cluster_sums<T>(samples.view(), {}, walk.labels.back(), k);
      for (std::size_t j = 0; j < k; ++j) {
        for (std::size_t t = 0; t < d && clusters[j].weight > 0; ++t)
          next(j, t) = static_cast<T>(clusters[j].sums[t] / clusters[j].weight);
      }
      break;
    }
    case 1:  // all tremble in the last digits
      for (std::size_t j = 0; j < k; ++j) {
        for (std::size_t t = 0; t < d; ++t) {
          const double factor =
              1 + random.uniform(-4, 4) * static_cast<double>(std::numeric_limits<T>::epsilon());
          next(j, t) = static_cast<T>(static_cast<double>(next(j, t)) * factor);
        }
      }
      break;
    case 2:  // one jumps, as an empty cluster does
      copy(samples, random.below(samples.rows()), next, random.below(k));
      break;
    case 3: {  // two change places
      const std::size_t a = random.below(k), b = random.below(k);
      copy(walk.centroids.back(), a, next, b);
      copy(walk.centroids.back(), b, next, a);
      break;
    }
    case 4:  // one falls onto another: all its samples tie
      copy(walk.centroids.back(), random.below(k), next, random.below(k));
      break;
    case 5:  // some go part of the way to a sample
      for (std::size_t j = 0; j < k; j += 1 + random.below(3)) {
        const std::size_t i = random.below(samples.rows());
        for (std::size_t t = 0; t < d; ++t) next(j, t) += (samples(i, t) - next(j, t)) / 16;
      }
      break;
    default:  // nothing moves
      break;
  }
  return next;
}

/// `many`: so many clusters and features that backends for those do what they are for.
template <class T>
Walk<T> walk(std::size_t number, bool many = false) {
  Random random(number);
  const std::size_t n = (many ? 300 : 100) + random.below(500),
                    d = many ? random.one_of<std::size_t>({16, 33, 64, 129})
                             : random.one_of<std::size_t>({1, 2, 3, 8, 17, 40});
  const std::size_t k = many               ? 49 + random.below(60)
                        : number % 10 == 9 ? 1
                                           : 2 + random.below(40),
                    style = number % 5;
  constexpr const char* styles[] = {"blobs", "grid", "offset", "duplicates", "tiny"};
  Walk<T> walk;
  walk.samples = omnimeans::Matrix<T>(n, d);
  walk.name = std::string(styles[style]) + ", n " + std::to_string(n) + ", d " + std::to_string(d) + ", k " +
              std::to_string(k);
  const double offset = style == 2 ? 1e4 : 0, scale = style == 4 ? 1e-30 : 1;
  for (std::size_t i = 0; i < n; ++i) {
    if (style == 3 && i >= 20) {
      for (std::size_t t = 0; t < d; ++t) walk.samples(i, t) = walk.samples(i % 20, t);
      continue;
    }
    for (std::size_t t = 0; t < d; ++t) {
      const double value = style == 1 ? static_cast<double>(random.below(4))
                                      : 3 * static_cast<double>(i % 7 * (t + 1) % 5) + random.normal();
      walk.samples(i, t) = static_cast<T>(scale * (offset + value));
    }
  }
  if (number % 2 == 1) {
    for (std::size_t i = 0; i < n; ++i) walk.weights.push_back(static_cast<T>(random.below(4)));
  }
  omnimeans::Matrix<T> start(k, d);
  for (std::size_t j = 0; j < k; ++j) {
    const std::size_t i = random.below(n);
    for (std::size_t t = 0; t < d; ++t) start(j, t) = walk.samples(i, t);
  }
  for (std::size_t step = 0; step < 14; ++step) {
    walk.centroids.push_back(step == 0 ? start : moved(walk, step < 4 ? 0 : random.below(7), random));
    if (step > 0) walk.drifts.push_back(drift_of(walk.centroids[step], walk.centroids[step - 1]));
    walk.labels.push_back(oracle::labels<T>(walk.samples.view(), walk.centroids.back().view()));
  }
  return walk;
}
