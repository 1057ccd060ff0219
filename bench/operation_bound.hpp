// SPDX-License-Identifier: MIT
// What dense assignment reaches at most: the FMA peak, less what the argmin costs on the ports that the
// multiply-adds need. This is the place where the operations are counted.
#pragma once

#include <cstddef>

#include "omnimeans/isa.hpp"

namespace omnimeans::bench {

/// Slots of a multiply-add that the argmin of src/kernels/argmin-inl.hpp takes, a score. A tournament tree
/// and its merge are 24 minima and maxima for a group of 8, 18 for one of 6: 3 a score everywhere. Then:
///   avx512  Two ports do all work on 512 bits, so all counts: 1 tag (a ternary operation), and in a group of
///           8 one comparison and one selection.                                      3 + 1 + 2/8  = 4.25
///   neon    All pipes do all of it: 2 to tag (and, or), the same for a group of 8.   3 + 2 + 2/8  = 5.25
///   avx2    Tags and selections have a port that does no multiply-adds; the comparison, one in a group of 6,
///           has not.                                                                 3 + 1/6      = 3.17
///   sse42   As avx2, and a multiply-add takes two slots, a product and a sum, for which half as many of
///           these count.                                                            (3 + 1/6) / 2 = 1.58
/// Transposing the samples, norms and the proof are a cost a sample, not a score, and are not in it.
constexpr double argmin_operations(Isa isa) {
  switch (isa) {
    case Isa::avx512:
      return 3 + 1 + 2.0 / 8;
    case Isa::neon:
      return 3 + 2 + 2.0 / 8;
    case Isa::avx2:
      return 3 + 1.0 / 6;
    case Isa::sse42:
      return (3 + 1.0 / 6) / 2;
    case Isa::scalar:
      break;
  }
  return 0;  // not vectorised: no bound is claimed
}

/// The share of the FMA peak that `d` multiply-adds a score leave: d / (d + a).
constexpr double operation_bound(Isa isa, std::size_t d) {
  return static_cast<double>(d) / (static_cast<double>(d) + argmin_operations(isa));
}

}  // namespace omnimeans::bench
