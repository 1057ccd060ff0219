// SPDX-License-Identifier: MIT
// NumPy arrays as the library sees them, and the library's results as NumPy arrays; no value is copied either
// way. Arrays of other layouts are converted before they come here, in omnimeans/_arrays.py.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include "omnimeans/error.hpp"
#include "omnimeans/matrix_view.hpp"

namespace omnimeans::python {

namespace py = pybind11;

/// Throws TypeError unless the array is aligned, of type T in the machine's byte order, and of `ndim`
/// dimensions.
template <class T>
void check_array(const py::array& array, py::ssize_t ndim, const std::string& name) {
  if (!py::isinstance<py::array_t<T>>(array)) {
    throw py::type_error(name + " has dtype " + std::string(py::str(array.dtype())) + "; " +
                         std::string(py::str(py::dtype::of<T>())) + " is needed");
  }
  if (array.ndim() != ndim) {
    throw py::type_error(name + " has " + std::to_string(array.ndim()) + " dimensions; " +
                         std::to_string(ndim) + " are needed");
  }
  if ((array.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_) == 0) {
    throw py::type_error(name + " is not aligned");
  }
}

/// The rows of a two-dimensional array where they lie. Throws TypeError if a row is not contiguous.
template <class T>
MatrixView<const T> rows_of(const py::array& array, const std::string& name) {
  check_array<T>(array, 2, name);
  const auto item = static_cast<py::ssize_t>(sizeof(T));
  const py::ssize_t rows = array.shape(0), cols = array.shape(1);
  // NumPy leaves the stride of a dimension open that has but one entry, or none.
  const py::ssize_t stride = rows > 1 ? array.strides(0) : cols * item;
  const bool contiguous = cols <= 1 || array.strides(1) == item;
  if (array.size() > 0 && (!contiguous || stride < cols * item || stride % item != 0)) {
    throw py::type_error(name + " has rows that are not contiguous");
  }
  return {static_cast<const T*>(array.data()), static_cast<std::size_t>(rows), static_cast<std::size_t>(cols),
          static_cast<std::size_t>(array.size() > 0 ? stride / item : cols)};
}

/// A contiguous vector where it lies.
template <class T>
std::span<const T> vector_of(const py::array& array, const std::string& name) {
  check_array<T>(array, 1, name);
  if (array.shape(0) > 1 && array.strides(0) != static_cast<py::ssize_t>(sizeof(T))) {
    throw py::type_error(name + " is not contiguous");
  }
  return {static_cast<const T*>(array.data()), static_cast<std::size_t>(array.shape(0))};
}

/// Gives `owner`, which holds the values at `data`, to a new array.
template <class Owner, class T>
py::array array_owning(std::unique_ptr<Owner> owner, const T* data, std::vector<py::ssize_t> shape) {
  const py::capsule capsule(owner.get(), [](void* held) { delete static_cast<Owner*>(held); });
  owner.release();
  return py::array(py::dtype::of<T>(), std::move(shape), {}, data, capsule);
}

template <class T>
py::array to_array(Matrix<T>&& matrix) {
  auto owner = std::make_unique<Matrix<T>>(std::move(matrix));
  const T* data = owner->data();
  const auto rows = static_cast<py::ssize_t>(owner->rows()), cols = static_cast<py::ssize_t>(owner->cols());
  return array_owning(std::move(owner), data, {rows, cols});
}

template <class T>
py::array to_array(std::vector<T>&& values) {
  auto owner = std::make_unique<std::vector<T>>(std::move(values));
  const T* data = owner->data();
  const auto size = static_cast<py::ssize_t>(owner->size());
  return array_owning(std::move(owner), data, {size});
}

}  // namespace omnimeans::python
