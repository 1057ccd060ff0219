// SPDX-License-Identifier: MIT
// JSON and summary of a fit; see fit_report.hpp.
#include "cli/fit_report.hpp"

#include <algorithm>
#include <sstream>
#include <string_view>
#include <vector>

#include "cli/machine.hpp"
#include "omnimeans/backend.hpp"
#include "omnimeans/plan.hpp"
#include "omnimeans/version.hpp"

namespace omnimeans::cli {
namespace {

nlohmann::ordered_json history_json(const std::vector<IterationStats>& history) {
  auto list = nlohmann::ordered_json::array();
  for (const IterationStats& stats : history) {
    list.push_back({{"iteration", stats.iteration},
                    {"inertia_bound", stats.inertia_bound},
                    {"inertia_is_exact", stats.inertia_is_exact},
                    {"labels_changed", stats.labels_changed},
                    {"empty_clusters", stats.empty_clusters},
                    {"centroid_shift", stats.centroid_shift},
                    {"distances_computed", stats.distances_computed},
                    {"reranked", stats.reranked},
                    {"assignment_seconds", stats.assignment_seconds},
                    {"update_seconds", stats.update_seconds},
                    {"backend", stats.backend},
                    {"reason", stats.reason}});
  }
  return list;
}

const char* plural(std::size_t count) {
  return count == 1 ? "" : "s";
}

/// Those that labelled samples, in the order in which they began; the seeding is none.
template <class T>
std::vector<std::string_view> backends_of(const Result<T>& result) {
  std::vector<std::string_view> names;
  const auto add = [&](std::string_view name) {
    if (name != "seeding" && std::ranges::find(names, name) == names.end()) names.push_back(name);
  };
  for (const IterationStats& stats : result.history) add(stats.backend);
  add(result.backend);
  return names;
}

const char* how_it_ended(StopReason reason) {
  switch (reason) {
    case StopReason::converged:
      return "converged";
    case StopReason::tolerance:
      return "converged within the tolerance";
    case StopReason::max_iter:
      return "stopped by the limit of iterations";
    case StopReason::deadline:
      return "stopped by the time limit";
    case StopReason::cancelled:
      return "interrupted";
  }
  return "ended";
}

}  // namespace

template <class T>
nlohmann::ordered_json fit_json(const FitFacts& facts, const Result<T>& result) {
  nlohmann::ordered_json json = {{"omnimeans_version", OMNIMEANS_VERSION},
                                 {"data", facts.data},
                                 {"n", facts.n_samples},
                                 {"d", facts.n_features},
                                 {"k", result.centroids.rows()},
                                 {"dtype", facts.dtype},
                                 {"asked_backend", facts.backend},
                                 {"backend", result.backend},
                                 {"isa", to_string(result.isa)},
                                 {"threads", result.threads},
                                 {"init", facts.init},
                                 {"seed", facts.seed},
                                 {"n_init", facts.n_init},
                                 {"max_iter", facts.max_iter},
                                 {"tol", facts.tol},
                                 {"empty_clusters", facts.empty_clusters},
                                 {"load_seconds", facts.load_seconds},
                                 {"seed_seconds", result.seed_seconds},
                                 {"seed_distances_computed", result.seed_distances_computed},
                                 {"seed_passes", result.seed_passes},
                                 {"fit_seconds", result.fit_seconds},
                                 {"n_iter", result.n_iter},
                                 {"stop_reason", to_string(result.stop_reason)},
                                 {"inertia", result.inertia},
                                 {"n_nonempty", result.n_nonempty},
                                 {"run", result.run},
                                 {"distances_computed", result.distances_computed},
                                 {"reranked", result.reranked},
                                 {"backend_bytes", result.backend_bytes},
                                 {"peak_memory_bytes", peak_memory_bytes()}};
  json["weights"] = facts.weights.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(facts.weights);
  json["history"] = history_json(result.history);
  return json;
}

template <class T>
std::string fit_summary(const FitFacts& facts, const Result<T>& result) {
  const std::size_t k = result.centroids.rows();
  std::ostringstream out;
  out << facts.data << ": n = " << facts.n_samples << ", d = " << facts.n_features << ", k = " << k << ", "
      << facts.dtype << '\n';
  const auto names = backends_of(result);
  out << "backend" << plural(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) out << (i == 0 ? " " : ", then ") << names[i];
  if (names.back() != result.backend) out << ", at last " << result.backend << " again";
  out << ", isa " << to_string(result.isa) << ", " << result.threads << " thread"
      << plural(static_cast<std::size_t>(result.threads)) << '\n';
  out << result.n_iter << " iteration" << plural(result.n_iter) << ", " << how_it_ended(result.stop_reason);
  if (facts.n_init > 1) out << ", best of " << facts.n_init << " runs is run " << result.run + 1;
  out << '\n';
  out.precision(12);
  out << "inertia " << result.inertia << '\n';
  if (result.n_nonempty < k) out << "only " << result.n_nonempty << " of " << k << " clusters own a sample\n";
  out << "load " << human_seconds(facts.load_seconds) << ", seeding " << human_seconds(result.seed_seconds)
      << ", fit " << human_seconds(result.fit_seconds) << "; peak memory " << human_bytes(peak_memory_bytes())
      << '\n';
  return out.str();
}

template <class T>
std::string fit_explanation(const FitFacts& facts, const Result<T>& result) {
  std::ostringstream out;
  const auto names = backends_of(result);
  if (std::ranges::any_of(names, [](std::string_view name) {
        const BackendInfo& info = find_backend(name).info;
        return info.vectorised && info.tiled;
      })) {
    out << describe_dense_plan<T>(facts.n_samples, facts.n_features, result.centroids.rows(), result.isa,
                                  result.threads)
        << '\n';
  }
  const double pairs = static_cast<double>(facts.n_samples) * static_cast<double>(result.centroids.rows());
  out << std::fixed;
  for (std::size_t first = 0, last; first < result.history.size(); first = last) {
    const std::string_view backend = result.history[first].backend;
    std::string_view reason = result.history[first].reason;
    double seconds = 0, distances = 0;
    for (last = first; last < result.history.size(); ++last) {
      const IterationStats& stats = result.history[last];
      if (last > first && (stats.backend != backend || !stats.reason.empty())) break;
      seconds += stats.assignment_seconds;
      distances += static_cast<double>(stats.distances_computed);
    }
    const double count = static_cast<double>(last - first);
    out << "iteration" << plural(last - first) << ' ' << first;
    if (last - first > 1) out << " to " << last - 1;
    out << ": " << backend << ", ";
    if (backend == "seeding") {
      // The labels came with its last pass: what they cost is part of what it took.
      out.precision(3);
      out << "within its " << human_seconds(result.seed_seconds) << (facts.n_init > 1 ? " (all runs)" : "")
          << ", " << static_cast<double>(result.seed_distances_computed) / pairs
          << " passes' worth of distances" << (facts.n_init > 1 ? " (this run)" : "");
    } else {
      if (reason.empty() && facts.backend != "auto") reason = "as asked for";
      out << human_seconds(seconds / count) << (count == 1 ? ", " : " each, ");
      out.precision(1);
      out << 100 * distances / pairs / count << " % of the distances";
    }
    if (!reason.empty()) out << "\n  " << reason;
    out << '\n';
  }
  if (facts.n_init == 1) {  // of several runs only the best one's iterations are known
    double iterations = 0;
    for (const IterationStats& stats : result.history)
      iterations += stats.assignment_seconds + stats.update_seconds;
    out << "all iterations with their updates of the centroids " << human_seconds(iterations)
        << "; preparation and the labels for the last centroids "
        << human_seconds(std::max(0.0, result.fit_seconds - iterations)) << '\n';
  }
  out << "(percentages are of n * k distances; low-precision ones count, too, "
         "so a pair computed twice counts twice)\n";
  return out.str();
}

template nlohmann::ordered_json fit_json(const FitFacts&, const Result<float>&);
template nlohmann::ordered_json fit_json(const FitFacts&, const Result<double>&);
template std::string fit_summary(const FitFacts&, const Result<float>&);
template std::string fit_summary(const FitFacts&, const Result<double>&);
template std::string fit_explanation(const FitFacts&, const Result<float>&);
template std::string fit_explanation(const FitFacts&, const Result<double>&);

}  // namespace omnimeans::cli
