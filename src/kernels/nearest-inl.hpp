// SPDX-License-Identifier: MIT
// Dense nearest centroid, a lane per sample: the argmin is vertical, and nothing is wasted on a k that is no
// multiple of a vector.
//
//   for each sample i:  s_ij = |c_j|^2/2 - x_i.c_j for all j;  best, second best, argmin;  open where the
//   margin proves nothing
//
// A tile is a few vectors of samples. nearest-direct-inl.hpp scores it for few centroids,
// nearest-groups-inl.hpp for any number, argmin-inl.hpp finds the lowest; here tiles are taken from rows and
// finished.
#pragma once

#include <cstdint>
#include <limits>

#include "kernels/argmin-inl.hpp"
#include "kernels/dense_limits.hpp"
#include "kernels/kernels.hpp"
#include "kernels/nearest-direct-inl.hpp"
#include "kernels/nearest-groups-inl.hpp"
#include "kernels/simd-inl.hpp"
#include "kernels/transpose-inl.hpp"

namespace omnimeans::kernels {
namespace {

template <class T, class Arch, class Product = Products<T, Arch>>
struct NearestLanes {
  using S = Simd<T, Arch>;
  using vec = typename S::vec;
  static constexpr std::size_t W = S::lanes;
  using Groups = NearestGroups<T, Arch, Product>;
  using Direct = NearestDirect<T, Arch>;
  using Running = typename Groups::Running;
  static constexpr std::size_t V = Groups::V, tile = Groups::tile, largest_group = Groups::largest_group;
  static_assert(tile <= 64, "a bit a sample");

  static void nearest(const NearestTask<T>& task) {
    T tags[largest_group];
    for (std::size_t i = 0; i < largest_group; ++i) tags[i] = index_bits<T>(i);
    typename Direct::Run direct = nullptr;
    if constexpr (Product::direct) direct = Direct::template run_of<largest_group>(task.centroids.n_clusters);
    const bool listed = task.block.index != nullptr;
    const Runs runs(task);
    for (std::size_t first = 0; first < task.block.n_rows; first += tile) {
      const std::size_t count = task.block.n_rows - first < tile ? task.block.n_rows - first : tile;
      alignas(64) T squares[tile] = {};
      T* wanted = task.norms_known ? nullptr : squares;
      Running running;
      const auto load_rows = [&](const auto& row) {
        return [&](std::size_t from, std::size_t length) __attribute__((always_inline)) {
          const auto at = [&row, from ](auto l) __attribute__((always_inline)) {
            return row(l) + from;
          };
          Groups::load_chunk(at, length, ahead_of(task, first, tile, from),
                             task.offset != nullptr ? task.offset + from : nullptr, task.scale,
                             task.tile_samples, wanted);
        };
      };
      if (listed || count < tile) {
        const T* rows[tile];
        find_rows(task.block, first, count, rows);
        const auto row = [&rows](auto l) __attribute__((always_inline)) {
          return rows[l.value];
        };
        score_groups(task, runs, first, tags, load_rows(row), running);
      } else if (direct != nullptr) {
        score_directly(task, first, tags, direct, wanted, running);
      } else if (runs.load_narrow != nullptr) {
        const auto load = [&](std::size_t, std::size_t length) __attribute__((always_inline)) {
          runs.load_narrow(task.block.rows + first * length, task.offset, task.scale, task.tile_samples);
        };
        score_groups(task, runs, first, tags, load, running);
      } else {
        const T* begin = task.block.rows + first * task.block.row_stride;
        const std::size_t stride = task.block.row_stride;
        const auto row = [=](auto l) __attribute__((always_inline)) {
          return begin + l.value * stride;
        };
        score_groups(task, runs, first, tags, load_rows(row), running);
      }
      finish_tile(task, first, count, running, squares);
    }
  }

 private:
  /// Groups of two sizes, the larger ones first. (Divided once: a division takes as long as five samples.)
  struct Runs {
    explicit Runs(const NearestTask<T>& task)
        : small(task.centroids.n_clusters / task.centroids.n_groups),
          large_groups(task.centroids.n_clusters % task.centroids.n_groups),
          steps_small(Groups::group_steps_of(small)),
          steps_large(Groups::group_steps_of(small + (large_groups != 0 ? 1 : 0))) {
      const std::size_t d = task.centroids.n_features;
      if (task.block.index == nullptr && task.block.row_stride == d && task.norms_known)
        load_narrow = Groups::load_narrow_of(d);
    }

    std::size_t small, large_groups;
    typename Groups::GroupSteps steps_small, steps_large;
    typename Groups::LoadNarrow load_narrow = nullptr;  ///< null: rows are not narrow
  };

  /// load(from, length): those features of the tile's samples to task.tile_samples.
  template <class Load>
  static void score_groups(const NearestTask<T>& task, const Runs& runs, std::size_t first, const T* tags,
                           const Load& load, Running& running) {
    const GroupedCentroids<T>& c = task.centroids;
    const std::size_t d = c.n_features, k = c.n_clusters;
    const std::size_t small = runs.small, large_groups = runs.large_groups;
    Groups::Lowest::reset(running);
    for (std::size_t from = 0; from < d; from += dense_chain) {
      const std::size_t length = d - from < dense_chain ? d - from : dense_chain;
      load(from, length);
      typename Groups::Step step{.samples = task.tile_samples,
                                 .centroids = c.packed + from * k,
                                 .length = length,
                                 .start = c.half_norms,
                                 .tags = tags,
                                 .partial = task.partial,
                                 .first = from == 0,
                                 .last = from + length == d,
                                 .centroid = 0,
                                 .n_groups = large_groups,
                                 .due = from == 0 ? listed_after(task, first + tile) : ListedRows<T>{}};
      if (large_groups != 0) runs.steps_large(step, running);
      const std::size_t start = large_groups * (small + 1);
      step.centroids += start * length;
      step.start += start;
      if (step.partial != nullptr) step.partial += start * tile;
      step.centroid = start;
      step.n_groups = c.n_groups - large_groups;
      runs.steps_small(step, running);
    }
  }

  static void score_directly(const NearestTask<T>& task, std::size_t first, const T* tags,
                             typename Direct::Run direct, T* squares, Running& running) {
    const RowBlock<T>& block = task.block;
    unroll<V>([&](auto v) __attribute__((always_inline)) {
      const std::size_t at = first + v.value * W;
      typename Direct::Running found;
      direct(task, tags,
             {block.rows + at * block.row_stride, block.row_stride,
              squares != nullptr ? squares + v.value * W : nullptr, ahead_of(task, at, W, 0)},
             found);
      running.best[v.value] = found.best[0];
      running.second[v.value] = found.second[0];
      running.group[v.value] = found.group[0];
    });
  }

  /// The tile of listed rows that begins with place `first` of the list, some to be asked for with each
  /// group.
  static OMNIMEANS_INLINE ListedRows<T> listed_after(const NearestTask<T>& task, std::size_t first) {
    const RowBlock<T>& block = task.block;
    if (block.index == nullptr || first >= block.n_rows) return {};
    const std::size_t left = block.n_rows - first, count = left < tile ? left : tile;
    return {block.rows,
            block.row_stride,
            block.index + first,
            count,
            task.centroids.n_features * sizeof(T),
            count / task.centroids.n_groups + 1,
            task.norms};
  }

  /// What is read after the features from `from` on of `n_rows` rows: of rows without gaps the next ones, as
  /// one stream, far enough ahead for memory to answer; else the same rows' next chunk, or the next rows'
  /// first one.
  static OMNIMEANS_INLINE Ahead ahead_of(const NearestTask<T>& task, std::size_t first, std::size_t n_rows,
                                         std::size_t from) {
    const RowBlock<T>& block = task.block;
    if (block.index != nullptr) return {reinterpret_cast<const char*>(block.rows), 0, 1};
    const std::size_t d = task.centroids.n_features, row_bytes = block.row_stride * sizeof(T);
    const char* rows = reinterpret_cast<const char*>(block.rows) + first * row_bytes;
    const std::size_t bytes = n_rows * row_bytes;
    if (block.row_stride == d)
      return {rows + (bytes > ahead_bytes ? bytes : ahead_bytes) + n_rows * from * sizeof(T), 0, SIZE_MAX};
    const std::size_t next = from + dense_chain < d ? from + dense_chain : 0;
    const std::size_t length = d - next < dense_chain ? d - next : dense_chain;
    return {rows + (next == 0 ? bytes : 0) + next * sizeof(T), row_bytes,
            (length * sizeof(T) + cache_line - 1) / cache_line};
  }

  /// Where the rows of a tile begin: read through a table if they are listed, or fewer than a tile (the last
  /// one fills the lanes that are left).
  static OMNIMEANS_INLINE void find_rows(const RowBlock<T>& block, std::size_t first, std::size_t count,
                                         const T** rows) {
    for (std::size_t r = 0; r < tile; ++r) {
      const std::size_t at = first + (r < count ? r : count - 1);
      const auto row = block.index != nullptr ? static_cast<std::size_t>(block.index[at]) : at;
      rows[r] = block.rows + row * block.row_stride;
    }
  }

  /// Of a tile's samples, or of as many lanes: the norms, written if they are not known yet.
  static OMNIMEANS_INLINE void tile_norms(const NearestTask<T>& task, std::size_t first, std::size_t count,
                                          const T* squares, T* norms) {
    const bool in_place = count == tile && task.block.index == nullptr;
    T* known = task.norms + (task.block.index == nullptr ? first : 0);
    const auto at = [&](std::size_t r) __attribute__((always_inline)) {
      const std::size_t lane = r < count ? r : count - 1;
      return task.block.index != nullptr ? static_cast<std::size_t>(task.block.index[first + lane]) : lane;
    };
    if (task.norms_known) {
      if (count == tile) {
        unroll<V>([&](auto v) __attribute__((always_inline)) {
          const std::size_t from = v.value * W;
          S::store(norms + from,
                   in_place ? S::load(known + from) : S::gather(known, task.block.index + first + from));
        });
      } else {
        for (std::size_t r = 0; r < tile; ++r) norms[r] = known[at(r)];
      }
      return;
    }
    unroll<V>([&](auto v) __attribute__((always_inline)) {
      const vec squared = S::add(S::load(squares + v.value * W), S::set(task.norm_floor));
      S::store(norms + v.value * W, S::mul(S::sqrt(squared), S::set(task.norm_factor)));
    });
    for (std::size_t r = 0; r < count; ++r) known[at(r)] = norms[r];
  }

  /// What a tile's samples get: label, bounds, and a place in the list of open ones if the margin proves
  /// nothing.
  static OMNIMEANS_INLINE void finish_tile(const NearestTask<T>& task, std::size_t first, std::size_t count,
                                           const Running& running, const T* squares) {
    alignas(64) T norms[tile];
    alignas(64) T squared[tile];
    alignas(64) T upper[tile];
    alignas(64) T lower[tile];
    alignas(64) T gaps[tile];
    const DistanceBounds<T>& bounds = task.bounds;
    alignas(64) std::int32_t labels[tile];
    find_labels(running, labels);
    tile_norms(task, first, count, squares, norms);
    // margin(N) = (m2 N + m1) N + m0; a NaN or an overflow anywhere leaves the sample open.
    std::uint64_t open = 0;
    unroll<V>([&](auto v) __attribute__((always_inline)) {
      const std::size_t at = v.value * W;
      const vec norm = S::load(norms + at);
      const vec margin =
          S::fma(S::fma(S::set(task.margin2), norm, S::set(task.margin1)), norm, S::set(task.margin0));
      const vec first_best = Product::score(running.best[v.value], task.unit);
      const vec second = Product::score(running.second[v.value], task.unit);
      const auto proved =
          S::both(S::less(margin, S::sub(second, first_best)), S::less(norm, S::set(task.norm_limit)));
      open |= std::uint64_t{~S::bits(proved) & S::all_bits} << at;
      const vec two = S::set(T(2)), zero = S::set(T(0));
      const vec most = S::fma(norm, norm, S::mul(two, S::add(first_best, margin)));
      S::store(squared + at, most);
      if (bounds.lower == nullptr && bounds.gaps == nullptr) return;
      const vec sum = S::add(norm, S::set(bounds.largest_norm));
      const vec error = S::mul(S::mul(sum, sum), S::set(bounds.rounding));
      const vec length = S::sub(S::mul(norm, S::set(bounds.least_factor)), S::set(bounds.least_floor));
      const vec least = S::select(S::less(zero, length), length, zero);  // 0 for a NaN
      const vec nearest_other = S::sub(S::select(proved, second, first_best), margin);
      const vec squared_lower = S::sub(S::fma(least, least, S::mul(two, nearest_other)), error);
      // Of squares too small for near_sqrt(), or a NaN, any bound that holds.
      constexpr T small = sizeof(T) == 4 ? T(0x1p-100) : T(0),
                  root_of_small = sizeof(T) == 4 ? T(0x1p-50) : T(0);
      const auto root_or = [&](vec x, T otherwise) __attribute__((always_inline)) {
        return S::select(S::less(S::set(small), x), S::near_sqrt(x), S::set(otherwise));
      };
      const vec up = S::mul(root_or(S::add(most, error), root_of_small), S::set(bounds.upper_factor));
      // (A lower one that is infinite, of a single centroid, becomes a NaN with AVX-512, whose minimum takes
      // the second operand then.)
      const vec low = S::min(S::mul(root_or(squared_lower, T(0)), S::set(bounds.lower_factor)),
                             S::set(std::numeric_limits<T>::max()));
      if (bounds.gaps == nullptr) {
        S::store(upper + at, up);
        S::store(lower + at, low);
        return;
      }
      // Two roundings where the difference is positive, one here; below it, the sum is not above path.
      constexpr T down = 1 - 4 * std::numeric_limits<T>::epsilon();
      const vec gap = S::mul(S::add(S::sub(low, up), S::gather(bounds.path, labels + at)), S::set(down));
      S::store(gaps + at, S::select(proved, gap, S::set(-std::numeric_limits<T>::infinity())));
    });
    const auto put = [count](auto* out, const auto* from) __attribute__((always_inline)) {
      if (count == tile) {
        __builtin_memcpy(out, from, tile * sizeof(*out));
      } else {
        __builtin_memcpy(out, from, count * sizeof(*out));
      }
    };
    put(task.labels + first, labels);
    if (task.squared != nullptr) put(task.squared + first, squared);
    if (bounds.gaps != nullptr) {
      put(bounds.gaps + first, gaps);
    } else if (bounds.lower != nullptr) {
      put(bounds.upper + first, upper);
      put(bounds.lower + first, lower);
    }
    if (count < tile) open &= (std::uint64_t{1} << count) - 1;
    for (; open != 0; open &= open - 1) {
      const auto r = static_cast<std::size_t>(__builtin_ctzll(open));
      task.open[(*task.n_open)++] = static_cast<std::int32_t>(first + r);
    }
  }

  /// Where the lowest scores are.
  static OMNIMEANS_INLINE void find_labels(const Running& running, std::int32_t* labels) {
    alignas(64) T best[tile];
    alignas(64) T group[tile];
    unroll<V>([&](auto v) __attribute__((always_inline)) {
      S::store(best + v.value * W, running.best[v.value]);
      S::store(group + v.value * W, running.group[v.value]);
    });
    for (std::size_t r = 0; r < tile; ++r) {
      labels[r] = static_cast<std::int32_t>(index_value(group[r]) + tag_of(best[r]));
    }
  }
};

}  // namespace
}  // namespace omnimeans::kernels
