// SPDX-License-Identifier: MIT
// SSE4.2 has no fused multiply-add: a multiplication and an addition, 128 bits. 12 of 16 registers
// accumulate.
#include <immintrin.h>

#include "bench/ceilings/loops-inl.hpp"

namespace omnimeans::ceilings {
namespace {

struct F32 {
  using Value = float;
  using Vector = __m128;
  static constexpr std::size_t lanes = 4;
  static Vector broadcast(float value) { return _mm_set1_ps(value); }
  static Vector multiply_add(Vector x, Vector factor, Vector addend) {
    return _mm_add_ps(_mm_mul_ps(x, factor), addend);
  }
  static float first(Vector x) { return _mm_cvtss_f32(x); }
};

struct F64 {
  using Value = double;
  using Vector = __m128d;
  static constexpr std::size_t lanes = 2;
  static Vector broadcast(double value) { return _mm_set1_pd(value); }
  static Vector multiply_add(Vector x, Vector factor, Vector addend) {
    return _mm_add_pd(_mm_mul_pd(x, factor), addend);
  }
  static double first(Vector x) { return _mm_cvtsd_f64(x); }
};

struct Words {
  static constexpr std::size_t lanes = 2;
  static __m128i zero() { return _mm_setzero_si128(); }
  static __m128i add(__m128i sum, const std::uint64_t* words) {
    return _mm_add_epi64(sum, _mm_load_si128(reinterpret_cast<const __m128i*>(words)));
  }
  static void store(std::uint64_t* to, __m128i words) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), words);
  }
};

}  // namespace

extern const Loops loops_sse42;
const Loops loops_sse42 = make_loops<F32, F64, Words, 12>(Isa::sse42);

}  // namespace omnimeans::ceilings
