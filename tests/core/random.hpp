// SPDX-License-Identifier: MIT
// Random numbers for the tests: the raw bits of mt19937_64, which the standard fixes, and no std::
// distribution, so that a seed printed by a failing test means the same problem everywhere.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <random>

class Random {
 public:
  explicit Random(std::uint64_t seed) : bits_(seed * 0x9e3779b97f4a7c15u + 0x632be59bd9b4e019u) {}

  std::uint64_t bits() { return bits_(); }
  /// In [0, bound); the bias is of no matter here.
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(bits() % bound); }
  bool chance(std::size_t one_in) { return below(one_in) == 0; }
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Near-normal: twelve uniforms less six.
  double normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += uniform();
    return sum;
  }
  /// In [1, most], every order of magnitude as likely as another.
  std::size_t size_up_to(std::size_t most) {
    const auto size = static_cast<std::size_t>(std::exp(uniform() * std::log(static_cast<double>(most) + 1)));
    return size < 1 ? 1 : (size > most ? most : size);
  }
  template <class V>
  V one_of(std::initializer_list<V> values) {
    return *std::next(values.begin(), static_cast<std::ptrdiff_t>(below(values.size())));
  }

 private:
  std::mt19937_64 bits_;
};
