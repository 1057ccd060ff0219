// SPDX-License-Identifier: MIT
#pragma once

#include <pybind11/pybind11.h>

namespace omnimeans::python {

/// Adds the exception classes to the module and translates the library's errors into them.
void add_errors(pybind11::module_& module);

}  // namespace omnimeans::python
