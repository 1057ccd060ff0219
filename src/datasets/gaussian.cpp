// SPDX-License-Identifier: MIT
// Mixtures of Gaussians: blobs, anisotropic, imbalanced.
//
// Every component has unit variance on each axis (on average, for anisotropic). `separation` is the
// root-mean-square distance between two centres in units of that standard deviation, whatever the dimension:
// centres are normal with variance s^2 an axis, two of them lie sqrt(2 d) s apart.
#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "datasets/kinds.hpp"

namespace omnimeans::datasets {
namespace {

double default_separation(const Spec& spec) {
  return std::max(6.0, std::sqrt(static_cast<double>(spec.n_features)));
}

std::shared_ptr<const Matrix<double>> draw_centres(const Spec& spec, double default_factor = 1) {
  const double separation = spec.separation > 0 ? spec.separation : default_factor * default_separation(spec);
  const double scale = separation / std::sqrt(2.0 * static_cast<double>(spec.n_features));
  auto centres = std::make_shared<Matrix<double>>(spec.n_clusters, spec.n_features);
  for (std::size_t j = 0; j < spec.n_clusters; ++j) {
    CounterRng rng = stream(spec, Draw::centres, j);
    for (double& value : centres->row(j)) value = scale * rng.next_normal();
  }
  return centres;
}

}  // namespace

RowWriter make_blobs(const Spec& spec) {
  return [spec, centres = draw_centres(spec)](std::size_t i, std::span<double> row) {
    CounterRng rng = stream(spec, Draw::rows, i);
    const auto centre = centres->row(rng.next_below(spec.n_clusters));
    for (std::size_t t = 0; t < row.size(); ++t) row[t] = centre[t] + rng.next_normal();
  };
}

// A lower-triangular map reaches every covariance (Cholesky). It is kept to a band below the diagonal, so
// that wide data cost n * d * band instead of n * d^2. Small diagonal entries make thin, long components.
RowWriter make_anisotropic(const Spec& spec) {
  constexpr std::size_t kMostBand = 16;
  const std::size_t d = spec.n_features, band = std::min(d, kMostBand);
  auto maps = std::make_shared<Matrix<double>>(spec.n_clusters, d * band);
  for (std::size_t j = 0; j < spec.n_clusters; ++j) {
    CounterRng rng = stream(spec, Draw::maps, j);
    for (std::size_t t = 0; t < d; ++t) {
      const std::size_t width = std::min(t + 1, band);
      const double scale = 1 / std::sqrt(static_cast<double>(width));
      for (std::size_t s = 0; s < width; ++s) (*maps)(j, t * band + s) = scale * rng.next_normal();
    }
  }
  return [spec, d, band, centres = draw_centres(spec), maps = std::shared_ptr<const Matrix<double>>(maps)](
             std::size_t i, std::span<double> row) {
    CounterRng rng = stream(spec, Draw::rows, i);
    const std::size_t j = rng.next_below(spec.n_clusters);
    const auto centre = centres->row(j), map = maps->row(j);
    for (double& value : row) value = rng.next_normal();
    // From the last feature down, because each reads only itself and those before it.
    for (std::size_t t = d; t-- > 0;) {
      double mixed = 0;
      for (std::size_t s = 0; s < std::min(t + 1, band); ++s) mixed += map[t * band + s] * row[t - s];
      row[t] = centre[t] + mixed;
    }
  };
}

RowWriter make_imbalanced(const Spec& spec) {
  std::vector<double> cumulative(spec.n_clusters);
  double sum = 0;
  for (std::size_t j = 0; j < spec.n_clusters; ++j) cumulative[j] = sum += 1 / static_cast<double>(j + 1);
  return [spec, cumulative = std::move(cumulative), centres = draw_centres(spec, 2)](std::size_t i,
                                                                                     std::span<double> row) {
    CounterRng rng = stream(spec, Draw::rows, i);
    const double at = rng.next_uniform() * cumulative.back();
    const auto component =
        std::upper_bound(cumulative.begin(), cumulative.end() - 1, at) - cumulative.begin();
    const auto centre = centres->row(static_cast<std::size_t>(component));
    for (std::size_t t = 0; t < row.size(); ++t) row[t] = centre[t] + rng.next_normal();
  };
}

}  // namespace omnimeans::datasets
