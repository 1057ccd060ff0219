// SPDX-License-Identifier: MIT
// omnimeans fit: its files and numbers are those of the library, compared with ==.
#include "program.hpp"

#include <sys/stat.h>

#include <csignal>

#include "io/io.hpp"
#include "omnimeans/backend.hpp"
#include "omnimeans/fit.hpp"
#include "omnimeans/version.hpp"

namespace omnimeans::cli_test {
namespace {

class FitCommand : public ProgramTest {
 protected:
  FitCommand() { io::write_matrix(path("data.npy"), samples_.view()); }

  /// The numbers of `json` that do not depend on time are those of `result`.
  template <class T>
  static void expect_same(const nlohmann::json& json, const Result<T>& result) {
    EXPECT_EQ(json.at("k"), result.centroids.rows());
    EXPECT_EQ(json.at("backend"), result.backend);
    EXPECT_EQ(json.at("isa"), to_string(result.isa));
    EXPECT_EQ(json.at("threads"), result.threads);
    EXPECT_EQ(json.at("n_iter"), result.n_iter);
    EXPECT_EQ(json.at("stop_reason"), to_string(result.stop_reason));
    EXPECT_EQ(json.at("inertia").get<double>(), result.inertia);
    EXPECT_EQ(json.at("n_nonempty"), result.n_nonempty);
    EXPECT_EQ(json.at("run"), result.run);
    EXPECT_EQ(json.at("distances_computed"), result.distances_computed);
    EXPECT_EQ(json.at("reranked"), result.reranked);
    ASSERT_EQ(json.at("history").size(), result.history.size());
    for (std::size_t i = 0; i < result.history.size(); ++i) {
      const nlohmann::json& stats = json.at("history")[i];
      EXPECT_EQ(stats.at("iteration"), result.history[i].iteration);
      EXPECT_EQ(stats.at("labels_changed"), result.history[i].labels_changed);
      EXPECT_EQ(stats.at("empty_clusters"), result.history[i].empty_clusters);
      EXPECT_EQ(stats.at("centroid_shift").get<double>(), result.history[i].centroid_shift);
      EXPECT_EQ(stats.at("distances_computed"), result.history[i].distances_computed);
    }
  }

  const Matrix<float> samples_ = blobs();
};

TEST_F(FitCommand, FilesAndNumbersAreThoseOfTheLibrary) {
  const std::string out = run_well({"fit", "data.npy", "-k", "6", "--seed", "5", "--centroids", "c.npy",
                                    "--labels", "l.npy", "--json", "fit.json", "--threads", "2"});
  const Result<float> result = fit(samples_.view(), {.n_clusters = 6, .seed = 5, .threads = 2});
  EXPECT_EQ(io::read_matrix_as<float>(path("c.npy")), result.centroids);
  EXPECT_EQ(io::read_vector_as<float>(path("l.npy")),
            std::vector<float>(result.labels.begin(), result.labels.end()));

  const nlohmann::json json = read_json("fit.json");
  expect_same(json, result);
  EXPECT_EQ(json.at("omnimeans_version"), OMNIMEANS_VERSION);
  EXPECT_EQ(json.at("n"), 600);
  EXPECT_EQ(json.at("d"), 5);
  EXPECT_EQ(json.at("dtype"), "f32");
  EXPECT_EQ(json.at("seed"), 5);
  EXPECT_GT(json.at("load_seconds").get<double>(), 0);
  EXPECT_GT(json.at("seed_seconds").get<double>(), 0);
  EXPECT_GT(json.at("fit_seconds").get<double>(), 0);
  EXPECT_GT(json.at("peak_memory_bytes").get<double>(), 600 * 5 * sizeof(float));

  for (const char* piece : {"n = 600, d = 5, k = 6, f32", "backend ", "isa ", " 2 threads", "converged",
                            "inertia ", "load ", "seeding ", "peak memory "}) {
    EXPECT_NE(out.find(piece), out.npos) << piece << " is missing in\n" << out;
  }
}

TEST_F(FitCommand, EveryBackendRunsUnderItsNameAndExactOnesWriteTheSameBytes) {
  std::string labels, centroids;
  for (const BackendEntry& entry : backends()) {
    const std::string name(entry.info.name);
    const nlohmann::json json = run_json({"fit", "data.npy", "-k", "6", "--backend", name, "--centroids",
                                          "c.npy", "--labels", "l.npy", "--json", "-"});
    EXPECT_EQ(json.at("asked_backend"), name);
    EXPECT_EQ(json.at("backend"), name);
    if (!entry.info.exact) continue;
    if (labels.empty()) {
      labels = read("l.npy");
      centroids = read("c.npy");
    }
    EXPECT_EQ(read("l.npy"), labels) << name;
    EXPECT_EQ(read("c.npy"), centroids) << name;
  }
  EXPECT_FALSE(labels.empty());
}

TEST_F(FitCommand, EveryUsableIsaIsTheOneThatRan) {
  for (const Isa isa : usable_isas()) {
    const std::string name(to_string(isa));
    const Arguments arguments = {"fit", "data.npy", "-k", "6", "--backend", "simd", "--json", "-"};
    Arguments with_isa = arguments;
    with_isa.insert(with_isa.end(), {"--isa", name});
    EXPECT_EQ(run_json(with_isa).at("isa"), name);
    const Outcome by_environment = run(arguments, {.environment = {{"OMNIMEANS_ISA", name}}});
    ASSERT_EQ(by_environment.status, 0) << by_environment.err;
    EXPECT_EQ(nlohmann::json::parse(by_environment.out).at("isa"), name);
  }
}

TEST_F(FitCommand, EveryOptionReachesTheLibrary) {
  const nlohmann::json json = run_json({"fit",
                                        "data.npy",
                                        "-k",
                                        "9",
                                        "--init",
                                        "random",
                                        "--n-init",
                                        "4",
                                        "--max-iter",
                                        "7",
                                        "--tol",
                                        "0",
                                        "--seed",
                                        "18446744073709551615",
                                        "--threads",
                                        "1",
                                        "--dtype",
                                        "f64",
                                        "--backend",
                                        "naive",
                                        "--isa",
                                        "scalar",
                                        "--empty-clusters",
                                        "keep",
                                        "--memory-limit",
                                        "1G",
                                        "--time-limit",
                                        "1e6",
                                        "--json",
                                        "-"});
  Matrix<double> samples(samples_.rows(), samples_.cols());
  std::copy(samples_.data(), samples_.data() + samples_.rows() * samples_.cols(), samples.data());
  const Result<double> result = fit(samples.view(), {.n_clusters = 9,
                                                     .init = Init::random,
                                                     .n_init = 4,
                                                     .max_iter = 7,
                                                     .tol = 0,
                                                     .seed = 18446744073709551615u,
                                                     .threads = 1,
                                                     .backend = "naive",
                                                     .isa = "scalar",
                                                     .empty_clusters = EmptyClusterPolicy::keep});
  expect_same(json, result);
  EXPECT_EQ(json.at("dtype"), "f64");
  EXPECT_EQ(json.at("seed"), 18446744073709551615u);
}

TEST_F(FitCommand, WeightsAndFirstCentroidsFromFiles) {
  std::string text = "weight\n";
  std::vector<float> weights;
  for (std::size_t i = 0; i < samples_.rows(); ++i) {
    weights.push_back(static_cast<float>(i % 4));
    text += std::to_string(i % 4) + '\n';
  }
  write("weights.csv", text);
  Matrix<float> first(3, samples_.cols());
  for (std::size_t j = 0; j < first.rows(); ++j) {
    std::copy(samples_.row(10 * j).begin(), samples_.row(10 * j).end(), first.row(j).begin());
  }
  io::write_matrix(path("first.npy"), first.view());
  const nlohmann::json json = run_json({"fit", "data.npy", "-k", "3", "--weights", "weights.csv", "--init",
                                        "first.npy", "--threads", "1", "--json", "-"});
  const Result<float> result = fit(samples_.view(), {.n_clusters = 3, .threads = 1},
                                   {.sample_weights = weights, .initial_centroids = first});
  expect_same(json, result);
  EXPECT_EQ(json.at("weights"), "weights.csv");
  EXPECT_EQ(json.at("init"), "first.npy");
}

TEST_F(FitCommand, TextFilesWithDelimiterAndHeader) {
  write("table.csv", "1;2\n1;2.5\n8;9\n8;9.5\n");
  const nlohmann::json all =
      run_json({"fit", "table.csv", "-k", "2", "--delimiter", ";", "--labels", "l.txt", "--json", "-"});
  EXPECT_EQ(all.at("n"), 4);
  EXPECT_EQ(all.at("d"), 2);
  EXPECT_EQ(all.at("inertia").get<double>(), 0.25);
  const std::vector<float> labels = io::read_vector_as<float>(path("l.txt"));
  ASSERT_EQ(labels.size(), 4u);
  EXPECT_EQ(labels[0], labels[1]);
  EXPECT_EQ(labels[2], labels[3]);
  EXPECT_NE(labels[0], labels[2]);
  EXPECT_EQ(
      run_json({"fit", "table.csv", "-k", "1", "--delimiter", ";", "--header", "yes", "--json", "-"}).at("n"),
      3);
  write("table.tsv", "1\t2\n3\t4\n");
  EXPECT_EQ(run_json({"fit", "table.tsv", "-k", "1", "--json", "-"}).at("d"), 2);
  EXPECT_EQ(run_json({"fit", "table.tsv", "-k", "1", "--delimiter", "tab", "--json", "-"}).at("d"), 2);
}

TEST_F(FitCommand, QuietSaysNothingAndStillWrites) {
  EXPECT_EQ(run_well({"fit", "data.npy", "-k", "2", "--quiet", "--labels", "l.csv", "--centroids", "c.csv"}),
            "");
  const Result<float> result = fit(samples_.view(), {.n_clusters = 2});
  EXPECT_EQ(io::read_matrix_as<float>(path("c.csv")), result.centroids);
  EXPECT_EQ(io::read_vector_as<float>(path("l.csv")),
            std::vector<float>(result.labels.begin(), result.labels.end()));
}

TEST_F(FitCommand, TheTypeIsThatOfTheFile) {
  EXPECT_EQ(run_json({"fit", "data.npy", "-k", "2", "--json", "-"}).at("dtype"), "f32");
  Matrix<double> doubles(4, 1);
  for (std::size_t i = 0; i < 4; ++i) doubles(i, 0) = 1e-9 * static_cast<double>(i) + 1;
  io::write_matrix(path("doubles.npy"), doubles.view());
  EXPECT_EQ(run_json({"fit", "doubles.npy", "-k", "2", "--json", "-"}).at("dtype"), "f64");
  EXPECT_EQ(run_json({"fit", "doubles.npy", "-k", "1", "--dtype", "f32", "--json", "-"}).at("dtype"), "f32");
}

TEST_F(FitCommand, TimeLimitEndsTheIteration) {
  const nlohmann::json json = run_json({"fit", "data.npy", "-k", "6", "--init", "random", "--tol", "0",
                                        "--time-limit", "1e-9", "--json", "-"});
  EXPECT_EQ(json.at("stop_reason"), "deadline");
  EXPECT_EQ(json.at("n_iter"), 1);
}

TEST_F(FitCommand, TheSummarySaysHowItEnded) {
  const auto summary = [&](const Arguments& more) {
    Arguments all = {"fit", "data.npy", "-k", "6", "--init", "random", "--seed", "3"};
    all.insert(all.end(), more.begin(), more.end());
    return run_well(all);
  };
  const std::string strict = summary({"--tol", "0"}), loose = summary({"--tol", "1000"}),
                    few = summary({"--tol", "0", "--max-iter", "1"}),
                    late = summary({"--tol", "0", "--time-limit", "1e-9"});
  EXPECT_NE(strict.find(" iterations, converged\n"), strict.npos) << strict;
  EXPECT_NE(loose.find("1 iteration, converged within the tolerance\n"), loose.npos) << loose;
  EXPECT_NE(few.find("1 iteration, stopped by the limit of iterations\n"), few.npos) << few;
  EXPECT_NE(late.find("1 iteration, stopped by the time limit\n"), late.npos) << late;
}

TEST_F(FitCommand, TheSummaryNamesEveryBackendThatRan) {
  run_well({"generate", "blobs", "more.npy", "--n", "20000", "--d", "16", "--k", "32"});
  const std::string out = run_well({"fit", "more.npy", "-k", "32", "--tol", "0", "--json", "fit.json"});
  const nlohmann::json json = read_json("fit.json");
  std::vector<std::string> names;  // auto may have changed its mind, or not
  for (const nlohmann::json& stats : json.at("history")) names.push_back(stats.at("backend"));
  names.push_back(json.at("backend"));
  std::string listed;
  for (const std::string& name : names) {
    if (name == "seeding" || (listed + ',').find(' ' + name + ',') != listed.npos) continue;
    listed += (listed.empty() ? " " : ", then ") + name;
  }
  const std::string last = json.at("backend");
  if (!listed.ends_with(' ' + last)) listed += ", at last " + last + " again";
  EXPECT_NE(out.find(listed + ", isa "), out.npos) << out << "not" << listed;
}

TEST_F(FitCommand, ExplainTellsOfANamedBackendAndTheSeeding) {
  const auto explained = [&](const std::string& backend, const std::string& init) {
    return run_well({"fit", "data.npy", "-k", "6", "--tol", "0", "--max-iter", "2", "--backend", backend,
                     "--init", init, "--explain"});
  };
  const std::string simd = explained("simd", "random"), tree = explained("kdtree", "k-means++");
  EXPECT_NE(simd.find("backend simd, isa "), simd.npos) << simd;
  EXPECT_NE(simd.find("dense plan ("), simd.npos) << simd;
  EXPECT_NE(simd.find("iterations 0 to 1: simd, "), simd.npos) << simd;
  EXPECT_NE(simd.find("\n  as asked for\n"), simd.npos) << simd;
  EXPECT_NE(tree.find("backend kdtree, isa "), tree.npos) << tree;
  EXPECT_EQ(tree.find("dense plan"), tree.npos) << tree;  // its boxes do not go through tiles
  EXPECT_NE(tree.find("iteration 0: seeding, within its "), tree.npos) << tree;
  EXPECT_NE(tree.find("iteration 1: kdtree, "), tree.npos) << tree;
  EXPECT_NE(tree.find(" passes' worth of distances"), tree.npos) << tree;
  EXPECT_EQ(tree.find(" 0.000 passes"), tree.npos) << tree;
  const std::string own = explained("auto", "random");
  EXPECT_EQ(own.find("as asked for"), own.npos) << own;
  EXPECT_NE(own.find("; preparation and the labels for the last centroids "), own.npos) << own;
}

TEST_F(FitCommand, CountsMayHaveAnExponent) {
  const auto json = run_json({"fit", "data.npy", "-k", "6e0", "--max-iter", "0.2E1", "--tol", "0", "--seed",
                              "9007199254740993e+0", "--n-init", "10e-1", "--json", "-"});
  EXPECT_EQ(json.at("k"), 6);
  EXPECT_EQ(json.at("max_iter"), 2);
  EXPECT_EQ(json.at("seed"), 9007199254740993u);  // no double holds it
  EXPECT_EQ(json.at("n_init"), 1);
}

TEST_F(FitCommand, WithoutAMemoryLimitItsErrorTellsWhatHolds) {
  io::write_matrix(path("many.npy"), Matrix<float>(1000000, 1).view());
  const Outcome outcome = run(
      {"fit", "many.npy", "-k", "1000000", "--init", "random", "--backend", "elkan", "--labels", "l.npy"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("bytes, the limit without --memory-limit (half of the memory) is "),
            outcome.err.npos)
      << outcome.err;
}

TEST_F(FitCommand, NoOutputIsWrittenWhereOneCannotBe) {
  write("old.npy", "something old");
  const Outcome outcome = run(
      {"fit", "data.npy", "-k", "2", "--centroids", "old.npy", "--labels", "new.npy", "--json", "/dev/full"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("/dev/full: cannot write"), outcome.err.npos) << outcome.err;
  EXPECT_EQ(snapshot().at("old.npy"), "something old");
  EXPECT_EQ(snapshot().size(), 2u);
}

TEST_F(FitCommand, OutputsReplaceWhatWasThere) {
  write("c.npy", "something old");
  run_well({"fit", "data.npy", "-k", "2", "--centroids", "c.npy"});
  EXPECT_EQ(io::read_matrix_as<float>(path("c.npy")).rows(), 2u);
  EXPECT_EQ(snapshot().size(), 2u);  // data.npy and c.npy: no temporary file is left
}

TEST_F(FitCommand, AFullStandardOutputIsAnError) {
  const Outcome outcome = run({"fit", "data.npy", "-k", "2", "--json", "-"}, {.stdout_path = "/dev/full"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.err, "omnimeans: error: cannot write to standard output\n");
}

TEST_F(FitCommand, HelpThatCannotBeShownIsAnError) {
  for (const char* option : {"--help", "--version"})
    EXPECT_EQ(run({option}, {.stdout_path = "/dev/full"}).status, 1);
}

TEST_F(FitCommand, FilesAreInPlaceWhenStandardOutputFails) {
  for (const bool json : {false, true}) {
    Arguments arguments = {"fit", "data.npy", "-k", "2", "--labels", "l.npy"};
    if (json) arguments.insert(arguments.end(), {"--json", "-"});
    EXPECT_EQ(run(arguments, {.stdout_path = "/dev/full"}).status, 1);
    EXPECT_EQ(io::read_vector_as<std::int32_t>(path("l.npy")).size(), 600u);
    EXPECT_EQ(snapshot().size(), 2u);
    std::filesystem::remove(path("l.npy"));

    EXPECT_EQ(run(arguments, {.closed_pipe = true}).status, -SIGPIPE);
    EXPECT_EQ(io::read_vector_as<std::int32_t>(path("l.npy")).size(), 600u);
    EXPECT_EQ(snapshot().size(), 2u);
    std::filesystem::remove(path("l.npy"));
  }
}

TEST_F(FitCommand, ASignalWaitsUntilTheFilesAreInPlace) {
  for (const int signal : {SIGHUP, SIGINT, SIGTERM}) {
    const std::string fifo = path("fifo").string();
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    // It has written the labels beside their place, and is about to write the pipe.
    const Outcome outcome = run({"fit", "data.npy", "-k", "2", "--labels", "l.npy", "--json", fifo, "-q"},
                                {.fifo = fifo, .signal_at_fifo = signal});
    EXPECT_EQ(outcome.status, -signal);
    std::filesystem::remove(fifo);
    EXPECT_EQ(io::read_vector_as<std::int32_t>(path("l.npy")).size(), 600u);
    EXPECT_EQ(snapshot().size(), 2u);
    std::filesystem::remove(path("l.npy"));
  }
}

TEST_F(FitCommand, APipeThatNobodyReadsLeavesNoTemporaryFile) {
  const Outcome outcome = run({"fit", "data.npy", "-k", "2", "--labels", "l.npy", "--json", "/dev/stdout"},
                              {.closed_pipe = true});
  EXPECT_EQ(outcome.status, -SIGPIPE);
  EXPECT_EQ(snapshot().size(), 1u);
}

}  // namespace
}  // namespace omnimeans::cli_test
