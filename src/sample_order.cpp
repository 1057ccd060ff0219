// SPDX-License-Identifier: MIT
#include "sample_order.hpp"

#include <algorithm>
#include <bit>
#include <type_traits>
#include <utility>
#include <vector>

#include "parallel.hpp"
#include "rounding.hpp"

namespace omnimeans {
namespace {

// Two passes of a sort by counting, 2048 places each. Fewer bits are faster to sort, but colours, which lie
// close together, need all of them: photo pixels, k = 256, 18 bits 41 ms for 24 steps, 22 bits 36, 24 bits
// (three passes of eight, 1 ms more) 33 to 36.
constexpr int digit_bits = 11, n_passes = 2;
constexpr std::size_t n_digits = std::size_t{1} << digit_bits;
constexpr int key_bits = n_passes * digit_bits;
constexpr int most_bits = 16;  // of a feature
constexpr std::size_t most_sampled = 256;
constexpr std::size_t trimmed = most_sampled / 64;  // at either end

/// body(std::integral_constant) with n, if that is few, so that a row is read by a few instructions; else
/// with 0.
template <class Body>
void with_few(std::size_t n, Body&& body) {
  switch (n) {
    case 2:
      return body(std::integral_constant<std::size_t, 2>{});
    case 3:
      return body(std::integral_constant<std::size_t, 3>{});
    case 4:
      return body(std::integral_constant<std::size_t, 4>{});
    default:
      return body(std::integral_constant<std::size_t, 0>{});
  }
}

/// How a feature's value becomes bits of a key: its place on the range, in steps, looked up: at once, or, if
/// it has many bits, the lowest ones and the others.
template <class T>
struct Side {
  static constexpr int at_once = digit_bits;
  std::size_t feature;
  T low, factor, last;
  std::uint32_t low_bits[std::size_t{1} << at_once], high_bits[std::size_t{1} << (most_bits - at_once)];
};

/// Where halvings cut, at most key_bits of them; none where all of the samples looked at are equal.
template <class T>
std::vector<Side<T>> choose_sides(MatrixView<const T> samples, double& widest) {
  const std::size_t n = samples.rows(), d = samples.cols();
  const std::size_t count = std::min(n, most_sampled), step = n / count;
  std::vector<T> column(count);
  std::vector<double> low(d), width(d);
  widest = 0;
  for (std::size_t t = 0; t < d; ++t) {
    for (std::size_t i = 0; i < count; ++i) column[i] = samples.row_data(i * step)[t];
    std::sort(column.begin(), column.end());
    const auto value = [&](std::size_t i) { return static_cast<double>(column[i]); };
    widest = std::max(widest, value(count - 1) - value(0));
    const std::size_t trim = std::min(trimmed, count / 4);
    low[t] = value(trim);
    width[t] = value(count - 1 - trim) - low[t];
    if (width[t] > 0) {  // half as much again: tails are longer than what was looked at
      low[t] -= width[t] / 4;
      width[t] *= 1.5;
    } else {
      low[t] = value(0);
      width[t] = value(count - 1) - low[t];
    }
  }
  std::vector<std::vector<int>> bits(d);  // a feature: the key's bits, highest first
  std::vector<double> cell = width;
  for (int bit = key_bits; bit-- > 0;) {
    const auto t = static_cast<std::size_t>(std::max_element(cell.begin(), cell.end()) - cell.begin());
    if (!(cell[t] > 0)) break;
    bits[t].push_back(bit);
    cell[t] = bits[t].size() == most_bits ? 0 : cell[t] / 2;
  }
  std::vector<Side<T>> sides;
  for (std::size_t t = 0; t < d; ++t) {
    if (bits[t].empty()) continue;
    const auto steps = static_cast<double>(std::uint64_t{1} << bits[t].size());
    Side<T>& side = sides.emplace_back();
    side.feature = t;
    side.low = narrow<T>(low[t]);
    side.factor = narrow<T>(steps / width[t]);
    side.last = static_cast<T>(steps - 1);
    std::reverse(bits[t].begin(), bits[t].end());
    // From bit `first` on; up to the places that there are.
    const auto fill = [&](auto& table, std::size_t first) {
      table[0] = 0;
      for (std::size_t v = 1; v < std::size(table); ++v) {
        const std::size_t bit = first + static_cast<std::size_t>(std::countr_zero(v));
        if (bit >= bits[t].size()) break;
        table[v] = table[v & (v - 1)] | std::uint32_t{1} << bits[t][bit];
      }
    };
    fill(side.low_bits, 0);
    fill(side.high_bits, Side<T>::at_once);
  }
  return sides;
}

/// Samples whose keys are found side by side.
constexpr std::size_t chunk = 64;

/// Adds a side's bits to the keys of `count` samples, whose values lie `stride` apart. Separate loops, none
/// with a branch, which would guess wrong every other time: of two steps, half of the samples are on the
/// last.
template <class T>
void add_side(const Side<T>& side, const T* values, std::size_t stride, std::size_t count,
              std::uint32_t* __restrict keys) {
  T places[chunk] = {};
  int steps[chunk];
  for (std::size_t i = 0; i < count; ++i) places[i] = values[i * stride];
  const T low = side.low, factor = side.factor, last = side.last;
  for (std::size_t i = 0; i < chunk; ++i) {
    T place = (places[i] - low) * factor;
    place = place > 0 ? place : T(0);  // also what is no number: infinite * 0
    steps[i] = static_cast<int>(place < last ? place : last);
  }
  constexpr unsigned at_once = 1u << Side<T>::at_once;
  if (last < static_cast<T>(at_once)) {
    for (std::size_t i = 0; i < count; ++i) keys[i] |= side.low_bits[steps[i]];
  } else {
    for (std::size_t i = 0; i < count; ++i) {
      const auto step = static_cast<unsigned>(steps[i]);
      keys[i] |= side.low_bits[step % at_once] | side.high_bits[step / at_once];
    }
  }
}

/// Keys of the samples of a range, and how many have each of the lowest digits.
template <class T>
void write_keys(MatrixView<const T> samples, const std::vector<Side<T>>& sides, RowRange range,
                std::uint64_t* __restrict keys, std::uint32_t* __restrict counts) {
  for (std::size_t begin = range.begin; begin < range.end; begin += chunk) {
    const std::size_t count = std::min(chunk, range.end - begin);
    std::uint32_t found[chunk] = {};
    for (const Side<T>& side : sides)
      add_side(side, samples.row_data(begin) + side.feature, samples.row_stride(), count, found);
    for (std::size_t i = 0; i < count; ++i) {
      keys[begin + i] = std::uint64_t{found[i]} << 32 | (begin + i);
      ++counts[found[i] & (n_digits - 1)];
    }
  }
}

/// The same for N sides, few enough to have many steps each, so that branches are foreseen; Long: some are
/// looked up in two parts.
template <std::size_t N, bool Long, class T>
void write_keys_of_few(MatrixView<const T> samples, const std::vector<Side<T>>& sides, RowRange range,
                       std::uint64_t* __restrict keys, std::uint32_t* __restrict counts) {
  const std::size_t stride = samples.row_stride();
  const Side<T>* side = sides.data();
  const T* x = samples.row_data(range.begin);
  for (std::size_t i = range.begin; i < range.end; ++i, x += stride) {
    std::uint32_t key = 0;
    for (std::size_t s = 0; s < N; ++s) {
      T place = (x[side[s].feature] - side[s].low) * side[s].factor;
      place = place > 0 ? place : T(0);  // also what is no number: infinite * 0
      const auto at = static_cast<unsigned>(static_cast<int>(place < side[s].last ? place : side[s].last));
      constexpr unsigned low = (1u << Side<T>::at_once) - 1;
      key |= side[s].low_bits[Long ? at & low : at];
      if constexpr (Long) key |= side[s].high_bits[at >> Side<T>::at_once];
    }
    keys[i] = std::uint64_t{key} << 32 | i;
    ++counts[key & (n_digits - 1)];
  }
}

/// How many of a range's keys have each digit at `shift`.
void count_digits(const std::uint64_t* keys, RowRange range, int shift, std::uint32_t* __restrict counts) {
  for (std::size_t i = range.begin; i < range.end; ++i) ++counts[keys[i] >> shift & (n_digits - 1)];
}

/// A range's part of one pass of the sort, stable; `next`: where each digit's next key goes.
void scatter(const std::uint64_t* from, RowRange range, int shift, std::uint32_t* __restrict next,
             std::uint64_t* __restrict to) {
  for (std::size_t i = range.begin; i < range.end; ++i)
    to[next[from[i] >> shift & (n_digits - 1)]++] = from[i];
}

/// gather_samples() of D features, or, if that is 0, of any number.
template <std::size_t D, class T, class Number>
void gather(MatrixView<const T> samples, const Number* order, std::size_t count, std::size_t left,
            std::size_t rows, T* __restrict values) {
  const std::size_t d = D != 0 ? D : samples.cols(), stride = samples.row_stride();
  const T* data = samples.data();
  for (std::size_t i = count; i < std::min(left, 2 * count); ++i)
    __builtin_prefetch(data + static_cast<std::uint32_t>(order[i]) * stride);
  for (std::size_t i = 0; i < count; ++i) {
    const T* x = data + static_cast<std::uint32_t>(order[i]) * stride;
    for (std::size_t t = 0; t < d; ++t) values[t * rows + i] = x[t];
  }
  for (std::size_t t = 0; t < d; ++t)
    std::fill(values + t * rows + count, values + (t + 1) * rows, values[t * rows]);
}

}  // namespace

template <class T>
SampleOrder samples_in_order(MatrixView<const T> samples, int threads, std::span<std::byte> room) {
  double widest;
  const std::size_t n = samples.rows();
  const std::vector<Side<T>> sides = choose_sides(samples, widest);
  auto keys = AlignedBuffer<std::uint64_t>::for_overwrite(n);
  AlignedBuffer<std::uint64_t> own_room;
  if (room.size() < keys.bytes()) own_room = AlignedBuffer<std::uint64_t>::for_overwrite(n);
  // The sort writes the room before it reads it, and so does its owner afterwards.
  std::uint64_t *from = keys.data(),
                *to = own_room.size() > 0 ? own_room.data() : reinterpret_cast<std::uint64_t*>(room.data());
  const bool some_long = std::ranges::any_of(
      sides, [](const Side<T>& side) { return side.last >= T(std::size_t{1} << Side<T>::at_once); });
  const auto blocks = static_cast<std::size_t>(useful_threads(threads, block_count(n, 4096)));
  const std::size_t block_rows = block_count(n, blocks);
  std::vector<std::uint32_t> counts(blocks * n_digits);
  const auto each_block = [&](auto&& body) {
    parallel_blocks(threads, blocks, [&](std::size_t b, int) {
      body(block_range(b, n, block_rows), counts.data() + b * n_digits);
    });
  };
  each_block([&](RowRange range, std::uint32_t* count) {
    with_few(sides.size(), [&](auto n_sides) {
      if constexpr (n_sides.value == 0) {
        write_keys(samples, sides, range, keys.data(), count);
      } else if (some_long) {
        write_keys_of_few<n_sides.value, true>(samples, sides, range, keys.data(), count);
      } else {
        write_keys_of_few<n_sides.value, false>(samples, sides, range, keys.data(), count);
      }
    });
  });
  for (int pass = 0; pass < n_passes; ++pass) {
    const int shift = 32 + pass * digit_bits;
    if (pass > 0) {
      std::ranges::fill(counts, 0);
      each_block([&](RowRange range, std::uint32_t* count) { count_digits(from, range, shift, count); });
    }
    std::uint32_t position = 0;
    for (std::size_t digit = 0; digit < n_digits; ++digit) {
      for (std::size_t b = 0; b < blocks; ++b)
        position += std::exchange(counts[b * n_digits + digit], position);
    }
    each_block([&](RowRange range, std::uint32_t* next) { scatter(from, range, shift, next, to); });
    std::swap(from, to);
  }
  static_assert(n_passes % 2 == 0, "they end where they began");
  return {std::move(keys), widest};
}

template <class T, class Number>
void gather_samples(MatrixView<const T> samples, const Number* order, std::size_t count, std::size_t left,
                    std::size_t rows, T* values) {
  with_few(samples.cols(),
           [&](auto n_features) { gather<n_features.value>(samples, order, count, left, rows, values); });
}

double order_bytes_needed(double n, double d, double threads) {
  return 2 * n * sizeof(std::uint64_t) + threads * n_digits * sizeof(std::uint32_t) +
         2 * key_bits * sizeof(Side<double>) + d * (2 * sizeof(double) + sizeof(std::vector<int>) + 64) +
         2 * d * sizeof(double) + most_sampled * sizeof(double);
}

template SampleOrder samples_in_order(MatrixView<const float>, int, std::span<std::byte>);
template SampleOrder samples_in_order(MatrixView<const double>, int, std::span<std::byte>);
template void gather_samples(MatrixView<const float>, const std::uint64_t*, std::size_t, std::size_t,
                             std::size_t, float*);
template void gather_samples(MatrixView<const float>, const std::uint32_t*, std::size_t, std::size_t,
                             std::size_t, float*);
template void gather_samples(MatrixView<const double>, const std::uint64_t*, std::size_t, std::size_t,
                             std::size_t, double*);
template void gather_samples(MatrixView<const double>, const std::uint32_t*, std::size_t, std::size_t,
                             std::size_t, double*);

}  // namespace omnimeans
