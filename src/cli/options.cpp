// SPDX-License-Identifier: MIT
// Strict option values and shared options; see options.hpp.
#include "cli/options.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>

#include "cli/cli.hpp"
#include "omnimeans/isa.hpp"

namespace omnimeans::cli {
namespace {

/// "--n-clusters" of "-k,--n-clusters,--k": how messages call the option.
std::string long_name(const std::string& flags) {
  const std::size_t start = flags.find("--");
  if (start == std::string::npos) return flags;  // a positional argument
  return flags.substr(start, flags.find(',', start) - start);
}

[[noreturn]] void reject(const std::string& flags, const std::string& text, const std::string& wanted) {
  throw CLI::ValidationError(long_name(flags), "'" + text + "' is not " + wanted);
}

template <class Number>
bool parse_all(const std::string& text, Number& value) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc{} && stop == end && !text.empty();
}

/// A whole number, also as 1e6 or 2.5e6.
bool parse_count(const std::string& text, std::uint64_t& value) {
  const std::size_t e = std::min(text.find_first_of("eE"), text.size());
  std::string digits = text.substr(0, e);
  if (e == text.size()) return parse_all(digits, value);
  std::string power = text.substr(e + 1);
  if (power.starts_with('+') && !power.starts_with("+-")) power.erase(0, 1);
  int exponent = 0;
  if (digits.empty() || !parse_all(power, exponent) || exponent < -999 || exponent > 999) return false;
  if (const std::size_t point = digits.find('.'); point != digits.npos) {
    digits.erase(point, 1);
    exponent -= static_cast<int>(digits.size() - point);
  }
  for (; exponent < 0 && digits.ends_with('0'); ++exponent) digits.pop_back();
  return exponent >= 0 && !digits.empty() &&
         parse_all(digits.append(static_cast<std::size_t>(exponent), '0'), value);
}

std::string shown(double value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

/// 1024^unit of "", "K", "MB", "GiB"...; 0 if it is no unit.
std::uint64_t unit_bytes(std::string unit) {
  if (unit.size() > 1 && unit.back() == 'B') unit.pop_back();
  if (unit.size() > 1 && unit.back() == 'i') unit.pop_back();
  if (unit.empty() || unit == "B") return 1;
  const std::string letters = "KMGT";
  const std::size_t power =
      unit.size() == 1 ? letters.find(static_cast<char>(std::toupper(unit[0]))) : letters.npos;
  return power == letters.npos ? 0 : std::uint64_t{1} << (10 * (power + 1));
}

}  // namespace

CLI::Option* add_count(CLI::App& app, const std::string& flags, std::uint64_t& value, CountRange range,
                       const std::string& help) {
  const auto read = [&value, flags, range](const std::string& text) {
    std::uint64_t parsed = 0;
    if (!parse_count(text, parsed) || parsed < range.least || parsed > range.most) {
      reject(flags, text,
             "a whole number from " + std::to_string(range.least) + " to " + std::to_string(range.most));
    }
    value = parsed;
  };
  return app.add_option_function<std::string>(flags, read, help)
      ->type_name("N")
      ->default_str(std::to_string(value));
}

CLI::Option* add_real(CLI::App& app, const std::string& flags, double& value, bool positive,
                      const std::string& help) {
  const auto read = [&value, flags, positive](const std::string& text) {
    double parsed = 0;
    if (!parse_all(text, parsed) || !std::isfinite(parsed) || parsed < 0 || (positive && parsed == 0)) {
      reject(flags, text, positive ? "a number above 0" : "a number of 0 or more");
    }
    value = parsed;
  };
  return app.add_option_function<std::string>(flags, read, help)->type_name("X")->default_str(shown(value));
}

CLI::Option* add_bytes(CLI::App& app, const std::string& flags, std::uint64_t& value,
                       const std::string& help) {
  const auto read = [&value, flags](const std::string& text) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const std::uint64_t unit = unit_bytes(text.substr(digits));
    std::uint64_t parsed = 0;
    if (unit == 0 || !parse_all(text.substr(0, digits), parsed) || parsed == 0 ||
        parsed > std::numeric_limits<std::uint64_t>::max() / unit) {
      reject(flags, text, "a number of bytes such as 512M or 4G");
    }
    value = parsed * unit;
  };
  return app.add_option_function<std::string>(flags, read, help)->type_name("BYTES");
}

CLI::Option* add_choice(CLI::App& app, const std::string& flags, std::string& value,
                        const std::vector<std::string>& choices, const std::string& help) {
  const auto read = [&value, flags, choices](const std::string& text) {
    if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
      reject(flags, text, "one of " + CLI::detail::join(choices, ", "));
    }
    value = text;
  };
  return app.add_option_function<std::string>(flags, read, help)
      ->type_name(CLI::detail::join(choices, "|"))
      ->default_str(value);
}

CLI::Option* add_path(CLI::App& app, const std::string& flags, std::filesystem::path& value,
                      const std::string& help) {
  const auto read = [&value, flags](const std::string& text) {
    if (text.empty()) reject(flags, text, "a path");
    value = text;
  };
  return app.add_option_function<std::string>(flags, read, help)->type_name("FILE");
}

void ComputeOptions::add_to(CLI::App& app) {
  add_count(app, "--threads", threads, {0, 4096},
            "Threads to use; 0: as many as OpenMP would. On a busy machine ask for fewer, or set "
            "OMP_WAIT_POLICY=passive");
  app.add_option(
         "--isa", isa,
         "Instruction set of the kernels, a name of `omnimeans info`; none: the best, or $OMNIMEANS_ISA. "
         "OMNIMEANS_AMX=0 does without tiles of AMX")
      ->type_name("NAME");
}

void ComputeOptions::check() const {
  find_isa(isa);
}

void InputOptions::add_to(CLI::App& app) {
  add_choice(app, "--dtype", dtype, {"f32", "f64"},
             "Type to compute with; none: that of the file (f64 for integers of 4 and 8 bytes; f32 for "
             "smaller ones, "
             "booleans, halves and text)");
  const auto read_delimiter = [this](const std::string& text) {
    if (text == "tab" || text == "\\t") {
      delimiter = '\t';
    } else if (text.size() == 1 && text != "\"" && text != "\n" && text != "\r" && text != "." &&
               text != "-" && text != "+" && std::isalnum(static_cast<unsigned char>(text[0])) == 0) {
      delimiter = text[0];
    } else {
      reject("--delimiter", text, "one character that no number contains, or tab");
    }
  };
  app.add_option_function<std::string>("--delimiter", read_delimiter,
                                       "Between the fields of text files: one character, or tab; none: ',' "
                                       "in .csv, a tab in .tsv, in .txt a "
                                       "comma if the first line has one, else blanks")
      ->type_name("CHAR");
  add_choice(app, "--header", header, {"auto", "yes", "no"},
             "Is the first line of DATA, a text file, a header? auto: if none of its fields is a number");
}

std::optional<io::DType> InputOptions::wanted_dtype() const {
  if (dtype.empty()) return {};
  return dtype == "f64" ? io::DType::f64 : io::DType::f32;
}

io::CsvOptions InputOptions::csv() const {
  io::CsvOptions options = side_csv();
  if (header != "auto") options.header = header == "yes";
  return options;
}

io::CsvOptions InputOptions::side_csv() const {
  io::CsvOptions options;
  options.delimiter = delimiter;
  return options;
}

void InputOptions::check(const std::vector<std::filesystem::path>& inputs) const {
  if (!delimiter && header == "auto") return;
  const auto is_text = [](const std::filesystem::path& path) {
    const std::string extension = extension_of(path);
    return extension == ".csv" || extension == ".tsv" || extension == ".txt";
  };
  if (std::none_of(inputs.begin(), inputs.end(), is_text)) {
    throw UsageError(std::string(delimiter ? "--delimiter" : "--header") +
                     " is for .csv, .tsv and .txt files, and no input is one; leave it out");
  }
}

std::string extension_of(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return extension;
}

}  // namespace omnimeans::cli
