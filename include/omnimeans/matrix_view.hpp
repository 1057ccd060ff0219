// SPDX-License-Identifier: MIT
// MatrixView<T>: someone else's rows, looked at without a copy. Matrix<T>: rows we own.
#pragma once

#if __cplusplus < 202002L
#error \
    "the headers of omnimeans are C++20: compile with -std=c++20 (or use the C interface, omnimeans/omnimeans.h)"
#endif

#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "omnimeans/error.hpp"

namespace omnimeans {

/// Row-major rows x cols values of T. `row_stride` (in elements, >= cols) steps from one row to the next, so
/// that a column range of a wider matrix is a view too. The values are not owned and must outlive the view.
template <class T>
class MatrixView {
 public:
  constexpr MatrixView() = default;
  constexpr MatrixView(T* data, std::size_t rows, std::size_t cols) : MatrixView(data, rows, cols, cols) {}
  constexpr MatrixView(T* data, std::size_t rows, std::size_t cols, std::size_t row_stride)
      : data_(data), rows_(rows), cols_(cols), row_stride_(row_stride) {}
  /// A view of T converts to a view of const T.
  template <class U>
  requires(std::is_same_v<T, const U>) constexpr MatrixView(const MatrixView<U>& other)
      : MatrixView(other.data(), other.rows(), other.cols(), other.row_stride()) {}

  constexpr T* data() const noexcept { return data_; }
  constexpr std::size_t rows() const noexcept { return rows_; }
  constexpr std::size_t cols() const noexcept { return cols_; }
  constexpr std::size_t row_stride() const noexcept { return row_stride_; }
  constexpr bool empty() const noexcept { return rows_ == 0 || cols_ == 0; }

  constexpr T* row_data(std::size_t i) const noexcept { return data_ + i * row_stride_; }
  constexpr std::span<T> row(std::size_t i) const noexcept { return {row_data(i), cols_}; }
  constexpr T& operator()(std::size_t i, std::size_t t) const noexcept { return row_data(i)[t]; }

 private:
  T* data_ = nullptr;
  std::size_t rows_ = 0;
  std::size_t cols_ = 0;
  std::size_t row_stride_ = 0;
};

/// Contiguous row-major matrix that owns its values (zero at the start).
/// Throws MemoryLimitExceeded where rows * cols * sizeof(T) is more than a size can express.
template <class T>
class Matrix {
 public:
  Matrix() = default;
  Matrix(std::size_t rows, std::size_t cols) : values_(checked_size(rows, cols)), rows_(rows), cols_(cols) {}

  T* data() noexcept { return values_.data(); }
  const T* data() const noexcept { return values_.data(); }
  std::size_t rows() const noexcept { return rows_; }
  std::size_t cols() const noexcept { return cols_; }
  std::span<T> row(std::size_t i) noexcept { return {data() + i * cols_, cols_}; }
  std::span<const T> row(std::size_t i) const noexcept { return {data() + i * cols_, cols_}; }
  T& operator()(std::size_t i, std::size_t t) noexcept { return values_[i * cols_ + t]; }
  const T& operator()(std::size_t i, std::size_t t) const noexcept { return values_[i * cols_ + t]; }

  MatrixView<T> view() noexcept { return {data(), rows_, cols_}; }
  MatrixView<const T> view() const noexcept { return {data(), rows_, cols_}; }
  operator MatrixView<T>() noexcept { return view(); }
  operator MatrixView<const T>() const noexcept { return view(); }

  bool operator==(const Matrix&) const = default;

 private:
  static std::size_t checked_size(std::size_t rows, std::size_t cols) {
    constexpr std::size_t most = std::numeric_limits<std::ptrdiff_t>::max() / sizeof(T);
    if (cols != 0 && rows > most / cols) {
      throw MemoryLimitExceeded("a matrix of " + std::to_string(rows) + " x " + std::to_string(cols) +
                                " values is larger than the address space");
    }
    return rows * cols;
  }

  std::vector<T> values_;
  std::size_t rows_ = 0;
  std::size_t cols_ = 0;
};

}  // namespace omnimeans
