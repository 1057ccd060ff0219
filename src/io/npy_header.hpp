// SPDX-License-Identifier: MIT
// The header of a .npy file (NumPy Enhancement Proposal 1 and numpy.lib.format, versions 1.0, 2.0 and 3.0).
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "io/input_file.hpp"

namespace omnimeans::io {

/// The element types that are read: NumPy's names.
enum class NpyType { f2, f4, f8, b1, u1, u2, u4, u8, i1, i2, i4, i8 };

struct NpyHeader {
  NpyType type = NpyType::f4;
  bool swap = false;           ///< the file's byte order is not this machine's
  bool fortran_order = false;  ///< columns lie together
  std::size_t item_bytes = 0;
  std::size_t rows = 0;  ///< >= 1
  std::size_t cols = 0;  ///< >= 1; 1 for a one-dimensional array
  std::uint64_t data_offset = 0;

  /// Exactly what the file has after `data_offset`; known not to overflow.
  std::uint64_t data_bytes() const noexcept { return std::uint64_t{rows} * cols * item_bytes; }
};

/// Reads and checks everything before the values, and that the file holds exactly the values that the shape
/// claims.
NpyHeader read_npy_header(const InputFile& file);

/// Version 1.0, padded so that the values start at a multiple of 64 bytes. `descr` like "<f4".
std::string make_npy_header(std::string_view descr, std::initializer_list<std::size_t> shape);

}  // namespace omnimeans::io
