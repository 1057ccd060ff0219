// SPDX-License-Identifier: MIT
// One reader and one writer a format; io.cpp chooses by extension. T is float or double.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <span>

#include "io/input_file.hpp"
#include "io/io.hpp"

namespace omnimeans::io {

AnyMatrix read_npy(const InputFile& file, std::optional<DType> dtype);
template <class T>
void write_npy(std::ostream& out, MatrixView<const T> matrix);
void write_npy(std::ostream& out, std::span<const std::int32_t> values);

/// .fvecs (4-byte floats) and .bvecs (bytes): every row is preceded by its length, a 4-byte integer;
/// little-endian.
enum class VecsKind { fvecs, bvecs };
template <class T>
Matrix<T> read_vecs(const InputFile& file, VecsKind kind);
/// `path` is for the message where a value or a size does not fit the format.
template <class T>
void write_vecs(std::ostream& out, MatrixView<const T> matrix, VecsKind kind,
                const std::filesystem::path& path);

/// `csv.delimiter` unset: taken from the first line (a comma if there is one, runs of blanks otherwise).
template <class T>
Matrix<T> read_csv(const InputFile& file, const CsvOptions& csv);
template <class T>
void write_csv(std::ostream& out, MatrixView<const T> matrix, char delimiter);

}  // namespace omnimeans::io
