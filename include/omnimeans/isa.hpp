// SPDX-License-Identifier: MIT
// The instruction sets that the kernels are compiled for, and which of them this CPU runs.
#pragma once

#include <string_view>
#include <vector>

#include "omnimeans/export.h"

namespace omnimeans {

/// Slowest first. `scalar` runs everywhere. `avx2` includes FMA; `avx512` is F + BW + CD + DQ + VL.
enum class Isa { scalar, sse42, avx2, avx512, neon };

/// "scalar", "sse42", "avx2", "avx512", "neon".
OMNIMEANS_API std::string_view to_string(Isa isa) noexcept;

/// What this build contains kernels for, slowest first.
OMNIMEANS_API std::vector<Isa> compiled_isas();

/// Those of compiled_isas() that this CPU and operating system run, slowest first; never empty.
OMNIMEANS_API std::vector<Isa> usable_isas();

/// The one used by default: the environment's OMNIMEANS_ISA if set, else the last of usable_isas().
/// Throws UnsupportedIsa if OMNIMEANS_ISA names one that is unknown or not usable here.
OMNIMEANS_API Isa default_isa();

/// What products of integers the kernels of an instruction set have on this CPU: "AMX" (of eight bits; of
/// sixteen VNNI), "VNNI", "AVX2", or none of them, which is empty. On a CPU with AMX this asks Linux for its
/// tiles, as a first fit does (docs/embedding.md), unless the environment's OMNIMEANS_AMX is 0.
OMNIMEANS_API std::string_view integer_products(Isa isa);

/// Isa of that name. Throws UnsupportedIsa, listing the usable ones, if it is unknown or not usable here.
/// The empty name stands for default_isa().
OMNIMEANS_API Isa find_isa(std::string_view name);

}  // namespace omnimeans
