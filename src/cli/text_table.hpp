// SPDX-License-Identifier: MIT
// Tables of text: for a terminal, cells wrapped at words, and as Markdown.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace omnimeans::cli {

/// The first row is the header. All rows have the same number of cells.
using TextRows = std::vector<std::vector<std::string>>;

/// Columns as wide as their longest cell where that fits into `width`, else the widest give way.
std::string format_table(const TextRows& rows, std::size_t width);

std::string format_markdown(const TextRows& rows);

/// Columns of the terminal on standard output; 120 if it is none.
std::size_t output_width();

}  // namespace omnimeans::cli
