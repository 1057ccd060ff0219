// SPDX-License-Identifier: MIT
// The list of seeding methods. The program, the tests, the benchmarks and the report go through it.
#include <algorithm>
#include <array>
#include <string>

#include "omnimeans/error.hpp"
#include "seeding/methods.hpp"

namespace omnimeans {
namespace {

struct Entry {
  SeedingMethod info;
  seeding::Method<float> f32;
  seeding::Method<double> f64;
};

constexpr std::array entries{
    Entry{{.init = Init::kmeans_plus_plus,
           .name = "k-means++",
           .memory = "36*n bytes, 2*k*d values",
           .use_when = "always, unless you know better",
           .avoid_when = "the best inertia is worth more time (k-means++-greedy)",
           .reference = "Arthur and Vassilvitskii 2007; rejection in batches is this project's own"},
          seeding::kmeans_plus_plus<float>,
          seeding::kmeans_plus_plus<double>},
    Entry{{.init = Init::kmeans_plus_plus_greedy,
           .name = "k-means++-greedy",
           .memory = "200*n bytes, 2*k*d values",
           .use_when = "inertia after few iterations matters more than time",
           .avoid_when = "many iterations follow: they make up for most of it",
           .reference = "Arthur and Vassilvitskii 2007, section 6; as scikit-learn"},
          seeding::kmeans_plus_plus_greedy<float>,
          seeding::kmeans_plus_plus_greedy<double>},
    Entry{{.init = Init::kmeans_parallel,
           .name = "k-means||",
           .memory = "36*n bytes, 5*k*d values",
           .use_when = "the last percents of inertia are worth a few passes over the samples",
           .avoid_when = "k-means++ is at hand: it needs fewer distances",
           .reference = "Bahmani et al. 2012, Scalable k-means++, VLDB"},
          seeding::kmeans_parallel<float>,
          seeding::kmeans_parallel<double>},
    Entry{{.init = Init::afk_mc2,
           .name = "afk-mc2",
           .memory = "12*n bytes, k*d values",
           .use_when = "n is far above 200*k: one pass over the samples whatever k",
           .avoid_when = "many clusters: 100*k*k lone distances",
           .reference = "Bachem et al. 2016, Fast and provably good seedings for k-means, NIPS"},
          seeding::afk_mc2<float>,
          seeding::afk_mc2<double>},
    Entry{{.init = Init::farthest_first,
           .name = "farthest-first",
           .memory = "72*n bytes, 2*k*d values",
           .use_when = "the largest distance matters, or small clusters must not be missed",
           .avoid_when = "outliers: they are chosen first",
           .reference = "Gonzalez 1985, Clustering to minimize the maximum intercluster distance"},
          seeding::farthest_first<float>,
          seeding::farthest_first<double>},
    Entry{{.init = Init::random,
           .name = "random",
           .memory = "k hashes; with weights 16*n bytes",
           .use_when = "data without clear clusters, or hardly any time",
           .avoid_when = "separated clusters: several seeds fall into one",
           .reference = "Forgy 1965, Cluster analysis of multivariate data"},
          seeding::random<float>,
          seeding::random<double>},
    Entry{{.init = Init::kmeans_plus_plus_textbook,
           .name = "k-means++-textbook",
           .memory = "12*n bytes",
           .use_when = "checking or measuring another method",
           .avoid_when = "always, otherwise: k passes over the samples",
           .reference = "Arthur and Vassilvitskii 2007, k-means++: the advantages of careful seeding, SODA"},
          seeding::kmeans_plus_plus_textbook<float>,
          seeding::kmeans_plus_plus_textbook<double>},
};

constexpr auto infos = [] {
  std::array<SeedingMethod, entries.size()> all{};
  std::ranges::transform(entries, all.begin(), &Entry::info);
  return all;
}();

const Entry& find(Init init) {
  const auto found = std::ranges::find(entries, init, [](const Entry& entry) { return entry.info.init; });
  if (found == entries.end())
    throw InvalidArgument("init = " + std::to_string(static_cast<int>(init)) + " is not an Init");
  return *found;
}

}  // namespace

namespace seeding {

template <>
Method<float> method(Init init) {
  return find(init).f32;
}
template <>
Method<double> method(Init init) {
  return find(init).f64;
}

}  // namespace seeding

std::span<const SeedingMethod> seeding_methods() {
  return infos;
}

const SeedingMethod& find_seeding_method(Init init) {
  return find(init).info;
}

const SeedingMethod& find_seeding_method(std::string_view name) {
  std::string names;
  for (const SeedingMethod& known : infos) {
    if (known.name == name) return known;
    names += (names.empty() ? "" : ", ") + std::string(known.name);
  }
  throw InvalidArgument("there is no seeding method '" + std::string(name) + "'; there are " + names);
}

}  // namespace omnimeans
