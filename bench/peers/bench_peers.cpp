// SPDX-License-Identifier: MIT
// Other libraries beside this one: the same float32 bytes, the same first centroids, the same iterations and
// tolerance, the same number of threads; each in a process of its own (worker.hpp), repetitions interleaved,
// inertia of what they return found here, in double. The families of rows:
//   peer/...   25 iterations from given centroids, tol = 0; fewer where the fit is at rest sooner
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

std::string only;  // --only: names of peers, separated by commas

/// Work of a pass from which a part of the samples is tried first, instead of a whole iteration: a tenth of a
/// second or more.
constexpr double kHeavy = 1e9;

/// Seconds that a fit may take. It grows with the root of the work: where an iteration is long, who is good
/// at it is let in, not everybody. The maps have many problems.
double limit_of(const Case& c, const std::string& family, double suite_limit) {
  return family == "map" ? suite_limit / 4 : std::max(suite_limit, 1.5e-4 * std::sqrt(c.work()));
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
  std::string name, family;
  Peer peer;
  int threads;
  std::size_t max_iter;
};

/// Too slow once is too slow: its other repetitions are not tried.
std::map<std::string, std::string>& given_up() {
  static std::map<std::string, std::string> all;
  return all;
}

std::set<std::string>& tried() {
  static std::set<std::string> all;
  return all;
}

/// Throws TooSlow where one and three iterations of a part of the samples say that the whole would take twice
/// the limit: twice, because bounds save more in later iterations.
void try_part(Worker& worker, const Run& run, const Problem& data, std::size_t max_iter, double limit) {
  constexpr std::size_t parts = 32;
  const std::size_t n = std::min(run.c.n, std::max(run.c.n / parts, 2 * run.c.k));
  const double share = static_cast<double>(run.c.n) / static_cast<double>(n);
  const auto seconds = [&](std::size_t iterations) {
    return share * worker.fit(data.request(n, iterations, "given"), 0, 2 * limit + 10, data.result()).seconds;
  };
  seconds(1);  // starts threads
  const double once = seconds(1);
  if (run.family == "own") {  // how many iterations it will do is not known
    if (once > limit) throw TooSlow{"one iteration takes some " + peers::in_seconds(once)};
    return;
  }
  const double rest = static_cast<double>(max_iter) - 1;
  const double expected = once + rest * (max_iter > 3 ? std::max(0.0, seconds(3) - once) / 2 : once);
  if (expected > 2 * limit) throw TooSlow{"it would take some " + peers::in_seconds(expected)};
}

/// The run's fit, after a warm-up and within the limit.
peers::Reply fit_of(Worker& worker, const Run& run, const Problem& data, std::size_t max_iter, double limit) {
  const bool heavy = run.c.work() >= kHeavy, own = run.family == "own";
  if (heavy && tried().insert(run.name).second) try_part(worker, run, data, max_iter, limit);
  const std::string request = data.request(run.c.n, max_iter, own ? "own" : "given");
  // The conversion takes its time, too. Where nothing else was tried the warm-up may take half the limit, and
  // three iterations as much. What own defaults take is not known before: there the limit is what ends it.
  const double patience = own ? limit + 2 : (heavy ? 1.5 : 2.5) * limit + 10;
  return worker.fit(request, heavy ? 0 : limit, patience, data.result());
}

/// One repetition: a fit that is over in a blink is done again until its suite's min_seconds are full, and
/// the one in the middle counts.
peers::Reply middle_fit(Worker& worker, const Run& run, const Problem& data, std::size_t max_iter,
                        double limit, const Plan& plan) {
  constexpr std::size_t most = 51;
  const double least_seconds = plan.suite != nullptr ? plan.suite->min_seconds : Suite{}.min_seconds;
  std::vector<peers::Reply> replies;
  double seconds = 0;
  do {
    replies.push_back(fit_of(worker, run, data, max_iter, limit));
    seconds += replies.back().seconds;
    spend(run.name, replies.back().seconds);
  } while (seconds < least_seconds && replies.size() < most);
  const auto middle = replies.begin() + static_cast<std::ptrdiff_t>(replies.size() / 2);
  std::ranges::nth_element(replies, middle, {}, &peers::Reply::seconds);
  return *middle;
}

void measure(benchmark::State& state, const Run& run, Workers& workers, const Plan& plan) {
  // Who else is too slow is found out.
  if (is_scalar(run.peer.name) && !affords(plan, run.peer.name, run.c, run.max_iter))
    return leave_out(state, "it would take too long");
  if (const auto known = given_up().find(run.name); known != given_up().end())
    return leave_out(state, known->second);
  // The maps have many problems.
  if (enough(state, run.name, run.family == "map" ? plan.cell_seconds / 4 : plan.cell_seconds)) return;
  const auto give_up = [&](const std::string& why) { state.SkipWithError(("skipped: " + why).c_str()); };

  const auto data = problem(run.c, plan.scalar_limit);
  const bool own = run.family == "own";
  // A fit at rest has no more iterations: who does not notice would be credited with what did not happen.
  const std::size_t max_iter = own ? run.max_iter : std::min(run.max_iter, data->answer().n_iter);
  Worker& worker = *workers.find(run.peer, run.threads);
  const bool ours = worker.marked("ours"), approximate = worker.marked("approximate");
  const double limit = limit_of(run.c, run.family, plan.peer_limit);
  peers::Reply reply;
  for (auto _ : state) {
    try {
      reply = middle_fit(worker, run, *data, max_iter, limit, plan);
    } catch (const TooSlow& slow) {
      return give_up(given_up()[run.name] = slow.why + "; the limit of a run is " + peers::in_seconds(limit));
    } catch (const std::exception& error) {
      if (ours) return fail(state, error.what());
      return give_up(given_up()[run.name] = std::string("the library failed: ") + error.what());
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
  const double n_iter = reply.n_iter > 0 ? static_cast<double>(reply.n_iter) : static_cast<double>(max_iter);
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
  counters["asked_iterations"] = static_cast<double>(max_iter);
  if (reply.used_samples > 0)
    counters["used_share"] = static_cast<double>(reply.used_samples) / static_cast<double>(run.c.n);
  counters["float64"] = worker.marked("float64");
  counters["own_start"] = worker.marked("own-start");
  counters["start_by_labels"] = worker.marked("labels");
  counters["exact"] = !approximate && run.peer.name != "textbook";
  if (whole) {
    counters["same_bits"] = same;
    counters["inertia_ratio"] = found == answer.inertia ? 1 : found / answer.inertia;
    counters["same_end"] = std::abs(found - answer.inertia) <= kSameEnd * answer.inertia;
    counters["stopped_early"] = reply.n_iter > 0 && static_cast<std::size_t>(reply.n_iter) < max_iter;
  }
}

void register_peers(const Plan& plan) {
  static Workers workers;
  const int threads = plan.threads.back();  // asked for, or all there are
  const auto add = [&](const std::vector<Case>& cases, const std::string& family, std::size_t max_iter) {
    for (const Case& c : cases) {
      if (c.dtype != "f32") continue;
      for (const Peer& peer : all_peers()) {
        // All of ours end where simd does: in the other families auto and simd stand for them.
        const bool whole = family == "peer" || family == "map";
        if (!whole && peer.name != "auto" && peer.name != "simd" && is_ours(peer.name)) continue;
        const Worker* worker = workers.find(peer, threads);
        if (!worker || (family == "curve" && worker->marked("own-start"))) continue;
        const std::string prefix = family == "curve" ? "/iters:" + std::to_string(max_iter) : "";
        const std::string name =
            family + '/' + c.name() + prefix + '/' + peer.name + "/threads:" + std::to_string(threads);
        const Run run{c, name, family, peer, threads, max_iter};
        const auto body = [run, &plan](benchmark::State& state) { measure(state, run, workers, plan); };
        add_benchmark({family + '/' + c.name(), name, Clock::manual, body, Passes::one});
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
  return run(static_cast<int>(arguments.size()), arguments.data(),
             {"bench_peers",
              "Times other libraries and ours on the same fits. --only=NAME,... leaves the others out.",
              &Suite::peers, register_peers, &Suite::peer_repetitions});
}
