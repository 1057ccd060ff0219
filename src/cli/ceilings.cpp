// SPDX-License-Identifier: MIT
// The machine's ceilings, from the benchmarks where these are built; see ceilings.hpp.
#include "cli/ceilings.hpp"

#ifdef OMNIMEANS_HAS_CEILINGS
#include "bench/ceilings.hpp"
#endif

namespace omnimeans::cli {

#ifdef OMNIMEANS_HAS_CEILINGS
std::vector<Ceiling> measure_ceilings(int threads) {
  std::vector<int> thread_counts = {1};
  if (threads > 1) thread_counts.push_back(threads);
  const ceilings::Ceilings measured = ceilings::measure(thread_counts);
  std::vector<Ceiling> list;
  for (const ceilings::PeakRate& peak : measured.peaks) {
    const std::string what =
        "multiply-add " + std::string(peak.dtype) + ' ' + std::string(to_string(peak.isa));
    list.push_back({what, peak.threads, peak.gflops, "GFLOP/s"});
  }
  for (const ceilings::ReadBandwidth& bandwidth : measured.bandwidths) {
    list.push_back({"memory read", bandwidth.threads, bandwidth.gbytes_per_second, "GB/s"});
  }
  return list;
}
#else
std::vector<Ceiling> measure_ceilings(int) {
  return {};
}
#endif

}  // namespace omnimeans::cli
