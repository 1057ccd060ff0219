// SPDX-License-Identifier: MIT
#pragma once

#include "omnimeans/backend.hpp"

namespace omnimeans::algorithms {

/// The backend that "auto" stands for: an exact one that fits the memory limit.
template <class T>
const BackendEntry& choose(const Problem<T>& problem);

}  // namespace omnimeans::algorithms
