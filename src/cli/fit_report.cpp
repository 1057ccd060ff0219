// SPDX-License-Identifier: MIT
// JSON and summary of a fit; see fit_report.hpp.
#include "cli/fit_report.hpp"

#include <sstream>

#include "cli/machine.hpp"
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

}  // namespace

template <class T>
nlohmann::ordered_json fit_json(const FitFacts& facts, const Result<T>& result) {
  nlohmann::ordered_json json = {{"omnimeans_version", OMNIMEANS_VERSION},
                                 {"data", facts.data},
                                 {"n", facts.n_samples},
                                 {"d", facts.n_features},
                                 {"k", result.centroids.rows()},
                                 {"dtype", facts.dtype},
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
  out << "backend " << result.backend << ", isa " << to_string(result.isa) << ", " << result.threads
      << " thread" << plural(static_cast<std::size_t>(result.threads)) << '\n';
  out << result.n_iter << " iteration" << plural(result.n_iter) << ", stopped by "
      << to_string(result.stop_reason);
  if (facts.n_init > 1) out << ", best of " << facts.n_init << " runs is run " << result.run + 1;
  out << '\n';
  out.precision(12);
  out << "inertia " << result.inertia << '\n';
  out.precision(3);
  if (result.n_nonempty < k) out << "only " << result.n_nonempty << " of " << k << " clusters own a sample\n";
  out << std::fixed << "load " << facts.load_seconds << " s, seeding " << result.seed_seconds << " s, fit "
      << result.fit_seconds << " s; peak memory " << human_bytes(peak_memory_bytes()) << '\n';
  return out.str();
}

template <class T>
std::string fit_explanation(const FitFacts& facts, const Result<T>& result) {
  std::ostringstream out;
  if (result.isa != Isa::scalar) {
    out << describe_dense_plan<T>(facts.n_samples, facts.n_features, result.centroids.rows(), result.isa,
                                  result.threads)
        << '\n';
  }
  const double pairs = static_cast<double>(facts.n_samples) * static_cast<double>(result.centroids.rows());
  out << std::fixed;
  for (std::size_t first = 0, last; first < result.history.size(); first = last) {
    double seconds = 0, distances = 0;
    for (last = first; last < result.history.size(); ++last) {
      const IterationStats& stats = result.history[last];
      if (last > first && (stats.backend != result.history[first].backend || !stats.reason.empty())) break;
      seconds += stats.assignment_seconds;
      distances += static_cast<double>(stats.distances_computed);
    }
    const double count = static_cast<double>(last - first);
    out << "iteration" << plural(last - first) << ' ' << first;
    if (last - first > 1) out << " to " << last - 1;
    out.precision(3);
    out << ": " << result.history[first].backend << ", " << 1e3 * seconds / count << " ms each, ";
    out.precision(1);
    out << 100 * distances / pairs / count << " % of the distances";
    if (!result.history[first].reason.empty()) out << "\n  " << result.history[first].reason;
    out << '\n';
  }
  return out.str();
}

template nlohmann::ordered_json fit_json(const FitFacts&, const Result<float>&);
template nlohmann::ordered_json fit_json(const FitFacts&, const Result<double>&);
template std::string fit_summary(const FitFacts&, const Result<float>&);
template std::string fit_summary(const FitFacts&, const Result<double>&);
template std::string fit_explanation(const FitFacts&, const Result<float>&);
template std::string fit_explanation(const FitFacts&, const Result<double>&);

}  // namespace omnimeans::cli
