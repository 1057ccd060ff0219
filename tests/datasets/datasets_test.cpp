// SPDX-License-Identifier: MIT
// Data sets: the same bits for every thread count (and, by pinned hashes, on every machine), and the shape
// they promise.
#include "datasets/datasets.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "omnimeans/error.hpp"

namespace omnimeans::datasets {
namespace {

using Row = std::vector<double>;

std::vector<Row> rows_of(const Matrix<double>& samples) {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < samples.rows(); ++i)
    rows.emplace_back(samples.row(i).begin(), samples.row(i).end());
  return rows;
}

/// FNV-1a over the bytes of the values, lowest byte first.
template <class T, class Bits>
std::uint64_t hash(const Matrix<T>& samples) {
  std::uint64_t h = 0xcbf29ce484222325u;
  for (std::size_t i = 0; i < samples.rows(); ++i) {
    for (const T value : samples.row(i)) {
      const auto bits = std::bit_cast<Bits>(value);
      for (std::size_t byte = 0; byte < sizeof(Bits); ++byte) {
        h = (h ^ ((bits >> (8 * byte)) & 0xffu)) * 0x100000001b3u;
      }
    }
  }
  return h;
}

double squared_distance(const Row& a, const Row& b) {
  double sum = 0;
  for (std::size_t t = 0; t < a.size(); ++t) sum += (a[t] - b[t]) * (a[t] - b[t]);
  return sum;
}

struct AllKinds : testing::TestWithParam<KindInfo> {
  std::string_view kind() const { return GetParam().name; }
};
INSTANTIATE_TEST_SUITE_P(Kinds, AllKinds, testing::ValuesIn(kinds().begin(), kinds().end()),
                         [](const auto& kind) { return std::string(kind.param.name); });

TEST_P(AllKinds, SameBitsForEveryThreadCount) {
  const Spec spec{.n_samples = 1500, .n_features = 19, .n_clusters = 11, .seed = 5, .threads = 1};
  const auto one_f32 = generate<float>(kind(), spec);
  const auto one_f64 = generate<double>(kind(), spec);
  for (const int threads : {0, 2, 3, 7}) {
    Spec other = spec;
    other.threads = threads;
    EXPECT_EQ(generate<float>(kind(), other), one_f32) << threads;
    EXPECT_EQ(generate<double>(kind(), other), one_f64) << threads;
  }
}

TEST_P(AllKinds, FloatIsDoubleRounded) {
  const Spec spec{.n_samples = 300, .n_features = 7, .n_clusters = 5, .seed = 9};
  const auto f32 = generate<float>(kind(), spec);
  const auto f64 = generate<double>(kind(), spec);
  for (std::size_t i = 0; i < spec.n_samples; ++i) {
    for (std::size_t t = 0; t < spec.n_features; ++t) ASSERT_EQ(f32(i, t), static_cast<float>(f64(i, t)));
  }
}

TEST_P(AllKinds, MoreSamplesKeepTheFirst) {
  const auto few = generate<double>(kind(), {.n_samples = 50, .n_features = 6, .n_clusters = 4});
  const auto many = generate<double>(kind(), {.n_samples = 500, .n_features = 6, .n_clusters = 4});
  for (std::size_t i = 0; i < 50; ++i) ASSERT_TRUE(std::ranges::equal(few.row(i), many.row(i))) << i;
}

TEST_P(AllKinds, SeedChangesTheData) {
  const auto a = generate<double>(kind(), {.n_samples = 50, .n_features = 30, .seed = 1});
  const auto b = generate<double>(kind(), {.n_samples = 50, .n_features = 30, .seed = 2});
  EXPECT_FALSE(a == b);
}

TEST_P(AllKinds, FiniteForAwkwardSizes) {
  for (const std::size_t n : {1u, 2u, 257u}) {
    for (const std::size_t d : {1u, 2u, 17u, 200u}) {
      for (const std::size_t k : {1u, 3u, 300u}) {
        const auto samples = generate<float>(kind(), {.n_samples = n, .n_features = d, .n_clusters = k});
        ASSERT_EQ(samples.rows(), n);
        ASSERT_EQ(samples.cols(), d);
        for (std::size_t i = 0; i < n; ++i) {
          for (const float value : samples.row(i))
            ASSERT_TRUE(std::isfinite(value)) << n << ' ' << d << ' ' << k;
        }
      }
    }
  }
}

TEST_P(AllKinds, RejectsBadSpecs) {
  EXPECT_THROW(generate<float>(kind(), {.n_samples = 0}), InvalidArgument);
  EXPECT_THROW(generate<float>(kind(), {.n_features = 0}), InvalidArgument);
  EXPECT_THROW(generate<float>(kind(), {.n_clusters = 0}), InvalidArgument);
  EXPECT_THROW(generate<float>(kind(), {.separation = -1}), InvalidArgument);
  EXPECT_THROW(generate<float>(kind(), {.separation = std::nan("")}), InvalidArgument);
  EXPECT_THROW(generate<float>(kind(), {.separation = std::numeric_limits<double>::infinity()}),
               InvalidArgument);
  EXPECT_THROW(generate<float>(kind(), {.n_samples = std::size_t{1} << 62, .n_features = 64}),
               MemoryLimitExceeded);
}

TEST(Datasets, UnknownKindListsThoseThereAre) {
  try {
    generate<float>("moons", {});
    FAIL() << "no error";
  } catch (const InvalidArgument& error) {
    const std::string what = error.what();
    EXPECT_NE(what.find("\"moons\""), std::string::npos) << what;
    for (const KindInfo& info : kinds()) EXPECT_NE(what.find(info.name), std::string::npos) << what;
  }
}

// Pinned so that a change of the data (which would make old results incomparable) is noticed, and so that
// another compiler or CPU shows that it makes the same bits.
TEST(Datasets, PinnedBits) {
  struct Pin {
    std::uint64_t f32, f64;
  };
  const std::map<std::string_view, Pin> pins{
      {"blobs", {0xfcaf76bfc8065545, 0xee6157bf4f1d6fe5}},
      {"anisotropic", {0xb4b6b663eb2c6ef8, 0x78d378caa8b983a4}},
      {"uniform", {0xadaf8c0128e7edc5, 0xaed7eb1cc9e037f0}},
      {"imbalanced", {0xf0f94013a73391b3, 0x83de132e7b76c820}},
      {"duplicates", {0x4cb219f8f373738c, 0x7c5aba4ad93cd450}},
      {"grid", {0xdaacac40fcfe1858, 0xdd5ddb9d71401cf8}},
      {"embedding", {0x7fa90abf6070ebec, 0x0fef76a2d5022bca}},
      {"images", {0x285e401519bd35b0, 0x75581948b094cda5}},
      {"lattice", {0xd895b2ced6fe6254, 0x8b90a40529bcf43c}},
      {"pixels", {0xcd6e53645b752db1, 0xe8b760b997d43e90}},
  };
  for (const KindInfo& info : kinds()) {
    const Spec spec{.n_samples = 40, .n_features = 20, .n_clusters = 6, .seed = 42};
    ASSERT_TRUE(pins.contains(info.name)) << info.name << " has no pinned hash";
    const auto f32 = hash<float, std::uint32_t>(generate<float>(info.name, spec));
    const auto f64 = hash<double, std::uint64_t>(generate<double>(info.name, spec));
    EXPECT_EQ(f32, pins.at(info.name).f32) << info.name << std::hex << " 0x" << f32;
    EXPECT_EQ(f64, pins.at(info.name).f64) << info.name << std::hex << " 0x" << f64;
  }
}

TEST(Datasets, UniformFillsTheUnitCube) {
  const auto samples = generate<double>("uniform", {.n_samples = 20000, .n_features = 3});
  for (std::size_t t = 0; t < 3; ++t) {
    double sum = 0, low = 1, high = 0;
    for (std::size_t i = 0; i < samples.rows(); ++i) {
      const double value = samples(i, t);
      sum += value;
      low = std::min(low, value);
      high = std::max(high, value);
    }
    EXPECT_GE(low, 0);
    EXPECT_LT(low, 0.01);
    EXPECT_LT(high, 1);
    EXPECT_GT(high, 0.99);
    EXPECT_NEAR(sum / 20000, 0.5, 0.02);  // seven standard errors of 0.29 / sqrt(20000)
  }
}

TEST(Datasets, BlobsHaveUnitVarianceAroundOneCentre) {
  const auto samples = generate<double>("blobs", {.n_samples = 20000, .n_features = 4, .n_clusters = 1});
  for (std::size_t t = 0; t < 4; ++t) {
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < samples.rows(); ++i) {
      sum += samples(i, t);
      squares += samples(i, t) * samples(i, t);
    }
    const double mean = sum / 20000;
    EXPECT_NEAR(squares / 20000 - mean * mean, 1, 0.05);
  }
}

// Far-apart blobs fall into groups: the near neighbours of a sample are sqrt(2 d) away, all others much
// farther.
TEST(Datasets, SeparationSeparates) {
  const auto rows = rows_of(generate<double>(
      "blobs", {.n_samples = 400, .n_features = 8, .n_clusters = 5, .seed = 3, .separation = 1000}));
  std::vector<Row> leaders;
  for (const Row& row : rows) {
    const bool is_new =
        std::ranges::none_of(leaders, [&](const Row& l) { return squared_distance(l, row) < 400; });
    if (is_new) leaders.push_back(row);
  }
  EXPECT_EQ(leaders.size(), 5u);
}

TEST(Datasets, AnisotropicComponentsAreStretched) {
  // One component in the plane: the eigenvalues of its covariance differ a lot, and its axes are tilted.
  const auto samples =
      generate<double>("anisotropic", {.n_samples = 5000, .n_features = 2, .n_clusters = 1, .seed = 1});
  double x = 0, y = 0, xx = 0, xy = 0, yy = 0;
  for (std::size_t i = 0; i < 5000; ++i) {
    x += samples(i, 0), y += samples(i, 1);
    xx += samples(i, 0) * samples(i, 0), xy += samples(i, 0) * samples(i, 1),
        yy += samples(i, 1) * samples(i, 1);
  }
  x /= 5000, y /= 5000;
  const double a = xx / 5000 - x * x, b = xy / 5000 - x * y, c = yy / 5000 - y * y;
  const double root = std::sqrt((a - c) * (a - c) / 4 + b * b);
  EXPECT_GT((a + c) / 2 + root, 2 * ((a + c) / 2 - root));
  EXPECT_GT(std::abs(b), 0.05);
}

TEST(Datasets, ImbalancedSizesFollowThePowerLaw) {
  constexpr std::size_t n = 20000, k = 8;
  const auto rows = rows_of(generate<double>(
      "imbalanced", {.n_samples = n, .n_features = 8, .n_clusters = k, .seed = 3, .separation = 1000}));
  std::vector<Row> leaders;
  std::vector<double> sizes;
  for (const Row& row : rows) {
    const auto leader =
        std::ranges::find_if(leaders, [&](const Row& l) { return squared_distance(l, row) < 400; });
    const auto at = static_cast<std::size_t>(leader - leaders.begin());
    if (leader == leaders.end()) leaders.push_back(row), sizes.push_back(0);
    ++sizes[at];
  }
  ASSERT_EQ(sizes.size(), k);
  std::ranges::sort(sizes, std::greater<>());
  double harmonic = 0;
  for (std::size_t j = 1; j <= k; ++j) harmonic += 1.0 / static_cast<double>(j);
  for (std::size_t j = 0; j < k; ++j) {
    const double expected = n / harmonic / static_cast<double>(j + 1);
    EXPECT_NEAR(sizes[j], expected, 6 * std::sqrt(expected)) << j;
  }
}

TEST(Datasets, DuplicatesHaveExactlyThatManyPoints) {
  for (const std::size_t k : {1u, 7u, 1000u}) {
    const auto samples = generate<float>("duplicates", {.n_samples = 3000, .n_features = 1, .n_clusters = k});
    const std::set<float> distinct(samples.data(), samples.data() + 3000);
    EXPECT_EQ(distinct.size(), k);
  }
  const auto few = generate<float>("duplicates", {.n_samples = 5, .n_features = 3, .n_clusters = 9});
  EXPECT_EQ(std::set<float>({few(0, 0), few(1, 0), few(2, 0), few(3, 0), few(4, 0)}).size(), 5u);
}

TEST(Datasets, GridHasSmallIntegers) {
  const auto samples = generate<float>("grid", {.n_samples = 2000, .n_features = 2});
  const std::set<float> values(samples.data(), samples.data() + 4000);
  EXPECT_EQ(values, (std::set<float>{0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST(Datasets, EmbeddingRowsHaveUnitNorm) {
  for (const std::size_t d : {1u, 5u, 128u}) {
    const auto samples = generate<double>("embedding", {.n_samples = 200, .n_features = d, .n_clusters = 10});
    for (const Row& row : rows_of(samples)) ASSERT_NEAR(squared_distance(row, Row(d, 0)), 1, 1e-12);
  }
}

// Low rank and topics: a row is much nearer to rows of its topic than two unrelated unit vectors (distance^2
// about 2).
TEST(Datasets, EmbeddingRowsHaveNearNeighbours) {
  const auto rows =
      rows_of(generate<double>("embedding", {.n_samples = 400, .n_features = 128, .n_clusters = 10}));
  double nearest_sum = 0, mean_sum = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    double nearest = 4;
    for (std::size_t j = 0; j < rows.size(); ++j) {
      if (i == j) continue;
      const double distance = squared_distance(rows[i], rows[j]);
      nearest = std::min(nearest, distance);
      mean_sum += distance / static_cast<double>(rows.size() - 1);
    }
    nearest_sum += nearest;
  }
  EXPECT_LT(2 * nearest_sum, mean_sum);
}

TEST(Datasets, LatticeHasUnitVarianceAroundItsCorners) {
  const auto samples =
      generate<double>("lattice", {.n_samples = 20000, .n_features = 2, .n_clusters = 9, .separation = 20});
  double squares = 0;
  for (std::size_t i = 0; i < samples.rows(); ++i) {
    for (const double value : samples.row(i)) {
      const double corner = 20 * std::round(value / 20);
      EXPECT_TRUE(corner >= 0 && corner <= 40) << value;
      squares += (value - corner) * (value - corner);
    }
  }
  EXPECT_NEAR(squares / 40000, 1, 0.05);  // seven standard errors of sqrt(2 / 40000)
}

TEST(Datasets, PixelsAreWholeNumbersWhoseNeighboursAndChannelsAreAlike) {
  constexpr std::size_t n = 20000;
  const auto samples = generate<double>("pixels", {.n_samples = n, .n_features = 3, .n_clusters = 16});
  double neighbours = 0, strangers = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (const double value : samples.row(i)) {
      ASSERT_GE(value, 0);
      ASSERT_LE(value, 255);
      ASSERT_EQ(value, std::floor(value));
    }
    neighbours += std::abs(samples(i, 0) - samples((i + 1) % n, 0));
    strangers += std::abs(samples(i, 0) - samples((i + n / 2) % n, 0));
  }
  EXPECT_LT(3 * neighbours, strangers);
}

TEST(Datasets, ImagesAreSparseGreyAndSmooth) {
  constexpr std::size_t n = 100, width = 28, d = width * width;
  const auto samples = generate<double>("images", {.n_samples = n, .n_features = d, .n_clusters = 10});
  double zeros = 0, neighbour_difference = 0, ink = 0;
  for (std::size_t i = 0; i < n; ++i) {
    double most = 0;
    for (std::size_t t = 0; t < d; ++t) {
      const double value = samples(i, t);
      ASSERT_GE(value, 0);
      ASSERT_LE(value, 255);
      ASSERT_EQ(value, std::floor(value));
      zeros += value == 0;
      ink += value;
      most = std::max(most, value);
      if (t % width != 0) neighbour_difference += std::abs(value - samples(i, t - 1));
    }
    EXPECT_GT(most, 150) << i;
  }
  EXPECT_GT(zeros / (n * d), 0.6);
  EXPECT_LT(zeros / (n * d), 0.95);
  // Of unrelated pixels with as much ink, neighbours would differ by nearly twice the mean.
  EXPECT_LT(neighbour_difference, 0.8 * ink);
}

}  // namespace
}  // namespace omnimeans::datasets
