// SPDX-License-Identifier: MIT
// Only the head of the order of distances is looked at, as a rule: so all distances are computed, but of a
// piece of samples only the largest is kept, and the pieces whose largest is not small are measured again.
#include "empty_clusters.hpp"

#include <algorithm>
#include <functional>

#include "parallel.hpp"
#include "row_hash.hpp"

namespace omnimeans {
namespace {

constexpr std::size_t piece_rows = 64;  ///< samples

struct Candidate {
  double distance;
  std::size_t sample;
};
bool nearer(const Candidate& a, const Candidate& b) {
  return a.distance != b.distance ? a.distance < b.distance : a.sample > b.sample;
}

/// Distances of samples from their centroids.
template <class T>
class OwnDistances {
 public:
  OwnDistances(MatrixView<const T> samples, std::span<const T> weights, MatrixView<const T> centroids,
               std::span<const std::int32_t> labels, const kernels::Kernels<T>& kernels, int threads)
      : samples_(samples),
        weights_(weights),
        centroids_(centroids),
        labels_(labels),
        kernels_(kernels),
        threads_(threads),
        largest_(block_count(samples.rows(), piece_rows)) {
    parallel_blocks(threads_for_values(samples.rows() * samples.cols(), threads_), largest_.size(),
                    [&](std::size_t piece, int) {
                      double distances[piece_rows];
                      const std::size_t count = measure(piece, distances);
                      largest_[piece] = *std::max_element(distances, distances + count);
                    });
  }

  /// A distance that `count` samples or more have at least; 0: there may be fewer.
  double reached_by(std::size_t count) const {
    if (count > largest_.size()) return 0;
    std::vector<double> order = largest_;
    const auto place = order.begin() + static_cast<std::ptrdiff_t>(count - 1);
    std::nth_element(order.begin(), place, order.end(), std::greater<>());
    return *place;
  }

  /// The samples at that distance at least, but none at 0 and none of no weight.
  std::vector<Candidate> from(double least) const {
    std::vector<std::size_t> pieces;
    for (std::size_t p = 0; p < largest_.size(); ++p) {
      if (largest_[p] > 0 && largest_[p] >= least) pieces.push_back(p);
    }
    const int team = useful_threads(
        threads_for_values(pieces.size() * piece_rows * samples_.cols(), threads_), pieces.size());
    std::vector<std::vector<Candidate>> found(static_cast<std::size_t>(std::max(team, 1)));
    parallel_blocks(team, pieces.size(), [&](std::size_t p, int thread) {
      double distances[piece_rows];
      const std::size_t count = measure(pieces[p], distances);
      for (std::size_t r = 0; r < count; ++r) {
        if (distances[r] > 0 && distances[r] >= least)
          found[static_cast<std::size_t>(thread)].push_back({distances[r], pieces[p] * piece_rows + r});
      }
    });
    for (std::size_t thread = 1; thread < found.size(); ++thread)
      found[0].insert(found[0].end(), found[thread].begin(), found[thread].end());
    return std::move(found[0]);
  }

 private:
  /// Writes those of a piece, 0 for samples of no weight; returns how many.
  std::size_t measure(std::size_t piece, double* distances) const {
    const RowRange rows = block_range(piece, samples_.rows(), piece_rows);
    kernels_.canonical_own({samples_.row_data(rows.begin), samples_.row_stride(), rows.size()},
                           {centroids_.data(), centroids_.row_stride(), centroids_.rows()},
                           &labels_[rows.begin], samples_.cols(), distances);
    for (std::size_t r = 0; !weights_.empty() && r < rows.size(); ++r) {
      if (!(weights_[rows.begin + r] > 0)) distances[r] = 0;
    }
    return rows.size();
  }

  MatrixView<const T> samples_;
  std::span<const T> weights_;
  MatrixView<const T> centroids_;
  std::span<const std::int32_t> labels_;
  const kernels::Kernels<T>& kernels_;
  int threads_;
  std::vector<double> largest_;  ///< of each piece
};

}  // namespace

template <class T>
std::vector<Relocation> plan_relocations(MatrixView<const T> samples, std::span<const T> weights,
                                         MatrixView<const T> centroids, std::span<const std::int32_t> labels,
                                         std::span<const std::int64_t> counts,
                                         const kernels::Kernels<T>& kernels, int threads) {
  std::vector<std::int32_t> empty;
  for (std::size_t j = 0; j < counts.size(); ++j) {
    if (counts[j] == 0) empty.push_back(static_cast<std::int32_t>(j));
  }
  if (empty.empty()) return {};

  const OwnDistances<T> distances(samples, weights, centroids, labels, kernels, threads);
  // Some are passed over; if too many, more are asked for.
  for (std::size_t asked = 2 * empty.size() + 16;; asked *= 8) {
    const double least = distances.reached_by(asked);
    std::vector<Candidate> candidates = distances.from(least);
    std::make_heap(candidates.begin(), candidates.end(), nearer);
    std::vector<std::int64_t> left(counts.begin(), counts.end());
    std::vector<Relocation> plan;
    RowSet<T> picked;
    for (auto end = candidates.end(); end != candidates.begin() && plan.size() < empty.size(); --end) {
      std::pop_heap(candidates.begin(), end, nearer);
      const std::size_t i = (end - 1)->sample;
      std::int64_t& donor = left[static_cast<std::size_t>(labels[i])];
      if (donor < 2 || !picked.insert(samples.row(i))) continue;
      --donor;
      plan.push_back({i, labels[i], empty[plan.size()]});
    }
    if (plan.size() == empty.size() || least == 0) return plan;
  }
}

template std::vector<Relocation> plan_relocations(MatrixView<const float>, std::span<const float>,
                                                  MatrixView<const float>, std::span<const std::int32_t>,
                                                  std::span<const std::int64_t>,
                                                  const kernels::Kernels<float>&, int);
template std::vector<Relocation> plan_relocations(MatrixView<const double>, std::span<const double>,
                                                  MatrixView<const double>, std::span<const std::int32_t>,
                                                  std::span<const std::int64_t>,
                                                  const kernels::Kernels<double>&, int);

}  // namespace omnimeans
