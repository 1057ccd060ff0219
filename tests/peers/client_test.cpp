// SPDX-License-Identifier: MIT
// Workers from the harness's end: every adapter that this build has does the fit that it is asked for; one
// that fails, dies or babbles is told apart from one that answers.
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "bench/peers/client.hpp"
#include "bench/peers/openblas.hpp"
#include "datasets/datasets.hpp"
#include "omnimeans/fit.hpp"
#include "omnimeans/isa.hpp"
#include "omnimeans/predict.hpp"

namespace omnimeans::peers {

/// In the names of the tests, instead of its bytes.
void PrintTo(const Peer& peer, std::ostream* out) {
  *out << peer.name;
}

namespace {

const std::vector<Peer> kFound{
#include "bench/peers/found.inc"
};

constexpr std::size_t n = 600, d = 5, k = 6, kIterations = 4;

/// Data, start and the right answer of one small fit.
struct Fixture {
  Matrix<float> samples =
      datasets::generate<float>("blobs", {.n_samples = n, .n_features = d, .n_clusters = k, .seed = 3});
  Matrix<float> start = [this] {
    Matrix<float> rows(k, d);
    for (std::size_t j = 0; j < k; ++j) std::copy_n(samples.row(100 * j).data(), d, rows.row(j).data());
    return rows;
  }();
  SharedFloats samples_file{{samples.data(), n*d}}, start_file{{start.data(), k*d}}, result{{}};

  std::string request(const std::string& mode = "given") const {
    return "fit " + samples_file.path() + " " + std::to_string(n) + " " + std::to_string(d) + " " +
           start_file.path() + " " + std::to_string(k) + " " + std::to_string(kIterations) + " 0 " + mode;
  }
  double inertia_of_result() const {
    Matrix<float> centroids(k, d);
    std::ranges::copy(result.read(k * d), centroids.data());
    return inertia(samples.view(), centroids.view(), predict(samples.view(), centroids.view()));
  }
};

class EveryPeer : public testing::TestWithParam<Peer> {};

TEST_P(EveryPeer, DoesTheFitThatItIsAskedFor) {
  const Fixture f;
  std::unique_ptr<Worker> worker;
  try {
    worker = std::make_unique<Worker>(GetParam(), 2);
  } catch (const std::runtime_error& error) {
    if (GetParam().interpreter.empty()) FAIL() << error.what();
    GTEST_SKIP() << error.what();
  }
  const Reply reply = worker->fit(f.request(), 60, 200, f.result);
  EXPECT_GT(reply.seconds, 0);
  EXPECT_GE(reply.conversion_seconds, 0);
  EXPECT_LE(reply.n_iter, static_cast<long>(kIterations));
  const Result<float> right = fit(f.samples.view(), {.n_clusters = k, .max_iter = kIterations, .tol = 0},
                                  {.initial_centroids = f.start.view()});
  const double found = f.inertia_of_result();
  if (worker->marked("ours")) {
    EXPECT_EQ(found, right.inertia);
  }
  // Rounding in float32 may move a few samples; another start, or batches, may end in another optimum.
  if (!worker->marked("own-start") && !worker->marked("approximate")) {
    EXPECT_NEAR(found, right.inertia, 1e-3 * right.inertia);
  }

  const Reply own = worker->fit(f.request("own"), 60, 200, f.result);
  EXPECT_TRUE(std::isfinite(f.inertia_of_result()));
  EXPECT_EQ(own.used_samples, 0);  // 100 a cluster: too few for anybody to draw a sample of them

  // Without a warm-up, which is the caller's then.
  EXPECT_GT(worker->fit(f.request(), 0, 200, f.result).seconds, 0);
  if (!worker->marked("own-start") && !worker->marked("approximate")) {
    EXPECT_NEAR(f.inertia_of_result(), right.inertia, 1e-3 * right.inertia);
  }
  // What cannot be done in time is told, not done.
  EXPECT_THROW(worker->fit(f.request(), 1e-9, 200, f.result), TooSlow);
}

std::string name_of(const testing::TestParamInfo<Peer>& info) {
  std::string name = info.param.name;
  std::ranges::replace(name, '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Found, EveryPeer, testing::ValuesIn(kFound), name_of);

/// A worker that a few lines of shell stand in for.
class StandIn {
 public:
  explicit StandIn(const std::string& body) {
    std::string folder = (std::filesystem::temp_directory_path() / "omnimeans-peer-XXXXXX").string();
    EXPECT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    std::ofstream(path()) << "#!/bin/sh\n" << body;
    EXPECT_EQ(::chmod(path().c_str(), 0700), 0);
  }
  ~StandIn() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  std::string path() const { return folder_ + "/worker"; }
  Peer peer() const { return {"stand-in", "", path(), "word"}; }

 private:
  std::string folder_;
};

const std::string kReady = "printf 'ready\\t1.0\\tby hand\\tfloat64 own-start\\n'\n";

std::string error_of(Worker& worker) {
  const SharedFloats result({});
  try {
    worker.fit("fit", 1, 13, result);
  } catch (const std::runtime_error& error) {
    return error.what();
  } catch (const TooSlow& slow) {
    return "slow: " + slow.why;
  }
  return "none";
}

TEST(Client, ReadsWhatAWorkerSaysOfItself) {
  const StandIn worker(kReady + "read line\n");
  const Worker started(worker.peer(), 3);
  EXPECT_EQ(started.version(), "1.0");
  EXPECT_EQ(started.build(), "by hand");
  EXPECT_TRUE(started.marked("own-start"));
  EXPECT_FALSE(started.marked("own"));
}

TEST(Client, ThreadsAndWordsAreArgumentsAndThePoolsAreLimited) {
  const StandIn worker(
      "printf \"ready\\t$1 $2 $OMP_NUM_THREADS $OPENBLAS_NUM_THREADS\\t\\t\\n\"\nread line\n");
  EXPECT_EQ(Worker(worker.peer(), 3).version(), "3 word 3 3");
}

TEST(Client, TellsAnAnswerFromAnErrorFromTooSlowFromBabble) {
  const StandIn worker(kReady +
                       "read a; echo 'ok 1.5 0.25 7 4096 512'; read b; echo 'error no memory'\n"
                       "read c; echo 'slow 12.5'; read e; echo 'what?'; read f\n");
  Worker started(worker.peer(), 1);
  const SharedFloats result({});
  const Reply reply = started.fit("fit", 1, 13, result);
  EXPECT_EQ(reply.seconds, 1.5);
  EXPECT_EQ(reply.conversion_seconds, 0.25);
  EXPECT_EQ(reply.n_iter, 7);
  EXPECT_EQ(reply.peak_bytes, 4096);
  EXPECT_EQ(reply.used_samples, 512);
  EXPECT_EQ(error_of(started), "no memory");
  EXPECT_EQ(error_of(started), "slow: it would take some 12.5 s");
  EXPECT_EQ(error_of(started), "said \"what? \"");
}

TEST(Client, AWorkerThatDiesIsStartedAgain) {
  const StandIn worker(kReady + "read a; kill -SEGV $$\n");
  Worker started(worker.peer(), 1);
  EXPECT_EQ(error_of(started), "it died: Segmentation fault");
  EXPECT_EQ(error_of(started), "it died: Segmentation fault");
}

TEST(Client, AWorkerThatDoesNotStartSaysWhy) {
  const StandIn quits("exit 3\n"), babbles("echo hello\n"), lacks("printf 'missing\\tno module x\\n'\n");
  for (const auto& [peer, why] :
       {std::pair{quits.peer(), "it died with exit code 3"}, std::pair{babbles.peer(), "said \"hello\""},
        std::pair{lacks.peer(), "not installed: no module x"},
        std::pair{Peer{"none", "", "/nonexistent", ""}, "no program /nonexistent"}}) {
    try {
      const Worker worker(peer, 1);
      ADD_FAILURE() << "started: " << peer.path;
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), why);
    }
  }
}

TEST(Client, SharedFloatsAreReadBackAndLeaveNoFile) {
  const std::vector<float> values{1, 2.5F, -3};
  std::string path;
  {
    const SharedFloats shared(values);
    path = shared.path();
    EXPECT_EQ(shared.read(3), values);
    EXPECT_THROW(shared.read(4), std::runtime_error);
    // No name in any folder: nothing can be left behind.
    EXPECT_TRUE(std::filesystem::read_symlink(path).string().starts_with("/memfd:"));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

/// Seconds after which a process is waited for in vain.
constexpr int kPatience = 30;

TEST(Client, AStoppedWorkerEndsWithTheHarness) {
  const StandIn worker("echo $$ > \"$0.pid\"\n" + kReady + "read a; echo 'ok 1 0 1 0 0'; read b\n");
  const pid_t harness = ::fork();
  ASSERT_GE(harness, 0);
  if (harness == 0) {
    Worker started(worker.peer(), 1);
    started.fit("fit", 1, 13, SharedFloats({}));  // the worker is stopped afterwards
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(harness, &status, 0), harness);
  ASSERT_TRUE(WIFSIGNALED(status));
  pid_t left = 0;
  std::ifstream(worker.path() + ".pid") >> left;
  ASSERT_GT(left, 0);
  // Gone, or dead and not yet waited for by whoever inherited it.
  const auto ended = [&] {
    std::ifstream stat("/proc/" + std::to_string(left) + "/stat");
    std::string number, name, state;
    return !(stat >> number >> name >> state) || state == "Z" || state == "X";
  };
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(kPatience);
  while (!ended() && std::chrono::steady_clock::now() < end) ::sched_yield();
  EXPECT_TRUE(ended());
}

TEST(Client, TheKernelsOfOpenBlasFitTheCpuUnlessTheUserChose) {
  const StandIn worker("printf \"ready\\t$OPENBLAS_CORETYPE\\t\\t\\n\"\nread line\n");
  ::unsetenv("OPENBLAS_CORETYPE");
  EXPECT_EQ(Worker(worker.peer(), 1).version(), openblas_core(openblas_choice()));
  ::setenv("OPENBLAS_CORETYPE", "Zen", 1);
  EXPECT_EQ(Worker(worker.peer(), 1).version(), "Zen");
  ::unsetenv("OPENBLAS_CORETYPE");
}

TEST(Client, OpenBlasKeepsWhatItChoseWithTheVectorsOfTheCpu) {
  const bool vectors =
      std::ranges::max(usable_isas()) >= Isa::avx2 && std::ranges::max(usable_isas()) <= Isa::avx512;
  EXPECT_EQ(openblas_core("Prescott").empty(), !vectors);
  EXPECT_EQ(openblas_core("Nehalem").empty(), !vectors);
  for (const char* core : {"Haswell", "SkylakeX", "Cooperlake", "SapphireRapids", "Zen", "skylakex"})
    EXPECT_EQ(openblas_core(core), "") << core;
  EXPECT_EQ(openblas_core(""), "") << "no OpenBLAS";
}

}  // namespace
}  // namespace omnimeans::peers
