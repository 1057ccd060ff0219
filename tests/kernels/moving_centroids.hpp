// SPDX-License-Identifier: MIT
// A backend driven directly, with centroids that jump, creep, coincide, tie and rest: how many of its labels
// are not the oracle's. That a wrong bound would show can be seen by a drift that is told falsely.
#pragma once

#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/data.hpp"
#include "core/oracle.hpp"
#include "core/random.hpp"
#include "kernels/shapes.hpp"
#include "omnimeans/omnimeans.hpp"

enum class Move { jump, creep, rest, relocate, coincide, some };

template <class T>
void move(omnimeans::Matrix<T>& c, omnimeans::MatrixView<const T> samples, Move kind, Random& random) {
  const std::size_t d = c.cols();
  const auto onto = [&](std::size_t j, std::span<const T> from) {
    std::ranges::copy(from, c.row(j).begin());
  };
  for (std::size_t j = 0; j < c.rows(); ++j) {
    switch (kind) {
      case Move::jump:
        onto(j, samples.row(random.below(samples.rows())));
        break;
      case Move::creep:
        for (std::size_t t = 0; t < d; ++t) c(j, t) *= static_cast<T>(1 + random.uniform(-1e-3, 1e-3));
        break;
      case Move::some:
        if (!random.chance(8)) break;
        for (std::size_t t = 0; t < d; ++t) c(j, t) *= static_cast<T>(1 + random.uniform(-0.1, 0.1));
        break;
      case Move::relocate:
        if (random.chance(c.rows())) onto(j, samples.row(random.below(samples.rows())));
        break;
      case Move::coincide:
        if (random.chance(10)) onto(j, std::as_const(c).row(random.below(c.rows())));
        break;
      case Move::rest:
        break;
    }
  }
}

template <class T>
std::vector<double> drift_of(const omnimeans::Matrix<T>& before, const omnimeans::Matrix<T>& after) {
  std::vector<double> drift(before.rows());
  for (std::size_t j = 0; j < drift.size(); ++j) {
    const double squared = oracle::distance(before.row(j).data(), after.row(j).data(), before.cols());
    drift[j] = squared > 0 ? std::sqrt(squared) * (1 + 1e-13) : 0;
  }
  return drift;
}

/// Kinds of data by name: uniform, a grid of integers, blobs far from the origin, few distinct rows.
template <class T>
omnimeans::Matrix<T> data(const std::string& kind, std::size_t n, std::size_t d, std::uint64_t seed) {
  if (kind == "blobs") return blobs<T>(n, d, 20, seed);
  Random random(seed);
  omnimeans::Matrix<T> samples(n, d);
  for (std::size_t v = 0; v < n * d; ++v) {
    const double x = kind == "grid"     ? static_cast<double>(random.below(12))
                     : kind == "few"    ? static_cast<double>(random.below(3))
                     : kind == "offset" ? 1e4 + random.uniform()
                                        : random.uniform(-1, 1);
    samples.data()[v] = static_cast<T>(x);
  }
  return samples;
}

inline const std::vector<std::string> kinds = {"uniform", "grid", "offset", "few", "blobs"};

/// Steps of all kinds; returns how many labels were wrong. `drift_factor` falsifies what the backend is told.
template <class T>
std::size_t wrong_labels(const std::string& name, const omnimeans::Matrix<T>& samples, std::size_t k,
                         std::uint64_t seed, double drift_factor, int threads, omnimeans::Isa isa,
                         bool weighted, std::uint64_t* distances = nullptr) {
  Random random(seed);
  std::vector<T> weights;
  for (std::size_t i = 0; weighted && i < samples.rows(); ++i)
    weights.push_back(random.chance(4) ? T(0) : static_cast<T>(random.uniform(0.1, 3)));
  const std::unique_ptr<omnimeans::Backend<T>> backend =
      omnimeans::find_backend(name).make<T>({.samples = samples.view(),
                                             .sample_weights = weights,
                                             .n_clusters = k,
                                             .threads = threads,
                                             .isa = isa});
  omnimeans::Matrix<T> centroids(k, samples.cols());
  move<T>(centroids, samples, Move::jump, random);
  std::vector<std::int32_t> labels(samples.rows(), -1);
  std::vector<double> drift;
  std::size_t wrong = 0;
  for (const Move kind :
       {Move::rest, Move::creep, Move::creep, Move::some, Move::creep, Move::relocate, Move::rest,
        Move::coincide, Move::creep, Move::some, Move::jump, Move::creep, Move::creep}) {
    const auto stats = backend->assign({.centroids = centroids.view(), .drift = drift, .labels = labels});
    const auto expected = oracle::labels<T>(samples.view(), centroids.view());
    for (std::size_t i = 0; i < labels.size(); ++i) wrong += labels[i] != expected[i];
    if (distances != nullptr) *distances += stats.distances_computed;
    const omnimeans::Matrix<T> before = centroids;
    move<T>(centroids, samples, kind, random);
    drift = drift_of(before, centroids);
    for (double& by : drift) by *= drift_factor;
  }
  return wrong;
}

/// No label is wrong, for every kind of data, instruction set and number of threads.
template <class T>
void expect_oracle_labels(const std::string& name, const std::vector<Shape>& shapes) {
  std::uint64_t seed = 0;
  for (const Shape& shape : shapes) {
    for (const std::string& kind : kinds) {
      for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
        const omnimeans::Matrix<T> samples = data<T>(kind, shape.n, shape.d, ++seed);
        SCOPED_TRACE(kind + ", " + std::string(to_string(isa)) + ", seed " + std::to_string(seed));
        std::uint64_t distances[2] = {0, 0};
        for (const int threads : {1, 3}) {
          ASSERT_EQ(wrong_labels<T>(name, samples, shape.k, seed, 1, threads, isa, seed % 2 == 0,
                                    &distances[threads / 2]),
                    0u)
              << threads << " threads, n " << shape.n << ", d " << shape.d << ", k " << shape.k;
        }
        EXPECT_EQ(distances[0], distances[1]) << "threads do not show";
      }
    }
  }
}

template <class T>
void expect_wrong_labels_without_drift(const std::string& name) {
  std::size_t wrong = 0;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const omnimeans::Matrix<T> samples = data<T>("uniform", 3000, 2, seed);
    wrong += wrong_labels<T>(name, samples, 20, seed, 0, 1, omnimeans::default_isa(), false);
  }
  EXPECT_GT(wrong, 0u) << "nothing is ever skipped, or these moves do not matter";
}
