// SPDX-License-Identifier: MIT
// Outward rounding and the constants of rounding-error analysis.
#pragma once

#include <limits>

namespace omnimeans {

/// Half the distance from 1 to the next larger T.
template <class T>
constexpr double unit_roundoff() {
  return static_cast<double>(std::numeric_limits<T>::epsilon()) / 2;
}

/// gamma_g = g u / (1 - g u) (Higham 2002, lemma 3.1); infinite where nothing can be said.
constexpr double gamma_of(double g, double u) {
  return g * u < 1 ? g * u / (1 - g * u) : std::numeric_limits<double>::infinity();
}

/// value as T, infinite beyond T's range (where a plain cast is undefined).
template <class T>
constexpr T narrow(double value) {
  constexpr double largest = static_cast<double>(std::numeric_limits<T>::max());
  if (value > largest) return std::numeric_limits<T>::infinity();
  if (value < -largest) return -std::numeric_limits<T>::infinity();
  return static_cast<T>(value);
}

/// Not below value >= 0, with room for a few roundings in T besides.
template <class T>
constexpr T round_up(double value) {
  constexpr double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  return narrow<T>(value * (1 + 8 * eps) + static_cast<double>(std::numeric_limits<T>::denorm_min()));
}

/// Not above value, never negative, never infinite: a lower bound from which something will be taken off.
template <class T>
constexpr T round_down(double value) {
  constexpr double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  constexpr double largest = static_cast<double>(std::numeric_limits<T>::max());
  const double less = value * (1 - 8 * eps) - static_cast<double>(std::numeric_limits<T>::denorm_min());
  return static_cast<T>(less > 0 ? (less < largest ? less : largest) : 0.0);
}

}  // namespace omnimeans
