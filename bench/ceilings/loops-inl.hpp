// SPDX-License-Identifier: MIT
// Bodies of the timed loops, over the operations of one instruction set. Everything here has internal
// linkage: a weak symbol compiled for a newer CPU could be picked by the linker for an older one.
#pragma once

#include <utility>

#include "bench/ceilings/loops.hpp"

namespace omnimeans::ceilings {
namespace {

// x <- x/2 + 1/2 from x = 2, 3, 4, ...: finite, never denormal, and different for each accumulator, so that
// the compiler cannot merge them. The pack expansion keeps every accumulator in a register of its own.
template <class Ops, std::size_t... A>
double multiply_add(std::uint64_t rounds, std::index_sequence<A...>) {
  typename Ops::Vector x[] = {Ops::broadcast(static_cast<typename Ops::Value>(2 + A))...};
  const auto half = Ops::broadcast(typename Ops::Value(0.5));
  for (std::uint64_t round = 0; round < rounds; ++round) {
    ((x[A] = Ops::multiply_add(x[A], half, half)), ...);
  }
  return (static_cast<double>(Ops::first(x[A])) + ...);
}

template <class Ops, std::size_t n_accumulators>
double multiply_add(std::uint64_t rounds) {
  return multiply_add<Ops>(rounds, std::make_index_sequence<n_accumulators>());
}

template <class Words>
std::uint64_t sum_words(const std::uint64_t* words, std::size_t count) {
  constexpr std::size_t lanes = Words::lanes;
  auto a = Words::zero(), b = Words::zero(), c = Words::zero(), d = Words::zero();
  for (std::size_t i = 0; i < count; i += 4 * lanes) {
    a = Words::add(a, words + i);
    b = Words::add(b, words + i + lanes);
    c = Words::add(c, words + i + 2 * lanes);
    d = Words::add(d, words + i + 3 * lanes);
  }
  std::uint64_t sum = 0;
  for (const auto& part : {a, b, c, d}) {
    std::uint64_t values[lanes];
    Words::store(values, part);
    for (const std::uint64_t value : values) sum += value;
  }
  return sum;
}

template <class F32, class F64, class Words, std::size_t n_accumulators>
constexpr Loops make_loops(Isa isa) {
  return {isa,
          2.0 * F32::lanes * n_accumulators,
          2.0 * F64::lanes * n_accumulators,
          multiply_add<F32, n_accumulators>,
          multiply_add<F64, n_accumulators>,
          sum_words<Words>};
}

}  // namespace
}  // namespace omnimeans::ceilings
