// SPDX-License-Identifier: MIT
// The values of a .npy file. Values of the wanted type and order are read straight into the matrix, in one
// go.
#include <algorithm>
#include <bit>
#include <string>
#include <type_traits>
#include <vector>

#include "io/convert.hpp"
#include "io/file_error.hpp"
#include "io/formats.hpp"
#include "io/npy_header.hpp"

namespace omnimeans::io {
namespace {

template <class T>
[[noreturn]] void fail_overflow(const InputFile& file, const NpyHeader& header, const std::byte* value,
                                std::uint64_t index) {
  const std::uint64_t row = header.fortran_order ? index % header.rows : index / header.cols;
  const std::uint64_t col = header.fortran_order ? index / header.rows : index % header.cols;
  file.fail(describe_value(row, col, load<double>(value, header.swap)) + " is too large for " + type_name<T>,
            header.data_offset + index * header.item_bytes);
}

/// Row by row, converted.
template <class Source, class T>
void read_c_order(const InputFile& file, const NpyHeader& header, T* to) {
  const std::uint64_t count = std::uint64_t{header.rows} * header.cols;
  std::vector<std::byte> chunk(std::min<std::uint64_t>(chunk_bytes, header.data_bytes()));
  const std::size_t per_chunk = chunk.size() / sizeof(Source);
  for (std::uint64_t first = 0; first < count; first += per_chunk) {
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(per_chunk, count - first));
    file.read(header.data_offset + first * sizeof(Source), chunk.data(), n * sizeof(Source));
    const std::size_t done = convert<Source>(chunk.data(), n, header.swap, to + first);
    if (done < n) fail_overflow<T>(file, header, chunk.data() + done * sizeof(Source), first + done);
  }
}

/// Column by column, transposed in tiles: a tile is a few columns wide, so that a row of it fills whole cache
/// lines, and many rows high, so that each read is long.
template <class Source, class T>
void read_fortran_order(const InputFile& file, const NpyHeader& header, T* to) {
  const std::size_t tile_rows = std::min<std::size_t>(header.rows, 2048);
  const std::size_t tile_cols = std::min(header.cols, std::max<std::size_t>(16, chunk_bytes / 8 / tile_rows));
  std::vector<std::byte> tile(tile_rows * tile_cols * sizeof(Source));
  for (std::size_t col = 0; col < header.cols; col += tile_cols) {
    const std::size_t width = std::min(tile_cols, header.cols - col);
    for (std::size_t row = 0; row < header.rows; row += tile_rows) {
      const std::size_t height = std::min(tile_rows, header.rows - row);
      const auto index = [&](std::size_t c) { return std::uint64_t{col + c} * header.rows + row; };
      const auto offset = [&](std::size_t c) { return header.data_offset + index(c) * sizeof(Source); };
      const std::size_t column_bytes = height * sizeof(Source);
      if (height == header.rows) {  // whole columns lie together
        file.read(offset(0), tile.data(), width * column_bytes);
      } else {
        for (std::size_t c = 0; c < width; ++c)
          file.read(offset(c), tile.data() + c * column_bytes, column_bytes);
      }
      for (std::size_t r = 0; r < height; ++r) {
        T* out = to + (row + r) * header.cols + col;
        for (std::size_t c = 0; c < width; ++c) {
          const std::byte* from = tile.data() + c * column_bytes + r * sizeof(Source);
          const auto value = load<Source>(from, header.swap);
          if (overflows<T>(value)) fail_overflow<T>(file, header, from, index(c) + r);
          out[c] = static_cast<T>(value);
        }
      }
    }
  }
}

template <class Source, class T>
void read_values(const InputFile& file, NpyHeader header, T* to) {
  if (header.rows == 1 || header.cols == 1) header.fortran_order = false;  // both orders are the same bytes
  if (header.fortran_order) {
    read_fortran_order<Source>(file, header, to);
  } else if (std::is_same_v<Source, T> && !header.swap) {
    file.read(header.data_offset, to, header.data_bytes());
  } else {
    read_c_order<Source>(file, header, to);
  }
}

template <class T>
Matrix<T> read_as(const InputFile& file, const NpyHeader& header) {
  Matrix<T> matrix(header.rows, header.cols);
  switch (header.type) {
    case NpyType::f4:
      read_values<float>(file, header, matrix.data());
      break;
    case NpyType::f8:
      read_values<double>(file, header, matrix.data());
      break;
    case NpyType::f2:
      read_values<Half>(file, header, matrix.data());
      break;
    case NpyType::b1:
    case NpyType::u1:
      read_values<std::uint8_t>(file, header, matrix.data());
      break;
    case NpyType::u2:
      read_values<std::uint16_t>(file, header, matrix.data());
      break;
    case NpyType::u4:
      read_values<std::uint32_t>(file, header, matrix.data());
      break;
    case NpyType::u8:
      read_values<std::uint64_t>(file, header, matrix.data());
      break;
    case NpyType::i1:
      read_values<std::int8_t>(file, header, matrix.data());
      break;
    case NpyType::i2:
      read_values<std::int16_t>(file, header, matrix.data());
      break;
    case NpyType::i4:
      read_values<std::int32_t>(file, header, matrix.data());
      break;
    case NpyType::i8:
      read_values<std::int64_t>(file, header, matrix.data());
      break;
  }
  return matrix;
}

/// "<f4" and the like, in the byte order of this machine.
template <class T>
std::string descr_of() {
  const char order = std::endian::native == std::endian::little ? '<' : '>';
  return std::string{order, std::is_floating_point_v<T> ? 'f' : 'i'} + std::to_string(sizeof(T));
}

void write_bytes(std::ostream& out, const void* from, std::size_t bytes) {
  out.write(static_cast<const char*>(from), static_cast<std::streamsize>(bytes));
}

}  // namespace

AnyMatrix read_npy(const InputFile& file, std::optional<DType> dtype) {
  const NpyHeader header = read_npy_header(file);
  const bool needs_f64 = header.item_bytes == 8 || header.type == NpyType::u4 || header.type == NpyType::i4;
  if (dtype.value_or(needs_f64 ? DType::f64 : DType::f32) == DType::f64) return read_as<double>(file, header);
  return read_as<float>(file, header);
}

template <class T>
void write_npy(std::ostream& out, MatrixView<const T> matrix) {
  out << make_npy_header(descr_of<T>(), {matrix.rows(), matrix.cols()});
  if (matrix.row_stride() == matrix.cols()) {
    write_bytes(out, matrix.data(), matrix.rows() * matrix.cols() * sizeof(T));
    return;
  }
  for (std::size_t i = 0; i < matrix.rows() && out; ++i) {
    write_bytes(out, matrix.row_data(i), matrix.cols() * sizeof(T));
  }
}
template void write_npy(std::ostream&, MatrixView<const float>);
template void write_npy(std::ostream&, MatrixView<const double>);

void write_npy(std::ostream& out, std::span<const std::int32_t> values) {
  out << make_npy_header(descr_of<std::int32_t>(), {values.size()});
  write_bytes(out, values.data(), values.size_bytes());
}

}  // namespace omnimeans::io
