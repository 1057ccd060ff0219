// SPDX-License-Identifier: MIT
// textbook: a baseline for the benchmarks, not exact. The loops as most people would write them, in T
// arithmetic, compiled with -O3 -ffast-math for each instruction set, samples shared out to threads.
//
//   for each sample i:  for each centroid j:  sum over t of (x_it - c_jt)^2;  keep the least
//
// Its labels may differ from the canonical ones where two centroids are equally near but for rounding.
#include <vector>

#include "backends/backends.hpp"
#include "backends/textbook_loops.hpp"
#include "parallel.hpp"

namespace omnimeans::algorithms {

#define OMNIMEANS_DECLARE(isa)                     \
  void textbook_##isa(const TextbookRows<float>&); \
  void textbook_##isa(const TextbookRows<double>&);
OMNIMEANS_DECLARE(scalar)
#if defined(OMNIMEANS_X86)
OMNIMEANS_DECLARE(sse42)
OMNIMEANS_DECLARE(avx2)
OMNIMEANS_DECLARE(avx512)
#endif
#undef OMNIMEANS_DECLARE

namespace {

template <class T>
using Loops = void (*)(const TextbookRows<T>&);

template <class T>
Loops<T> loops_for(Isa isa) {
  switch (isa) {
#if defined(OMNIMEANS_X86)
    case Isa::sse42:
      return textbook_sse42;
    case Isa::avx2:
      return textbook_avx2;
    case Isa::avx512:
      return textbook_avx512;
#endif
    default:
      return textbook_scalar;
  }
}

template <class T>
class Textbook final : public Backend<T> {
 public:
  explicit Textbook(const Problem<T>& problem)
      : problem_(within_memory("textbook", problem, pairs(problem.samples.rows(), 1) * sizeof(T))),
        loops_(loops_for<T>(problem.isa)),
        squared_(problem.samples.rows()) {}

  AssignmentStats assign(const Assignment<T>& step) override {
    const MatrixView<const T> samples = problem_.samples;
    constexpr std::size_t block_rows = 64;
    parallel_blocks(problem_.threads, block_count(samples.rows(), block_rows), [&](std::size_t block, int) {
      const RowRange rows = block_range(block, samples.rows(), block_rows);
      loops_({samples.row_data(rows.begin), samples.row_stride(), rows.size(), samples.cols(),
              step.centroids.data(), step.centroids.row_stride(), step.centroids.rows(),
              step.labels.data() + rows.begin, squared_.data() + rows.begin});
    });
    AssignmentStats stats{.distances_computed = samples.rows() * problem_.n_clusters};
    for (std::size_t i = 0; i < squared_.size(); ++i) {
      const double w =
          problem_.sample_weights.empty() ? 1.0 : static_cast<double>(problem_.sample_weights[i]);
      stats.inertia_bound += w * static_cast<double>(squared_[i]);
    }
    return stats;
  }

  std::uint64_t bytes() const override { return squared_.size() * sizeof(T); }

 private:
  Problem<T> problem_;
  Loops<T> loops_;
  std::vector<T> squared_;
};

}  // namespace

const BackendEntry& textbook() {
  static const BackendEntry entry{
      {.name = "textbook",
       .exact = false,
       .memory = "n values",
       .use_when = "a benchmark needs a fair baseline: plain loops, -O3 -ffast-math",
       .avoid_when = "always, otherwise: slower, and its labels depend on rounding",
       .reference = "Lloyd 1982, Least squares quantization in PCM"},
      make<Textbook, float>,
      make<Textbook, double>};
  return entry;
}

}  // namespace omnimeans::algorithms
