// SPDX-License-Identifier: MIT
// The loops that are timed, one table an instruction set (ceilings/fma_<isa>.cpp).
#pragma once

#include <cstddef>
#include <cstdint>

#include "omnimeans/isa.hpp"

namespace omnimeans::ceilings {

struct Loops {
  Isa isa;
  double f32_flops, f64_flops;  ///< operations in a round
  /// `rounds` times a multiply-add on every accumulator. The value returned keeps the compiler from dropping
  /// the work.
  double (*f32)(std::uint64_t rounds);
  double (*f64)(std::uint64_t rounds);
  /// Sum of `count` words (a multiple of 64) from memory aligned to 64 bytes, modulo 2^64.
  std::uint64_t (*sum_words)(const std::uint64_t* words, std::size_t count);
};

}  // namespace omnimeans::ceilings
