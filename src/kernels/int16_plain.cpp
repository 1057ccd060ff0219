// SPDX-License-Identifier: MIT
// Sixteen bits in plain C++, one lane.
#define OMNIMEANS_KERNELS_SCALAR 1
#include "kernels/int16-inl.hpp"

namespace omnimeans::kernels {

const Int16Kernels& plain_int16_kernels() {
  static constexpr Int16Kernels kernels = make_int16_kernels<ScalarArch>();
  return kernels;
}

}  // namespace omnimeans::kernels
