// SPDX-License-Identifier: MIT
// Chooses the format by the file's extension.
#include "io/io.hpp"

#include <algorithm>
#include <cctype>
#include <limits>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#include "io/convert.hpp"
#include "io/file_error.hpp"
#include "io/formats.hpp"
#include "io/input_file.hpp"

namespace omnimeans::io {
namespace {

namespace fs = std::filesystem;

enum class Format { npy, fvecs, bvecs, csv, tsv, txt };

Format format_of(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::pair<std::string_view, Format> known[] = {
      {".npy", Format::npy}, {".fvecs", Format::fvecs}, {".bvecs", Format::bvecs},
      {".csv", Format::csv}, {".tsv", Format::tsv},     {".txt", Format::txt}};
  for (const auto& [name, format] : known) {
    if (extension == name) return format;
  }
  std::error_code unknown;
  if (fs::is_directory(path, unknown)) fail(path, "is a directory");
  fail(path, (extension.empty() ? "no extension" : "unknown extension " + quote(extension)) +
                 " (.npy, .fvecs, .bvecs, .csv, .tsv and .txt are known)");
}

/// The delimiter that the extension implies; none for .txt, where the first line tells.
std::optional<char> delimiter_of(Format format) {
  if (format == Format::csv) return ',';
  if (format == Format::tsv) return '\t';
  return std::nullopt;
}

template <class T>
AnyMatrix read_as(const InputFile& file, Format format, CsvOptions csv) {
  switch (format) {
    case Format::npy:
      return read_npy(file, std::is_same_v<T, float> ? DType::f32 : DType::f64);
    case Format::fvecs:
      return read_vecs<T>(file, VecsKind::fvecs);
    case Format::bvecs:
      return read_vecs<T>(file, VecsKind::bvecs);
    case Format::csv:
    case Format::tsv:
    case Format::txt:
      break;
  }
  if (!csv.delimiter) csv.delimiter = delimiter_of(format);
  return read_csv<T>(file, csv);
}

template <class T>
void write_as(OutputFiles& files, const fs::path& path, MatrixView<const T> matrix) {
  const Format format = format_of(path);
  if (matrix.empty()) fail(path, "there are no values to write");
  files.add(path, [&](std::ostream& out) {
    switch (format) {
      case Format::npy:
        return write_npy<T>(out, matrix);
      case Format::fvecs:
        return write_vecs<T>(out, matrix, VecsKind::fvecs, path);
      case Format::bvecs:
        return write_vecs<T>(out, matrix, VecsKind::bvecs, path);
      case Format::csv:
      case Format::tsv:
      case Format::txt:
        return write_csv<T>(out, matrix, delimiter_of(format).value_or(' '));
    }
  });
}

/// write(files), and then they are in their places.
template <class Write>
void write_alone(Write&& write) {
  OutputFiles files;
  write(files);
  files.commit();
}

/// The value as int32, if it is one.
template <class T>
T narrow(const fs::path& path, std::size_t row, double value) {
  constexpr double least = std::numeric_limits<T>::min();
  constexpr double most = std::numeric_limits<T>::max();
  if (!(value >= least && value <= most) || value != static_cast<double>(static_cast<T>(value))) {
    fail(path, "value " + std::to_string(row) + " = " + to_text(value) + " is not a 32-bit integer");
  }
  return static_cast<T>(value);
}

}  // namespace

AnyMatrix read_matrix(const fs::path& path, std::optional<DType> dtype, const CsvOptions& csv) {
  const Format format = format_of(path);
  const InputFile file(path);
  try {
    if (!dtype && format == Format::npy) return read_npy(file, dtype);
    if (dtype == DType::f64) return read_as<double>(file, format, csv);
    return read_as<float>(file, format, csv);
  } catch (const std::bad_alloc&) {
    throw MemoryLimitExceeded(display(path) + ": not enough memory for a file of " +
                              std::to_string(file.size()) + " bytes");
  }
}

template <class T>
Matrix<T> read_matrix_as(const fs::path& path, const CsvOptions& csv) {
  return std::get<Matrix<T>>(read_matrix(path, std::is_same_v<T, float> ? DType::f32 : DType::f64, csv));
}
template Matrix<float> read_matrix_as(const fs::path&, const CsvOptions&);
template Matrix<double> read_matrix_as(const fs::path&, const CsvOptions&);

template <class T>
std::vector<T> read_vector_as(const fs::path& path, const CsvOptions& csv) {
  constexpr bool integers = std::is_integral_v<T>;
  const auto matrix = read_matrix_as<std::conditional_t<integers, double, T>>(path, csv);
  if (matrix.rows() != 1 && matrix.cols() != 1) {
    fail(path, "expected one value a row, found " + std::to_string(matrix.rows()) + " x " +
                   std::to_string(matrix.cols()));
  }
  const std::size_t count = matrix.rows() * matrix.cols();
  std::vector<T> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    if constexpr (integers) {
      values[i] = narrow<T>(path, i, matrix.data()[i]);
    } else {
      values[i] = matrix.data()[i];
    }
  }
  return values;
}
template std::vector<float> read_vector_as(const fs::path&, const CsvOptions&);
template std::vector<double> read_vector_as(const fs::path&, const CsvOptions&);
template std::vector<std::int32_t> read_vector_as(const fs::path&, const CsvOptions&);

void write_matrix(OutputFiles& files, const fs::path& path, MatrixView<const float> matrix) {
  write_as(files, path, matrix);
}
void write_matrix(OutputFiles& files, const fs::path& path, MatrixView<const double> matrix) {
  write_as(files, path, matrix);
}
void write_matrix(const fs::path& path, MatrixView<const float> matrix) {
  write_alone([&](OutputFiles& files) { write_matrix(files, path, matrix); });
}
void write_matrix(const fs::path& path, MatrixView<const double> matrix) {
  write_alone([&](OutputFiles& files) { write_matrix(files, path, matrix); });
}

void write_labels(const fs::path& path, std::span<const std::int32_t> labels) {
  write_alone([&](OutputFiles& files) { write_labels(files, path, labels); });
}

void write_labels(OutputFiles& files, const fs::path& path, std::span<const std::int32_t> labels) {
  const Format format = format_of(path);
  if (format == Format::fvecs || format == Format::bvecs) {
    fail(path, "labels are written as .npy, .csv, .tsv or .txt");
  }
  if (labels.empty()) fail(path, "there are no values to write");
  files.add(path, [&](std::ostream& out) {
    if (format == Format::npy) return write_npy(out, labels);
    std::string text;
    for (const std::int32_t label : labels) text.append(std::to_string(label)) += '\n';
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
  });
}

}  // namespace omnimeans::io
