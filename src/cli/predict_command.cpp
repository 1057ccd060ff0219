// SPDX-License-Identifier: MIT
// omnimeans predict DATA --centroids C: the label of each row of a file.
#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <variant>

#include "cli/cli.hpp"
#include "cli/interrupt.hpp"
#include "cli/machine.hpp"
#include "cli/options.hpp"
#include "cli/outputs.hpp"
#include "omnimeans/isa.hpp"
#include "omnimeans/predict.hpp"
#include "omnimeans/version.hpp"
#include "parallel.hpp"

namespace omnimeans::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

struct PredictArguments {
  fs::path data, centroids, labels, json;
  bool quiet = false;
  ComputeOptions compute;
  InputOptions input;
};

void check(const PredictArguments& args) {
  OutputPlan plan;
  plan.input(args.data);
  plan.input(args.centroids);
  plan.output("--labels", args.labels, label_extensions());
  if (args.json != "-") plan.output("--json", args.json);
  args.input.check({args.data, args.centroids});
  args.compute.check();
}

template <class T>
int predict_samples(const PredictArguments& args, const Matrix<T>& samples, const Matrix<T>& centroids,
                    Clock::time_point start) {
  if (centroids.cols() != samples.cols()) {
    throw ShapeMismatch(args.centroids.string() + ": centroids of " + std::to_string(centroids.cols()) +
                        " features for samples of " + std::to_string(samples.cols()) + " in " +
                        args.data.string());
  }
  const Clock::time_point loaded = Clock::now();
  const PredictOptions options = {.threads = static_cast<int>(args.compute.threads), .isa = args.compute.isa};
  std::vector<std::int32_t> labels;
  try {
    labels = predict(samples.view(), centroids.view(), options);
  } catch (const InvalidArgument& e) {
    const bool centroids_at_fault = std::string_view(e.what()).starts_with("centroids");
    throw InvalidArgument((centroids_at_fault ? args.centroids : args.data).string() + ": " + e.what());
  }
  const Clock::time_point predicted = Clock::now();
  const double total = inertia(samples.view(), centroids.view(), labels, {}, options);

  std::vector<std::size_t> sizes(centroids.rows(), 0);
  for (const std::int32_t label : labels) ++sizes[static_cast<std::size_t>(label)];
  const auto n_nonempty = sizes.size() - static_cast<std::size_t>(std::count(sizes.begin(), sizes.end(), 0u));
  const auto seconds = [](Clock::duration time) { return std::chrono::duration<double>(time).count(); };

  const nlohmann::ordered_json json = {{"omnimeans_version", OMNIMEANS_VERSION},
                                       {"data", args.data.string()},
                                       {"centroids", args.centroids.string()},
                                       {"n", samples.rows()},
                                       {"d", samples.cols()},
                                       {"k", centroids.rows()},
                                       {"dtype", sizeof(T) == sizeof(float) ? "f32" : "f64"},
                                       {"isa", to_string(find_isa(args.compute.isa))},
                                       {"threads", resolve_threads(options.threads)},
                                       {"load_seconds", seconds(loaded - start)},
                                       {"predict_seconds", seconds(predicted - loaded)},
                                       {"inertia", total},
                                       {"n_nonempty", n_nonempty},
                                       {"cluster_sizes", sizes}};
  const bool json_to_stdout = args.json == "-";
  {
    const SignalsHeld held;
    io::OutputFiles outputs;
    if (!args.labels.empty()) io::write_labels(outputs, args.labels, labels);
    write_json(outputs, args.json, json);
    outputs.commit();
  }
  if (json_to_stdout) print_json(json);
  if (!args.quiet && !json_to_stdout) {
    std::cout << args.data.string() << ": n = " << samples.rows() << ", d = " << samples.cols()
              << ", k = " << centroids.rows() << "; " << n_nonempty << " clusters own a sample\n";
    std::cout.precision(12);
    std::cout << "inertia " << total << '\n';
    std::cout << "load " << human_seconds(seconds(loaded - start)) << ", predict "
              << human_seconds(seconds(predicted - loaded)) << '\n';
  }
  return exit_done;
}

/// Without --dtype the type is that of .npy centroids, because fit writes them in the type it computed with
/// and the same type gives the same labels; text does not keep the type, so otherwise the data decide.
int run_predict(const PredictArguments& args) {
  check(args);
  const Clock::time_point start = Clock::now();
  const io::CsvOptions csv = args.input.csv(), side = args.input.side_csv();
  const auto read_rest_and_predict = [&]<class T>(const Matrix<T>& first, bool first_is_centroids) {
    if (first_is_centroids) {
      return predict_samples(args, io::read_matrix_as<T>(args.data, csv), first, start);
    }
    return predict_samples(args, first, io::read_matrix_as<T>(args.centroids, side), start);
  };
  const bool centroids_decide = extension_of(args.centroids) == ".npy";
  const io::AnyMatrix first = centroids_decide
                                  ? io::read_matrix(args.centroids, args.input.wanted_dtype(), side)
                                  : io::read_matrix(args.data, args.input.wanted_dtype(), csv);
  return std::visit([&](const auto& matrix) { return read_rest_and_predict(matrix, centroids_decide); },
                    first);
}

}  // namespace

Command add_predict_command(CLI::App& program) {
  const auto args = std::make_shared<PredictArguments>();
  CLI::App& app = *program.add_subcommand("predict", "Label the rows of a file by their nearest centroid");
  add_path(app, "DATA", args->data, "Samples, one a row: .npy .fvecs .bvecs .csv .tsv .txt")->required();
  add_path(app, "--centroids", args->centroids,
           "Centroids, one a row, as `omnimeans fit --centroids` writes them")
      ->required();
  args->compute.add_to(app);
  args->input.add_to(app);
  add_path(app, "--labels", args->labels, "Write the labels: .npy (i4) .csv .tsv .txt");
  add_path(app, "--json", args->json,
           "Write inertia, cluster sizes and times as JSON; -: to standard output, and nothing else there");
  app.add_flag("-q,--quiet", args->quiet, "No summary");
  app.footer(
      "Without --dtype the type is that of the centroids if they are .npy, else that of the data.\n"
      "\n"
      "Examples:\n"
      "  omnimeans predict data.npy --centroids centroids.npy --labels labels.npy\n"
      "  omnimeans predict more.csv --centroids centroids.npy --json -");
  return {&app, [args] { return run_predict(*args); }};
}

}  // namespace omnimeans::cli
