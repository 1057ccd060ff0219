// SPDX-License-Identifier: MIT
// Samples in the order of a curve that keeps near ones together: Morton's (1966), with as many bits a feature
// as its spread deserves.
//
// The key of a sample is the path to its cell, a bit a halving: each next halving cuts the side on which
// cells are longest. Two samples whose keys differ in bit b first are apart by a halving of that size, so
// that the order is a k-d tree of which no node was ever visited.
//
// Ranges come from some of the samples, without the outermost 1.5 %; what lies beyond is in the last cell of
// its side. That makes boxes larger there, nothing else: keys only ever order samples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "aligned_buffer.hpp"
#include "omnimeans/matrix_view.hpp"

namespace omnimeans {

/// Samples have numbers of 32 bits.
inline constexpr double most_samples_in_order = 4294967295.0;

struct SampleOrder {
  AlignedBuffer<std::uint64_t> keys;  ///< key << 32 | number of the sample, ascending
  double widest = 0;  ///< the largest difference of two values of a feature, over some of the samples
};
/// Does not depend on threads. `room`: memory that may be written meanwhile, aligned as a key; where it has
/// not 8 n bytes, the second copy of the keys gets memory of its own.
template <class T>
SampleOrder samples_in_order(MatrixView<const T> samples, int threads, std::span<std::byte> room = {});

/// Rows of samples, `order` naming `count` of them (in the lower half, if it has 64 bits), to feature-major:
/// feature t of the r-th at values[t * rows + r], count <= rows; the first one fills up. Asks for as many
/// rows behind; `left`: from order[0] to its end.
template <class T, class Number>
void gather_samples(MatrixView<const T> samples, const Number* order, std::size_t count, std::size_t left,
                    std::size_t rows, T* values);

/// Memory of samples_in_order() at most, in bytes, while it runs.
double order_bytes_needed(double n, double d, double threads);

}  // namespace omnimeans
