// SPDX-License-Identifier: MIT
// omnimeans generate KIND OUT: writes a synthetic data set.
#include <iostream>
#include <limits>
#include <memory>
#include <sstream>

#include "cli/cli.hpp"
#include "cli/interrupt.hpp"
#include "cli/machine.hpp"
#include "cli/options.hpp"
#include "cli/outputs.hpp"
#include "datasets/datasets.hpp"

namespace omnimeans::cli {
namespace {

struct GenerateArguments {
  std::string kind;
  std::filesystem::path out;
  std::uint64_t n = 1000, d = 2, k = 8, seed = 0, threads = 0;
  double separation = 0;
  std::string dtype = "f32";
  bool quiet = false;
};

std::vector<std::string> kind_names() {
  std::vector<std::string> names;
  for (const datasets::KindInfo& kind : datasets::kinds()) names.emplace_back(kind.name);
  return names;
}

std::string kind_descriptions() {
  std::string text;
  for (const datasets::KindInfo& kind : datasets::kinds()) {
    std::string name(kind.name);
    name.resize(std::max<std::size_t>(name.size() + 1, 13), ' ');
    text += "  " + name + std::string(kind.description) + '\n';
  }
  return text;
}

/// Linux would grant more than there is and kill the program on the way.
void check_memory(const GenerateArguments& args) {
  const std::uint64_t memory = physical_memory_bytes(), value = args.dtype == "f32" ? 4 : 8;
  if (memory != 0 && args.n > memory / value / args.d) {
    throw UsageError("--n " + std::to_string(args.n) + " --d " + std::to_string(args.d) +
                     ": the values need more than the " + human_bytes(memory) + " of this machine");
  }
}

int run_generate(const GenerateArguments& args) {
  OutputPlan plan;
  plan.output("OUT", args.out, matrix_extensions());
  check_dtype_fits("OUT", args.out, args.dtype);
  check_memory(args);
  if (args.separation > 1e9) {
    std::ostringstream message;
    message << "--separation: '" << args.separation << "' is not a number from 0 to 1e9";
    throw UsageError(message.str());
  }
  const datasets::Spec spec = {.n_samples = args.n,
                               .n_features = args.d,
                               .n_clusters = args.k,
                               .seed = args.seed,
                               .separation = args.separation,
                               .threads = static_cast<int>(args.threads)};
  const auto write = [&](const auto& samples) {
    const SignalsHeld held;
    io::write_matrix(args.out, samples.view());
  };
  if (args.dtype == "f32") {
    write(datasets::generate<float>(args.kind, spec));
  } else {
    write(datasets::generate<double>(args.kind, spec));
  }
  if (!args.quiet) {
    std::cout << args.out.string() << ": " << args.kind << ", n = " << args.n << ", d = " << args.d << ", "
              << args.dtype << '\n';
  }
  return exit_done;
}

}  // namespace

Command add_generate_command(CLI::App& program) {
  const auto args = std::make_shared<GenerateArguments>();
  CLI::App& app = *program.add_subcommand("generate", "Write a synthetic data set");
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  add_choice(app, "KIND", args->kind, kind_names(), "See below")
      ->required()
      ->type_name("NAME")
      ->default_str("");
  add_path(app, "OUT", args->out, "The file to write: .npy .fvecs .csv .tsv .txt")->required();
  add_count(app, "-n,--n", args->n, {1, most}, "Samples");
  add_count(app, "-d,--d", args->d, {1, most}, "Features");
  add_count(app, "-k,--k", args->k, {1, most}, "Components of the mixture");
  add_count(app, "--seed", args->seed, {}, "The same seed gives the same bits on any machine");
  add_choice(app, "--dtype", args->dtype, {"f32", "f64"}, "Type of the values");
  add_real(app, "--separation", args->separation, false,
           "Distance between component centres in units of their spread, up to 1e9; 0: the kind's default");
  add_count(app, "--threads", args->threads, {0, 4096}, "Threads to use; 0: as many as OpenMP would");
  app.add_flag("-q,--quiet", args->quiet, "No summary");
  app.footer("Kinds:\n" + kind_descriptions() +
             "\n"
             "Counts may be written as 1e6.\n"
             "\n"
             "Examples:\n"
             "  omnimeans generate blobs data.npy --n 100000 --d 16 --k 50\n"
             "  omnimeans generate blobs overlapping.csv --n 1000 --separation 1 --seed 7");
  return {&app, [args] { return run_generate(*args); }};
}

}  // namespace omnimeans::cli
