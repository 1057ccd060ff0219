// SPDX-License-Identifier: MIT
// Tables of text; see text_table.hpp.
#include "cli/text_table.hpp"

#include <algorithm>
#include <numeric>
#include <sstream>

#include <sys/ioctl.h>
#include <unistd.h>

namespace omnimeans::cli {
namespace {

constexpr std::size_t narrowest = 10;  // columns are not squeezed further; longer words stick out
constexpr std::size_t gap = 2;

std::vector<std::string> wrap(const std::string& text, std::size_t width) {
  std::vector<std::string> lines(1);
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (!lines.back().empty() && lines.back().size() + 1 + word.size() > width) lines.emplace_back();
    lines.back() += (lines.back().empty() ? "" : " ") + word;
  }
  return lines;
}

std::vector<std::size_t> column_widths(const TextRows& rows, std::size_t width) {
  std::vector<std::size_t> widths(rows.front().size(), 0);
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  }
  const std::size_t gaps = gap * (widths.size() - 1);
  while (std::accumulate(widths.begin(), widths.end(), gaps) > width) {
    const auto widest = std::max_element(widths.begin(), widths.end());
    if (*widest <= narrowest) break;
    --*widest;
  }
  return widths;
}

std::string escaped(const std::string& cell) {
  std::string out;
  for (const char c : cell) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::string format_table(const TextRows& rows, std::size_t width) {
  const std::vector<std::size_t> widths = column_widths(rows, width);
  std::string out;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::vector<std::vector<std::string>> cells;
    std::size_t height = 1;
    for (std::size_t c = 0; c < widths.size(); ++c) {
      cells.push_back(wrap(rows[r][c], widths[c]));
      height = std::max(height, cells.back().size());
    }
    for (std::size_t l = 0; l < height; ++l) {
      std::string line;
      for (std::size_t c = 0; c < widths.size(); ++c) {
        const std::string text = l < cells[c].size() ? cells[c][l] : "";
        line += text + std::string(widths[c] - std::min(widths[c], text.size()) + gap, ' ');
      }
      out += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
    }
    const std::size_t total = std::accumulate(widths.begin(), widths.end(), gap * (widths.size() - 1));
    if (r == 0) out += std::string(total, '-') + '\n';
    if (r > 0 && r + 1 < rows.size()) out += '\n';
  }
  return out;
}

std::string format_markdown(const TextRows& rows) {
  std::string out;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (const std::string& cell : rows[r]) out += "| " + escaped(cell) + ' ';
    out += "|\n";
    if (r > 0) continue;
    for (std::size_t c = 0; c < rows[r].size(); ++c) out += "|---";
    out += "|\n";
  }
  return out;
}

std::size_t output_width() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 120;
}

}  // namespace omnimeans::cli
