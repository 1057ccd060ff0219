// SPDX-License-Identifier: MIT
// The kernels of int16.hpp for one Arch: the tiles of nearest-inl.hpp and block-inl.hpp with pairs of 16-bit
// integers in the lanes. Included by int16_<isa>.cpp alone.
#pragma once

#include "kernels/block-inl.hpp"
#include "kernels/int16.hpp"
#include "kernels/nearest-inl.hpp"

namespace omnimeans::kernels {
namespace {

/// Lanes hold two integers, or an accumulator of 32 bits: as bits, which are only moved. Centroids are
/// negated.
template <class Arch>
struct Int16Products {
  using S = Simd<float, Arch>;
  using vec = typename S::vec;
  static constexpr bool direct = false;
  // Beside the products of a few words the argmin is much: of small tiles a core's schedulers see the next
  // group's products meanwhile, and best and second best stay in registers. Zen 4, k = 64, cycles a sample of
  // the tile loop, 3 vectors and 2: d = 8 23.7 and 20.6, d = 16 38.9 and 36.0, d = 32 70.5 and 67.4.
  static constexpr std::size_t vectors = 2;
#if defined(__AVX2__) && !defined(__AVX512F__) && !defined(__AVXVNNI__)
  static constexpr double rate = 1.25;
#else
  static constexpr double rate = 2;
#endif

#if defined(OMNIMEANS_KERNELS_SCALAR)
  static OMNIMEANS_INLINE vec subtract(vec sample, vec centroid, vec acc) {
    const auto a = std::bit_cast<std::uint32_t>(sample), b = std::bit_cast<std::uint32_t>(centroid);
    const auto low = [](std::uint32_t word) {
      return std::int32_t{static_cast<std::int16_t>(word & 0xffff)};
    };
    const auto high = [](std::uint32_t word) { return std::int32_t{static_cast<std::int16_t>(word >> 16)}; };
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(acc) +
                                static_cast<std::uint32_t>(low(a) * low(b)) +
                                static_cast<std::uint32_t>(high(a) * high(b)));
  }
  static OMNIMEANS_INLINE vec add(vec a, vec b) {
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(a) + std::bit_cast<std::uint32_t>(b));
  }
  static OMNIMEANS_INLINE vec score(vec acc, float unit) {
    // Of samples beyond the limit any bits may come: modulo 2^32.
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(acc) - std::uint32_t{int16_base};
    return static_cast<float>(std::bit_cast<std::int32_t>(bits)) * unit;
  }
#elif defined(__AVX512F__)
  // Written out because g++ 12 copies the accumulator before and after the intrinsic.
  static OMNIMEANS_INLINE vec subtract(vec sample, vec centroid, vec acc) {
    __m512i sum = _mm512_castps_si512(acc);
    __asm__("vpdpwssd %2, %1, %0"
            : "+v"(sum)
            : "v"(_mm512_castps_si512(sample)), "v"(_mm512_castps_si512(centroid)));
    return _mm512_castsi512_ps(sum);
  }
  static OMNIMEANS_INLINE vec add(vec a, vec b) {
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), _mm512_castps_si512(b)));
  }
  static OMNIMEANS_INLINE vec score(vec acc, float unit) {
    const __m512i bits = _mm512_sub_epi32(_mm512_castps_si512(acc), _mm512_set1_epi32(int16_base));
    return _mm512_mul_ps(_mm512_cvtepi32_ps(bits), _mm512_set1_ps(unit));
  }
#else
  static OMNIMEANS_INLINE vec subtract(vec sample, vec centroid, vec acc) {
    __m256i sum = _mm256_castps_si256(acc);
#if defined(__AVXVNNI__)
    __asm__("%{vex%} vpdpwssd %2, %1, %0"
            : "+x"(sum)
            : "x"(_mm256_castps_si256(sample)), "x"(_mm256_castps_si256(centroid)));
#else
    // Both are written out because g++ 12 would add the products of several features among each other first,
    // and keep them in memory until then: less than half the rate; with the addition alone it copies
    // registers.
    __m256i products;
    __asm__("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0"
            : "+x"(sum), "=&x"(products)
            : "x"(_mm256_castps_si256(sample)), "x"(_mm256_castps_si256(centroid)));
#endif
    return _mm256_castsi256_ps(sum);
  }
  static OMNIMEANS_INLINE vec add(vec a, vec b) {
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), _mm256_castps_si256(b)));
  }
  static OMNIMEANS_INLINE vec score(vec acc, float unit) {
    const __m256i bits = _mm256_sub_epi32(_mm256_castps_si256(acc), _mm256_set1_epi32(int16_base));
    return _mm256_mul_ps(_mm256_cvtepi32_ps(bits), _mm256_set1_ps(unit));
  }
#endif
};

/// Values in units, rounded to nearest: in the lowest sixteen bits. Adds the squares of what that leaves.
template <class Arch>
OMNIMEANS_INLINE typename Simd<float, Arch>::vec rounded_units(typename Simd<float, Arch>::vec value,
                                                               typename Simd<float, Arch>::vec inverse,
                                                               typename Simd<float, Arch>::vec& residuals) {
  using S = Simd<float, Arch>;
  // Where a float is near 1.5 * 2^23 its last bit is worth 1: adding that rounds. It ends in sixteen bits of
  // zero.
  const auto magic = S::set(0x1.8p23f);
  const auto integer = S::fma(value, inverse, magic);
  const auto residual = S::fma(value, inverse, S::sub(magic, integer));
  residuals = S::fma(residual, residual, residuals);
  return integer;
}

/// What blocks ask for beside products: scores that are compared as integers.
template <class Arch>
struct Int16BlockProducts : Int16Products<Arch> {
  using S = Simd<float, Arch>;
  using vec = typename S::vec;

  static OMNIMEANS_INLINE vec highest() { return S::set(std::bit_cast<float>(std::int32_t{0x7fffffff})); }
  /// In whole units.
  static OMNIMEANS_INLINE vec margin(float margin, float unit) {
    const float units = margin / unit + 2;
    return S::set(std::bit_cast<float>(units < 0x1p30f ? static_cast<std::int32_t>(units) : 0x7fffffff));
  }
#if defined(OMNIMEANS_KERNELS_SCALAR)
  static OMNIMEANS_INLINE std::int32_t integer(vec a) {
    return std::bit_cast<std::int32_t>(a);
  }
  static OMNIMEANS_INLINE vec min(vec a, vec b) {
    return integer(a) < integer(b) ? a : b;
  }
  static OMNIMEANS_INLINE vec difference(vec a, vec b) {
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(a) - std::bit_cast<std::uint32_t>(b));
  }
  static OMNIMEANS_INLINE bool above(vec difference, vec margin) {
    return integer(difference) > integer(margin);
  }
  static OMNIMEANS_INLINE vec length(vec difference, vec unit) {
    return static_cast<float>(integer(difference)) * unit;
  }
#elif defined(__AVX512F__)
  static OMNIMEANS_INLINE __m512i integers(vec a) {
    return _mm512_castps_si512(a);
  }
  static OMNIMEANS_INLINE vec min(vec a, vec b) {
    return _mm512_castsi512_ps(_mm512_min_epi32(integers(a), integers(b)));
  }
  static OMNIMEANS_INLINE vec difference(vec a, vec b) {
    return _mm512_castsi512_ps(_mm512_sub_epi32(integers(a), integers(b)));
  }
  static OMNIMEANS_INLINE typename S::mask above(vec difference, vec margin) {
    return _mm512_cmpgt_epi32_mask(integers(difference), integers(margin));
  }
  static OMNIMEANS_INLINE vec length(vec difference, vec unit) {
    return _mm512_mul_ps(_mm512_cvtepi32_ps(integers(difference)), unit);
  }
#else
  static OMNIMEANS_INLINE __m256i integers(vec a) {
    return _mm256_castps_si256(a);
  }
  static OMNIMEANS_INLINE vec min(vec a, vec b) {
    return _mm256_castsi256_ps(_mm256_min_epi32(integers(a), integers(b)));
  }
  static OMNIMEANS_INLINE vec difference(vec a, vec b) {
    return _mm256_castsi256_ps(_mm256_sub_epi32(integers(a), integers(b)));
  }
  static OMNIMEANS_INLINE typename S::mask above(vec difference, vec margin) {
    return typename S::mask(_mm256_castsi256_ps(_mm256_cmpgt_epi32(integers(difference), integers(margin))));
  }
  static OMNIMEANS_INLINE vec length(vec difference, vec unit) {
    return _mm256_mul_ps(_mm256_cvtepi32_ps(integers(difference)), unit);
  }
#endif

  /// Writes a vector of samples, words `stride` apart.
  template <class Value>
  static OMNIMEANS_INLINE vec put(const BlockStart<float>& task, float* out, std::size_t stride,
                                  Value&& value) {
    const vec inverse = S::set(task.inverse_unit);
    vec residuals = S::set(0.0f);
    for (std::size_t t = 0; t < task.n_features; t += 2, out += stride) {
      alignas(64) float rounded[2][S::lanes];
      unroll<2>([&](auto of) __attribute__((always_inline)) {
        const vec x = t + of.value < task.n_features ? value(t + of.value) : S::set(0.0f);
        S::store(rounded[of.value], rounded_units<Arch>(x, inverse, residuals));
      });
      for (std::size_t l = 0; l < S::lanes; ++l)
        out[l] = std::bit_cast<float>((std::bit_cast<std::uint32_t>(rounded[0][l]) & 0xffff) |
                                      std::bit_cast<std::uint32_t>(rounded[1][l]) << 16);
    }
    return residuals;
  }
};

/// The lowest sixteen bits of a vector's values to `out`.
template <class Arch>
OMNIMEANS_INLINE void store_integers(typename Simd<float, Arch>::vec rounded, std::uint16_t* out) {
  using S = Simd<float, Arch>;
  alignas(64) float bits[S::lanes];
  S::store(bits, rounded);
  for (std::size_t l = 0; l < S::lanes; ++l)
    out[l] = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(bits[l]) & 0xffff);
}

/// Rows of N values without gaps, an even number, so that integers have none either: W of them are N vectors,
/// in which features come round. Only squares are added up with a lane a row. Returns how many rows it did.
template <class Arch, std::size_t N>
std::size_t round_narrow(const Int16Task& task) {
  using S = Simd<float, Arch>;
  using vec = typename S::vec;
  constexpr std::size_t W = S::lanes;
  const vec inverse = S::set(task.inverse_unit), scale = S::set(task.scale);
  const bool moved = task.offset != nullptr;
  alignas(64) float offsets[N * W];
  for (std::size_t at = 0; moved && at < N * W; ++at) offsets[at] = task.offset[at % N];
  std::size_t r = 0;
  for (; r + W <= task.n_rows; r += W) {
    const float* x = task.rows + r * N;
    auto* out = reinterpret_cast<char*>(task.words) + r * N * sizeof(std::uint16_t);
    vec squares = S::set(0.0f), residuals = S::set(0.0f), unused = S::set(0.0f);
    unroll<N>([&](auto v) __attribute__((always_inline)) {
      vec value = S::load(x + v.value * W);
      if (moved) value = S::mul(S::sub(value, S::load(offsets + v.value * W)), scale);
      std::uint16_t integers[W];
      store_integers<Arch>(rounded_units<Arch>(value, inverse, unused), integers);
      __builtin_memcpy(out + v.value * sizeof integers, integers, sizeof integers);
    });
    const auto row = [x](auto l) __attribute__((always_inline)) {
      return x + l.value * N;
    };
    Ahead ahead{reinterpret_cast<const char*>(x) + ahead_bytes, 0, SIZE_MAX};
    Transpose<float, Arch>::run(
        row, N, ahead, [&](std::size_t t, vec value) __attribute__((always_inline)) {
          if (moved) value = S::mul(S::sub(value, S::set(task.offset[t])), scale);
          squares = S::fma(value, value, squares);
          rounded_units<Arch>(value, inverse, residuals);
        });
    S::store(task.norms + r, squares);
    S::store(task.residuals + r, residuals);
  }
  return r;
}

using RoundNarrow = std::size_t (*)(const Int16Task&);
template <class Arch, std::size_t... Half>
RoundNarrow round_narrow_of(std::size_t n_features, Indices<Half...>) {
  static constexpr RoundNarrow of[] = {round_narrow<Arch, 2 * (Half + 1)>...};
  const bool narrow = n_features % 2 == 0 && n_features / 2 <= sizeof...(Half);
  return narrow ? of[n_features / 2 - 1] : nullptr;
}

/// The squares of a row's values, and of what rounding leaves, in place of its norm and residual.
template <class Arch>
void round_row(const Int16Task& task, std::size_t r) {
  using S = Simd<float, Arch>;
  using vec = typename S::vec;
  constexpr std::size_t W = S::lanes;
  const vec inverse = S::set(task.inverse_unit), scale = S::set(task.scale);
  const std::size_t d = task.n_features, row_bytes = (d + 1) / 2 * sizeof(float);
  char* const begin = reinterpret_cast<char*>(task.words);
  const char* const end = begin + task.n_rows * row_bytes;
  const float* x = task.rows + r * task.row_stride;
  char* out = begin + r * row_bytes;
  vec squares = S::set(0.0f), residuals = S::set(0.0f);
  for (std::size_t t = 0; t < d; t += W, out += 2 * W) {
    const std::size_t left = d - t;
    vec value = left < W ? S::load_first(x + t, left) : S::load(x + t);
    if (task.offset != nullptr) {
      const vec offset = left < W ? S::load_first(task.offset + t, left) : S::load(task.offset + t);
      value = S::mul(S::sub(value, offset), scale);
    }
    squares = S::fma(value, value, squares);
    std::uint16_t integers[W];
    store_integers<Arch>(rounded_units<Arch>(value, inverse, residuals), integers);
    // What is written behind a row's end, zeros first, the next row overwrites.
    if (out + sizeof integers <= end) {
      __builtin_memcpy(out, integers, sizeof integers);
    } else {
      for (std::size_t l = 0; l < W && out + 2 * l < end; ++l)
        __builtin_memcpy(out + 2 * l, &integers[l], sizeof(std::uint16_t));
    }
  }
  if (d % 2 != 0) __builtin_memset(begin + r * row_bytes + 2 * d, 0, sizeof(std::uint16_t));
  task.norms[r] = S::reduce_add(squares);
  task.residuals[r] = S::reduce_add(residuals);
}

template <class Arch>
void round_rows(const Int16Task& task) {
  using S = Simd<float, Arch>;
  using vec = typename S::vec;
  constexpr std::size_t W = S::lanes, widest = NearestGroups<float, Arch>::narrow;
  std::size_t r = 0;
  const RoundNarrow narrow = round_narrow_of<Arch>(task.n_features, typename MakeIndices<widest / 2>::type{});
  if (narrow != nullptr && task.row_stride == task.n_features) r = narrow(task);
  for (; r < task.n_rows; ++r) round_row<Arch>(task, r);
  // Roots of many at a time.
  const vec floor = S::set(task.norm_floor), factor = S::set(task.norm_factor);
  const auto norm = [&](vec squares) { return S::mul(S::sqrt(S::add(squares, floor)), factor); };
  for (r = 0; r + W <= task.n_rows; r += W) S::store(task.norms + r, norm(S::load(task.norms + r)));
  for (; r < task.n_rows; ++r) {
    alignas(64) float root[W];
    S::store(root, norm(S::set(task.norms[r])));
    task.norms[r] = root[0];
  }
}

template <class Arch>
constexpr Int16Kernels make_int16_kernels() {
  // What a task in float has room for, and how its centroids are grouped.
  using Float = NearestLanes<float, Arch>;
  using Own = NearestLanes<float, Arch, Int16Products<Arch>>;
  static_assert(Own::tile <= Float::tile && Own::largest_group == Float::largest_group);
  using Words = Int16BlockProducts<Arch>;
  return {Int16Products<Arch>::rate, Own::nearest, round_rows<Arch>,
          Blocks<float, Arch, 32, Words>::kernels(), Blocks<float, Arch, 64, Words>::kernels()};
}

}  // namespace
}  // namespace omnimeans::kernels
