// SPDX-License-Identifier: MIT
// simd: exhaustive search on the dense vector kernels, certified, with threads.
//
//   for each sample i:  s_ij = |c_j|^2/2 - x_i.c_j for all j;  label_i = argmin_j s_ij where the margin
//   proves it,
//                       else argmin_j D(x_i, c_j) over the j within the margin
//
// All the work is in dense_engine.cpp and kernels/nearest-inl.hpp. elkan.cpp skips most of it from the second
// iteration on.
#include "backends/dense_search.hpp"

namespace omnimeans::algorithms {
namespace {

template <class T>
class SimdBackend final : public DenseSearch<T> {
 public:
  explicit SimdBackend(const Problem<T>& problem) : DenseSearch<T>("simd", problem, nullptr) {}
};

}  // namespace

const BackendEntry& simd() {
  static const BackendEntry entry{
      {.name = "simd",
       .exact = true,
       .memory = "n + 2*k*d values, 16*n bytes",
       .use_when = "few clusters, few features, or little memory",
       .avoid_when = "many clusters and many iterations: a bounded backend skips most distances",
       .reference = "Lloyd 1982; register-tiled scores with a rounding-error bound (Higham 2002)"},
      make<SimdBackend, float>,
      make<SimdBackend, double>};
  return entry;
}

}  // namespace omnimeans::algorithms
