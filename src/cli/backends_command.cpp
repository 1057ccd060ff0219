// SPDX-License-Identifier: MIT
// omnimeans backends: what there is to choose from. The README's table is the output of --markdown.
#include <iostream>
#include <memory>

#include <nlohmann/json.hpp>

#include "cli/cli.hpp"
#include "cli/outputs.hpp"
#include "cli/text_table.hpp"
#include "omnimeans/backend.hpp"

namespace omnimeans::cli {
namespace {

struct BackendsArguments {
  bool json = false, markdown = false;
};

TextRows backend_rows(bool code_names) {
  TextRows rows = {{"name", "exact", "memory", "use when", "avoid when", "reference"}};
  for (const BackendEntry& entry : backends()) {
    const BackendInfo& info = entry.info;
    const std::string name(info.name);
    rows.push_back({code_names ? '`' + name + '`' : name, info.exact ? "yes" : "no", std::string(info.memory),
                    std::string(info.use_when), std::string(info.avoid_when), std::string(info.reference)});
  }
  return rows;
}

nlohmann::ordered_json backends_json() {
  auto list = nlohmann::ordered_json::array();
  for (const BackendEntry& entry : backends()) {
    const BackendInfo& info = entry.info;
    list.push_back({{"name", info.name},
                    {"exact", info.exact},
                    {"memory", info.memory},
                    {"use_when", info.use_when},
                    {"avoid_when", info.avoid_when},
                    {"reference", info.reference}});
  }
  return list;
}

int run_backends(const BackendsArguments& args) {
  if (args.json) {
    print_json(backends_json());
  } else if (args.markdown) {
    std::cout << format_markdown(backend_rows(true));
  } else {
    std::cout << format_table(backend_rows(false), output_width())
              << "\nauto, the default of fit, chooses among the exact ones and changes over while it runs:\n"
                 "omnimeans fit --explain tells what it did and why.\n";
  }
  return exit_done;
}

}  // namespace

Command add_backends_command(CLI::App& program) {
  const auto args = std::make_shared<BackendsArguments>();
  CLI::App& app =
      *program.add_subcommand("backends", "List the backends: exactness, memory, when to use them");
  auto* json = app.add_flag("--json", args->json, "As JSON");
  app.add_flag("--markdown", args->markdown, "As a Markdown table")->excludes(json);
  app.footer("Example:\n  omnimeans backends --markdown");
  return {&app, [args] { return run_backends(*args); }};
}

}  // namespace omnimeans::cli
