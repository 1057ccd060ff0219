// SPDX-License-Identifier: MIT
// Pearson's chi-square test: how likely are counts at least this far from the expected ones, if those are
// right?
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

/// Q(a, x), the regularised upper incomplete gamma function: series below a + 1, Lentz's continued fraction
/// above (Press et al., Numerical Recipes, section 6.2).
inline double gamma_q(double a, double x) {
  if (x <= 0) return 1;
  const double front = std::exp(a * std::log(x) - x - std::lgamma(a));
  if (x < a + 1) {
    double term = 1 / a, sum = term;
    for (double n = a + 1; term > sum * 1e-16; ++n) sum += term *= x / n;
    return 1 - front * sum;
  }
  double b = x + 1 - a, c = 1e300, d = 1 / b, h = d;
  for (int i = 1; i < 10000; ++i) {
    const double an = -i * (i - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    h *= d * c;
    if (std::abs(d * c - 1) < 1e-15) break;
  }
  return front * h;
}

/// The test's p-value. Bins expected to hold fewer than five are pooled; a count where none is possible gives
/// 0.
inline double chi_square_p(const std::vector<std::size_t>& counts, const std::vector<double>& probabilities) {
  double total = 0;
  for (const std::size_t count : counts) total += static_cast<double>(count);
  double statistic = 0, pooled_count = 0, pooled_expected = 0;
  int bins = 0;
  const auto add = [&](double count, double expected) {
    statistic += (count - expected) * (count - expected) / expected;
    ++bins;
  };
  for (std::size_t b = 0; b < counts.size(); ++b) {
    const double count = static_cast<double>(counts[b]), expected = total * probabilities[b];
    if (expected == 0 && count > 0) return 0;
    if (expected >= 5) {
      add(count, expected);
    } else {
      pooled_count += count;
      pooled_expected += expected;
    }
  }
  if (pooled_expected > 0) add(pooled_count, pooled_expected);
  return gamma_q((bins - 1) / 2.0, statistic / 2);
}

/// Do two lists of as many draws come from the same law? The p-value; bins that hold fewer than ten together
/// are pooled.
inline double two_sample_p(const std::vector<std::size_t>& a, const std::vector<std::size_t>& b) {
  double statistic = 0, pooled_a = 0, pooled_b = 0;
  int bins = 0;
  const auto add = [&](double x, double y) {
    if (x + y == 0) return;
    statistic += (x - y) * (x - y) / (x + y);
    ++bins;
  };
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
    if (x + y >= 10) {
      add(x, y);
    } else {
      pooled_a += x;
      pooled_b += y;
    }
  }
  add(pooled_a, pooled_b);
  return gamma_q((bins - 1) / 2.0, statistic / 2);
}
