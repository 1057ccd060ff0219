// SPDX-License-Identifier: MIT
// A counter-based random generator: value number i of a stream is a pure function of (seed, stream, i), so
// that draws do not depend on threads, and no std:: distribution (they differ between standard libraries) is
// involved. Mixing function: SplitMix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number
// generators").
#pragma once

#include <cstdint>

namespace omnimeans {

class CounterRng {
 public:
  constexpr explicit CounterRng(std::uint64_t seed, std::uint64_t stream = 0)
      : key_(mix(mix(seed + golden) ^ mix(stream * golden + 1))) {}

  /// Random access: 64 bits.
  constexpr std::uint64_t bits(std::uint64_t i) const { return mix(key_ + (i + 1) * golden); }
  /// Uniform in [0, 1), 53 bits.
  constexpr double uniform(std::uint64_t i) const { return static_cast<double>(bits(i) >> 11) * 0x1p-53; }

  /// Sequential use.
  constexpr std::uint64_t next_bits() { return bits(counter_++); }
  constexpr double next_uniform() { return uniform(counter_++); }
  /// Uniform in [0, bound), bound > 0: the high word of the 128-bit product; bias below bound / 2^64.
  constexpr std::uint64_t next_below(std::uint64_t bound) { return multiply_high(next_bits(), bound); }
  /// Near-normal, mean 0, variance 1: the sum of twelve uniforms less six (Irwin-Hall). Exact arithmetic, so
  /// the same bits everywhere, which log and cos of a C library do not promise. Support is [-6, 6].
  constexpr double next_normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += next_uniform();
    return sum;
  }

  /// High 64 bits of a * b.
  static constexpr std::uint64_t multiply_high(std::uint64_t a, std::uint64_t b) {
    const std::uint64_t a0 = a & 0xffffffffu, a1 = a >> 32, b0 = b & 0xffffffffu, b1 = b >> 32;
    const std::uint64_t middle = a1 * b0 + ((a0 * b0) >> 32);
    const std::uint64_t middle2 = a0 * b1 + (middle & 0xffffffffu);
    return a1 * b1 + (middle >> 32) + (middle2 >> 32);
  }

 private:
  static constexpr std::uint64_t golden = 0x9e3779b97f4a7c15u;
  static constexpr std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  std::uint64_t key_;
  std::uint64_t counter_ = 0;
};

}  // namespace omnimeans
