// SPDX-License-Identifier: MIT
// K-means in ten lines: points in, centroids and labels out.
#include <iostream>
#include <omnimeans/omnimeans.hpp>
#include <vector>

int main() {
  const std::vector<float> xy{0, 0, 0, 1, 1, 0, 9, 9, 9, 8, 8, 9};  // six points in the plane
  const auto result = omnimeans::fit(omnimeans::MatrixView(xy.data(), 6, 2), {.n_clusters = 2});
  for (const int label : result.labels) std::cout << label << ' ';
  std::cout << "inertia " << result.inertia << '\n';
}
