// SPDX-License-Identifier: MIT
// Problems for the rules of auto, most of which ask for sizes alone.
#pragma once

#include <cstddef>

#include "backends/auto_plan.hpp"
#include "kernels/int16.hpp"
#include "omnimeans/isa.hpp"

template <class T>
omnimeans::Problem<T> problem(const omnimeans::MatrixView<const T>& samples, omnimeans::Isa isa,
                              std::size_t k, std::size_t most_steps = 0) {
  omnimeans::Problem<T> p;
  p.samples = samples;
  p.n_clusters = k;
  p.isa = isa;
  p.most_steps = most_steps;
  return p;
}

/// Samples that nobody reads.
template <class T>
omnimeans::MatrixView<const T> unread(std::size_t n, std::size_t d) {
  static const T none = 0;
  return {&none, n, d, d};
}

template <class T>
bool has_fast_integers(omnimeans::Isa isa) {
  return sizeof(T) == sizeof(float) && omnimeans::kernels::has_fast_int16(isa);
}

/// Products of eight bits in tiles, for problems large enough.
template <class T>
bool has_tiles(omnimeans::Isa isa) {
  return omnimeans::has_int8_tiles(problem(unread<T>(1000, 100), isa, 640));
}
