// SPDX-License-Identifier: MIT
// Reading and writing matrices: .npy, .fvecs, .bvecs, .csv. A target of its own; the library knows nothing of
// files.
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
  /// Unset: a comma for .csv, a tab for .tsv; for .txt a comma if the first line has one, else ' '. The blank
  /// stands for any run of blanks and tabs. Throws InvalidArgument for what may be part of a number, a quote,
  /// a line end.
  std::optional<char> delimiter = {};
  /// Unset: the first line is a header if none of its fields is a number; one with both kinds is an error.
  std::optional<bool> header = {};
};

/// Reads a matrix; the extension says how (.npy .fvecs .bvecs .csv .tsv .txt). `dtype` unset: f32, except f64
/// where the file holds f8 or integers of four or eight bytes (which float cannot hold). A one-dimensional
/// .npy is a column (n x 1). Values are rounded to the nearest of the dtype; a finite one that would become
/// infinite is an error that names its row and column, counted from 0. NaN and infinities pass: whoever
/// computes with them checks them. Throws FileError with path and byte offset (csv: line and column too,
/// counted from 1) for what is missing, empty, damaged or unsupported, MemoryLimitExceeded if memory runs
/// out; never allocates more than the file's size justifies.
AnyMatrix read_matrix(const std::filesystem::path& path, std::optional<DType> dtype = {},
                      const CsvOptions& csv = {});

/// The same, with the type fixed.
template <class T>
Matrix<T> read_matrix_as(const std::filesystem::path& path, const CsvOptions& csv = {});

/// One value a row (n x 1 or 1 x n): sample weights, labels. T: float, double, or int32_t, where every value
/// must be one.
template <class T>
std::vector<T> read_vector_as(const std::filesystem::path& path, const CsvOptions& csv = {});

/// The file that writing to `path` makes or replaces: absolute, symbolic links followed, also where they lead
/// to a file that does not exist yet. Throws FileError for links that lead in a circle.
std::filesystem::path file_behind(const std::filesystem::path& path);

/// Files that take their places when all are complete: each is written beside its place, and renamed in
/// commit(). A new file has the mode the umask allows, a replaced one keeps its mode; a symbolic link stays
/// and the file it leads to is replaced. Devices and pipes (/dev/stdout) are written to at once.
class OutputFiles {
 public:
  OutputFiles();
  OutputFiles(const OutputFiles&) = delete;
  OutputFiles& operator=(const OutputFiles&) = delete;
  ~OutputFiles();  ///< removes what was not committed

  /// Calls `write` with a stream onto a temporary file in the directory of `path`. If anything fails, that
  /// file is removed and FileError is thrown (what `write` itself throws passes through); what stands at
  /// `path` is as it was. FileError also where a file that was added before would take the same place.
  void add(const std::filesystem::path& path, const std::function<void(std::ostream&)>& write);
  /// Renames each over what stands at its path, one after the other. Throws FileError at the first that
  /// cannot be: those before it have taken their places; a second commit() tries it and those after it again.
  void commit();

 private:
  struct Pending;
  std::vector<Pending> pending_;
};

/// Writes by extension: .npy of the same type; .fvecs (double is rounded to float); .bvecs if every value is
/// an integer 0..255; .csv .tsv .txt with the shortest digits that read back the same. Throws FileError, also
/// where there are no values. Atomic: as OutputFiles of one, or added to `files`.
void write_matrix(const std::filesystem::path& path, MatrixView<const float> matrix);
void write_matrix(const std::filesystem::path& path, MatrixView<const double> matrix);
void write_matrix(OutputFiles& files, const std::filesystem::path& path, MatrixView<const float> matrix);
void write_matrix(OutputFiles& files, const std::filesystem::path& path, MatrixView<const double> matrix);

/// Writes labels: .npy (i4, one-dimensional) or .csv/.tsv/.txt (one a line). Atomic, as matrices.
void write_labels(const std::filesystem::path& path, std::span<const std::int32_t> labels);
void write_labels(OutputFiles& files, const std::filesystem::path& path,
                  std::span<const std::int32_t> labels);

/// OutputFiles of one.
void write_file_atomically(const std::filesystem::path& path,
                           const std::function<void(std::ostream&)>& write);

}  // namespace omnimeans::io
