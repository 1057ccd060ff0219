// SPDX-License-Identifier: MIT
// The library's named errors as Python exceptions of the same names. What is wrong with an argument is also a
// ValueError, what does not fit in memory a MemoryError, so that callers need not know our classes.
#include "errors.hpp"

#include <exception>
#include <string>
#include <vector>

#include "omnimeans/error.hpp"

namespace omnimeans::python {
namespace {

namespace py = pybind11;

/// One class: its Python type, and whether an exception in flight is of its C++ type.
struct Mapping {
  PyObject* type;
  bool (*matches)(const Error*);
};

/// Derived classes stand behind their bases. Held for the life of the process, as the module itself is.
std::vector<Mapping>& mappings() {
  static auto* list = new std::vector<Mapping>;
  return *list;
}

template <class E>
py::object add_error(py::module_& module, const char* name, const char* doc, const py::tuple& bases) {
  const std::string full_name = std::string("omnimeans.") + name;
  auto type = py::reinterpret_steal<py::object>(
      PyErr_NewExceptionWithDoc(full_name.c_str(), doc, bases.ptr(), nullptr));
  if (!type) throw py::error_already_set();
  module.attr(name) = type;
  mappings().push_back(
      {type.inc_ref().ptr(), [](const Error* e) { return dynamic_cast<const E*>(e) != nullptr; }});
  return type;
}

void translate(std::exception_ptr pointer) {
  try {
    if (pointer) std::rethrow_exception(pointer);
  } catch (const Error& e) {
    PyObject* type = PyExc_RuntimeError;
    for (const Mapping& mapping : mappings()) {
      if (mapping.matches(&e)) type = mapping.type;
    }
    PyErr_SetString(type, e.what());
  }
}

}  // namespace

void add_errors(py::module_& module) {
  const auto builtin = [](PyObject* type) { return py::reinterpret_borrow<py::object>(type); };
  const auto error = add_error<Error>(module, "Error", "Base of every error of omnimeans.",
                                      py::make_tuple(builtin(PyExc_Exception)));
  const auto invalid =
      add_error<InvalidArgument>(module, "InvalidArgument", "An argument is out of its range.",
                                 py::make_tuple(error, builtin(PyExc_ValueError)));
  const auto bases = py::make_tuple(invalid);
  add_error<ShapeMismatch>(module, "ShapeMismatch", "Two arguments do not fit together.", bases);
  add_error<NonFiniteValue>(module, "NonFiniteValue",
                            "A value is NaN, infinite, or so large that squared distances overflow.", bases);
  add_error<UnknownBackend>(module, "UnknownBackend", "No backend of that name.", bases);
  add_error<UnsupportedIsa>(module, "UnsupportedIsa",
                            "No such instruction set, or one that this build or this CPU lacks.", bases);
  add_error<MemoryLimitExceeded>(module, "MemoryLimitExceeded", "The work needs more memory than allowed.",
                                 py::make_tuple(error, builtin(PyExc_MemoryError)));
  add_error<EmptyCluster>(module, "EmptyCluster",
                          "A cluster lost its last sample, and empty_clusters is 'error'.",
                          py::make_tuple(error));
  py::register_exception_translator(&translate);
}

}  // namespace omnimeans::python
