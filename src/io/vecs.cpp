// SPDX-License-Identifier: MIT
// .fvecs and .bvecs, the formats of the TEXMEX corpora (http://corpus-texmex.irisa.fr): rows preceded by
// their length.
#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "io/convert.hpp"
#include "io/file_error.hpp"
#include "io/formats.hpp"

namespace omnimeans::io {
namespace {

constexpr bool swap = std::endian::native != std::endian::little;
constexpr std::size_t length_bytes = sizeof(std::int32_t);

template <class Source, class T>
Matrix<T> read_records(const InputFile& file) {
  if (file.size() < length_bytes) file.fail("too short for the length of a row", file.size());
  std::byte start[length_bytes];
  file.read(0, start, length_bytes);
  const auto length = load<std::int32_t>(start, swap);
  if (length <= 0) file.fail("row 0 has length " + std::to_string(length), 0);
  const auto cols = static_cast<std::size_t>(length);
  const std::size_t record = length_bytes + cols * sizeof(Source);
  if (record > file.size()) {
    file.fail("row 0 of length " + std::to_string(cols) + " is cut off: it needs " + std::to_string(record) +
                  " bytes, the file has " + std::to_string(file.size()),
              file.size());
  }

  const auto rows = static_cast<std::size_t>(file.size() / record);
  Matrix<T> matrix(rows, cols);
  const std::size_t per_chunk = std::clamp<std::size_t>(chunk_bytes / record, 1, rows);
  std::vector<std::byte> chunk(per_chunk * record);
  for (std::size_t first = 0; first < rows; first += per_chunk) {
    const std::size_t n = std::min(per_chunk, rows - first);
    file.read(std::uint64_t{first} * record, chunk.data(), n * record);
    for (std::size_t r = 0; r < n; ++r) {
      const std::byte* from = chunk.data() + r * record;
      const auto found = load<std::int32_t>(from, swap);
      if (found != length) {
        file.fail("row " + std::to_string(first + r) + " has length " + std::to_string(found) +
                      ", row 0 has " + std::to_string(length),
                  std::uint64_t{first + r} * record);
      }
      convert<Source>(from + length_bytes, cols, swap, matrix.row(first + r).data());
    }
  }
  if (const std::uint64_t rest = file.size() % record; rest != 0) {
    file.fail("row " + std::to_string(rows) + " is cut off: " + std::to_string(rest) + " of " +
                  std::to_string(record) + " bytes",
              file.size());
  }
  return matrix;
}

template <class Stored>
void append(std::string& to, Stored value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  if (swap) std::reverse(bytes, bytes + sizeof value);
  to.append(bytes, sizeof value);
}

template <class T>
void append_value(std::string& to, T value, VecsKind kind, const std::filesystem::path& path, std::size_t row,
                  std::size_t col) {
  if (kind == VecsKind::fvecs) {
    if (overflows<float>(value)) {
      fail(path, describe_value(row, col, value) + " is too large for f32");
    }
    append(to, static_cast<float>(value));
    return;
  }
  // NaN fails the first comparison.
  if (!(value >= 0 && value <= 255) || value != static_cast<T>(static_cast<std::uint8_t>(value))) {
    fail(path, describe_value(row, col, value) + " is not an integer 0..255, as .bvecs needs");
  }
  append(to, static_cast<std::uint8_t>(value));
}

}  // namespace

template <class T>
Matrix<T> read_vecs(const InputFile& file, VecsKind kind) {
  return kind == VecsKind::fvecs ? read_records<float, T>(file) : read_records<std::uint8_t, T>(file);
}
template Matrix<float> read_vecs(const InputFile&, VecsKind);
template Matrix<double> read_vecs(const InputFile&, VecsKind);

template <class T>
void write_vecs(std::ostream& out, MatrixView<const T> matrix, VecsKind kind,
                const std::filesystem::path& path) {
  if (matrix.cols() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    fail(path, "rows of " + std::to_string(matrix.cols()) + " values are too long for the format");
  }
  std::string record;
  for (std::size_t i = 0; i < matrix.rows() && out; ++i) {
    record.clear();
    append(record, static_cast<std::int32_t>(matrix.cols()));
    for (std::size_t t = 0; t < matrix.cols(); ++t) append_value(record, matrix(i, t), kind, path, i, t);
    out.write(record.data(), static_cast<std::streamsize>(record.size()));
  }
}
template void write_vecs(std::ostream&, MatrixView<const float>, VecsKind, const std::filesystem::path&);
template void write_vecs(std::ostream&, MatrixView<const double>, VecsKind, const std::filesystem::path&);

}  // namespace omnimeans::io
