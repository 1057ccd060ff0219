// SPDX-License-Identifier: MIT
// omnimeans backends, info, --version and --help.
#include "program.hpp"

#include <sstream>

#include "omnimeans/backend.hpp"
#include "omnimeans/isa.hpp"
#include "omnimeans/version.hpp"

namespace omnimeans::cli_test {
namespace {

class ListingCommands : public ProgramTest {};

TEST_F(ListingCommands, BackendsJsonIsTheRegistry) {
  const nlohmann::json json = run_json({"backends", "--json"});
  ASSERT_EQ(json.size(), backends().size());
  for (std::size_t i = 0; i < json.size(); ++i) {
    const BackendInfo& info = backends()[i].info;
    EXPECT_EQ(json[i].at("name"), info.name);
    EXPECT_EQ(json[i].at("exact"), info.exact);
    EXPECT_EQ(json[i].at("memory"), info.memory);
    EXPECT_EQ(json[i].at("use_when"), info.use_when);
    EXPECT_EQ(json[i].at("avoid_when"), info.avoid_when);
    EXPECT_EQ(json[i].at("reference"), info.reference);
  }
}

TEST_F(ListingCommands, BackendsMarkdownHasOneRowEach) {
  std::istringstream lines(run_well({"backends", "--markdown"}));
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "| name | exact | memory | use when | avoid when | reference |");
  std::getline(lines, line);
  EXPECT_EQ(line, "|---|---|---|---|---|---|");
  for (const BackendEntry& entry : backends()) {
    ASSERT_TRUE(std::getline(lines, line));
    EXPECT_EQ(
        line.rfind("| `" + std::string(entry.info.name) + "` | " + (entry.info.exact ? "yes" : "no") + " | ",
                   0),
        0u)
        << line;
  }
  EXPECT_FALSE(std::getline(lines, line));
}

TEST_F(ListingCommands, BackendsTableNamesEachAtTheStartOfALine) {
  const std::string out = run_well({"backends"});
  for (const BackendEntry& entry : backends()) {
    EXPECT_NE(out.find('\n' + std::string(entry.info.name) + ' '), out.npos) << entry.info.name;
  }
  EXPECT_NE(out.find("\nauto, the default"), out.npos);
}

TEST_F(ListingCommands, InfoTellsTheInstructionSets) {
  const nlohmann::json json = run_json({"info", "--json", "--no-ceilings"});
  const auto names = [](const std::vector<Isa>& isas) {
    std::vector<std::string> list;
    for (const Isa isa : isas) list.emplace_back(to_string(isa));
    return list;
  };
  EXPECT_EQ(json.at("isas_compiled").get<std::vector<std::string>>(), names(compiled_isas()));
  EXPECT_EQ(json.at("isas_usable").get<std::vector<std::string>>(), names(usable_isas()));
  EXPECT_EQ(json.at("isa_default"), to_string(usable_isas().back()));
  EXPECT_EQ(json.at("integer_products"), integer_products(usable_isas().back()));
  EXPECT_FALSE(json.at("cpu").get<std::string>().empty());
  EXPECT_GE(json.at("threads").get<int>(), 1);
  EXPECT_TRUE(json.at("ceilings").empty());

  const std::string out = run_well({"info", "--no-ceilings"});
  EXPECT_NE(out.find("isa default    " + std::string(to_string(usable_isas().back()))), out.npos) << out;
  const Outcome forced =
      run({"info", "--no-ceilings", "--json"}, {.environment = {{"OMNIMEANS_ISA", "scalar"}}});
  EXPECT_EQ(nlohmann::json::parse(forced.out).at("isa_default"), "scalar");
  EXPECT_EQ(nlohmann::json::parse(forced.out).at("integer_products"), "");
  const Outcome without = run({"info", "--no-ceilings", "--json"}, {.environment = {{"OMNIMEANS_AMX", "0"}}});
  EXPECT_NE(nlohmann::json::parse(without.out).at("integer_products"), "AMX");
}

TEST_F(ListingCommands, VersionAndHelp) {
  EXPECT_EQ(run_well({"--version"}), "omnimeans " OMNIMEANS_VERSION "\n");
  const std::string help = run_well({"--help"});
  for (const std::string command : {"fit", "predict", "generate", "backends", "info"}) {
    EXPECT_NE(help.find("\n  " + command + ' '), help.npos) << command;
    const std::string own = run_well({command, "--help"});
    EXPECT_NE(own.find("Example"), own.npos) << command;
  }
  const std::string fit_help = run_well({"fit", "--help"});
  for (const char* piece :
       {"--n-clusters", "--init HOW=k-means++", "--max-iter N=300", "--tol X=0.0001", "--labels", "--json",
        "--memory-limit", "--empty-clusters relocate|keep|error=relocate"}) {
    EXPECT_NE(fit_help.find(piece), fit_help.npos) << piece << " is missing in\n" << fit_help;
  }
  for (const BackendEntry& entry : backends())
    EXPECT_NE(fit_help.find(' ' + std::string(entry.info.name)), fit_help.npos) << fit_help;
}

}  // namespace
}  // namespace omnimeans::cli_test
