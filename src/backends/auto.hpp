// SPDX-License-Identifier: MIT
#pragma once

#include "omnimeans/backend.hpp"

namespace omnimeans::algorithms {

/// What "auto" stands for: not in backends(), for it is none of its own.
const BackendEntry& automatic();

}  // namespace omnimeans::algorithms
