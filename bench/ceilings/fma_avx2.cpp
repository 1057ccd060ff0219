// SPDX-License-Identifier: MIT
// AVX2 with FMA, 256 bits. 12 of 16 registers accumulate; 8 cover a latency of 4 cycles on two units.
#include <immintrin.h>

#include "bench/ceilings/loops-inl.hpp"

namespace omnimeans::ceilings {
namespace {

struct F32 {
  using Value = float;
  using Vector = __m256;
  static constexpr std::size_t lanes = 8;
  static Vector broadcast(float value) { return _mm256_set1_ps(value); }
  static Vector multiply_add(Vector x, Vector factor, Vector addend) {
    return _mm256_fmadd_ps(x, factor, addend);
  }
  static float first(Vector x) { return _mm256_cvtss_f32(x); }
};

struct F64 {
  using Value = double;
  using Vector = __m256d;
  static constexpr std::size_t lanes = 4;
  static Vector broadcast(double value) { return _mm256_set1_pd(value); }
  static Vector multiply_add(Vector x, Vector factor, Vector addend) {
    return _mm256_fmadd_pd(x, factor, addend);
  }
  static double first(Vector x) { return _mm256_cvtsd_f64(x); }
};

struct Words {
  static constexpr std::size_t lanes = 4;
  static __m256i zero() { return _mm256_setzero_si256(); }
  static __m256i add(__m256i sum, const std::uint64_t* words) {
    return _mm256_add_epi64(sum, _mm256_load_si256(reinterpret_cast<const __m256i*>(words)));
  }
  static void store(std::uint64_t* to, __m256i words) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), words);
  }
};

}  // namespace

extern const Loops loops_avx2;
const Loops loops_avx2 = make_loops<F32, F64, Words, 12>(Isa::avx2);

}  // namespace omnimeans::ceilings
