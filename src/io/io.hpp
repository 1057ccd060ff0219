// SPDX-License-Identifier: MIT
// Reading and writing matrices: .npy, .fvecs, .bvecs, .csv. A target of its own; the library knows nothing of files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "omnimeans/error.hpp"
#include "omnimeans/matrix_view.hpp"

namespace omnimeans::io {

enum class DType { f32, f64 };

/// A matrix of either type, as omnimeans computes with.
using AnyMatrix = std::variant<Matrix<float>, Matrix<double>>;

struct CsvOptions {
  char delimiter = ',';
  std::optional<bool> header;  ///< unset: the first line is a header if any of its fields is not a number
};

/// Reads a matrix; the extension says how (.npy .fvecs .bvecs .csv .tsv .txt). `dtype` unset: f32, except f64 where the
/// file holds f8, i8 or i4 values (which float cannot hold). A one-dimensional .npy is a column (n x 1).
/// Throws FileError with path and byte offset (csv: line and column) for what is missing, damaged or unsupported; never
/// allocates more than the file's size justifies.
AnyMatrix read_matrix(const std::filesystem::path& path, std::optional<DType> dtype = {}, const CsvOptions& csv = {});

/// The same, with the type fixed.
template <class T>
Matrix<T> read_matrix_as(const std::filesystem::path& path, const CsvOptions& csv = {});

/// One value a row (n x 1 or 1 x n): sample weights, labels.
template <class T>
std::vector<T> read_vector_as(const std::filesystem::path& path, const CsvOptions& csv = {});

/// Writes by extension (.npy .fvecs .csv; .bvecs if every value is an integer 0..255). Atomic: see write_file_atomically.
void write_matrix(const std::filesystem::path& path, MatrixView<const float> matrix);
void write_matrix(const std::filesystem::path& path, MatrixView<const double> matrix);

/// Writes labels: .npy (i4, one-dimensional) or .csv/.txt (one a line). Atomic.
void write_labels(const std::filesystem::path& path, std::span<const std::int32_t> labels);

/// Calls `write` with a stream onto a temporary file beside `path`, then renames it over `path`. If anything fails, the
/// temporary file is removed, what stood at `path` is unchanged, and FileError is thrown.
void write_file_atomically(const std::filesystem::path& path, const std::function<void(std::ostream&)>& write);

}  // namespace omnimeans::io
