// SPDX-License-Identifier: MIT
// gap: exact k-means with one number a sample that is only read while its label stays: how much nearer its
// own centroid was than any other, when it was labelled. While the centroids have not moved by as much since,
// no distance is computed. (Our own; the bounds are those of Hamerly 2010, sample_gaps.hpp has the
// mathematics.)
//
//   for each sample i:  label_i stays if g_i > p_label(i)                                            #1
//   the others, in tiles of the dense kernel: label, both bounds, g_i                                #2
//                 (in sixteen bits where the CPU can: int16_rows.hpp)
//
// #1 is eight bytes of a sample (of float) and no write, a gather from k values and a comparison: one or two
// cycles, where Hamerly's bounds take 10 to 20. So it pays where exhaustive search itself is cheap: few
// features or few centroids. Where most of a block is open, all of it is labelled in place.
//
// While centroids move far, gaps prove nothing, and the second lowest score and two roots a sample are
// wasted: one block in sixteen keeps gaps from the start (all do where that is less than a thirtieth
// of a sample's distances, or on trial, when centroids are nearly at rest), and what they spare there, in
// cycles, decides after each step whether all do. So gap is never much slower than exhaustive search. In long
// steps blocks are timed, those that are labelled whole and those of which a list is, for what either costs
// is a matter of the CPU: then the clock has a say in how many distances are computed.
//
// Needs O(n) additional memory: n values. The inertia is left to fit(), which has it from the sums of the
// clusters. Siblings: hamerly.cpp, which tightens u_i, too; bytebounds.cpp for many features and clusters.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <vector>

#include "backends/backends.hpp"
#include "backends/first_step.hpp"
#include "backends/sample_gaps.hpp"

namespace omnimeans::algorithms {
namespace {

template <class T>
class Gap final : public Backend<T> {
 public:
  explicit Gap(const Problem<T>& problem)
      : problem_(within_memory("gap", problem, needed(problem))),
        engine_(problem.samples, problem.n_clusters, problem.isa, problem.threads, int16(problem)),
        gaps_(problem_, engine_.kernels()),
        on_trial_(problem.predecessor != nullptr) {
    problem_.predecessor = nullptr;
    // Measured like the cycles of first_step.hpp, at d = 3 to 128 and k = 4 to 100; of a list memory is not
    // read in order. In long steps take_timings() knows better.
    const double d = static_cast<double>(problem.samples.cols());
    const kernels::Int16Kernels* rounded = int16(problem);
    const double products = rounded != nullptr ? (d / rounded->rate + 4) / (d + 4) : 1,
                 bytes = d * (rounded != nullptr ? 2 : sizeof(T));
    in_place_ = row_cycles(problem, engine_.kernels()) * products + 6 + bytes / 8;
    more_if_listed_ = 6 + bytes / 6 + find_cycles;
    // A gap costs less than a thirtieth of its sample's distances, 6 of more than 180 cycles. All of them
    // from the first step on: `images` and `blobs` d = 768 and 784, k = 4 to 25 1.15 to 1.5 times as fast,
    // since what one block in sixteen shows takes effect two steps later; `uniform` as before (Zen 3, n =
    // 10,000).
    cheap_ = in_place_ > 30 * (look_cycles + find_cycles);
    constexpr double long_step = 5e6;  // multiply-adds: shorter ones are over before a block is timed well
    if (!cheap_ && static_cast<double>(problem.samples.rows()) * work_per_sample(problem) >= long_step)
      timings_.resize(static_cast<std::size_t>(std::max(problem.threads, 1)));
  }

  AssignmentStats assign(const Assignment<T>& step) override {
    engine_.set_centroids(step.centroids);
    Labelling<T> out = gaps_.labelling(step.labels, step.observer);
    out.inertia = step.drift.empty();
    AssignmentStats stats;
    if (step.drift.empty()) {
      all_keep_ = cheap_ || on_trial_;
      cost_before_ = 1;
    }
    if (step.drift.empty() || !gaps_.take_drift(step.drift)) {
      gaps_.begin();
      stats = engine_.assign(out, gaps_.block_rows(), [&](RowRange rows, auto& scratch) {
        scratch.with_gaps = all_keep_ || sampled(rows);
      });
      all_have_ = all_keep_;
    } else {
      stats = assign_open(step, out);
    }
    stats.observed = step.observer != nullptr;
    return stats;
  }

  std::uint64_t bytes() const override { return static_cast<std::uint64_t>(needed(problem_)); }

 private:
  using Clock = std::chrono::steady_clock;

  /// A thread's blocks, from one's turn in assign_open() to the next one's: the least that a sample took, in
  /// cycles, for others were disturbed.
  struct alignas(64) Timing {
    /// The block under way is done, the next one begins.
    void next() {
      const Clock::time_point now = Clock::now();
      const double cycles = std::chrono::duration<double>(now - since).count() * cycles_a_second;
      if (least != nullptr) *least = std::min(*least, (cycles - looks) / samples);
      least = nullptr;
      since = now;
    }
    /// It is one that is labelled as a whole and keeps no gaps.
    void is_in_place(std::size_t n_rows) {
      least = &in_place;
      samples = static_cast<double>(n_rows);
      looks = 0;
    }
    /// It is one of which a list is labelled; a short list tells little.
    void is_listed(std::size_t n_rows, std::size_t n_open) {
      if (n_open == 0 || 8 * n_open < n_rows) return;
      least = &listed;
      samples = static_cast<double>(n_open);
      looks = static_cast<double>(n_rows) * look_cycles;
    }

    double* least = nullptr;  ///< of its kind; null: of neither
    double samples = 0, looks = 0;
    Clock::time_point since;
    double in_place = std::numeric_limits<double>::infinity(), listed = in_place;
  };

  static double needed_in_float(const Problem<T>& problem) {
    return DenseEngine<T>::bytes_needed(problem, false) + SampleGaps<T>::bytes_needed(problem) +
           static_cast<double>(problem.threads) * sizeof(Timing);
  }
  static double needed(const Problem<T>& problem) {
    return needed_in_float(problem) + (int16(problem) != nullptr ? Int16Rows::bytes_needed(problem) : 0);
  }
  /// For the searches in sixteen bits, where that is possible and its rows fit the memory limit.
  static const kernels::Int16Kernels* int16(const Problem<T>& problem) {
    const auto limit = static_cast<double>(problem.memory_limit_bytes);
    const bool fits = limit == 0 || needed_in_float(problem) + Int16Rows::bytes_needed(problem) <= limit;
    return fits && int16_pays(problem) ? int16_kernels_for(problem) : nullptr;
  }

  /// Whether a block keeps gaps whatever they cost.
  bool sampled(RowRange rows) const { return rows.begin / gaps_.block_rows() % 16 == 0; }

  AssignmentStats assign_open(const Assignment<T>& step, const Labelling<T>& out) {
    std::atomic<std::size_t> n_sampled{0}, in_place{0}, listed{0};  // samples of such blocks
    for (Timing& timing : timings_) timing = {};
    AssignmentStats stats = engine_.assign_listed(out, gaps_.block_rows(), [&](RowRange rows, auto& scratch) {
      Timing* timing = timings_.empty() ? nullptr : &timings_[scratch.thread];
      if (timing != nullptr) timing->next();
      std::vector<std::int32_t>& open = scratch.listed;
      scratch.with_gaps = all_keep_ || sampled(rows);
      const bool known = sampled(rows) || (all_keep_ && all_have_);
      if (known) gaps_.find_open(rows, step.labels, open);  // #1
      // Finding new gaps for the whole block is not held against it: fewer samples are open in the next step.
      const double all = static_cast<double>(rows.size()) * in_place_;
      const double those = static_cast<double>(open.size()) * (in_place_ + more_if_listed_);
      if (!known || those > all) open.resize(rows.size());  // which of all is not asked
      if (sampled(rows)) {
        n_sampled += rows.size();
        (open.size() == rows.size() ? in_place : listed) += open.size();
      }
      if (timing != nullptr) {
        if (!scratch.with_gaps) timing->is_in_place(rows.size());
        if (open.size() < rows.size()) timing->is_listed(rows.size(), open.size());
      }
      // #2 is the engine's
    });
    all_have_ = all_keep_;
    take_timings();
    judge(static_cast<double>(n_sampled), static_cast<double>(in_place), static_cast<double>(listed));
    stats.inertia_bound = std::numeric_limits<double>::infinity();  // also where nothing was open
    return stats;
  }

  /// Of two steps, for the drift of one may leave open in the next what it did not: gaps begin where they
  /// would have been cheaper by a twentieth, or will be by a fifth if the cost falls once more as it fell,
  /// and end where they were dearer by a tenth, for beginning again is a step that spares nothing.
  void judge(double n_sampled, double in_place, double listed) {
    if (cheap_) return;  // all keep them, whatever they prove
    const double cost = (n_sampled * look_cycles + in_place * (in_place_ + find_cycles) +
                         listed * (in_place_ + more_if_listed_)) /
                        (n_sampled * in_place_);
    const double mean = (cost + cost_before_) / 2, next = cost * std::min(cost / cost_before_, 1.0);
    cost_before_ = cost;
    all_keep_ = all_keep_ ? mean < 1.1 : mean < 0.95 || next < 0.8;
  }

  /// The estimate knows neither how many multiply-adds this CPU does a cycle nor how fast its memory is: Zen
  /// 4, 25 steps, `blobs` n = 1M d = 16 k = 100 1.07 times as fast with measured cycles, `uniform` n = 100k d
  /// = 32 k = 100 1.03. A list costs less than it says, too: a Xeon with AMX, `uniform` n = 1M d = 8 k = 64
  /// 1.06, `blobs` n = 300k d = 32 k = 32 1.05.
  void take_timings() {
    const auto least = [&](double Timing::*of) {
      double cycles = std::numeric_limits<double>::infinity();
      for (const Timing& timing : timings_) cycles = std::min(cycles, timing.*of);
      return cycles;
    };
    const auto measured = [](double cycles) { return cycles > 0 && std::isfinite(cycles); };
    if (const double in_place = least(&Timing::in_place); measured(in_place)) {
      in_place_ = in_place;
      timed_ = true;
    }
    if (const double listed = least(&Timing::listed); timed_ && measured(listed))
      more_if_listed_ = std::max(listed - in_place_, 0.0);
  }

  static constexpr double cycles_a_second = 3.5e9;           ///< of all cycles here
  static constexpr double look_cycles = 2, find_cycles = 4;  ///< of #1, and of the gap of a labelled sample

  Problem<T> problem_;
  DenseEngine<T> engine_;
  SampleGaps<T> gaps_;
  double in_place_;              ///< cycles of a sample that is labelled with its block
  double more_if_listed_;        ///< what one that is listed and gets a gap takes more than that
  bool on_trial_;                ///< another backend went before: centroids are nearly at rest, and what the
                                 ///< gaps of all blocks spare in the next step decides
  bool cheap_;                   ///< all blocks keep gaps from the start
  std::vector<Timing> timings_;  ///< a thread; none: steps are short, or nothing is to be decided
  bool timed_ = false;           ///< in_place_ was measured
  bool all_keep_ = false;        ///< all blocks keep gaps
  bool all_have_ = false;        ///< all have theirs
  double cost_before_ =
      1;  ///< of the step before, of the blocks that always keep them, over exhaustive search
};

}  // namespace

const BackendEntry& gap() {
  static const BackendEntry entry{
      {.name = "gap",
       .exact = true,
       .memory = "2*n + 2*k*d values, 16*n bytes; in sixteen bits 2*n*d bytes more",
       .use_when = "many iterations, clusters times (features + 4) up to some 64,000 or, in integers, 10,000 "
                   "to 32,000",
       .avoid_when = "many features and clusters: nearly all samples stay open",
       .reference = "own; bounds of Hamerly 2010, Making k-means even faster, SDM"},
      make<Gap, float>,
      make<Gap, double>};
  return entry;
}

}  // namespace omnimeans::algorithms
