// SPDX-License-Identifier: MIT
// What a reader of the JSON must know to judge the numbers.
#pragma once

#include <string>

#include "bench/ceilings.hpp"

namespace omnimeans::bench {

/// Adds to the JSON's context: omnimeans_version, git_commit, compiler, build_flags, cpu_model, isa,
/// integer_products (isa.hpp), threads_available, ram_bytes, suite, date (UTC),
/// peak_gflops/<isa>/<dtype>/threads:<t>, read_bandwidth_gbs/threads:<t>.
void add_context(const std::string& suite, const ceilings::Ceilings& ceilings);

}  // namespace omnimeans::bench
