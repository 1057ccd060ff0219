// SPDX-License-Identifier: MIT
// Kernels for bounds that move with the centroids: the pass over one upper and one lower bound a sample, and
// the distances that tighten upper bounds.
//
//   u_i <- u_i + drift(label_i)    l_i <- l_i - max over j != label_i of drift(j)
//   label_i stays, whatever the rounding, if u_i < l_i or u_i < separation(label_i)
//
// A sample costs 20 bytes of traffic (12 read, 8 written, for float) and two gathers from tables of
// n_clusters values.
//
//   label_i stays if gap_i > path(label_i)
//
// where nothing of a sample is written: 8 bytes read (for float), and one gather.
#pragma once

#include <limits>

#include "kernels/kernels.hpp"
#include "kernels/rows-inl.hpp"
#include "kernels/simd-inl.hpp"
#include "kernels/widened-inl.hpp"

namespace omnimeans::kernels {
namespace {

template <class T, class Arch>
struct Bounds {
  using S = Simd<T, Arch>;
  using D = Simd<double, Arch>;
  using R = Rows<T, Arch>;
  using vec = typename S::vec;
  using dvec = typename D::vec;
  static constexpr std::size_t W = S::lanes;
  static constexpr std::size_t DW = D::lanes;

  /// W rows on their way through a kernel.
  struct Buffers {
    alignas(64) std::int32_t labels[W];
    alignas(64) T upper[W], lower[W], weights[W], kept[W];
  };

  /// Which of W rows keep their label.
  static OMNIMEANS_INLINE auto keeps(vec upper, vec lower, vec separation) {
    return S::either(S::less(upper, lower), S::less(upper, separation));
  }

  /// inertia + sum of w * kept^2. w * u is 0 for an absent sample, even where u * u would overflow.
  static OMNIMEANS_INLINE dvec add_squares(const T* kept, const T* weights, dvec inertia) {
    unroll<W / DW>([&](auto p) __attribute__((always_inline)) {
      const dvec u = load_widened<Arch>(kept + p.value * DW);
      const dvec w = weights != nullptr ? load_widened<Arch>(weights + p.value * DW) : D::set(1.0);
      inertia = D::fma(D::mul(w, u), u, inertia);
    });
    return inertia;
  }

  /// W rows moved; returns the lanes that keep their label. `kept` gets their upper bounds, 0 for the others.
  static OMNIMEANS_INLINE unsigned move(const T* separation, const Drifts<T>& drifts,
                                        const std::int32_t* labels, T* upper, T* lower, T* kept) {
    constexpr T eps = std::numeric_limits<T>::epsilon();
    const vec zero = S::set(T(0)), largest = S::set(drifts.largest);
    const vec drift = S::gather(drifts.of, labels);
    // Whoever moved less than the largest drift has a faster one among the others.
    const vec others = S::select(S::less(drift, largest), largest, S::set(drifts.second));
    // One rounding in the sum, one in the product: the factors are four units away from 1.
    const vec u = S::mul(S::add(S::load(upper), drift), S::set(1 + 4 * eps));
    const vec less = S::mul(S::sub(S::load(lower), others), S::set(1 - 4 * eps));
    const vec l = S::select(S::less(zero, less), less, zero);
    S::store(upper, u);
    S::store(lower, l);
    const auto kept_lanes = keeps(u, l, S::gather(separation, labels));
    S::store(kept, S::select(kept_lanes, u, zero));
    return S::bits(kept_lanes);
  }

  static BoundsResult move_bounds(const BoundsTask<T>& task, const Drifts<T>& drifts, std::size_t n) {
    std::size_t n_open = 0;
    dvec inertia = D::set(0.0);
    Buffers rows;
    std::size_t r = 0;
    for (; r + W <= n; r += W) {
      const unsigned kept =
          move(task.separation, drifts, task.labels + r, task.upper + r, task.lower + r, rows.kept);
      R::append_open(kept, r, task.open, n_open);
      inertia = add_squares(rows.kept, task.weights != nullptr ? task.weights + r : nullptr, inertia);
    }
    if (r < n) {
      // The last few from buffers; the lanes that are left repeat the first of them, and count for nothing.
      const std::size_t count = n - r;
      for (std::size_t l = 0; l < W; ++l) {
        const std::size_t from = r + (l < count ? l : 0);
        rows.labels[l] = task.labels[from];
        rows.upper[l] = task.upper[from];
        rows.lower[l] = task.lower[from];
        rows.weights[l] = l >= count ? T(0) : task.weights != nullptr ? task.weights[from] : T(1);
      }
      const unsigned kept = move(task.separation, drifts, rows.labels, rows.upper, rows.lower, rows.kept);
      R::append_open(kept | unused(count), r, task.open, n_open);
      inertia = add_squares(rows.kept, rows.weights, inertia);
      for (std::size_t l = 0; l < count; ++l) {
        task.upper[r + l] = rows.upper[l];
        task.lower[r + l] = rows.lower[l];
      }
    }
    return {n_open, D::reduce_add(inertia)};
  }

  static std::size_t open_gaps(const T* gaps, const std::int32_t* labels, const T* path, std::size_t n,
                               std::int32_t* out) {
    std::size_t n_open = 0, r = 0;
    for (; r + W <= n; r += W) {
      __builtin_prefetch(reinterpret_cast<const char*>(gaps + r) + label_ahead_bytes);
      __builtin_prefetch(reinterpret_cast<const char*>(labels + r) + label_ahead_bytes);
      R::append_open(S::bits(S::less(S::gather(path, labels + r), S::load(gaps + r))), r, out, n_open);
    }
    for (; r < n; ++r) {
      if (!(gaps[r] > path[labels[r]])) out[n_open++] = static_cast<std::int32_t>(r);
    }
    return n_open;
  }

  /// The lanes from `count` on.
  static OMNIMEANS_INLINE unsigned unused(std::size_t count) { return S::all_bits & ~((1u << count) - 1); }

  static BoundsResult tighten_bounds(const BoundsTask<T>& task, const RowBlock<T>& block,
                                     const OwnDistances<T>& own) {
    std::size_t n_open = 0;
    dvec inertia = D::set(0.0);
    const vec factor = S::set(own.factor), floor = S::set(own.floor), zero = S::set(T(0));
    Buffers rows;
    alignas(64) T squared[W], separation[W];
    for (std::size_t first = 0; first < block.n_rows; first += W) {
      const std::size_t count = block.n_rows - first < W ? block.n_rows - first : W;
      std::int32_t index[W];
      for (std::size_t l = 0; l < W; ++l) {
        index[l] = block.index[first + (l < count ? l : 0)];
        const auto r = static_cast<std::size_t>(index[l]);
        const auto label = static_cast<std::size_t>(task.labels[r]);
        if (l < count)
          squared[l] = R::squared_distance(block.rows + r * block.row_stride,
                                           own.centroids + label * own.stride, own.n_features);
        rows.lower[l] = task.lower[r];
        separation[l] = task.separation[label];
        rows.weights[l] = l >= count ? T(0) : task.weights != nullptr ? task.weights[r] : T(1);
      }
      for (std::size_t l = count; l < W; ++l) squared[l] = squared[0];
      const vec u = S::add(S::mul(S::sqrt(S::load(squared)), factor), floor);
      const auto kept_lanes = keeps(u, S::load(rows.lower), S::load(separation));
      S::store(rows.upper, u);
      S::store(rows.kept, S::select(kept_lanes, u, zero));
      inertia = add_squares(rows.kept, rows.weights, inertia);
      const unsigned kept = S::bits(kept_lanes) | unused(count);
      for (std::size_t l = 0; l < count; ++l) task.upper[index[l]] = rows.upper[l];
      // Written behind what has been read: the list shrinks in place.
      for (std::size_t l = 0; l < count; ++l) {
        task.open[n_open] = index[l];
        n_open += ~kept >> l & 1u;
      }
    }
    return {n_open, D::reduce_add(inertia)};
  }
};

}  // namespace
}  // namespace omnimeans::kernels
