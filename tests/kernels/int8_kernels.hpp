// SPDX-License-Identifier: MIT
// The kernels of eight bits that this CPU runs, with and without its tiles, and the plain loops; and exact
// distances to hold theirs against.
#pragma once

#include <gtest/gtest.h>
#include <cstddef>
#include <span>
#include <string>

#include "core/oracle.hpp"
#include "kernels/int8.hpp"
#include "omnimeans/isa.hpp"

inline oracle::Quad squared_distance(std::span<const float> x, std::span<const float> c) {
  oracle::Quad sum = 0;
  for (std::size_t t = 0; t < x.size(); ++t) {
    const oracle::Quad difference = oracle::Quad(x[t]) - oracle::Quad(c[t]);
    sum += difference * difference;
  }
  return sum;
}

/// Calls body(isa, kernels) for the plain loops and for what this CPU has.
template <class Body>
void for_all_kernels(Body&& body) {
  for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
    const auto *own = omnimeans::kernels::int8_kernels(isa),
               *no_tiles = omnimeans::kernels::int8_kernels(isa, true, false);
    SCOPED_TRACE(std::string(to_string(isa)));
    body(isa, omnimeans::kernels::plain_int8_kernels());
    if (own != nullptr) {
      SCOPED_TRACE("its own kernels");
      body(isa, *own);
    }
    if (no_tiles != own) {
      SCOPED_TRACE("without tiles");
      body(isa, *no_tiles);
    }
  }
}
