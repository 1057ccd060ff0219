// SPDX-License-Identifier: MIT
// Other libraries beside this one: the same float32 bytes, the same first centroids, the same iterations and
// tolerance, the same number of threads; each in a process of its own (worker.hpp), repetitions interleaved,
// inertia of what they return found here, in double. The families of rows:
//   peer/...   25 iterations from given centroids, tol = 0
//   map/...    the same, on a grid of small sizes
//   curve/...  fewer iterations of some of the problems of `peer`: what a prefix of the fit costs and brings
//   own/...    every library's own seeding, stopping rule and limit of iterations, one start
#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <set>

#include "bench/counters.hpp"
#include "bench/harness.hpp"
#include "bench/peers/client.hpp"
#include "bench/workload.hpp"
#include "omnimeans/backend.hpp"
#include "omnimeans/predict.hpp"

namespace omnimeans::bench {
namespace {

using peers::Peer, peers::SharedFloats, peers::TooSlow, peers::Worker;

// What counts as the same end: after 25 iterations in float32, rounding alone moves a few samples.
constexpr double kSameEnd = 1e-3;

std::string only;              // --only: names of peers, separated by commas
bool own_repetitions = false;  // the caller says how many

/// Seconds that a fit may take. Where the work is large, who reaches 100 GFLOP/s is let in; the maps have
/// many problems.
double limit_of(const Case& c, const std::string& family, double suite_limit) {
  if (family == "map") return suite_limit / 4;
  return std::max(suite_limit, 2 * c.work() * static_cast<double>(kIterations) / 1e11);
}

/// Fewer repetitions of what takes long, where two runs differ little.
int repetitions_of(const Case& c, const std::string& family, const Suite* suite) {
  const int all = suite ? suite->repetitions : 3;
  return family != "peer" || c.work() > 1e10 ? std::min(all, 2) : all;
}

bool wanted(const std::string& name) {
  return only.empty() || ("," + only + ",").find("," + name + ",") != only.npos;
}

/// Every backend of ours, `auto`, then the others.
std::vector<Peer> all_peers() {
  const std::vector<Peer> found{
#include "bench/peers/found.inc"
  };
  std::vector<Peer> list;
  for (const Peer& peer : found) {
    if (peer.name != "omnimeans") {
      list.push_back(peer);
      continue;
    }
    for (const BackendEntry& entry : backends())
      list.push_back({std::string(entry.info.name), "", peer.path, std::string(entry.info.name)});
    list.push_back({"auto", "", peer.path, "auto"});
  }
  std::erase_if(list, [](const Peer& peer) { return !wanted(peer.name); });
  return list;
}

bool is_ours(const std::string& name) {
  return name == "auto" ||
         std::ranges::any_of(backends(), [&](const BackendEntry& entry) { return entry.info.name == name; });
}

/// The running workers, by peer and thread count, and why the others do not run.
class Workers {
 public:
  /// Null where it does not start.
  Worker* find(const Peer& peer, int threads) {
    auto [at, is_new] = running_.try_emplace({peer.name, threads});
    if (is_new) {
      show_progress("starting " + peer.name);
      std::string about;
      try {
        at->second = std::make_unique<Worker>(peer, threads);
        const Worker& worker = *at->second;
        about = worker.version() + " | " + worker.build() + " | " + worker.marks();
      } catch (const std::exception& error) {
        about = std::string("left out: ") + error.what();
      } catch (const TooSlow& slow) {
        about = "left out: " + slow.why;
      }
      if (!is_ours(peer.name)) benchmark::AddCustomContext("peer/" + peer.name, about);
    }
    return at->second.get();
  }

 private:
  std::map<std::pair<std::string, int>, std::unique_ptr<Worker>> running_;
};

/// A problem as files, and what its fits are held against.
class Problem {
 public:
  Problem(const Case& c, double scalar_limit)
      : case_(c),
        data_(workload<float>(c)),
        samples_(values_of(data_->samples())),
        centroids_(values_of(data_->initial_centroids())),
        result_({}),
        answer_(data_->fit_answer(scalar_limit)) {}

  /// Of the first `n` samples.
  std::string request(std::size_t n, std::size_t max_iter, const std::string& mode) const {
    return "fit " + samples_.path() + ' ' + std::to_string(n) + ' ' + std::to_string(case_.d) + ' ' +
           centroids_.path() + ' ' + std::to_string(case_.k) + ' ' + std::to_string(max_iter) + " 0 " + mode;
  }
  const SharedFloats& result() const { return result_; }
  const Result<float>& answer() const { return answer_; }

  /// The canonical inertia of the centroids in result(); `same`: whether they are the bits of the answer.
  double inertia_of_result(bool& same) {
    Matrix<float> centroids(case_.k, case_.d);
    const std::vector<float> values = result_.read(case_.k * case_.d);
    if (!std::ranges::all_of(values, [](float v) { return std::isfinite(v); }))
      throw std::runtime_error("a centroid is not a number");
    std::ranges::copy(values, centroids.data());
    same = centroids == answer_.centroids;
    if (same) return answer_.inertia;
    // A library that gives the same bits again is not measured again.
    const auto known = std::ranges::find(known_, values, &Known::centroids);
    if (known != known_.end()) return known->inertia;
    const auto samples = data_->samples().view();
    const double found = inertia(samples, centroids.view(), predict(samples, centroids.view()));
    known_.push_back({values, found});
    return found;
  }

 private:
  struct Known {
    std::vector<float> centroids;
    double inertia;
  };
  static std::span<const float> values_of(const Matrix<float>& m) { return {m.data(), m.rows() * m.cols()}; }

  Case case_;
  std::shared_ptr<Workload<float>> data_;
  SharedFloats samples_, centroids_, result_;
  const Result<float>& answer_;
  std::vector<Known> known_;
};

std::shared_ptr<Problem> problem(const Case& c, double scalar_limit) {
  static std::map<std::string, std::shared_ptr<Problem>> known;
  auto& found = known[c.dataset + ' ' + c.name()];
  if (!found) found = std::make_shared<Problem>(c, scalar_limit);
  return found;
}

struct Run {
  Case c;
  std::string family;
  Peer peer;
  int threads;
  std::size_t max_iter;
};

/// Too slow once is too slow: its other repetitions, and its longer runs, are not tried.
std::map<std::string, std::string>& given_up() {
  static std::map<std::string, std::string> all;
  return all;
}

std::set<std::string>& tried() {
  static std::set<std::string> all;
  return all;
}

/// Throws TooSlow where a fit of a part of the samples says that the whole would take twice the limit.
void try_part(Worker& worker, const Run& run, const Problem& data, double limit) {
  constexpr std::size_t parts = 32;
  const std::size_t n = std::max(run.c.n / parts, 2 * run.c.k);
  if (run.c.work() < 1e9 || n >= run.c.n) return;
  const double once = worker.fit(data.request(n, 1, "given"), limit, data.result()).seconds *
                      static_cast<double>(run.c.n) / static_cast<double>(n);
  if (once * static_cast<double>(run.max_iter) > 2 * limit)
    throw TooSlow{"one iteration takes some " + std::to_string(once).substr(0, 4) + " s"};
}

void measure(benchmark::State& state, const Run& run, Workers& workers, const Plan& plan) {
  const std::string key = run.peer.name + " " + run.c.dataset + run.c.name() + std::to_string(run.threads) +
                          (run.family == "own" ? "own" : "");
  const auto give_up = [&](const std::string& why) { state.SkipWithError(("skipped: " + why).c_str()); };
  if (const auto known = given_up().find(key); known != given_up().end()) return give_up(known->second);

  const auto data = problem(run.c, plan.scalar_limit);
  const bool own = run.family == "own";
  Worker& worker = *workers.find(run.peer, run.threads);
  const bool ours = worker.marked("ours"), approximate = worker.marked("approximate");
  const double limit = limit_of(run.c, run.family, plan.peer_limit);
  peers::Reply reply;
  for (auto _ : state) {
    try {
      if (tried().insert(key).second) try_part(worker, run, *data, limit);
      reply = worker.fit(data->request(run.c.n, run.max_iter, own ? "own" : "given"), limit, data->result());
    } catch (const TooSlow& slow) {
      return give_up(given_up()[key] =
                         slow.why + "; the limit of a run is " + std::to_string(limit).substr(0, 4) + " s");
    } catch (const std::exception& error) {
      if (ours) return fail(state, error.what());
      return give_up(given_up()[key] = std::string("the library failed: ") + error.what());
    }
    state.SetIterationTime(reply.seconds);
  }

  bool same = false;
  double found = 0;
  try {
    found = data->inertia_of_result(same);
  } catch (const std::exception& error) {
    if (ours) return fail(state, error.what());
    return give_up(error.what());
  }
  const Result<float>& answer = data->answer();
  const bool whole = run.family == "peer" || run.family == "map", exact = ours && run.peer.name != "textbook";
  if (whole && exact && !same)
    return fail(state, run.peer.name + ": centroids are not those of " + answer.backend);

  // What the library does not tell is taken to be what was asked for.
  const double n_iter =
      reply.n_iter > 0 ? static_cast<double>(reply.n_iter) : static_cast<double>(run.max_iter);
  auto& counters = state.counters;
  counters["ours"] = ours;
  counters["inertia"] = found;
  counters["conversion_seconds"] = reply.conversion_seconds;
  if (reply.peak_bytes >= 0) counters["memory_bytes"] = static_cast<double>(reply.peak_bytes);
  if (!own || reply.n_iter > 0) {
    counters["n_iter"] = n_iter;
    counters["seconds_per_iteration"] = reply.seconds / n_iter;
    set_rate(state, 2 * run.c.work() * n_iter, reply.seconds, default_isa(), "f32", run.threads,
             plan.ceilings);
  }
  counters["n_threads"] = run.threads;
  counters["told_iterations"] = reply.n_iter > 0;
  counters["float64"] = worker.marked("float64");
  counters["own_start"] = worker.marked("own-start");
  counters["start_by_labels"] = worker.marked("labels");
  counters["exact"] = !approximate && run.peer.name != "textbook";
  if (whole) {
    counters["same_bits"] = same;
    counters["inertia_ratio"] = found == answer.inertia ? 1 : found / answer.inertia;
    counters["same_end"] = std::abs(found - answer.inertia) <= kSameEnd * answer.inertia;
    counters["stopped_early"] =
        reply.n_iter > 0 && static_cast<std::size_t>(reply.n_iter) < std::min(run.max_iter, answer.n_iter);
  }
}

void register_peers(const Plan& plan) {
  static Workers workers;
  const int threads = plan.threads.back();  // asked for, or all there are
  const auto add = [&](const std::vector<Case>& cases, const std::string& family, std::size_t max_iter) {
    for (const Case& c : cases) {
      if (c.dtype != "f32") continue;
      for (const Peer& peer : all_peers()) {
        // The scalar backends run one thread's loops, where that takes seconds; who else is too slow is found
        // out.
        const bool scalar = peer.name == "naive" || peer.name == "openmp";
        if (scalar && !runs(peer.name, c, max_iter, 1, plan.scalar_limit)) continue;
        // All of ours end where simd does: in the other families auto and simd stand for them.
        const bool whole = family == "peer" || family == "map";
        if (!whole && peer.name != "auto" && peer.name != "simd" && is_ours(peer.name)) continue;
        const Worker* worker = workers.find(peer, threads);
        if (!worker || (family == "curve" && worker->marked("own-start"))) continue;
        const std::string prefix = family == "curve" ? "/iters:" + std::to_string(max_iter) : "";
        const std::string name =
            family + '/' + c.name() + prefix + '/' + peer.name + "/threads:" + std::to_string(threads);
        const Run run{c, family, peer, threads, max_iter};
        auto* added = add_benchmark(name, Clock::manual,
                                    [run, &plan](auto& state) { measure(state, run, workers, plan); });
        added->Iterations(1);
        if (!own_repetitions) added->Repetitions(repetitions_of(c, family, plan.suite));
      }
    }
  };
  if (!plan.suite) {
    add(plan.cases, "peer", kIterations);
    add(plan.cases, "own", kIterations);
    return;
  }
  add(plan.suite->peers, "peer", kIterations);
  add(plan.suite->peer_maps, "map", kIterations);
  for (const std::size_t max_iter : {1, 2, 4, 8}) add(plan.suite->peer_curves, "curve", max_iter);
  add(plan.suite->peer_own, "own", kIterations);
}

/// Takes "--name=value" out of the arguments.
std::string take_option(std::vector<char*>& arguments, const std::string& name) {
  std::string value;
  std::erase_if(arguments, [&](const char* argument) {
    const std::string text = argument, start = "--" + name + "=";
    if (!text.starts_with(start)) return false;
    value = text.substr(start.size());
    return true;
  });
  return value;
}

}  // namespace
}  // namespace omnimeans::bench

int main(int argc, char** argv) {
  using namespace omnimeans::bench;
  std::vector<char*> arguments(argv, argv + argc);
  only = take_option(arguments, "only");
  for (const std::string argument : arguments)
    own_repetitions |= argument.starts_with("--benchmark_repetitions");
  return run(static_cast<int>(arguments.size()), arguments.data(),
             {"bench_peers",
              "Times other libraries and ours on the same fits. --only=NAME,... leaves the others out.",
              &Suite::peers, register_peers});
}
