// SPDX-License-Identifier: MIT
// The shapes that the kernel tests sweep, and the tables that this CPU runs.
#pragma once

#include <gtest/gtest.h>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "kernels/guarded.hpp"
#include "kernels/kernels.hpp"

inline std::vector<const omnimeans::kernels::KernelTable*> usable_tables() {
  const std::vector<omnimeans::Isa> usable = omnimeans::usable_isas();
  std::vector<const omnimeans::kernels::KernelTable*> tables;
  for (const auto* table : omnimeans::kernels::tables()) {
    if (std::find(usable.begin(), usable.end(), table->isa) != usable.end()) tables.push_back(table);
  }
  return tables;
}

struct Shape {
  std::size_t n, d, k;
};

/// Every d and every k of 1 to 70 and every n of 1 to 100, each with two others drawn for it, and chains of
/// features that are cut.
inline std::vector<Shape> swept_shapes() {
  Random random(70);
  std::vector<Shape> shapes;
  for (std::size_t i = 1; i <= 70; ++i) {
    shapes.push_back({1 + random.below(100), i, 1 + random.below(70)});
    shapes.push_back({1 + random.below(100), 1 + random.below(70), i});
  }
  for (std::size_t n = 1; n <= 100; ++n) shapes.push_back({n, 1 + random.below(20), 1 + random.below(20)});
  for (const std::size_t d : {127, 128, 129, 130, 255, 256, 257, 300}) {
    shapes.push_back({1 + random.below(60), d, 1 + random.below(30)});
  }
  return shapes;
}

/// A few, for the sweeps over every alignment.
inline std::vector<Shape> few_shapes() {
  return {{1, 1, 1}, {7, 3, 2}, {33, 17, 23}, {50, 4, 64}, {20, 131, 9}};
}

/// Calls body(kernels, shape, place) for every table: all shapes against either guard, a few at every
/// alignment. Stops where it fails.
template <class T, class Body>
void sweep_kernels(Body&& body) {
  const auto at_places = [&](const auto* table, const Shape& shape, const std::vector<Placement>& places) {
    for (const Placement place : places) {
      SCOPED_TRACE(std::string(omnimeans::to_string(table->isa)) + ", n " + std::to_string(shape.n) + ", d " +
                   std::to_string(shape.d) + ", k " + std::to_string(shape.k));
      body(table->template of<T>(), shape, place);
      if (testing::Test::HasFatalFailure()) return;
    }
  };
  for (const auto* table : usable_tables()) {
    for (const Shape& shape : swept_shapes()) ASSERT_NO_FATAL_FAILURE(at_places(table, shape, edges()));
    for (const Shape& shape : few_shapes())
      ASSERT_NO_FATAL_FAILURE(at_places(table, shape, all_gaps(sizeof(T))));
  }
}

template <class T>
std::vector<T> random_values(Random& random, std::size_t count, double low = -4, double high = 4) {
  std::vector<T> values(count);
  for (T& value : values) value = static_cast<T>(random.uniform(low, high));
  return values;
}

/// n rows of d values, `stride` apart; the last row ends the vector.
template <class T>
std::vector<T> random_rows(Random& random, std::size_t n, std::size_t d, std::size_t stride) {
  return random_values<T>(random, (n - 1) * stride + d);
}
