// SPDX-License-Identifier: MIT
// What the consumers outside the tree run: C++ through the installed headers, errors caught by their names,
// the C interface beside it.
#include <omnimeans/omnimeans.h>

#include <cstdio>
#include <omnimeans/omnimeans.hpp>

#if defined(_OPENMP)
#error "a flag of OpenMP reached the consumer"
#endif
#if defined(__AVX__)
#error "a flag of an instruction set reached the consumer"
#endif

int main() {
  omnimeans::Matrix<float> points(60, 2);
  for (std::size_t i = 0; i < points.rows(); ++i)
    points(i, 0) = points(i, 1) = static_cast<float>(i % 3 * 10);
  const auto result = omnimeans::fit(points, {.n_clusters = 3, .n_init = 4});
  const omnimeans::Predictor<float> predictor(result.centroids);
  bool caught = false;
  try {
    omnimeans::fit(points, {.n_clusters = 61});
  } catch (const omnimeans::InvalidArgument&) {
    caught = true;
  }
  const bool good = result.inertia == 0 && caught && predictor.predict(points) == result.labels &&
                    omnimeans::backends().size() > 3 && std::string(omnimeans_version()) == OMNIMEANS_VERSION;
  std::printf("omnimeans %s: %s\n", OMNIMEANS_VERSION, good ? "good" : "bad");
  return good ? 0 : 1;
}
