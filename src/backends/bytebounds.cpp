// SPDX-License-Identifier: MIT
// bytebounds: exact k-means with a lower bound for every sample-centroid pair, as Elkan's (2003), in one byte
// a pair (byte_rows.hpp), and survivors scored in tiles.
//
//   u_i >= |x_i - c_a(i)|       l_ij <= |x_i - c_j|, a byte
//
// One step, for each sample:
//   1  u_i += drift of c_a. Scan the bytes; nothing is left but a: done.
//      Much is left: the sample joins a tile, in eight bits where the CPU has them (a dense refresh; then u
//      may be only what those say, until step 3).
//   2  What is left in eight bits, of a few principal components where those hold nearly all of the variance
//      (principal_prefix.hpp; after another backend, of what that one rounded): most of it proves to be
//      farther than u_i. Nothing left: done.
//   3  |x_i - c_a| itself, which tightens u_i. Nothing left: done.
//   4  The distances of what is left, in T: the lowest decides where its rounding error leaves no doubt,
//      else D. The bytes of what was measured are written anew.
// A sample is read in T from the third on only: in many features memory is what a sample costs.
//
// Needs n*k bytes, and n*d more for eight bits. Lone distances are differences squared, so that a common
// offset of the data costs no digits. Siblings: elkan.cpp (the same bounds in T), int8.cpp (no bounds).
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "backends/backends.hpp"
#include "backends/bounds.hpp"
#include "backends/byte_rows.hpp"
#include "backends/eight_bits.hpp"
#include "dense_engine.hpp"
#include "int8_filter.hpp"
#include "rounding.hpp"

namespace omnimeans::algorithms {
namespace {

constexpr std::size_t block_rows = largest_block_rows;

template <class T>
double bytebounds_bytes(const Problem<T>& problem) {
  const std::size_t n = problem.samples.rows(), k = problem.n_clusters, d = problem.samples.cols();
  const double rows = static_cast<double>(k) * static_cast<double>(d + kernels::byte_lanes) * sizeof(T);
  const double work = static_cast<double>(problem.threads) *
                      (static_cast<double>(k) * (24 + 3 * sizeof(T)) + block_rows * (32 + sizeof(T)) * 4);
  const double filter = int8_kernels_for(problem) != nullptr
                            ? Int8Filter::bytes_needed(n, d, k, problem.threads, Int8Filter::Rows::shorter)
                            : 0;
  return DenseEngine<T>::bytes_needed(problem, true) + filter + ByteRows<T>::bytes_needed(n, k) +
         static_cast<double>(n) * sizeof(T) + rows + work;
}

template <class T>
class ByteBounds final : public KnowsEightBits<T> {
 public:
  explicit ByteBounds(const Problem<T>& problem)
      : KnowsEightBits<T>("bytebounds", problem, bytebounds_bytes(problem), Int8Filter::Rows::shorter),
        rounding_(problem.samples.cols()),
        rows_(engine_.kernels(), problem.samples.rows(), problem.n_clusters),
        upper_(problem.samples.rows()),
        drift_(problem.n_clusters) {
    for (int thread = 0; thread < std::max(problem.threads, 1); ++thread)
      works_.emplace_back(problem.n_clusters, engine_.padded_features());
  }

  AssignmentStats assign(const Assignment<T>& step) override {
    known_->set_centroids(step.centroids);
    if (filter_ == nullptr) engine_.pack_panels();
    dense_from_ = dense_from();
    if (step.drift.empty()) return first_pass(step);
    for (std::size_t j = 0; j < drift_.size(); ++j) drift_[j] = round_up<T>(step.drift[j]);
    rows_.advance(drift_);
    const AssignmentStats stats = engine_.over_samples(
        block_rows, [&](RowRange rows, Scratch& scratch) { pruned_block(step, rows, scratch); });
    rows_.advanced();
    return stats;
  }

 private:
  using KnowsEightBits<T>::problem_, KnowsEightBits<T>::known_, KnowsEightBits<T>::engine_,
      KnowsEightBits<T>::filter_;
  using Scratch = typename DenseEngine<T>::Scratch;

  /// A thread's memory.
  struct Work {
    Work(std::size_t k, std::size_t padded_features)
        : open(k + kernels::byte_lanes), squared(k + 1), scores(k), x(padded_features) {}
    std::vector<std::int32_t> open;              ///< of a sample: centroids that may be nearest
    std::vector<T> squared, scores;              ///< of those
    std::vector<float> bounds;                   ///< likewise, in eight bits
    std::array<std::uint8_t, block_rows> units;  ///< of a block's samples: v (byte_rows.hpp)
    std::vector<T> x;
    Int8Filter::Scratch int8;
  };

  Work& work_of(const Scratch& scratch) { return works_[scratch.thread]; }

  /// Every distance once, by the dense kernel. The classes of bytes lie around the largest distance of a
  /// centroid from the centroids' mean.
  AssignmentStats first_pass(const Assignment<T>& step) {
    rows_.start(engine_.largest_norm(), static_cast<double>(engine_.lower_factor()), 1 - rounding_.slack());
    constexpr std::size_t tile = kernels::int8_tile_rows;
    const std::size_t n_rows =
        filter_ != nullptr && filter_->in_tiles() ? block_rows / tile * tile : block_rows;
    const AssignmentStats stats = engine_.over_samples(n_rows, [&](RowRange rows, Scratch& scratch) {
      Work& work = work_of(scratch);
      known_->load(rows, work.int8);
      list_all(rows, scratch.listed);
      refresh_listed(step, rows, work, scratch);
    });
    known_->all_loaded();
    return stats;
  }

  /// Steps 1 to 4 for a block.
  void pruned_block(const Assignment<T>& step, RowRange rows, Scratch& scratch) {
    Work& work = work_of(scratch);
    scratch.listed.clear();
    for (std::size_t i = rows.begin; i < rows.end; ++i) {
      upper_[i] = (upper_[i] + drift_[static_cast<std::size_t>(step.labels[i])]) * outward_;
      work.units[i - rows.begin] = rows_.units_of(i, upper_[i]);
    }
    for (std::size_t i = rows.begin; i < rows.end; ++i) {  // 1
      const std::uint8_t units = work.units[i - rows.begin];
      const std::size_t count = rows_.list_open(i, step.labels[i], units, dense_from_, work.open.data());
      if (count == 0) {
        stay(i, scratch);
      } else if (count > dense_from_ || units > ByteRows<T>::most_units) {
        scratch.listed.push_back(static_cast<std::int32_t>(i - rows.begin));
      } else {
        settle_open(step, i, count, work, scratch);
      }
    }
    refresh_listed(step, rows, work, scratch);
  }

  /// Squared distances of sample i and the centroids that `index` lists.
  void measure(const Assignment<T>& step, std::size_t i, std::span<const std::int32_t> index, T* squared,
               Scratch& scratch) const {
    const MatrixView<const T> c = step.centroids;
    engine_.kernels().squared_distances(problem_.samples.row_data(i), c.data(), c.row_stride(), index.data(),
                                        index.size(), c.cols(), squared);
    scratch.stats.distances_computed += index.size();
  }

  /// u, from a squared distance by D or one that is not less.
  T upper_of(double squared) const { return round_up<T>(std::sqrt(squared) * slack_ + tiny_); }

  /// The sample keeps its label; u is what is known of its distance.
  void stay(std::size_t i, Scratch& scratch) const {
    scratch.stats.inertia_bound += inertia_within(problem_, i, upper_[i]);
  }

  /// Steps 2 to 4 for one sample, the first `count` of work.open being open.
  void settle_open(const Assignment<T>& step, std::size_t i, std::size_t count, Work& work,
                   Scratch& scratch) {
    const std::int32_t own = step.labels[i];
    LowerRoot root{};
    if (filter_ != nullptr) {
      root = filter_root(i);
      score_open(i, own, count, root, work, scratch);  // 2
      count = still_open(i, count, root, work);
    }
    if (count == 0) return stay(i, scratch);
    T own_squared;
    measure(step, i, {&own, 1}, &own_squared, scratch);  // 3
    upper_[i] = std::min(upper_[i], rounding_.upper_root(static_cast<double>(own_squared)));
    count = filter_ != nullptr
                ? still_open(i, count, root, work)
                : rows_.list_open_again(i, rows_.units_of(i, upper_[i]), count, work.open.data());
    if (count == 0) return stay(i, scratch);
    measure(step, i, {work.open.data(), count}, work.squared.data(), scratch);  // 4
    // The sample's own centroid last.
    work.open[count] = own;
    work.squared[count] = own_squared;
    decide(step, i, {work.open.data(), count + 1}, work, scratch);
    for (std::size_t o = 0; o <= count; ++o) work.scores[o] = work.squared[o] / 2;
    const bool left = step.labels[i] != own;
    rows_.write_listed(i, step.labels[i], {work.open.data(), count + left}, work.scores.data(),
                       {ScoreKind::plain, -4 * rounding_.tiny() * rounding_.tiny(), 1 - rounding_.slack()});
  }

  /// Lower bounds in eight bits of the first `count` of work.open, and their bytes.
  void score_open(std::size_t i, std::int32_t own, std::size_t count, const LowerRoot& root, Work& work,
                  Scratch& scratch) {
    if constexpr (filterable) {
      make_room(work.bounds, count);
      filter_->pair_bounds(i, {work.open.data(), count}, work.bounds.data());
      scratch.stats.distances_computed += count;
      rows_.write_listed(i, own, {work.open.data(), count}, work.bounds.data(), root);
    }
  }

  /// Takes out of work.open what those prove to be farther than u.
  std::size_t still_open(std::size_t i, std::size_t count, const LowerRoot& root, Work& work) const {
    const double u = static_cast<double>(upper_[i]) / root.factor, most = (u * u - root.base) / 2;
    const float highest = narrow<float>(most + 0x1p-21 * (std::abs(most) + u * u));
    std::size_t left = 0;
    for (std::size_t o = 0; o < count; ++o) {
      work.open[left] = work.open[o];
      work.bounds[left] = work.bounds[o];
      left += !(work.bounds[o] > highest);
    }
    return left;
  }

  LowerRoot filter_root(std::size_t i) const {
    const auto terms = engine_.lower_terms(i);
    return {ScoreKind::engine, static_cast<double>(terms.base) - 2 * filter_->rounding(i),
            static_cast<double>(terms.factor)};
  }

  /// Label and u, from the squared distances (work.squared) of all centroids that may be the nearest.
  void decide(const Assignment<T>& step, std::size_t i, std::span<const std::int32_t> index, Work& work,
              Scratch& scratch) {
    std::size_t best = 0;
    for (std::size_t o = 1; o < index.size(); ++o) {
      if (work.squared[o] < work.squared[best]) best = o;
    }
    std::size_t count = 0;
    for (std::size_t o = 0; o < index.size(); ++o) {
      scratch.candidates[count] = index[o];
      count += o == best || !rounding_.certainly_less(work.squared[best], work.squared[o]);
    }
    if (count == 1) {
      step.labels[i] = index[best];
      upper_[i] = rounding_.upper_root(static_cast<double>(work.squared[best]));
    } else {
      std::sort(scratch.candidates.begin(), scratch.candidates.begin() + static_cast<std::ptrdiff_t>(count));
      step.labels[i] = engine_.canonical_winner(i, count, scratch);
      upper_[i] = upper_of(scratch.distances[0]);
      ++scratch.stats.reranked;
    }
    stay(i, scratch);
  }

  /// Every distance of the samples in scratch.listed: label, u, class and all bytes.
  void refresh_listed(const Assignment<T>& step, RowRange rows, Work& work, Scratch& scratch) {
    if (scratch.listed.empty()) return;
    if (filter_ != nullptr) return refresh_filtered(step, rows, work, scratch);
    engine_.score_listed(rows.begin, scratch.listed, scratch);
    for (std::size_t r = 0; r < scratch.listed.size(); ++r) {
      const std::size_t i = rows.begin + static_cast<std::size_t>(scratch.listed[r]);
      const T* scores = scratch.scores.data() + r * engine_.padded_clusters();
      const auto ranked = engine_.rank_listed(i, {}, scores, scratch);
      step.labels[i] = ranked.label;
      upper_[i] = upper_of(ranked.distance);
      scratch.stats.reranked += ranked.reranked;
      stay(i, scratch);
      const auto terms = engine_.lower_terms(i);
      rows_.write(i, ranked.label, upper_[i], scores,
                  {ScoreKind::engine, static_cast<double>(terms.base), static_cast<double>(terms.factor)});
    }
  }

  /// The same in eight bits, so many samples at a time that the bounds of up to 680 clusters stay in the
  /// second-level cache; with more clusters as many as are whole tiles of any kernel.
  void refresh_filtered(const Assignment<T>& step, RowRange rows, Work& work, Scratch& scratch) {
    constexpr std::size_t whole_tiles = 96, cached_bounds = 65536;
    const std::size_t most =
        std::max(whole_tiles, cached_bounds / filter_->bounds_stride() / whole_tiles * whole_tiles);
    std::span<const std::int32_t> listed = scratch.listed;
    while (!listed.empty()) {
      const auto batch = listed.first(std::min(most, listed.size()));
      refresh_batch(step, rows.begin, batch, work, scratch);
      listed = listed.subspan(batch.size());
    }
  }

  /// Of the samples begin + listed[r]; what eight bits leave open is measured.
  void refresh_batch(const Assignment<T>& step, std::size_t begin, std::span<const std::int32_t> listed,
                     Work& work, Scratch& scratch) {
    if constexpr (filterable) {
      filter_->find_candidates(begin, listed, work.int8);
      scratch.stats.distances_computed += listed.size() * problem_.n_clusters;
      for (std::size_t r = 0; r < listed.size(); ++r) {
        const std::size_t i = begin + static_cast<std::size_t>(listed[r]);
        if (work.int8.alone[r] != 0) {
          // u as eight bits know it: the third step tightens it, if ever it is asked for.
          step.labels[i] = work.int8.nearest[r];
          upper_[i] = upper_of(engine_.upper_squared(i, work.int8.least[r], filter_->least_error(i)));
          stay(i, scratch);
        } else {
          const T* x = engine_.sample(i, work.x.data());
          const std::span<const std::int32_t> index = filter_->candidates(r, i, x, work.int8);
          ++scratch.stats.distances_computed;
          measure(step, i, index, work.squared.data(), scratch);
          decide(step, i, index, work, scratch);
        }
        rows_.write(i, step.labels[i], upper_[i], work.int8.bounds.data() + r * filter_->bounds_stride(),
                    filter_root(i));
      }
    }
  }

  /// So many open pairs that a dense refresh is cheaper. In cycles of a Xeon of 2023: a score in a tile d/32,
  /// in eight bits d/128, and one to find the lowest and write the byte; a pair alone 20 and twice as much a
  /// feature. (Also in AMX's tiles, where products cost an eighth: finding and writing cost more than that.
  /// With d/1024 there eight sets took 0.96 to 1.3 times as long.)
  std::size_t dense_from() const {
    const double d = static_cast<double>(filter_ != nullptr ? filter_->n_values() : problem_.samples.cols());
    const double tile = filter_ != nullptr ? d / 128 + 1 : d / 32 + 1, alone = 20 + 2 * (tile - 1);
    return static_cast<std::size_t>(static_cast<double>(problem_.n_clusters) * tile / alone) + 4;
  }

  static constexpr bool filterable = sizeof(T) == sizeof(float);
  /// Makes up for the roundings of a sum and a product.
  static constexpr T outward_ = 1 + 4 * std::numeric_limits<T>::epsilon();

  Rounding<T> rounding_;
  ByteRows<T> rows_;
  std::vector<T> upper_;     ///< n: u_i
  std::vector<T> drift_;     ///< k: of this step
  std::vector<Work> works_;  ///< a thread each
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
       .memory = "n*k + n*d (k and d rounded up to 64) + 48*n bytes, 2*n + 5*k*d + 1024*d values",
       .use_when =
           "64 clusters or more, features times clusters from some 64,000 without VNNI, or from 24,000 "
           "(in double without AVX-512 12,000) after many iterations (with VNNI never sooner), and "
           "n*k bytes fit in memory",
       .avoid_when = "few clusters or features (gap and the dense kernel are faster)",
       .reference =
           "Elkan 2003 for the bounds; one byte a pair and tiles for survivors are this project's own"},
      make<ByteBounds, float>,
      make<ByteBounds, double>};
  return entry;
}

}  // namespace omnimeans::algorithms
