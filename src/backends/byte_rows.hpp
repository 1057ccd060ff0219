// SPDX-License-Identifier: MIT
// A lower bound of one byte for every sample-centroid pair, for bytebounds.cpp. Bytes are read, hardly ever
// written: what centroids drift is kept beside them.
//
//   b_ij = 0 or |x_i - c_j| >= o + q b_ij - P_j
//   P_j   how far c_j has drifted since the epoch began       o, q   origin and quantum of the sample's class
//   c_j cannot be nearer to x_i than u if  b_ij >= ceil(P_j / q) + v,  v > max(0, (u - o) / q):  64 pairs an
//   instruction.
//
// Classes. Many features make distances alike, so what counts is the resolution just above u. A class holds
// the samples with u in [l, 2^(1/4) l) when their row was last written; o = l less a little, for u to shrink,
// and 254 quanta reach to four times o. When the drift of a class nears the range of a byte it is taken off
// its bounds and starts from zero.
//
// Rounding: u and P are rounded up, bounds down; equality is open. The byte of a sample's own centroid is
// 255: never open.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "aligned_buffer.hpp"
#include "kernels/kernels.hpp"
#include "parallel.hpp"
#include "prefetch.hpp"
#include "rounding.hpp"

namespace omnimeans::algorithms {

/// What a score says of a distance, in the data's units: |x - c| >= factor sqrt(2 score + base). Scores are
/// of one of two kinds, each with a factor of its own.
enum class ScoreKind { engine, plain };
struct LowerRoot {
  ScoreKind kind;
  double base, factor;
};

template <class T>
class ByteRows {
 public:
  ByteRows(const kernels::Kernels<T>& kernels, std::size_t n, std::size_t k)
      : kernels_(kernels),
        k_(k),
        stride_(padded(k)),
        bounds_(AlignedBuffer<std::uint8_t>::for_overwrite(n * stride_)),
        class_of_(n) {}

  static double bytes_needed(std::size_t n, std::size_t k) {
    const double row = static_cast<double>(padded(k)), values = static_cast<double>(k) * (8 + 2 * sizeof(T));
    return static_cast<double>(n) * (row + 1) + n_classes * (2 * row + values);
  }

  /// No row has been written; distances are of the order of `spread`. The factors of both kinds of scores.
  void start(double spread, double engine_factor, double plain_factor) {
    // Sizes that leave room for sums in T; the last class takes all that is smaller, from 0.
    constexpr double most = std::numeric_limits<T>::max() / T(1e6),
                     least = std::numeric_limits<T>::min() * T(1e6);
    top_ = std::clamp(spread * largest_over_spread, least, most);
    factors_ = {engine_factor, plain_factor};
    for (std::size_t c = 0; c < n_classes; ++c) {
      const double lower = top_ * std::exp2(-static_cast<double>(c + 1) / steps);
      classes_[c] = {};
      classes_[c].origin = c + 1 < n_classes ? narrow<T>(lower * below) : T(0);
      classes_[c].quantum = narrow<T>(std::max(lower, least) * below * (reach - 1) / 254);
      classes_[c].inverse_quantum = round_up<T>(1 / static_cast<double>(classes_[c].quantum));
      classes_[c].start(k_, stride_);
    }
  }

  /// Adds what the centroids drifted; marks the classes whose drift nears the range of a byte.
  void advance(std::span<const T> drift) {
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
        c.drift[j] = (c.drift[j] + static_cast<double>(drift[j])) * (1 + 0x1p-50);
        c.units[j] = static_cast<std::uint8_t>(
            std::min(255.0, std::ceil(c.drift[j] / static_cast<double>(c.quantum) * (1 + 0x1p-50))));
        for (std::size_t kind = 0; kind < 2; ++kind)
          c.moved[kind][j] = round_down<T>(c.drift[j] / factors_[kind]);
        most = std::max(most, c.units[j]);
      }
      c.rebase = most > 96;
      if (c.rebase) {
        for (auto& moved : c.moved) std::fill(moved.begin(), moved.end(), T(0));
      }
    }
  }

  /// Every row has been seen by list_open() since advance().
  void advanced() {
    for (Class& c : classes_) {
      if (c.rebase) c.start(k_, stride_);
    }
  }

  /// v of row i, for looks at it. Beyond most_units its bytes say little: u has outgrown its class.
  std::uint8_t units_of(std::size_t i, T upper) const {
    const Class& c = classes_[class_of_[i]];
    const T units = std::max(T(0), upper - c.origin) * c.inverse_quantum;
    return units < T(254) ? static_cast<std::uint8_t>(static_cast<int>(units) + 1) : std::uint8_t{255};
  }
  static constexpr std::uint8_t most_units = 240;

  /// The first look at row i after advance(): lists the open pairs, ascending (room for k + byte_lanes),
  /// unless there are more than `most`; returns how many, or a number above `most`.
  std::size_t list_open(std::size_t i, std::int32_t own, std::uint8_t units, std::size_t most,
                        std::int32_t* out) {
    // What comes between two rows is too much for the hardware to see a stream.
    prefetch(row(std::min(i + 2, class_of_.size() - 1)), stride_);
    const Class& c = classes_[class_of_[i]];
    if (c.rebase) {
      kernels_.lower_bytes(row(i), c.units.data(), stride_);
      close(i, own);
    }
    return list_open_again(i, units, most, out);
  }
  /// A further look.
  std::size_t list_open_again(std::size_t i, std::uint8_t units, std::size_t most, std::int32_t* out) const {
    return kernels_.open_pairs(row(i), classes_[class_of_[i]].seen(), units, stride_, most, out);
  }

  /// A class from the upper bound, then every byte from every score.
  void write(std::size_t i, std::int32_t own, T upper, const T* scores, const LowerRoot& root) {
    class_of_[i] = class_for(upper);
    const Class& c = classes_[class_of_[i]];
    kernels_.byte_bounds(scores, moved(c, root), k_, terms(root, c), row(i));
    close(i, own);
  }

  /// The bytes of the centroids that `index` lists, from their scores.
  void write_listed(std::size_t i, std::int32_t own, std::span<const std::int32_t> index, const T* scores,
                    const LowerRoot& root) {
    const Class& c = classes_[class_of_[i]];
    kernels_.listed_byte_bounds(scores, moved(c, root), index.data(), index.size(), terms(root, c), row(i));
    row(i)[own] = 255;
  }

 private:
  static constexpr std::size_t n_classes = 64;
  static constexpr double steps = 4;                ///< classes an octave of u
  static constexpr double largest_over_spread = 4;  ///< upper end of the first class
  static constexpr double below = 0.95, reach = 4;  ///< o over the lower end of u; and 254 quanta over o

  struct Class {
    T origin = 0, quantum = 1, inverse_quantum = 1;  ///< rounded up
    std::vector<double> drift;                       ///< P_j
    std::array<std::vector<T>, 2> moved;             ///< P_j / factor of either kind of scores, rounded down
    std::vector<std::uint8_t> units, zeros;  ///< ceil(P_j / q), and what a sample sees that was rebased
    bool rebase = false, dirty = false;

    void start(std::size_t k, std::size_t stride) {
      drift.assign(k, 0);
      for (auto& values : moved) values.assign(k, T(0));
      units.assign(stride, 0);
      zeros.assign(stride, 0);
      rebase = dirty = false;
    }
    const std::uint8_t* seen() const { return rebase ? zeros.data() : units.data(); }
  };

  static std::size_t padded(std::size_t k) {
    return block_count(k, kernels::byte_lanes) * kernels::byte_lanes;
  }

  const std::uint8_t* row(std::size_t i) const { return bounds_.data() + i * stride_; }
  std::uint8_t* row(std::size_t i) { return bounds_.data() + i * stride_; }

  /// What is never open: the padding, and the sample's own centroid.
  void close(std::size_t i, std::int32_t own) {
    std::fill(row(i) + k_, row(i) + stride_, std::uint8_t{255});
    row(i)[own] = 255;
  }

  std::uint8_t class_for(T upper) const {
    // Negative infinity and infinity of 0 and of infinity.
    const double place = std::log2(top_ / static_cast<double>(upper)) * steps;
    return static_cast<std::uint8_t>(std::clamp(place, 0.0, static_cast<double>(n_classes - 1)));
  }

  static const T* moved(const Class& c, const LowerRoot& root) {
    return c.moved[static_cast<std::size_t>(root.kind)].data();
  }
  /// Less the roundings of the kernel: of the sum, the product, and the difference.
  static kernels::ByteTerms<T> terms(const LowerRoot& root, const Class& c) {
    constexpr double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
    const double quantum = static_cast<double>(c.quantum);
    return {narrow<T>(root.base - std::abs(root.base) * eps),
            narrow<T>(root.factor / quantum * (1 - 4 * eps)),
            narrow<T>(static_cast<double>(c.origin) / quantum * (1 + 4 * eps))};
  }

  const kernels::Kernels<T>& kernels_;
  std::size_t k_, stride_;
  AlignedBuffer<std::uint8_t> bounds_;  ///< n x stride: b_ij
  std::vector<std::uint8_t> class_of_;  ///< n
  std::array<Class, n_classes> classes_;
  std::array<double, 2> factors_{1, 1};
  double top_ = 1;  ///< upper end of the first class
};

}  // namespace omnimeans::algorithms
