// SPDX-License-Identifier: MIT
// bytebounds: exact k-means with a lower bound for every sample-centroid pair, as Elkan's (2003), in one byte
// a pair, and survivors scored in tiles. The bounds are read, hardly ever written: what centroids drift is
// kept beside them.
//
//   u_i >= |x_i - c_a(i)|       |x_i - c_j| >= q b_ij - P_j
//   P_j  how far c_j has drifted since the epoch began       q   the quantum of the sample's class
//   c_j cannot be the nearest to x_i if  b_ij >= ceil(P_j / q) + v,  v > u_i / q:  64 pairs an instruction.
//
// One step, for each sample:
//   1  u_i += drift of c_a. Scan the bytes; nothing left but a: done.
//   2  Score c_a, which tightens u_i; scan again. Nothing left: done.
//   3  Few are left: score those pairs. Many: the whole sample joins a tile (a dense refresh).
//   4  The lowest score decides where the margin of the dense engine proves it, else D; the bytes of what was
//      scored are written anew.
//
// Quanta. A class holds the samples with u in [2^e, 2^(e+1)) when they were last refreshed; q = 2^(e-6), so u
// is 64 to 128 quanta and bounds reach to twice u at least. A sample that outgrows its class is refreshed.
// When the drift of a class nears the range of a byte it is taken off its bounds and starts from zero.
//
// Needs n*k bytes. Rounding: q is a power of two; u and P are rounded up, bounds down; equality is not
// skipped.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "backends/backends.hpp"
#include "dense_engine.hpp"
#include "int8_filter.hpp"
#include "rounding.hpp"

namespace omnimeans::algorithms {
namespace {

constexpr std::size_t block_rows = 240;
constexpr std::size_t n_classes = 64;
constexpr int largest_class = 40;  ///< exponents of u above that of the centroids' spread, and below

std::size_t padded_bytes(std::size_t k) {
  return block_count(k, kernels::byte_lanes) * kernels::byte_lanes;
}

/// The 8-bit kernels that may be used, or null.
template <class T>
const kernels::Int8Kernels* int8_for(const Problem<T>& problem) {
  const std::size_t d = problem.samples.cols();
  if (sizeof(T) != sizeof(float) || d < 16 || d > kernels::int8_longest) return nullptr;
  return kernels::int8_kernels(problem.isa);
}

template <class T>
double bytebounds_bytes(const Problem<T>& problem) {
  const std::size_t n = problem.samples.rows(), k = problem.n_clusters, d = problem.samples.cols();
  const double padded = static_cast<double>(padded_bytes(k));
  const double rows = static_cast<double>(k) * static_cast<double>(d + kernels::byte_lanes) * sizeof(T);
  const double work =
      static_cast<double>(problem.threads) * (static_cast<double>(k) * (16 + 2 * sizeof(T)) + padded);
  const double filter = int8_for(problem) != nullptr ? Int8Filter::bytes_needed(n, d, k) : 0;
  return DenseEngine<T>::bytes_needed(problem, true) + filter +
         static_cast<double>(n) * (padded + sizeof(T) + 1) + rows + work +
         static_cast<double>(n_classes) * (padded + static_cast<double>(k) * (8 + sizeof(T)));
}

template <class T>
class ByteBounds final : public Backend<T> {
 public:
  explicit ByteBounds(const Problem<T>& problem)
      : problem_(within_memory("bytebounds", problem, bytebounds_bytes(problem))),
        engine_(problem.samples, problem.n_clusters, problem.isa, problem.threads),
        k_(problem.n_clusters),
        stride_(padded_bytes(k_)),
        bounds_(AlignedBuffer<std::uint8_t>::for_overwrite(problem.samples.rows() * stride_)),
        upper_(problem.samples.rows()),
        drift_(k_),
        class_of_(problem.samples.rows()) {
    for (int thread = 0; thread < std::max(problem.threads, 1); ++thread)
      works_.emplace_back(k_, engine_.padded_features());
    if constexpr (sizeof(T) == sizeof(float)) {
      const auto* int8 = int8_for(problem);
      if (int8 != nullptr)
        filter_ = std::make_unique<Int8Filter>(engine_, *int8, problem.samples.rows(), problem.samples.cols(),
                                               k_, problem.threads);
    }
    dense_from_ = dense_from();
  }

  AssignmentStats assign(const Assignment<T>& step) override {
    engine_.set_centroids(step.centroids);
    if (step.drift.empty()) return first_pass(step);
    advance(step.drift);
    pack();
    const AssignmentStats stats = engine_.over_samples(
        block_rows, [&](RowRange rows, Scratch& scratch) { pruned_block(step, rows, scratch); });
    for (Class& c : classes_) {
      if (c.rebase) c.start(k_, stride_);
    }
    return stats;
  }

  std::uint64_t bytes() const override { return static_cast<std::uint64_t>(bytebounds_bytes(problem_)); }

 private:
  using Scratch = typename DenseEngine<T>::Scratch;

  struct Class {
    double quantum = 1;
    T per_quantum = 1;                       ///< 1 / quantum: a power of two, exact
    std::vector<double> drift;               ///< P_j; empty: no sample has been in this class
    std::vector<T> moved;                    ///< P_j in the engine's units, rounded down
    std::vector<std::uint8_t> units, zeros;  ///< ceil(P_j / q), and what a sample sees that was rebased
    bool rebase = false, dirty = false;

    void start(std::size_t k, std::size_t stride) {
      drift.assign(k, 0);
      moved.assign(k, T(0));
      units.assign(stride, 0);
      zeros.assign(stride, 0);
      rebase = dirty = false;
    }
    const std::uint8_t* seen() const { return rebase ? zeros.data() : units.data(); }
  };

  /// A thread's memory.
  struct Work {
    Work(std::size_t k, std::size_t padded_features)
        : open(k + kernels::byte_lanes), scores(k), moved(k), scores8(k), bytes(k), x(padded_features) {}
    std::vector<std::int32_t> open;
    std::vector<T> scores, moved;
    std::vector<float> scores8;
    std::vector<std::uint8_t> bytes;
    std::vector<T> x;
    Int8Filter::Scratch int8;
  };

  Work& work_of(const Scratch& scratch) { return works_[scratch.thread]; }

  double weight(std::size_t i) const {
    return problem_.sample_weights.empty() ? 1.0 : static_cast<double>(problem_.sample_weights[i]);
  }

  /// Every distance once, by the dense kernel.
  AssignmentStats first_pass(const Assignment<T>& step) {
    // The classes lie around the largest distance of a centroid from the centroids' mean.
    const double spread = engine_.largest_norm();
    const int top = (spread > 0 ? std::ilogb(spread) : 0) + static_cast<int>(n_classes) - largest_class;
    for (std::size_t c = 0; c < n_classes; ++c) {
      classes_[c] = {};
      constexpr int most = std::numeric_limits<T>::max_exponent - 8;
      const int exponent = std::clamp(top - static_cast<int>(c) - 6, -most, most);
      classes_[c].quantum = std::ldexp(1.0, exponent);
      classes_[c].per_quantum = static_cast<T>(std::ldexp(1.0, -exponent));
      classes_[c].start(k_, stride_);
    }
    top_ = top;
    factor_ = static_cast<double>(engine_.lower_factor());
    pack();
    const AssignmentStats stats = engine_.over_samples(block_rows, [&](RowRange rows, Scratch& scratch) {
      engine_.find_norms(rows);
      Work& work = work_of(scratch);
      for (std::size_t i = rows.begin; filter_ != nullptr && i < rows.end; ++i) load(i, work);
      scratch.listed.clear();
      for (std::size_t i = rows.begin; i < rows.end; ++i)
        scratch.listed.push_back(static_cast<std::int32_t>(i - rows.begin));
      refresh_listed(step, rows, work, scratch);
    });
    engine_.norms_found();
    return stats;
  }

  /// The centroids in every shape that scores are made from.
  void pack() {
    engine_.pack_rows();
    if (filter_ != nullptr) {
      filter_->set_centroids();
    } else {
      engine_.pack_panels();
    }
  }

  /// Adds what the centroids drifted; marks the classes whose drift nears the range of a byte.
  void advance(std::span<const double> drift) {
    for (std::size_t j = 0; j < k_; ++j) drift_[j] = round_up<T>(drift[j]);
    std::array<bool, n_classes> used{};
    for (const std::uint8_t c : class_of_) used[c] = true;
    for (std::size_t index = 0; index < n_classes; ++index) {
      Class& c = classes_[index];
      if (!used[index]) {
        if (c.dirty) c.start(k_, stride_);
        continue;
      }
      c.dirty = true;
      std::uint8_t most = 0;
      for (std::size_t j = 0; j < k_; ++j) {
        c.drift[j] = (c.drift[j] + drift[j]) * (1 + 0x1p-50);
        c.units[j] = static_cast<std::uint8_t>(std::min(255.0, std::ceil(c.drift[j] / c.quantum)));
        c.moved[j] = round_down<T>(c.drift[j] / factor_);
        most = std::max(most, c.units[j]);
      }
      c.rebase = most > 96;
      if (c.rebase) std::fill(c.moved.begin(), c.moved.end(), T(0));
    }
  }

  std::uint8_t class_for(T upper) const {
    // ilogb() of 0 and of infinity are the extremes of int.
    const int exponent = std::clamp(std::ilogb(static_cast<double>(upper)), -5000, 5000);
    return static_cast<std::uint8_t>(std::clamp(top_ - exponent, 0, static_cast<int>(n_classes) - 1));
  }

  /// v > u / q, and not much: the product is exact.
  static std::uint8_t units_of(T upper, const Class& c) {
    const T units = upper * c.per_quantum;
    return units < T(254) ? static_cast<std::uint8_t>(static_cast<int>(units) + 1) : std::uint8_t{255};
  }

  /// Steps 3 and 4 for whole samples, those in scratch.listed: label, class and all bytes.
  void refresh_listed(const Assignment<T>& step, RowRange rows, Work& work, Scratch& scratch) {
    if (scratch.listed.empty()) return;
    if (filter_ != nullptr) return refresh_filtered(step, rows, work, scratch);
    engine_.score_listed(rows.begin, scratch.listed, scratch);
    for (std::size_t r = 0; r < scratch.listed.size(); ++r) {
      const std::size_t i = rows.begin + static_cast<std::size_t>(scratch.listed[r]);
      const T* scores = scratch.scores.data() + r * engine_.padded_clusters();
      settle(step, i, engine_.rank_listed(i, {}, scores, scratch), scratch.stats);
      write_row(i, step.labels[i], scores, 0);
    }
  }

  /// Label and upper bound from the scores of all `count` centroids that `index` lists, one of them the
  /// nearest.
  void rank_pairs(const Assignment<T>& step, std::size_t i, std::span<const std::int32_t> index, Work& work,
                  Scratch& scratch) {
    engine_.listed_scores(engine_.sample(i, work.x.data()), index, work.scores.data());
    scratch.stats.distances_computed += index.size();
    settle(step, i, engine_.rank_listed(i, index, work.scores.data(), scratch), scratch.stats);
  }

  /// A sample's class anew from its upper bound, then the bytes of all centroids from scores that are off by
  /// `error` more than the engine's.
  void write_row(std::size_t i, std::int32_t own, const T* scores, double error) {
    class_of_[i] = class_for(upper_[i]);
    const Class& c = classes_[class_of_[i]];
    std::uint8_t* bounds = bounds_.data() + i * stride_;
    write_bytes(i, scores, c.moved.data(), k_, c, error, bounds);
    close(bounds, own);
  }

  void write_bytes(std::size_t i, const T* scores, const T* moved, std::size_t count, const Class& c,
                   double error, std::uint8_t* out) const {
    constexpr double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
    const auto terms = engine_.lower_terms(i);
    const double base = static_cast<double>(terms.base) - 2 * error;
    const T per_quantum = narrow<T>(static_cast<double>(terms.factor) / c.quantum * (1 - 4 * eps));
    engine_.kernels().byte_bounds(scores, moved, count, narrow<T>(base - std::abs(base) * eps), per_quantum,
                                  out);
  }

  /// What is never open: the padding, and the sample's own centroid.
  void close(std::uint8_t* bounds, std::int32_t own) const {
    std::fill(bounds + k_, bounds + stride_, std::uint8_t{255});
    bounds[own] = 255;
  }

  void settle(const Assignment<T>& step, std::size_t i, const typename DenseEngine<T>::Ranked& ranked,
              AssignmentStats& stats) {
    step.labels[i] = ranked.label;
    upper_[i] = round_up<T>(std::sqrt(ranked.distance) * slack_ + tiny_);
    stats.reranked += ranked.reranked;
    stats.inertia_bound += weight(i) * ranked.distance;
  }

  void pruned_block(const Assignment<T>& step, RowRange rows, Scratch& scratch) {
    Work& work = work_of(scratch);
    scratch.listed.clear();
    for (std::size_t i = rows.begin; i < rows.end; ++i) {
      if (!prune(step, i, work, scratch)) scratch.listed.push_back(static_cast<std::int32_t>(i - rows.begin));
    }
    refresh_listed(step, rows, work, scratch);
  }

  /// Steps 1 to 4 for one sample; false: it needs a dense refresh. The byte of its own centroid is 255, so
  /// that it is never open.
  bool prune(const Assignment<T>& step, std::size_t i, Work& work, Scratch& scratch) {
    const auto& kernels = engine_.kernels();
    const Class& c = classes_[class_of_[i]];
    const std::int32_t own = step.labels[i];
    std::uint8_t* bounds = bounds_.data() + i * stride_;
    if (c.rebase) {
      kernels.lower_bytes(bounds, c.units.data(), stride_);
      close(bounds, own);
    }
    // #1
    upper_[i] = (upper_[i] + drift_[static_cast<std::size_t>(own)]) * outward_;
    std::uint8_t units = units_of(upper_[i], c);
    std::size_t count = kernels.count_open(bounds, c.seen(), units, stride_);
    if (count == 0) {
      stay(i, scratch);
      return true;
    }
    if (count > 2 * dense_from_) return false;  // tightening u will not save it
    // #2
    const T own_score = tighten(i, own, work, scratch);
    units = units_of(upper_[i], c);
    count = kernels.open_pairs(bounds, c.seen(), units, stride_, work.open.data());
    if (count == 0) {
      stay(i, scratch);
      return true;
    }
    // #3
    if (count > dense_from_ || units > outgrown) return false;
    if (filter_ != nullptr) {
      score_open_filtered(step, i, own, own_score, count, work, scratch);
    } else {
      const std::span<const std::int32_t> open = with_own(own, count, work);
      rank_pairs(step, i, open, work, scratch);
      put_bytes(i, open, work.scores.data(), 0, work, step.labels[i]);
    }
    return true;
  }

  /// The sample keeps its label; u is what is known of its distance.
  void stay(std::size_t i, Scratch& scratch) const {
    const double u = static_cast<double>(upper_[i]);
    if (weight(i) > 0) scratch.stats.inertia_bound += weight(i) * u * u;
  }

  /// The score of the sample's own centroid, in eight bits where they are to be had, and u from it.
  T tighten(std::size_t i, std::int32_t own, Work& work, Scratch& scratch) {
    T score;
    double error = engine_.score_margin(i);
    if (filter_ != nullptr) {
      float score8;
      filter_->score_pairs(i, {&own, 1}, &score8);
      error += filter_->error(i);
      score = static_cast<T>(score8);
    } else {
      engine_.listed_scores(engine_.sample(i, work.x.data()), {&own, 1}, &score);
    }
    ++scratch.stats.distances_computed;
    const double squared = engine_.upper_squared(i, score, error);
    upper_[i] = std::min(upper_[i], round_up<T>(std::sqrt(squared) * slack_ + tiny_));
    return score;
  }

  /// The first `count` of work.open and the sample's own centroid, ascending.
  static std::span<const std::int32_t> with_own(std::int32_t own, std::size_t count, Work& work) {
    std::int32_t* end = work.open.data() + count;
    std::int32_t* place = std::lower_bound(work.open.data(), end, own);
    std::copy_backward(place, end, end + 1);
    *place = own;
    return {work.open.data(), count + 1};
  }

  /// The bytes of the centroids that `index` lists, from their scores.
  void put_bytes(std::size_t i, std::span<const std::int32_t> index, const T* scores, double error,
                 Work& work, std::int32_t own) {
    const Class& c = classes_[class_of_[i]];
    std::uint8_t* bounds = bounds_.data() + i * stride_;
    for (std::size_t o = 0; o < index.size(); ++o)
      work.moved[o] = c.moved[static_cast<std::size_t>(index[o])];
    write_bytes(i, scores, work.moved.data(), index.size(), c, error, work.bytes.data());
    for (std::size_t o = 0; o < index.size(); ++o) bounds[index[o]] = work.bytes[o];
    bounds[own] = 255;
  }

  void load(std::size_t i, Work& work) {
    if constexpr (filterable) {
      filter_->load(i, engine_.sample(i, work.x.data()));
    }
  }

  /// As refresh_listed, from scores in eight bits: what they leave open is scored in T.
  void refresh_filtered(const Assignment<T>& step, RowRange rows, Work& work, Scratch& scratch) {
    if constexpr (filterable) {
      filter_->score(rows.begin, scratch.listed, work.int8);
      scratch.stats.distances_computed += scratch.listed.size() * k_;
      for (std::size_t r = 0; r < scratch.listed.size(); ++r) {
        const std::size_t i = rows.begin + static_cast<std::size_t>(scratch.listed[r]);
        const float* scores = work.int8.scores.data() + r * filter_->scores_stride();
        const double error = filter_->error(i);
        // Both scores are off, and canonical distances by what the margin says.
        const float reach = round_up<float>((2 * error + engine_.score_margin(i)) * 1.01);
        const std::size_t count = engine_.kernels().near_lowest(scores, k_, reach, work.open.data());
        rank_pairs(step, i, {work.open.data(), count}, work, scratch);
        write_row(i, step.labels[i], scores, error);
      }
    }
  }

  /// Step 3 for a few pairs, all in eight bits first, the score of its own centroid too.
  void score_open_filtered(const Assignment<T>& step, std::size_t i, std::int32_t own, T own_score,
                           std::size_t count, Work& work, Scratch& scratch) {
    if constexpr (filterable) {
      filter_->score_pairs(i, {work.open.data(), count}, work.scores8.data());
      scratch.stats.distances_computed += count;
      const double error = filter_->error(i);
      put_bytes(i, {work.open.data(), count}, work.scores8.data(), error, work, own);
      // Two scores are off, and canonical distances by what the margin says.
      const double reach = (2 * error + engine_.score_margin(i)) * 1.01;
      const double score8 = static_cast<double>(own_score);
      const float highest = static_cast<float>(score8 + reach + 0x1p-22 * (std::abs(score8) + reach));
      std::size_t left = 0;
      for (std::size_t o = 0; o < count; ++o) {
        work.open[left] = work.open[o];
        left += !(work.scores8[o] > highest);
      }
      if (left == 0) return stay(i, scratch);
      const std::span<const std::int32_t> index = with_own(own, left, work);
      rank_pairs(step, i, index, work, scratch);
      if (step.labels[i] == own) return;
      const auto place = std::lower_bound(index.begin(), index.end(), own) - index.begin();
      const T score = work.scores[static_cast<std::size_t>(place)];
      put_bytes(i, {&own, 1}, &score, 0, work, step.labels[i]);
    }
  }

  static constexpr bool filterable = sizeof(T) == sizeof(float);
  /// Makes up for the roundings of a sum and a product.
  static constexpr T outward_ = 1 + 4 * std::numeric_limits<T>::epsilon();
  static constexpr std::uint8_t outgrown = 240;  ///< units of u

  Problem<T> problem_;
  DenseEngine<T> engine_;
  std::unique_ptr<Int8Filter> filter_;  ///< null: the CPU has no 8-bit products, or T is double
  std::size_t k_, stride_;
  AlignedBuffer<std::uint8_t> bounds_;  ///< n x stride: b_ij
  std::vector<T> upper_;                ///< n: u_i
  std::vector<T> drift_;                ///< k: of this step
  std::vector<std::uint8_t> class_of_;  ///< n
  std::array<Class, n_classes> classes_;
  std::vector<Work> works_;  ///< a thread each
  int top_ = 0;              ///< exponent of the first class
  double factor_ = 1;        ///< of engine_.lower_terms(), the same for all samples
  /// So many open pairs that a dense refresh is cheaper. In cycles of a Xeon of 2023: a score in a tile d/32,
  /// in eight bits d/128, and one to find the lowest and write the byte; a pair alone 20 and twice as much a
  /// feature.
  std::size_t dense_from() const {
    const double d = static_cast<double>(problem_.samples.cols()), k = static_cast<double>(k_);
    const double tile = filter_ != nullptr ? d / 128 + 1 : d / 32 + 1, alone = 20 + 2 * (tile - 1);
    return static_cast<std::size_t>(k * tile / alone) + 4;
  }
  std::size_t dense_from_ = 0;
  // What lies beyond u must be farther by D, too: the relative and the absolute error of the root of D.
  double slack_ = 1 + 0x1p-40 + gamma_of(static_cast<double>(problem_.samples.cols()) / 4 + 32, 0x1p-53);
  double tiny_ = std::sqrt(static_cast<double>(problem_.samples.cols())) * 0x1p-535;
};

}  // namespace

const BackendEntry& bytebounds() {
  static const BackendEntry entry{
      {.name = "bytebounds",
       .exact = true,
       .memory = "n*k bytes, n + 3*k*d values",
       .use_when = "48 features and 64 clusters or more, features times clusters from some 24,000 (64,000 "
                   "without products of bytes), "
                   "several iterations, and n*k bytes fit in memory",
       .avoid_when = "few clusters or features (hamerly and the dense kernel are faster)",
       .reference =
           "Elkan 2003 for the bounds; one byte a pair and tiles for survivors are this project's own"},
      make<ByteBounds, float>,
      make<ByteBounds, double>};
  return entry;
}

}  // namespace omnimeans::algorithms
