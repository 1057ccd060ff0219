// SPDX-License-Identifier: MIT
// int8: exhaustive search in eight bits, exact all the same. Products of bytes run at four times the rate of
// float multiply-adds (AVX-512 VNNI, AVX-VNNI; AMX at 32 times, beside which finding the lowest takes most of
// the time; AVX2 two to three times), and what the rounding to eight bits cuts off is measured, so that each
// score is known within a proven error E_ij:
//
//   candidates_i = {j: s8_ij - E_ij <= u_i + margin_i}
//   u_i          = s8_ia + E_ia of the label a before; in the first step min_j (s8_ij + E_ij)
//   label_i      = the only candidate, or the best of them by the scores of the dense engine in float, or,
//                  where the engine's margin proves nothing, by D
//
// With a known beforehand, a pair takes a comparison (kernels/int8-near-inl.hpp) instead of a minimum, and
// pairs with centroids that lie still are left out while they are known to be farther (int8_filter.hpp).
// The error is derived in int8_filter.hpp. Most samples have one candidate or two. Needs n*d bytes. Without
// such instructions, and for double, this is `simd`.
//
// Siblings: simd.cpp (the same search in float), prefix.cpp (a few coordinates alone), bytebounds.cpp (the
// same scores for what bounds leave).
#include "backends/int8_search.hpp"

namespace omnimeans::algorithms {
namespace {

template <class T>
class Int8 final : public Int8Search<T> {
 public:
  explicit Int8(const Problem<T>& problem) : Int8Search<T>("int8", problem, Int8Filter::Rows::whole) {}
};

}  // namespace

const BackendEntry& int8() {
  static const BackendEntry entry{
      {.name = "int8",
       .exact = true,
       .memory = "n*d (d rounded up to 64) + 44*n bytes, n + 4*k*d values",
       .use_when =
           "AVX2, or AVX-512 with VNNI; float data, 96 features and 64 clusters or more, features times "
           "clusters from some 32,000 on (without VNNI to 64,000; with it from some 10,000 with 128 "
           "clusters, "
           "20,000 with fewer, unless few clusters are around a sample); with AMX 32 features and 48 "
           "clusters or "
           "more, from 12,000 on (8,000 with 128 clusters); with up to 10,000 samples (AVX2 5,000) earlier",
       .avoid_when = "few features or clusters, double, or a CPU without (then it is simd)",
       .reference = "Lloyd 1982; scores in eight bits with a measured error are this project's own"},
      make<Int8, float>,
      make<Int8, double>};
  return entry;
}

}  // namespace omnimeans::algorithms
