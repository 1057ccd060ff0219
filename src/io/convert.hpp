// SPDX-License-Identifier: MIT
// Values as they lie in a file, of any type and byte order, made into float or double.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace omnimeans::io {

/// Bytes to read at a time where values are converted: small enough for the cache.
inline constexpr std::size_t chunk_bytes = std::size_t{1} << 18;

template <class T>
inline constexpr const char* type_name = std::is_same_v<T, float> ? "f32" : "f64";

/// A value of IEEE 754 binary16 (NumPy's f2).
struct Half {
  std::uint16_t bits;

  explicit operator float() const noexcept {
    constexpr std::uint32_t infinity = 0x7c00;
    const std::uint32_t sign = bits & 0x8000u, magnitude = bits & 0x7fffu;
    // Its exponent counts from 2^-14, that of a float from 2^-126.
    const float value = magnitude >= infinity ? std::bit_cast<float>(0x7f800000u | (magnitude & 0x3ffu) << 13)
                                              : std::bit_cast<float>(magnitude << 13) * 0x1p112f;
    return sign != 0 ? -value : value;
  }
  explicit operator double() const noexcept { return static_cast<float>(*this); }
};

/// The value at `from` (not aligned), with its bytes reversed if `swap`.
template <class Source>
Source load(const std::byte* from, bool swap) noexcept {
  Source value;
  std::memcpy(&value, from, sizeof value);
  if constexpr (sizeof(Source) == 2) {
    if (swap) value = std::bit_cast<Source>(__builtin_bswap16(std::bit_cast<std::uint16_t>(value)));
  } else if constexpr (sizeof(Source) == 4) {
    if (swap) value = std::bit_cast<Source>(__builtin_bswap32(std::bit_cast<std::uint32_t>(value)));
  } else if constexpr (sizeof(Source) == 8) {
    if (swap) value = std::bit_cast<Source>(__builtin_bswap64(std::bit_cast<std::uint64_t>(value)));
  }
  return value;
}

/// True if rounding `value` to T leaves the finite numbers. NaN and infinities pass: T has them too.
template <class T, class Source>
bool overflows([[maybe_unused]] Source value) noexcept {
  if constexpr (std::is_same_v<T, float> && std::is_same_v<Source, double>) {
    // From half a step above the largest float on, rounding to nearest gives infinity.
    return std::abs(value) >= 0x1.ffffffp127 && !std::isinf(value);
  } else {
    return false;
  }
}

/// Converts `count` values, rounding to nearest; `to` advances by `stride`. Returns the index of the first
/// value that overflows T, or `count`.
template <class Source, class T>
std::size_t convert(const std::byte* from, std::size_t count, bool swap, T* to,
                    std::size_t stride = 1) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    const auto value = load<Source>(from + i * sizeof(Source), swap);
    if (overflows<T>(value)) return i;
    to[i * stride] = static_cast<T>(value);
  }
  return count;
}

}  // namespace omnimeans::io
