// SPDX-License-Identifier: MIT
// prefix: exhaustive search along the first principal components of the samples, in eight bits, exact all the
// same. x = y + rest along some axes, so that with t, the length of the rest,
//
//   |x.c - y_x.y_c| <= t_x t_c
//
// bounds every score from both sides (principal_prefix.hpp), and what rounding to eight bits cuts off is
// taken off as in int8. Centroids are means, whose tails are shorter than the samples': with 60 of 784 axes,
// three of 500 scores of digit images are within their bounds of the lowest. Those are computed in float.
//
// 60 or 124 axes from 256 features on, 28 or 60 from 96 on, 4 or 12 from 32 on; with fewer features this is
// `int8`, without products of bytes and for double `simd`. Where variances are alike in all directions it is
// slow.
//
// Needs 64 or 128 bytes a sample, from 256 features on. Siblings: int8.cpp (all features), bytebounds.cpp
// (the same coordinates for what bounds leave). Bounds from parts of the features are as old as partial
// distances (Bei & Gray 1985); Bottesch, Buehler & Kaechele 2016 have them by Hoelder's inequality;
// SuperKMeans 2026 prunes by random rotations, which is not exact.
#include "backends/int8_search.hpp"

namespace omnimeans::algorithms {
namespace {

template <class T>
class Prefix final : public Int8Search<T> {
 public:
  explicit Prefix(const Problem<T>& problem) : Int8Search<T>("prefix", problem, Int8Filter::Rows::prefix) {}
};

}  // namespace

const BackendEntry& prefix() {
  static const BackendEntry entry{
      {.name = "prefix",
       .exact = true,
       .memory = "160*n bytes, n + 5*k*d + 1024*d values",
       .use_when =
           "AVX2, or AVX-512 with VNNI; float data, 128 features or more of which a few directions hold "
           "nearly all of the variance (images, many embeddings), 64 clusters or more",
       .avoid_when = "variances alike in all directions (up to a hundred times slower than int8: leave it to "
                     "auto), few features or clusters, double, or a CPU without (then it is simd)",
       .reference = "tails by the Cauchy-Schwarz inequality; axes by Halko, Martinsson & Tropp 2011"},
      make<Prefix, float>,
      make<Prefix, double>};
  return entry;
}

}  // namespace omnimeans::algorithms
