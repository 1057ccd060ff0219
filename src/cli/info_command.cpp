// SPDX-License-Identifier: MIT
// omnimeans info: the CPU, the instruction sets that this build and this CPU have, and how fast the machine
// can be.
#include <iostream>
#include <memory>

#include <nlohmann/json.hpp>

#include "cli/ceilings.hpp"
#include "cli/cli.hpp"
#include "cli/machine.hpp"
#include "cli/outputs.hpp"
#include "omnimeans/isa.hpp"
#include "omnimeans/version.hpp"
#include "parallel.hpp"

namespace omnimeans::cli {
namespace {

struct InfoArguments {
  bool json = false, no_ceilings = false;
};

std::vector<std::string> names(const std::vector<Isa>& isas) {
  std::vector<std::string> list;
  for (const Isa isa : isas) list.emplace_back(to_string(isa));
  return list;
}

int run_info(const InfoArguments& args) {
  const std::vector<std::string> compiled = names(compiled_isas()), usable = names(usable_isas());
  const std::string chosen(to_string(default_isa())), integers(integer_products(default_isa()));
  const int threads = resolve_threads(0);
  const std::vector<Ceiling> ceilings = args.no_ceilings ? std::vector<Ceiling>{} : measure_ceilings(threads);

  if (args.json) {
    auto measured = nlohmann::ordered_json::array();
    for (const Ceiling& ceiling : ceilings) {
      measured.push_back({{"name", ceiling.name},
                          {"threads", ceiling.threads},
                          {"value", ceiling.value},
                          {"unit", ceiling.unit}});
    }
    print_json({{"omnimeans_version", OMNIMEANS_VERSION},
                {"cpu", cpu_model()},
                {"memory_bytes", physical_memory_bytes()},
                {"threads", threads},
                {"isas_compiled", compiled},
                {"isas_usable", usable},
                {"isa_default", chosen},
                {"integer_products", integers},
                {"ceilings", measured}});
    return exit_done;
  }

  std::cout << "omnimeans      " << OMNIMEANS_VERSION << '\n'
            << "cpu            " << cpu_model() << '\n'
            << "memory         " << human_bytes(physical_memory_bytes()) << '\n'
            << "threads        " << threads << '\n'
            << "isas compiled  " << CLI::detail::join(compiled, " ") << '\n'
            << "isas usable    " << CLI::detail::join(usable, " ") << '\n'
            << "isa default    " << chosen << '\n'
            << "int products   " << (integers.empty() ? "none that are fast" : integers) << '\n';
  if (!ceilings.empty()) std::cout << "measured ceilings\n";
  std::cout.precision(1);
  for (const Ceiling& ceiling : ceilings) {
    std::string name =
        ceiling.name + ", " + std::to_string(ceiling.threads) + " thread" + (ceiling.threads == 1 ? "" : "s");
    name.resize(std::max<std::size_t>(name.size() + 2, 36), ' ');
    std::cout << "  " << name << std::fixed << ceiling.value << ' ' << ceiling.unit << '\n';
  }
  return exit_done;
}

}  // namespace

Command add_info_command(CLI::App& program) {
  const auto args = std::make_shared<InfoArguments>();
  CLI::App& app =
      *program.add_subcommand("info", "Show the CPU, the instruction sets and the measured ceilings");
  app.add_flag("--json", args->json, "As JSON");
  app.add_flag("--no-ceilings", args->no_ceilings,
               "Do not measure the ceilings (peak arithmetic, read bandwidth)");
  app.footer("Example:\n  omnimeans info --json");
  return {&app, [args] { return run_info(*args); }};
}

}  // namespace omnimeans::cli
