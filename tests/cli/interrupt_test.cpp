// SPDX-License-Identifier: MIT
// Ctrl-C and the progress line. No sleeping: the program is started with a SIGINT that waits for it, so that
// it meets the signal at the same point every time, the moment it listens.
#include "program.hpp"

#include "io/io.hpp"
#include "omnimeans/fit.hpp"

namespace omnimeans::cli_test {
namespace {

class Interrupt : public ProgramTest {
 protected:
  Interrupt() { io::write_matrix(path("data.npy"), samples_.view()); }

  const Matrix<float> samples_ = blobs();
  const Arguments arguments_ = {"fit", "data.npy",    "-k",    "20",       "--init", "random", "--tol",
                                "0",   "--centroids", "c.npy", "--labels", "l.npy",  "--json", "fit.json"};
};

TEST_F(Interrupt, EndsTheFitAfterOneIterationAndWritesItsOutputs) {
  const Outcome outcome = run(arguments_, {.pending_interrupt = true});
  EXPECT_EQ(outcome.status, 130) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_NE(outcome.out.find("1 iteration, interrupted"), outcome.out.npos) << outcome.out;
  const nlohmann::json json = read_json("fit.json");
  EXPECT_EQ(json.at("stop_reason"), "cancelled");
  EXPECT_EQ(json.at("n_iter"), 1);

  Options options = {.n_clusters = 20, .init = Init::random, .tol = 0};
  options.progress = [](const Progress&) { return false; };
  const Result<float> result = fit(samples_.view(), options);
  EXPECT_EQ(io::read_matrix_as<float>(path("c.npy")), result.centroids);
  EXPECT_EQ(json.at("inertia").get<double>(), result.inertia);
  run_well({"predict", "data.npy", "--centroids", "c.npy", "--labels", "again.npy"});
  EXPECT_EQ(read("again.npy"), read("l.npy"));
}

TEST_F(Interrupt, WithoutOneTheSameFitGoesOn) {
  run_well(arguments_);
  EXPECT_EQ(read_json("fit.json").at("stop_reason"), "converged");
  EXPECT_GT(read_json("fit.json").at("n_iter"), 1);
}

TEST_F(Interrupt, ATerminalSeesTheProgressLineAndItsEnd) {
  const Outcome outcome = run(arguments_, {.terminal_stderr = true});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.err.rfind("\riteration 1/300  inertia ", 0), 0u) << outcome.err;
  EXPECT_NE(outcome.err.find("labels changed "), outcome.err.npos) << outcome.err;
  const std::string cleared = "\r\x1b[K";
  ASSERT_GE(outcome.err.size(), cleared.size());
  EXPECT_EQ(outcome.err.substr(outcome.err.size() - cleared.size()), cleared);

  Arguments quiet = arguments_;
  quiet.emplace_back("--quiet");
  EXPECT_EQ(run(quiet, {.terminal_stderr = true}).err, "");
}

}  // namespace
}  // namespace omnimeans::cli_test
