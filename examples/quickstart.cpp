// SPDX-License-Identifier: MIT
// The shortest useful program: three groups of points in the plane, found again.
#include <cmath>
#include <iostream>

#include "omnimeans/omnimeans.hpp"

int main() {
  omnimeans::Matrix<float> points(300, 2);
  for (std::size_t i = 0; i < points.rows(); ++i) {
    const auto angle = static_cast<float>(i), group = static_cast<float>(i % 3);
    points(i, 0) = 5 * group + std::cos(angle);
    points(i, 1) = group * group + std::sin(angle);
  }

  const auto result = omnimeans::fit(points, {.n_clusters = 3, .n_init = 4, .seed = 7});
  std::cout << "inertia " << result.inertia << " after " << result.n_iter << " iterations ("
            << omnimeans::to_string(result.stop_reason) << ", " << result.backend << ", "
            << omnimeans::to_string(result.isa) << ")\n";
  for (std::size_t j = 0; j < result.centroids.rows(); ++j) {
    std::cout << "centroid " << j << ": " << result.centroids(j, 0) << ", " << result.centroids(j, 1) << '\n';
  }
  const auto labels = omnimeans::predict(points, result.centroids);
  std::cout << "the first point is in cluster " << labels[0] << '\n';
}
