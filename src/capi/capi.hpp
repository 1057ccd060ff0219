// SPDX-License-Identifier: MIT
// What the C interface's functions share: exceptions become statuses, C's structs become C++'s.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>

#include "omnimeans/error.hpp"
#include "omnimeans/matrix_view.hpp"
#include "omnimeans/omnimeans.h"
#include "omnimeans/predict.hpp"

namespace omnimeans::capi {

/// The status of the exception that is being handled; its text is kept for omnimeans_last_error().
omnimeans_status status_of_exception() noexcept;

/// Runs body(); whatever it throws ends here.
template <class Body>
omnimeans_status guarded(Body&& body) noexcept {
  try {
    body();
    return OMNIMEANS_OK;
  } catch (...) {
    return status_of_exception();
  }
}

template <class Pointer>
void check_pointer(Pointer* pointer, const char* name) {
  if (pointer == nullptr) throw InvalidArgument(std::string(name) + " is NULL");
}

/// Calls body(T()) with the type of a matrix.
template <class Body>
decltype(auto) with_type(const omnimeans_matrix* matrix, const char* name, Body&& body) {
  check_pointer(matrix, name);
  switch (matrix->type) {
    case OMNIMEANS_F32:
      return body(float{});
    case OMNIMEANS_F64:
      return body(double{});
  }
  throw InvalidArgument(std::string(name) + ": type = " + std::to_string(static_cast<int>(matrix->type)) +
                        " is neither OMNIMEANS_F32 nor OMNIMEANS_F64");
}

template <class T>
inline constexpr omnimeans_type type_of = std::is_same_v<T, float> ? OMNIMEANS_F32 : OMNIMEANS_F64;

template <class T>
MatrixView<const T> view(const omnimeans_matrix* matrix, const char* name) {
  check_pointer(matrix, name);
  if (matrix->type != type_of<T>)
    throw InvalidArgument(std::string(name) + " is of another type than the other matrix");
  return {static_cast<const T*>(matrix->data), matrix->rows, matrix->cols,
          matrix->row_stride != 0 ? matrix->row_stride : matrix->cols};
}

/// n values, or none where `values` is NULL.
template <class T>
std::span<const T> optional_values(const void* values, std::size_t n) {
  return values == nullptr ? std::span<const T>() : std::span(static_cast<const T*>(values), n);
}

/// The caller's options, and the defaults for what its struct lacks.
omnimeans_options complete(const omnimeans_options* options);

inline std::string text_or(const char* text, const char* otherwise) {
  return text != nullptr ? text : otherwise;
}

inline PredictOptions predict_options(const omnimeans_options* options) {
  const omnimeans_options known = complete(options);
  return {.threads = known.threads, .isa = text_or(known.isa, "")};
}

}  // namespace omnimeans::capi
