// SPDX-License-Identifier: MIT
// AVX2 (Haswell 2013, Zen 1 and later): a product and an addition, 16 products for the two of them.
#include "kernels/int16-inl.hpp"

namespace omnimeans::kernels {

extern const Int16Kernels int16_avx2;
constexpr Int16Kernels int16_avx2 = make_int16_kernels<xsimd::fma3<xsimd::avx2>>();

}  // namespace omnimeans::kernels
