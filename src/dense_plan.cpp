// SPDX-License-Identifier: MIT
#include "dense_plan.hpp"

#include <algorithm>
#include <sstream>

#if defined(__unix__)
#include <unistd.h>
#endif

#include "kernels/dense_limits.hpp"
#include "kernels/kernels.hpp"
#include "omnimeans/error.hpp"
#include "omnimeans/plan.hpp"

namespace omnimeans {
namespace {

/// Of one core, in bytes; half a megabyte where the system does not say.
std::size_t second_level_cache() {
#if defined(_SC_LEVEL2_CACHE_SIZE)
  static const long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
  if (bytes > 0) return static_cast<std::size_t>(bytes);
#endif
  return std::size_t{512} << 10;
}

}  // namespace

template <class T>
DensePlan make_dense_plan(std::size_t n_samples, std::size_t n_features, std::size_t n_clusters, Isa isa,
                          int threads) {
  const auto& kernels = kernels::kernels_for<T>(isa);
  DensePlan plan{.isa = isa, .tile_rows = kernels.nearest_tile};
  // Starting a thread, and waiting for it, costs more than half a million multiply-adds (some ten
  // microseconds).
  const double work =
      static_cast<double>(n_samples) * static_cast<double>(n_clusters) * static_cast<double>(n_features);
  plan.threads = static_cast<int>(std::clamp(work / 5e5, 1.0, static_cast<double>(std::max(threads, 1))));
  plan.n_groups = (n_clusters + kernels.nearest_group - 1) / kernels.nearest_group;
  plan.direct = n_clusters <= kernels.nearest_direct;
  plan.chunk = std::min(n_features, kernels::dense_chain);
  // About a quarter of a thread's share, in whole tiles. Of small samples more at a time: a thread asks for
  // memory some 8 KiB ahead, which is in vain at the end of its block.
  constexpr std::size_t label_bytes = std::size_t{256} << 10;
  const std::size_t tile = plan.tile_rows,
                    share = n_samples / (4 * static_cast<std::size_t>(plan.threads)) / tile * tile;
  const auto rows = [&](std::size_t most) {
    return std::clamp<std::size_t>(share, tile, std::max(tile, most / tile * tile));
  };
  plan.block_rows = rows(largest_block_rows);
  plan.label_rows =
      rows(std::clamp(label_bytes / (n_features * sizeof(T)), largest_block_rows, largest_label_rows));
  // The other half is for samples and scores.
  plan.panel_bytes =
      std::clamp<std::size_t>(second_level_cache() / 2, std::size_t{128} << 10, std::size_t{1} << 20);
  return plan;
}

template <class T>
std::string describe_dense_plan(std::size_t n_samples, std::size_t n_features, std::size_t n_clusters,
                                Isa isa, int threads) {
  if (n_samples == 0 || n_features == 0 || n_clusters == 0)
    throw InvalidArgument("a plan needs n_samples, n_features and n_clusters of at least 1");
  const DensePlan plan = make_dense_plan<T>(n_samples, n_features, n_clusters, isa, threads);
  std::ostringstream out;
  out << "dense plan (" << to_string(isa) << "): tiles of " << plan.tile_rows
      << (sizeof(T) == sizeof(float) ? " samples (of float), " : " samples, ");
  if (plan.direct) {
    out << "an accumulator for each of " << n_clusters << " centroids";
  } else {
    const std::size_t small = n_clusters / plan.n_groups, large = n_clusters % plan.n_groups;
    out << plan.n_groups << " groups of " << small;
    if (large != 0) out << " or " << small + 1;
    out << " centroids";
  }
  out << ", " << plan.chunk << " features at a time;\n  blocks of " << plan.label_rows << " samples, "
      << plan.threads << (plan.threads == 1 ? " thread" : " threads") << ", up to " << plan.panel_bytes / 1024
      << " KiB of packed centroids in the second-level cache for every score";
  return out.str();
}

template DensePlan make_dense_plan<float>(std::size_t, std::size_t, std::size_t, Isa, int);
template DensePlan make_dense_plan<double>(std::size_t, std::size_t, std::size_t, Isa, int);
template std::string describe_dense_plan<float>(std::size_t, std::size_t, std::size_t, Isa, int);
template std::string describe_dense_plan<double>(std::size_t, std::size_t, std::size_t, Isa, int);

}  // namespace omnimeans
