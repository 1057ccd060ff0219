// SPDX-License-Identifier: MIT
// Rows like text embeddings: x = (topic + B (s . z) + e) / |...|.
//   B  d x r basis of random directions, r = min(d, 32); the spectrum s decays as 1 / sqrt(1 + q) over q =
//   0..r-1 topic  a point of that subspace with the same spectrum; topic j has weight 1 / sqrt(j + 1) z
//   standard normal within the topic; e  small noise in every direction
// `separation` is the ratio of the spread between topics to that within one.
#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "datasets/kinds.hpp"

namespace omnimeans::datasets {
namespace {

constexpr std::size_t kMostRank = 32;
constexpr double kDefaultSeparation = 1.5;
constexpr double kNoise = 0.05;  // length of e, in units of the within-topic spread of length 1

/// Adds sum_q coefficient * s_q * B_q to `row`, with normal coefficients from `rng`.
void add_in_subspace(const Matrix<double>& basis, double scale, CounterRng& rng, std::span<double> row) {
  for (std::size_t q = 0; q < basis.rows(); ++q) {
    const double coefficient = scale * rng.next_normal();
    const auto direction = basis.row(q);
    for (std::size_t t = 0; t < row.size(); ++t) row[t] += coefficient * direction[t];
  }
}

}  // namespace

RowWriter make_embedding(const Spec& spec) {
  const std::size_t d = spec.n_features, rank = std::min(d, kMostRank);

  // Directions already scaled by the spectrum; random directions of length 1 are near-orthogonal.
  double total = 0;
  for (std::size_t q = 0; q < rank; ++q) total += 1 / static_cast<double>(q + 1);
  auto basis = std::make_shared<Matrix<double>>(rank, d);
  for (std::size_t q = 0; q < rank; ++q) {
    CounterRng rng = stream(spec, Draw::basis, q);
    const double length = 1 / std::sqrt(static_cast<double>(q + 1) * total * static_cast<double>(d));
    for (double& value : basis->row(q)) value = length * rng.next_normal();
  }

  const double separation = spec.separation > 0 ? spec.separation : kDefaultSeparation;
  auto topics = std::make_shared<Matrix<double>>(spec.n_clusters, d);
  std::vector<double> cumulative(spec.n_clusters);
  double sum = 0;
  for (std::size_t j = 0; j < spec.n_clusters; ++j) {
    CounterRng rng = stream(spec, Draw::centres, j);
    add_in_subspace(*basis, separation, rng, topics->row(j));
    cumulative[j] = sum += 1 / std::sqrt(static_cast<double>(j + 1));
  }

  const double noise = kNoise * std::sqrt(12.0 / static_cast<double>(d));  // a uniform's variance is 1/12
  return [spec, noise, cumulative = std::move(cumulative),
          basis = std::shared_ptr<const Matrix<double>>(basis),
          topics = std::shared_ptr<const Matrix<double>>(topics)](std::size_t i, std::span<double> row) {
    CounterRng rng = stream(spec, Draw::rows, i);
    const double at = rng.next_uniform() * cumulative.back();
    const auto topic = std::upper_bound(cumulative.begin(), cumulative.end() - 1, at) - cumulative.begin();
    std::ranges::copy(topics->row(static_cast<std::size_t>(topic)), row.begin());
    add_in_subspace(*basis, 1, rng, row);
    for (double& value : row) value += noise * (rng.next_uniform() - 0.5);

    double squares = 0;
    for (const double value : row) squares += value * value;
    if (squares == 0) {  // no direction to keep: any unit vector will do
      row[0] = squares = 1;
    }
    const double norm = std::sqrt(squares);
    for (double& value : row) value /= norm;
  };
}

}  // namespace omnimeans::datasets
