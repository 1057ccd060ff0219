// SPDX-License-Identifier: MIT
// int16: exhaustive search in sixteen bits, exact all the same. Products of 16-bit integers run at twice the
// rate of float multiply-adds (VNNI; AVX2: 1.2 to 1.35 times), from half the memory:
//
//   for each sample i:  s_ij = |c_j|^2/2 - x_i.c_j for all j, in integers;  label_i = argmin_j s_ij where the
//                       margin proves it, else re-ranked as in simd
//
// The error of the integers is derived in int16_rows.hpp. It is some thousandth of a distance, so that one
// margin a sample, from the lengths alone, leaves hardly a label open. Needs 2*n*d bytes. Without such
// instructions, and for double, this is `simd`.
//
// Siblings: simd.cpp (in float), int8.cpp (twice the rate again, and a candidate or two a sample), gap.cpp
// (the same search for what bounds leave).
#include "backends/dense_search.hpp"

namespace omnimeans::algorithms {
namespace {

template <class T>
class Int16 final : public DenseSearch<T> {
 public:
  explicit Int16(const Problem<T>& problem) : DenseSearch<T>("int16", problem, int16_kernels_for(problem)) {}
};

}  // namespace

const BackendEntry& int16() {
  static const BackendEntry entry{
      {.name = "int16",
       .exact = true,
       .memory = "2*n*d + 20*n bytes, 3*k*d values",
       .use_when = "float data, 16 features or more, some 3 to 10 iterations; with VNNI 16 clusters or more, "
                   "with AVX2 64",
       .avoid_when =
           "2 or 3 features; double, more than 4,096 features, or AVX-512 without VNNI: then it is simd",
       .reference = "Lloyd 1982; scores in sixteen bits with a proven error are this project's own"},
      make<Int16, float>,
      make<Int16, double>};
  return entry;
}

}  // namespace omnimeans::algorithms
