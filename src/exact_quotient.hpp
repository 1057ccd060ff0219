// SPDX-License-Identifier: MIT
// A quotient of exact integer sums, rounded as if from some 100 bits: one function for all ways to the same
// sums.
#pragma once

#include <cmath>
#include <cstdint>

#if defined(__FAST_MATH__)
#error "omnimeans needs the arithmetic as written: -ffast-math would change the canonical distance"
#endif

namespace omnimeans {

__extension__ using Int128 = __int128;

/// An unevaluated sum of two doubles, |low| <= ulp(high) / 2.
struct DoubleDouble {
  double high, low;
};

/// a + b exactly (Knuth, TAOCP volume 2, 4.2.2, theorem B).
inline DoubleDouble two_sum(double a, double b) {
  const double sum = a + b, part = sum - a;
  return {sum, (a - (sum - part)) + (b - part)};
}

/// The first 106 bits of v.
inline DoubleDouble to_double_double(Int128 v) {
  const auto high = static_cast<double>(v);
  return {high, static_cast<double>(v - static_cast<Int128>(high))};
}

/// (first * quantum1 + second * quantum2) / total. Common factors of two are taken out before, so that sums
/// that were all multiplied by one power of two give the same bits.
inline double exact_quotient(Int128 first, double quantum1, Int128 second, double quantum2, Int128 total) {
  while (((first | second | total) & 1) == 0) {
    first /= 2;
    second /= 2;
    total /= 2;
  }
  const DoubleDouble a = to_double_double(first), b = to_double_double(second), w = to_double_double(total);
  // Quanta are powers of two: exact.
  const DoubleDouble head = two_sum(a.high * quantum1, b.high * quantum2);
  const DoubleDouble n = two_sum(head.high, head.low + (a.low * quantum1 + b.low * quantum2));
  const double quotient = n.high / w.high;
  const double rest = (std::fma(-quotient, w.high, n.high) + n.low) - quotient * w.low;
  return quotient + rest / w.high;
}

}  // namespace omnimeans
