// SPDX-License-Identifier: MIT
// What a seeding is worth: for every method on six data sets, over 20 seeds, the time of the seeding, the
// inertia before and after ten iterations, and the inertia over time. Writes JSON for scripts/report.
#include <algorithm>
#include <array>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "bench/suites.hpp"
#include "bench/workload.hpp"
#include "omnimeans/fit.hpp"
#include "omnimeans/isa.hpp"
#include "omnimeans/seeding.hpp"

namespace omnimeans::bench {
namespace {

constexpr std::size_t iterations = 10;

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 != 0 ? values[half] : (values[half - 1] + values[half]) / 2;
}

/// Seconds and inertia after the seeding (0) and each iteration (1 ...), of one fit. The inertia of an
/// iteration is that of the centroids that it began with: an upper bound that is off by a millionth at most,
/// and exact in the end.
struct Curve {
  std::array<double, iterations + 1> seconds{}, inertia{};
  std::size_t passes = 0;
  double distances = 0;
};

Curve measure(const Matrix<float>& samples, std::size_t k, Init init, std::uint64_t seed) {
  const Result<float> result =
      fit(samples.view(),
          {.n_clusters = k, .init = init, .max_iter = iterations, .tol = 0, .seed = seed, .backend = "simd"});
  Curve curve;
  curve.passes = result.seed_passes;
  curve.distances = static_cast<double>(result.seed_distances_computed);
  double seconds = result.seed_seconds;
  for (std::size_t t = 0; t <= iterations; ++t) {
    const bool known = t < result.history.size();
    // Centroids are known before their inertia is: the time counts up to then.
    curve.seconds[t] = seconds;
    curve.inertia[t] = known ? result.history[t].inertia_bound : result.inertia;
    if (known) seconds += result.history[t].assignment_seconds + result.history[t].update_seconds;
  }
  return curve;
}

nlohmann::ordered_json study(const Case& c, std::size_t seeds) {
  const Matrix<float>& samples = workload<float>(c)->samples();
  nlohmann::ordered_json methods = nlohmann::ordered_json::array();
  measure(samples, c.k, Init::kmeans_plus_plus, 0);  // wakes threads and memory
  for (const SeedingMethod& method : seeding_methods()) {
    std::vector<Curve> curves;
    for (std::size_t seed = 0; seed < seeds; ++seed)
      curves.push_back(measure(samples, c.k, method.init, seed));
    const auto middle = [&](auto&& value) {
      std::vector<double> values;
      for (const Curve& curve : curves) values.push_back(value(curve));
      return median(values);
    };
    nlohmann::ordered_json seconds, inertia;
    for (std::size_t t = 0; t <= iterations; ++t) {
      seconds.push_back(middle([&](const Curve& curve) { return curve.seconds[t]; }));
      inertia.push_back(middle([&](const Curve& curve) { return curve.inertia[t]; }));
    }
    const double pairs = static_cast<double>(c.n) * static_cast<double>(c.k);
    methods.push_back(
        {{"name", method.name},
         {"passes", middle([](const Curve& curve) { return static_cast<double>(curve.passes); })},
         {"distances_share", middle([&](const Curve& curve) { return curve.distances / pairs; })},
         {"seconds", seconds},
         {"inertia", inertia}});
  }
  return {{"dataset", c.dataset}, {"n", c.n}, {"d", c.d}, {"k", c.k}, {"methods", methods}};
}

int run(int argc, char** argv) {
  std::string out, suite = "quick";
  std::size_t seeds = 20;
  CLI::App app("Measures what each seeding method costs and what it is worth.", "seeding_study");
  app.add_option("--out", out, "The JSON to write")->required();
  app.add_option("--suite", suite, "smoke, quick or full")->check(CLI::IsMember({"smoke", "quick", "full"}));
  app.add_option("--seeds", seeds, "Seeds a method")->check(CLI::Range(1, 1000));
  CLI11_PARSE(app, argc, argv);
  // Sizes by suite; the shapes of the data differ by kind.
  const std::size_t n = suite == "smoke" ? 500 : suite == "quick" ? 8000 : 50'000;
  const std::size_t k = suite == "smoke" ? 10 : suite == "quick" ? 64 : 256;
  nlohmann::ordered_json sets = nlohmann::ordered_json::array();
  for (const auto& [kind, d] : {std::pair{"blobs", 16},
                                {"anisotropic", 16},
                                {"imbalanced", 8},
                                {"uniform", 4},
                                {"embedding", 128},
                                {"images", 196}}) {
    sets.push_back(study({kind, "f32", n, static_cast<std::size_t>(d), k}, suite == "smoke" ? 2 : seeds));
  }
  const nlohmann::ordered_json document = {
      {"seeds", suite == "smoke" ? 2 : seeds}, {"isa", to_string(default_isa())}, {"sets", sets}};
  std::ofstream file(out);
  file << document.dump(1) << '\n';
  if (!file.flush()) {
    std::cerr << "seeding_study: " << out << " cannot be written\n";
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace omnimeans::bench

int main(int argc, char** argv) {
  return omnimeans::bench::run(argc, argv);
}
