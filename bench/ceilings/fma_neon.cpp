// SPDX-License-Identifier: MIT
// NEON (AArch64), 128 bits, fused. 24 of 32 registers accumulate: a latency of 4 cycles on four units
// needs 16.
#include <arm_neon.h>

#include "bench/ceilings/loops-inl.hpp"

namespace omnimeans::ceilings {
namespace {

struct F32 {
  using Value = float;
  using Vector = float32x4_t;
  static constexpr std::size_t lanes = 4;
  static Vector broadcast(float value) { return vdupq_n_f32(value); }
  static Vector multiply_add(Vector x, Vector factor, Vector addend) { return vfmaq_f32(addend, x, factor); }
  static float first(Vector x) { return vgetq_lane_f32(x, 0); }
};

struct F64 {
  using Value = double;
  using Vector = float64x2_t;
  static constexpr std::size_t lanes = 2;
  static Vector broadcast(double value) { return vdupq_n_f64(value); }
  static Vector multiply_add(Vector x, Vector factor, Vector addend) { return vfmaq_f64(addend, x, factor); }
  static double first(Vector x) { return vgetq_lane_f64(x, 0); }
};

struct Words {
  static constexpr std::size_t lanes = 2;
  static uint64x2_t zero() { return vdupq_n_u64(0); }
  static uint64x2_t add(uint64x2_t sum, const std::uint64_t* words) {
    return vaddq_u64(sum, vld1q_u64(words));
  }
  static void store(std::uint64_t* to, uint64x2_t words) { vst1q_u64(to, words); }
};

}  // namespace

extern const Loops loops_neon;
const Loops loops_neon = make_loops<F32, F64, Words, 24>(Isa::neon);

}  // namespace omnimeans::ceilings
