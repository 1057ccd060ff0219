// SPDX-License-Identifier: MIT
// AVX-512, 512 bits. 24 of 32 registers accumulate; 8 cover a latency of 4 cycles on two units.
#include <immintrin.h>

#include "bench/ceilings/loops-inl.hpp"

namespace omnimeans::ceilings {
namespace {

struct F32 {
  using Value = float;
  using Vector = __m512;
  static constexpr std::size_t lanes = 16;
  static Vector broadcast(float value) { return _mm512_set1_ps(value); }
  static Vector multiply_add(Vector x, Vector factor, Vector addend) {
    return _mm512_fmadd_ps(x, factor, addend);
  }
  static float first(Vector x) { return _mm512_cvtss_f32(x); }
};

struct F64 {
  using Value = double;
  using Vector = __m512d;
  static constexpr std::size_t lanes = 8;
  static Vector broadcast(double value) { return _mm512_set1_pd(value); }
  static Vector multiply_add(Vector x, Vector factor, Vector addend) {
    return _mm512_fmadd_pd(x, factor, addend);
  }
  static double first(Vector x) { return _mm512_cvtsd_f64(x); }
};

struct Words {
  static constexpr std::size_t lanes = 8;
  static __m512i zero() { return _mm512_setzero_si512(); }
  static __m512i add(__m512i sum, const std::uint64_t* words) {
    return _mm512_add_epi64(sum, _mm512_load_si512(reinterpret_cast<const __m512i*>(words)));
  }
  static void store(std::uint64_t* to, __m512i words) {
    _mm512_storeu_si512(reinterpret_cast<__m512i*>(to), words);
  }
};

}  // namespace

extern const Loops loops_avx512;
const Loops loops_avx512 = make_loops<F32, F64, Words, 24>(Isa::avx512);

}  // namespace omnimeans::ceilings
