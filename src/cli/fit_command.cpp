// SPDX-License-Identifier: MIT
// omnimeans fit DATA -k K: clusters a file.
#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <string_view>
#include <utility>
#include <variant>

#include "cli/cli.hpp"
#include "cli/fit_report.hpp"
#include "cli/interrupt.hpp"
#include "cli/options.hpp"
#include "cli/outputs.hpp"
#include "cli/progress_line.hpp"
#include "omnimeans/backend.hpp"
#include "omnimeans/fit.hpp"
#include "omnimeans/seeding.hpp"

namespace omnimeans::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

struct FitArguments {
  fs::path data, weights, centroids, labels, json;
  std::uint64_t n_clusters = 0, n_init = 1, max_iter = 300, seed = 0, memory_limit = 0;
  double tol = 1e-4, time_limit = 0;
  std::string init = "k-means++", backend = "auto", empty_clusters = "relocate";
  bool quiet = false, explain = false;
  ComputeOptions compute;
  InputOptions input;

  bool init_is_file() const {
    return std::ranges::none_of(seeding_methods(), [&](const SeedingMethod& m) { return m.name == init; });
  }
};

/// "k-means++, random, ..."
std::string init_names() {
  std::string names;
  for (const SeedingMethod& method : seeding_methods())
    names += (names.empty() ? "" : ", ") + std::string(method.name);
  return names;
}

/// "auto, naive, ..."
std::string backend_names() {
  std::string names = "auto";
  for (const BackendEntry& entry : backends()) names += ", " + std::string(entry.info.name);
  return names;
}

template <class T>
const char* dtype_name() {
  return sizeof(T) == sizeof(float) ? "f32" : "f64";
}

/// All that can be found wrong before the data are read.
void check(const FitArguments& args) {
  if (args.init_is_file()) {
    if (!fs::path(args.init).has_extension()) {
      throw UsageError("--init: '" + args.init + "' is neither " + init_names() +
                       " nor a file such as centroids.npy");
    }
    if (args.n_init > 1) {
      throw UsageError("--n-init " + std::to_string(args.n_init) + " with --init " + args.init +
                       ": every run would be the same; leave --n-init out");
    }
  }
  OutputPlan plan;
  plan.input(args.data);
  plan.input(args.weights);
  if (args.init_is_file()) plan.input(args.init);
  plan.output("--centroids", args.centroids, matrix_extensions());
  plan.output("--labels", args.labels, label_extensions());
  if (args.json != "-") plan.output("--json", args.json);
  if (!args.input.dtype.empty()) check_dtype_fits("--centroids", args.centroids, args.input.dtype);

  std::vector<fs::path> inputs = {args.data, args.weights};
  if (args.init_is_file()) inputs.emplace_back(args.init);
  args.input.check(inputs);
  args.compute.check();
  if (args.backend != "auto") find_backend(args.backend);
}

EmptyClusterPolicy empty_cluster_policy(const std::string& name) {
  if (name == "keep") return EmptyClusterPolicy::keep;
  return name == "error" ? EmptyClusterPolicy::error : EmptyClusterPolicy::relocate;
}

/// The options but for what watches over the iterations.
Options make_options(const FitArguments& args) {
  Options options;
  options.n_clusters = args.n_clusters;
  if (!args.init_is_file()) options.init = find_seeding_method(args.init).init;
  options.n_init = args.n_init;
  options.max_iter = args.max_iter;
  options.tol = args.tol;
  options.seed = args.seed;
  options.threads = static_cast<int>(args.compute.threads);
  options.backend = args.backend;
  options.isa = args.compute.isa;
  options.empty_clusters = empty_cluster_policy(args.empty_clusters);
  options.memory_limit_bytes = args.memory_limit;
  return options;
}

/// Weights and first centroids, where files are given; their shapes fit `samples`.
template <class T>
struct FitFiles {
  std::vector<T> weights;
  Matrix<T> initial_centroids;

  FitFiles(const FitArguments& args, const Matrix<T>& samples) {
    const auto count = [](std::size_t n, const char* what) { return std::to_string(n) + ' ' + what; };
    if (!args.weights.empty()) {
      weights = io::read_vector_as<T>(args.weights, args.input.side_csv());
      if (weights.size() != samples.rows()) {
        throw ShapeMismatch(args.weights.string() + ": " + count(weights.size(), "weights for ") +
                            count(samples.rows(), "samples of ") + args.data.string());
      }
    }
    if (args.init_is_file()) {
      initial_centroids = io::read_matrix_as<T>(args.init, args.input.side_csv());
      if (initial_centroids.rows() != args.n_clusters || initial_centroids.cols() != samples.cols()) {
        throw ShapeMismatch(args.init + ": " + count(initial_centroids.rows(), "centroids of ") +
                            count(initial_centroids.cols(), "features; needed are ") +
                            count(args.n_clusters, "(-k) of ") + count(samples.cols(), "(as ") +
                            args.data.string() + ")");
      }
    }
  }
};

/// Fits under the eyes of Ctrl-C, the time limit and the progress line.
template <class T>
Result<T> watched_fit(const FitArguments& args, const Matrix<T>& samples, const FitFiles<T>& files) {
  Options options = make_options(args);
  if (args.time_limit > 0) {
    // A limit beyond what the clock can express (some centuries) is none.
    const std::chrono::duration<double> limit(args.time_limit);
    if (limit < Clock::time_point::max() - Clock::now()) {
      options.deadline = Clock::now() + std::chrono::ceil<Clock::duration>(limit);
    }
  }
  const InterruptWatch watch;
  ProgressLine line(!args.quiet);
  options.progress = [&](const Progress& progress) {
    line.show(progress);
    return !watch.interrupted();
  };
  options.seeding_progress = [&](const SeedingProgress& progress) {
    line.show(progress, args.n_init);
    return !watch.interrupted();
  };
  return fit(samples.view(), options,
             {.sample_weights = files.weights, .initial_centroids = files.initial_centroids});
}

/// The library calls the matrices by their names; the user knows the files.
fs::path file_at_fault(const FitArguments& args, const std::string& message) {
  if (message.starts_with("sample_weights")) return args.weights;
  if (message.starts_with("initial_centroids")) return args.init;
  return args.data;
}

/// How the library's errors tell the limit where that is at fault.
constexpr std::string_view memory_limit_in_library = "memory_limit_bytes = ";

/// The library names its own options; the user has the program's.
std::string with_options(const FitArguments& args, std::string message) {
  const std::pair<std::string_view, std::string_view> names[] = {
      {memory_limit_in_library, args.memory_limit != 0
                                    ? "--memory-limit "
                                    : "the limit without --memory-limit (half of the memory) is "},
      {"n_clusters = ", "--n-clusters "},
      {"init = random", "--init random"},
      {"give initial_centroids", "give --init FILE"},
      {"\"auto\"", "--backend auto"}};
  for (const auto& [in_library, in_program] : names) {
    const std::size_t at = message.find(in_library);
    if (at != message.npos) message.replace(at, in_library.size(), in_program);
  }
  return message;
}

template <class T>
int fit_samples(const FitArguments& args, const Matrix<T>& samples, Clock::time_point start) {
  check_dtype_fits("--centroids", args.centroids, dtype_name<T>());
  if (args.n_clusters > samples.rows()) {
    throw UsageError("--n-clusters " + std::to_string(args.n_clusters) + ": " + args.data.string() + " has " +
                     std::to_string(samples.rows()) + " samples; choose as many or fewer");
  }
  const FitFiles<T> files(args, samples);
  const std::chrono::duration<double> load_time = Clock::now() - start;

  Result<T> result;
  try {
    result = watched_fit(args, samples, files);
  } catch (const InvalidArgument& e) {
    const std::string message = e.what();
    // Not more than there are samples: then there are too few of positive weight.
    if (message.starts_with("n_clusters"))
      throw UsageError(with_options(args, message) + " (" + args.weights.string() + ')');
    throw InvalidArgument(file_at_fault(args, message).string() + ": " + message);
  } catch (const MemoryLimitExceeded& e) {
    const std::string message = e.what();
    if (args.memory_limit != 0 && message.find(memory_limit_in_library) != message.npos)
      throw UsageError(with_options(args, message));
    throw MemoryLimitExceeded(with_options(args, message));
  }

  const FitFacts facts = {.data = args.data.string(),
                          .weights = args.weights.string(),
                          .init = args.init,
                          .dtype = dtype_name<T>(),
                          .backend = args.backend,
                          .empty_clusters = args.empty_clusters,
                          .n_samples = samples.rows(),
                          .n_features = samples.cols(),
                          .n_init = args.n_init,
                          .max_iter = args.max_iter,
                          .tol = args.tol,
                          .seed = args.seed,
                          .load_seconds = load_time.count()};
  const bool json_to_stdout = args.json == "-";
  const auto json = args.json.empty() ? nlohmann::ordered_json() : fit_json(facts, result);
  {
    const SignalsHeld held;
    io::OutputFiles outputs;
    if (!args.centroids.empty()) io::write_matrix(outputs, args.centroids, result.centroids.view());
    if (!args.labels.empty()) io::write_labels(outputs, args.labels, result.labels);
    write_json(outputs, args.json, json);
    outputs.commit();
  }
  if (json_to_stdout) {
    print_json(json);
  } else if (!args.quiet) {
    std::cout << fit_summary(facts, result);
  }
  if (args.explain) (json_to_stdout ? std::cerr : std::cout) << fit_explanation(facts, result);
  return result.stop_reason == StopReason::cancelled ? exit_interrupted : exit_done;
}

int run_fit(const FitArguments& args) {
  check(args);
  const Clock::time_point start = Clock::now();
  const io::AnyMatrix data = io::read_matrix(args.data, args.input.wanted_dtype(), args.input.csv());
  return std::visit([&](const auto& samples) { return fit_samples(args, samples, start); }, data);
}

}  // namespace

Command add_fit_command(CLI::App& program) {
  const auto args = std::make_shared<FitArguments>();
  CLI::App& app = *program.add_subcommand("fit", "Cluster the rows of a file");
  add_path(app, "DATA", args->data, "Samples, one a row: .npy .fvecs .bvecs .csv .tsv .txt")->required();
  add_count(app, "-k,--n-clusters,--k", args->n_clusters, {1, 2147483647}, "Clusters")
      ->required()
      ->default_str("");
  app.add_option("--init", args->init, "First centroids: " + init_names() + ", or a file of them (k x d)")
      ->type_name("HOW")
      ->capture_default_str();
  add_count(app, "--n-init", args->n_init, {1, 1000000},
            "Runs from different seeds; the lowest inertia wins");
  add_count(app, "--max-iter", args->max_iter, {1}, "Iterations at most");
  add_real(
      app, "--tol", args->tol, false,
      "Stop when the centroids' squared shift is at most this share of the mean feature variance; 0: when no "
      "label changes");
  add_count(app, "--seed", args->seed, {}, "The same seed gives the same result on any machine");
  add_choice(app, "--empty-clusters", args->empty_clusters, {"relocate", "keep", "error"},
             "A cluster without samples moves to a far sample, stays, or is an error");
  add_path(app, "--weights", args->weights,
           "Sample weights, one a row; 0 means absent; a positive one below 2^-61 of their sum counts as "
           "2^-61 of it");

  app.add_option(
         "--backend", args->backend,
         "Algorithm of the assignment step: " + backend_names() + "; `omnimeans backends` tells of each")
      ->type_name("NAME")
      ->capture_default_str();
  args->compute.add_to(app);
  add_bytes(app, "--memory-limit", args->memory_limit,
            "Working memory of seeding and backend, e.g. 512M or 4G; none: half of the machine's");
  add_real(app, "--time-limit", args->time_limit, true,
           "Seconds after which seeding or iteration ends with what it has; none: no limit")
      ->default_str("");
  args->input.add_to(app);

  add_path(app, "--centroids", args->centroids, "Write the centroids: .npy .fvecs .csv .tsv .txt");
  add_path(app, "--labels", args->labels, "Write the labels: .npy (i4) .csv .tsv .txt");
  add_path(app, "--json", args->json,
           "Write all numbers and the history as JSON; -: to standard output, and nothing else there");
  app.add_flag("--explain", args->explain,
               "Tell which backend did which iterations, at what cost, and why auto took it; beside --json - "
               "on standard error");
  app.add_flag("-q,--quiet", args->quiet, "No summary and no progress line");
  app.footer(
      "Examples:\n"
      "  omnimeans fit data.npy -k 100 --centroids centroids.npy --labels labels.npy\n"
      "  omnimeans fit table.csv -k 8 --init random --n-init 10 --tol 0 --json - > fit.json\n"
      "  omnimeans fit data.npy -k 100 --init centroids.npy --backend elkan --threads 2\n"
      "\n"
      "Ctrl-C ends the fit after the iteration or the pass of the seeding at hand; its outputs are written, "
      "stop_reason is cancelled and the exit\n"
      "status 130. Files are replaced when all of them are complete. Counts may be written as 1e6.");
  return {&app, [args] { return run_fit(*args); }};
}

}  // namespace omnimeans::cli
