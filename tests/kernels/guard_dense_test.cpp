// SPDX-License-Identifier: MIT
// The dense kernels against guard pages, at every alignment: no byte beside a buffer is read or written;
// scores are within the rounding-error bound of the exact ones; a label that the margin proves is the
// canonical one; and an instruction set gives the same bits wherever its buffers lie.
#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "core/oracle.hpp"
#include "kernels/guarded.hpp"
#include "kernels/packing.hpp"
#include "kernels/shapes.hpp"

namespace {

using omnimeans::Matrix;
using omnimeans::MatrixView;
using omnimeans::kernels::Kernels;

/// One problem, the same for all instruction sets and places. Rows are `stride` apart.
template <class T>
struct Dense {
  Shape shape;
  std::size_t stride;
  std::vector<T> rows, offset;  // offset is empty where samples are taken as they are
  T scale = 1;
  Matrix<T> centroids;
  Moved<T> moved;
  std::vector<std::int32_t> labels;  // canonical

  explicit Dense(const Shape& s) : shape(s), stride(s.d + (s.n + s.k) % 4), centroids(s.k, s.d) {
    Random random(s.n * 1'000'000 + s.d * 1000 + s.k);
    rows = random_rows<T>(random, s.n, s.d, stride);
    for (std::size_t j = 0; j < s.k; ++j) {
      for (std::size_t t = 0; t < s.d; ++t) centroids(j, t) = static_cast<T>(random.uniform(-4, 4));
    }
    if (s.k > 2) {  // one that ties with another
      for (std::size_t t = 0; t < s.d; ++t) centroids(s.k - 1, t) = centroids(s.k / 2, t);
    }
    if (random.chance(2)) {
      offset = random_values<T>(random, s.d, 1, 2);
      scale = T(0.125);
    }
    moved = moved_centroids<T>(centroids.view(), offset.empty() ? nullptr : offset.data(), scale);
    labels = oracle::labels<T>(samples(), centroids.view());
  }

  MatrixView<const T> samples() const { return {rows.data(), shape.n, shape.d, stride}; }
};

/// What nearest() wrote.
template <class T>
struct Labelled {
  std::vector<std::int32_t> labels, open;
  std::vector<T> squared, norms;
  bool operator==(const Labelled&) const = default;
};

/// The rows listed backwards, every third one left out: each gets what it got in place.
template <class T>
void check_listed(omnimeans::kernels::NearestTask<T> task, const Labelled<T>& in_place,
                  const Kernels<T>& kernels, Placement place) {
  std::vector<std::int32_t> rows;
  for (std::size_t r = task.block.n_rows; r-- > 0;) {
    if (r % 3 != 1) rows.push_back(static_cast<std::int32_t>(r));
  }
  const std::size_t count = rows.size();
  Guarded<std::int32_t> index(rows, place), labels(count, place), open(count, place);
  Guarded<T> squared(count, place), upper(count, place), lower(count, place);
  std::size_t n_open = 0;
  const omnimeans::kernels::DistanceBounds<T> bounds = task.bounds;
  task.block.n_rows = count;
  task.block.index = index.data();
  task.labels = labels.data();
  task.squared = squared.data();
  task.bounds.upper = upper.data();
  task.bounds.lower = lower.data();
  task.open = open.data();
  task.n_open = &n_open;
  kernels.nearest(task);
  std::vector<std::int32_t> open_rows;
  for (std::size_t o = n_open; o-- > 0;) open_rows.push_back(rows[static_cast<std::size_t>(open.data()[o])]);
  std::vector<std::int32_t> expected_open;
  for (const std::int32_t r : in_place.open) {
    if (r % 3 != 1) expected_open.push_back(r);
  }
  EXPECT_EQ(open_rows, expected_open);
  for (std::size_t at = 0; at < count; ++at) {
    const auto r = static_cast<std::size_t>(rows[at]);
    ASSERT_EQ(labels.data()[at], in_place.labels[r]) << r;
    ASSERT_EQ(squared.data()[at], in_place.squared[r]) << r;
    ASSERT_EQ(upper.data()[at], bounds.upper[r]) << r;
    ASSERT_EQ(lower.data()[at], bounds.lower[r]) << r;
  }
  EXPECT_TRUE(labels.intact() && open.intact() && squared.intact() && upper.intact() && lower.intact());
}

/// Gaps instead of the bounds that it was asked for before: of all rows in place, and of some that are
/// listed.
template <class T>
void check_gaps(omnimeans::kernels::NearestTask<T> task, const Labelled<T>& in_place,
                const Kernels<T>& kernels, Placement place) {
  const std::size_t n = task.block.n_rows, k = task.centroids.n_clusters;
  Random random(n * 1000 + k);
  std::vector<T> lengths = random_values<T>(random, k, 0, 3);
  Guarded<T> path(lengths, place), gaps(n, place), some_gaps((n + 1) / 2, place);
  const omnimeans::kernels::DistanceBounds<T> bounds = task.bounds;
  std::size_t n_open = 0;
  task.n_open = &n_open;
  task.bounds.upper = task.bounds.lower = nullptr;
  task.bounds.gaps = gaps.data();
  task.bounds.path = path.data();
  kernels.nearest(task);
  ASSERT_EQ(n_open, in_place.open.size());
  std::vector<bool> is_open(n, false);
  for (const std::int32_t r : in_place.open) is_open[static_cast<std::size_t>(r)] = true;
  for (std::size_t r = 0; r < n; ++r) {
    const T added = lengths[static_cast<std::size_t>(in_place.labels[r])], gap = gaps.data()[r],
            exact = bounds.lower[r] - bounds.upper[r] + added;
    if (is_open[r]) {
      ASSERT_EQ(gap, -std::numeric_limits<T>::infinity()) << r;
    } else if (!(exact > added)) {
      ASSERT_FALSE(gap > added) << r;
    } else {
      ASSERT_LT(gap, exact) << r;
      ASSERT_GT(gap, exact * (1 - 8 * std::numeric_limits<T>::epsilon())) << r;
    }
  }
  std::vector<std::int32_t> even;  // backwards
  std::size_t n_open_even = 0;
  for (std::size_t r = (n + 1) / 2 * 2; r > 0; r -= 2) {
    even.push_back(static_cast<std::int32_t>(r - 2));
    n_open_even += is_open[r - 2] ? 1 : 0;
  }
  Guarded<std::int32_t> index(even, place);
  n_open = 0;
  task.block.n_rows = even.size();
  task.block.index = index.data();
  task.bounds.gaps = some_gaps.data();
  kernels.nearest(task);
  ASSERT_EQ(n_open, n_open_even);
  for (std::size_t at = 0; at < even.size(); ++at)
    ASSERT_EQ(some_gaps.data()[at], gaps.data()[static_cast<std::size_t>(even[at])]) << at;
  EXPECT_TRUE(path.intact() && gaps.intact() && some_gaps.intact() && index.intact());
}

template <class T>
Labelled<T> run_nearest(const Dense<T>& p, const Kernels<T>& kernels, Placement place) {
  const auto [n, d, k] = p.shape;
  const std::size_t groups = (k + kernels.nearest_group - 1) / kernels.nearest_group;
  const std::size_t tile_size = std::min(d, omnimeans::kernels::dense_chain) * kernels.nearest_tile,
                    partial_size = k * kernels.nearest_tile;
  Guarded<T> rows(p.rows, place), offset(p.offset, place), half_norms(p.moved.half_norms, place),
      packed(packed_groups(p.moved.centroids, groups), place), norms(n, place), squared(n, place),
      upper(n, place), lower(n, place), tile(tile_size, aligned_place<T>(tile_size, place)),
      partial(partial_size, aligned_place<T>(partial_size, place));
  Guarded<std::int32_t> labels(n, place), open(n, place);
  omnimeans::kernels::NearestTask<T> task;
  task.centroids = {packed.data(), half_norms.data(), k, d, groups};
  task.block = {rows.data(), p.stride, n, nullptr};
  task.offset = p.offset.empty() ? nullptr : offset.data();
  task.scale = p.scale;
  set_margin(task, static_cast<double>(d), p.moved.longest, p.scale);
  task.norms = norms.data();
  task.tile_samples = tile.data();
  task.partial = d > omnimeans::kernels::dense_chain ? partial.data() : nullptr;
  task.labels = labels.data();
  task.squared = squared.data();
  task.open = open.data();
  std::size_t n_open = 0;
  task.n_open = &n_open;
  const auto results = [&] {
    EXPECT_LE(n_open, p.shape.n);
    return Labelled<T>{
        labels.values(), {open.data(), open.data() + n_open}, squared.values(), norms.values()};
  };
  kernels.nearest(task);
  const Labelled<T> first = results();
  // Once more with the norms that were found, and with bounds.
  task.norms_known = true;
  task.bounds.upper = upper.data();
  task.bounds.lower = lower.data();
  n_open = 0;
  kernels.nearest(task);
  EXPECT_EQ(results(), first);
  check_listed(task, first, kernels, place);
  check_gaps(task, first, kernels, place);
  EXPECT_TRUE(norms.intact() && squared.intact() && upper.intact() && lower.intact() && tile.intact() &&
              partial.intact() && labels.intact() && open.intact() && rows.intact() && packed.intact());
  return first;
}

/// Squared length of the moved sample and of its way to a moved centroid, in units of the moved space.
template <class T>
oracle::Quad squared(const Dense<T>& p, const T* x, const T* from) {
  oracle::Quad sum = 0;
  for (std::size_t t = 0; t < p.shape.d; ++t) {
    const oracle::Quad zero = p.offset.empty() ? 0 : static_cast<oracle::Quad>(p.offset[t]);
    const oracle::Quad other = from != nullptr ? static_cast<oracle::Quad>(from[t]) : zero;
    const oracle::Quad difference =
        (static_cast<oracle::Quad>(x[t]) - other) * static_cast<oracle::Quad>(p.scale);
    sum += difference * difference;
  }
  return sum;
}

template <class T>
void check_nearest(const Dense<T>& p, const Labelled<T>& found) {
  const auto [n, d, k] = p.shape;
  std::vector<bool> is_open(n, false);
  for (std::size_t o = 0; o < found.open.size(); ++o) {
    ASSERT_TRUE(found.open[o] >= 0 && static_cast<std::size_t>(found.open[o]) < n);
    ASSERT_TRUE(o == 0 || found.open[o - 1] < found.open[o]) << "ascending, each once";
    is_open[static_cast<std::size_t>(found.open[o])] = true;
  }
  for (std::size_t i = 0; i < n; ++i) {
    const T* x = p.samples().row_data(i);
    const double norm = static_cast<double>(found.norms[i]);
    const double exact_norm = std::sqrt(static_cast<double>(squared<T>(p, x, nullptr)));
    ASSERT_GE(norm, exact_norm * (1 - 0x1p-50)) << i;
    ASSERT_LE(norm, exact_norm * (1 + 1e-3) + 1e-15) << i;
    const std::int32_t label = found.labels[i];
    ASSERT_TRUE(label >= 0 && static_cast<std::size_t>(label) < k) << label;
    if (is_open[i]) continue;
    ASSERT_EQ(label, p.labels[i]) << "sample " << i << " of " << n << ", d " << d << ", k " << k;
    const T* c = p.centroids.row(static_cast<std::size_t>(label)).data();
    ASSERT_GE(static_cast<double>(found.squared[i]) * (1 + 0x1p-20), static_cast<double>(squared(p, x, c)))
        << i;
  }
}

template <class T>
std::vector<T> run_scores(const Dense<T>& p, const Kernels<T>& kernels, Placement place) {
  const auto [n, d, k] = p.shape;
  const std::size_t vectors = (k + kernels.lanes - 1) / kernels.lanes, width = vectors * kernels.lanes;
  const std::size_t out_stride = width + n % 3;
  std::vector<T> padded_norms = p.moved.half_norms;
  padded_norms.resize(width, std::numeric_limits<T>::infinity());
  Guarded<T> rows(p.rows, place), panels(packed_panels(p.centroids, kernels.lanes), place),
      half_norms(padded_norms, place), out((n - 1) * out_stride + width, place);
  kernels.scores({panels.data(), half_norms.data(), vectors, d, 1 + n % 3}, {rows.data(), p.stride, n},
                 out.data(), out_stride);
  EXPECT_TRUE(out.intact() && panels.intact() && half_norms.intact());
  std::vector<T> scores(n * k);
  for (std::size_t i = 0; i < n; ++i) {
    const T* row = out.data() + i * out_stride;
    std::copy_n(row, k, scores.begin() + static_cast<std::ptrdiff_t>(i * k));
    for (std::size_t j = k; j < width; ++j) EXPECT_EQ(row[j], std::numeric_limits<T>::infinity());
    const auto* gap = reinterpret_cast<const unsigned char*>(row + width);
    for (std::size_t b = 0; i + 1 < n && b < (out_stride - width) * sizeof(T); ++b) {
      EXPECT_EQ(gap[b], Guarded<T>::pattern) << "between rows " << i << " and " << i + 1;
    }
  }
  return scores;
}

/// A product, the additions of a chain and of the chains: so many roundings; see dense_engine.hpp.
template <class T>
void check_scores(const Dense<T>& p, const std::vector<T>& scores) {
  const auto [n, d, k] = p.shape;
  const double chain = static_cast<double>(omnimeans::kernels::dense_chain), length = static_cast<double>(d);
  const double g = gamma_of<T>(std::min(length, chain) + std::ceil(length / chain) + 1);
  for (std::size_t i = 0; i < n; ++i) {
    const T* x = p.samples().row_data(i);
    for (std::size_t j = 0; j < k; ++j) {
      oracle::Quad exact = static_cast<oracle::Quad>(p.moved.half_norms[j]), size = exact;
      for (std::size_t t = 0; t < d; ++t) {
        const oracle::Quad product =
            static_cast<oracle::Quad>(x[t]) * static_cast<oracle::Quad>(p.centroids(j, t));
        exact -= product;
        size += product < 0 ? -product : product;
      }
      const double error = static_cast<double>(static_cast<oracle::Quad>(scores[i * k + j]) - exact);
      ASSERT_LE(std::abs(error), g * static_cast<double>(size))
          << i << ", " << j << ", d " << d << ", k " << k;
    }
  }
}

template <class T>
class GuardedDense : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(GuardedDense, Types);

TYPED_TEST(GuardedDense, Nearest) {
  using T = TypeParam;
  std::size_t samples = 0, proved = 0;
  const auto check = [&](const Shape& shape, const std::vector<Placement>& places) {
    const Dense<T> problem(shape);
    for (const auto* table : usable_tables()) {
      SCOPED_TRACE(std::string(omnimeans::to_string(table->isa)));
      const Labelled<T> first = run_nearest(problem, table->of<T>(), places.front());
      check_nearest(problem, first);
      samples += shape.n;
      proved += shape.n - first.open.size();
      for (const Placement place : places) {
        ASSERT_EQ(run_nearest(problem, table->of<T>(), place), first)
            << "gap " << place.gap << (place.at_end ? " at the end" : " in front");
      }
    }
  };
  for (const Shape& shape : swept_shapes()) ASSERT_NO_FATAL_FAILURE(check(shape, edges()));
  for (const Shape& shape : few_shapes()) ASSERT_NO_FATAL_FAILURE(check(shape, all_gaps(sizeof(T))));
  EXPECT_GT(proved, samples / 2) << "a kernel that leaves everything open is never wrong, nor any use";
}

TYPED_TEST(GuardedDense, Scores) {
  using T = TypeParam;
  const auto check = [&](const Shape& shape, const std::vector<Placement>& places) {
    Dense<T> problem(shape);
    problem.moved = moved_centroids<T>(problem.centroids.view(), nullptr, T(1));  // scores know of no offset
    for (const auto* table : usable_tables()) {
      SCOPED_TRACE(std::string(omnimeans::to_string(table->isa)));
      const std::vector<T> first = run_scores(problem, table->of<T>(), places.front());
      check_scores(problem, first);
      for (const Placement place : places) {
        ASSERT_EQ(run_scores(problem, table->of<T>(), place), first)
            << "gap " << place.gap << (place.at_end ? " at the end" : " in front");
      }
    }
  };
  for (Shape shape : swept_shapes()) {
    shape.n = 1 + (shape.n - 1) % 40;  // three tiles and every remainder
    ASSERT_NO_FATAL_FAILURE(check(shape, edges()));
  }
  for (const Shape& shape : few_shapes()) ASSERT_NO_FATAL_FAILURE(check(shape, all_gaps(sizeof(T))));
}

}  // namespace
