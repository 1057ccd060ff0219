// SPDX-License-Identifier: MIT
// For each of some proposed seeds the samples that are nearer to it than to any seed there is, with their
// canonical distances: by one pass of the dense engine with every score at hand.
//
// A sample i is left out where the scores prove D(x_i, y) >= D_i: the engine's bound is
// |x_i - y| >= factor sqrt(2 s + base), and a canonical distance is below the true one by a relative
// gamma_{d/8+8} and 2 d 2^-1074 at most. For the others D(x_i, y) is computed and compared. So what is listed
// is the same on any machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "dense_engine.hpp"
#include "seeding/nearest_seeds.hpp"

namespace omnimeans::seeding {

template <class T>
class NearerLists {
 public:
  /// Proposals in a pass, at most.
  static constexpr std::size_t most = 256;

  explicit NearerLists(Task<T>& task) : task_(task) {}

  /// Beside NearestSeeds, in bytes.
  static double bytes_needed(const Task<T>& task);

  /// Lists of the first of the proposals: of as many as hold three entries a sample together (one at least),
  /// found by halving. Returns how many.
  std::size_t find(std::span<const std::size_t> proposals, const NearestSeeds<T>& nearest);

  struct List {
    std::span<const std::size_t> samples;
    std::span<const double> squared;  ///< D(sample, proposal), less than to any seed then
  };
  List operator[](std::size_t proposal) const {
    const std::size_t begin = begins_[proposal], size = begins_[proposal + 1] - begin;
    return {{samples_.data() + begin, size}, {squared_.data() + begin, size}};
  }

 private:
  struct Entry {
    std::size_t sample;
    double squared;
    std::size_t proposal;
  };
  bool pass(std::span<const std::size_t> proposals, const NearestSeeds<T>& nearest);
  void sort(std::size_t n_proposals);
  std::size_t limit() const { return 3 * task_.samples.rows(); }

  Task<T>& task_;
  Matrix<T> rows_;
  std::optional<DenseEngine<T>> engine_;   ///< for as many proposals as there are rows
  std::vector<std::vector<Entry>> found_;  ///< by each thread
  std::vector<std::size_t> begins_, samples_;
  std::vector<double> squared_;
};

}  // namespace omnimeans::seeding
