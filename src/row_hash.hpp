// SPDX-License-Identifier: MIT
// A set of rows by value, to tell duplicate samples: 64-bit hashes, so that a false "seen before" has
// probability 2^-64 a pair.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <unordered_set>

namespace omnimeans {

template <class T>
class RowSet {
 public:
  /// True if an equal row was not there before.
  bool insert(std::span<const T> row) { return seen_.insert(hash(row)).second; }

 private:
  static std::uint64_t hash(std::span<const T> row) {
    std::uint64_t h = 0x9e3779b97f4a7c15u;
    for (T value : row) {
      // Adding zero makes -0 and +0, which are equal, the same bits.
      h = (h ^ std::bit_cast<std::uint64_t>(static_cast<double>(value) + 0.0)) * 0xbf58476d1ce4e5b9u;
      h ^= h >> 29;
    }
    return h;
  }

  std::unordered_set<std::uint64_t> seen_;
};

}  // namespace omnimeans
