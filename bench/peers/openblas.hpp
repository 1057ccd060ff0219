// SPDX-License-Identifier: MIT
// OpenBLAS looks CPUs up by their number, and for one that it does not know takes the kernels of 2004: FAISS
// and scikit-learn would then be measured at a fifth of their speed.
#pragma once

#include <string>

namespace omnimeans::peers {

/// The kernels that the installed OpenBLAS takes by itself, as its openblas_get_corename() says; empty where
/// there is none. Asked in a process of its own, once.
const std::string& openblas_choice();

/// What OPENBLAS_CORETYPE should say where OpenBLAS takes `choice`: empty (nothing) if that uses the vectors
/// that this CPU has.
std::string openblas_core(const std::string& choice);

}  // namespace omnimeans::peers
