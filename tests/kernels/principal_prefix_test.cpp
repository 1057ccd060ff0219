// SPDX-License-Identifier: MIT
// A few coordinates and the length of the rest bound the product of two rows: in quadruple precision, for
// samples that fill all directions, few or none, near zero, far from it, and for centroids beside them. And
// the bounds are so narrow that half a tail would be too little.
#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/compare.hpp"
#include "core/oracle.hpp"
#include "core/random.hpp"
#include "int8_filter.hpp"
#include "kernels/int16.hpp"
#include "kernels/int8.hpp"
#include "omnimeans/fit.hpp"
#include "principal_prefix.hpp"

namespace {

using omnimeans::DenseEngine;
using omnimeans::Matrix;
using omnimeans::PrincipalPrefix;
using oracle::Quad;

/// n rows in the span of `rank` random directions, and `noise` in all of them, around `offset`.
Matrix<float> rows_of_rank(std::size_t n, std::size_t d, std::size_t rank, double noise, double offset,
                           double scale, Random& random) {
  Matrix<float> directions(rank, d), rows(n, d);
  for (std::size_t r = 0; r < rank; ++r) {
    for (std::size_t t = 0; t < d; ++t) directions(r, t) = static_cast<float>(random.normal());
  }
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<double> row(d);
    for (double& value : row) value = offset + noise * random.normal();
    for (std::size_t r = 0; r < rank; ++r) {
      const double length = random.normal() / static_cast<double>(r + 1);
      for (std::size_t t = 0; t < d; ++t) row[t] += length * static_cast<double>(directions(r, t));
    }
    for (std::size_t t = 0; t < d; ++t) rows(i, t) = static_cast<float>(scale * row[t]);
  }
  return rows;
}

struct Extended {
  std::vector<float> values;
  PrincipalPrefix::Measured measured;
};

Quad dot(const float* a, const float* b, std::size_t n) {
  Quad sum = 0;
  for (std::size_t t = 0; t < n; ++t) sum += Quad(a[t]) * Quad(b[t]);
  return sum;
}

std::vector<Extended> extended(const PrincipalPrefix& prefix, const std::vector<float>& rows, std::size_t n,
                               std::size_t d, std::size_t stride) {
  std::vector<Extended> all;
  omnimeans::AlignedBuffer<float> projected(prefix.batch_rows * prefix.padded_axes());
  for (std::size_t begin = 0; begin < n; begin += prefix.batch_rows) {
    const std::size_t count = std::min(prefix.batch_rows, n - begin);
    prefix.project(rows.data() + begin * stride, stride, count, projected.data());
    for (std::size_t r = 0; r < count; ++r) {
      const float* x = rows.data() + (begin + r) * stride;
      const double norm = std::sqrt(static_cast<double>(dot(x, x, d))) * (1 + 0x1p-50);
      Extended one{std::vector<float>(prefix.n_values()), {}};
      one.measured = prefix.extend(projected.data() + r * prefix.padded_axes(), norm, one.values.data());
      all.push_back(one);
    }
  }
  return all;
}

/// Rows as the engine moves and scales them.
std::vector<float> moved(const DenseEngine<float>& engine, std::size_t n) {
  const std::size_t stride = engine.padded_features();
  std::vector<float> rows(n * stride);
  for (std::size_t i = 0; i < n; ++i) engine.load_sample(i, rows.data() + i * stride);
  return rows;
}

struct Found {
  std::size_t pairs = 0, outside = 0, half = 0;
};

void check_products(const PrincipalPrefix& prefix, const std::vector<float>& rows, std::size_t n,
                    std::size_t d, std::size_t stride, Found& found) {
  const std::vector<Extended> all = extended(prefix, rows, n, d, stride);
  for (std::size_t i = 0; i < n; ++i) {
    const Extended& x = all[i];
    // No product is above x~.c~ but for the errors, nor below it by more than two tails.
    for (std::size_t j = 0; j < n; ++j) {
      const Extended& c = all[j];
      const Quad exact = dot(rows.data() + i * stride, rows.data() + j * stride, d);
      const Quad product = dot(x.values.data(), c.values.data(), prefix.n_values());
      const Quad error =
          Quad(x.measured.error) * c.measured.length + Quad(c.measured.error) * x.measured.length;
      const Quad tails = Quad(x.measured.tail) * Quad(c.measured.tail);
      ++found.pairs;
      found.outside += !(exact <= product + error) || !(exact >= product - 2 * tails - error);
      found.half += !(exact <= product - tails / 2) || !(exact >= product - 3 * tails / 2);
    }
    const double length =
        std::sqrt(static_cast<double>(dot(x.values.data(), x.values.data(), prefix.n_values())));
    ASSERT_LE(length, x.measured.length);
    for (std::size_t t = prefix.n_values() - PrincipalPrefix::n_tails; t < prefix.n_values(); ++t)
      ASSERT_EQ(x.values[t] * 2, x.measured.tail);
  }
}

TEST(PrincipalPrefix, BoundsTheProductOfAnyTwoRows) {
  for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
    SCOPED_TRACE(std::string(to_string(isa)));
    Found found;
    std::uint64_t seed = 0;
    for (const std::size_t d : {32, 37, 95, 96, 100, 256, 300}) {
      for (const std::size_t rank : {std::size_t{0}, std::size_t{1}, std::size_t{5}, d}) {
        for (const double noise : {0.0, 1e-3, 1.0}) {
          for (const auto& [offset, scale] : {std::pair{0.0, 1.0}, {3.0, 1e-20}, {1e4, 1.0}, {-1.0, 1e15}}) {
            Random random(++seed);
            const std::size_t n = 1 + seed * 7 % 30, k = 1 + seed % 3;
            const Matrix<float> samples = rows_of_rank(n, d, rank, noise, offset, scale, random);
            DenseEngine<float> engine(samples.view(), std::min(k, n), isa, 1);
            engine.set_centroids({samples.view().row_data(0), std::min(k, n), d, d});
            const auto prefix = PrincipalPrefix::of(engine, n, d, 1 + static_cast<int>(seed % 3));
            ASSERT_LT(prefix->n_values(), d);
            ASSERT_NO_FATAL_FAILURE(
                check_products(*prefix, moved(engine, n), n, d, engine.padded_features(), found));
            ASSERT_EQ(found.outside, 0u) << "n " << n << ", d " << d << ", rank " << rank << ", noise "
                                         << noise << ", offset " << offset << ", scale " << scale;
          }
        }
      }
    }
    EXPECT_GT(found.half, found.pairs / 100) << "bounds that wide prove nothing";
  }
}

/// Rows that no axis was made for: the bounds hold for them, too.
TEST(PrincipalPrefix, BoundsRowsThatItHasNotSeen) {
  const std::size_t n = 40, d = 128;
  Random random(5);
  const Matrix<float> samples = rows_of_rank(n, d, 3, 1e-3, 0, 1, random);
  const omnimeans::Isa isa = omnimeans::usable_isas().back();
  DenseEngine<float> engine(samples.view(), 1, isa, 1);
  engine.set_centroids({samples.view().row_data(0), 1, d, d});
  const auto prefix = PrincipalPrefix::of(engine, n, d, 1);
  EXPECT_TRUE(prefix->worthwhile());
  const Matrix<float> others = rows_of_rank(n, d, d, 1, 2, 10, random);
  std::vector<float> rows(others.view().row_data(0), others.view().row_data(0) + n * d);
  Found found;
  ASSERT_NO_FATAL_FAILURE(check_products(*prefix, rows, n, d, d, found));
  EXPECT_EQ(found.outside, 0u);
}

/// Rows of 1e-38 and 1e-42, whose products underflow, beside ordinary ones.
TEST(PrincipalPrefix, BoundsTinyRows) {
  const std::size_t n = 20, d = 64;
  Random random(6);
  const Matrix<float> samples = rows_of_rank(n, d, 3, 1e-2, 0, 1, random);
  const omnimeans::Isa isa = omnimeans::usable_isas().back();
  DenseEngine<float> engine(samples.view(), 1, isa, 1);
  engine.set_centroids({samples.view().row_data(0), 1, d, d});
  const auto prefix = PrincipalPrefix::of(engine, n, d, 1);
  std::vector<float> rows;
  for (const double scale : {1e-42, 1e-38, 1e-20, 1.0}) {
    const Matrix<float> some = rows_of_rank(n, d, d, 1, 0, scale, random);
    rows.insert(rows.end(), some.view().row_data(0), some.view().row_data(0) + n * d);
  }
  Found found;
  ASSERT_NO_FATAL_FAILURE(check_products(*prefix, rows, 4 * n, d, d, found));
  EXPECT_EQ(found.outside, 0u);
}

TEST(PrincipalPrefix, IsNotLookedForTwice) {
  const auto* kernels = omnimeans::kernels::int8_kernels(omnimeans::default_isa());
  if (kernels == nullptr) GTEST_SKIP() << "no products of eight bits";
  const std::size_t n = 12'000, d = 128, k = 500;
  Random random(8);
  const Matrix<float> samples = rows_of_rank(n, d, 60, 1e-3, 0, 1, random);
  DenseEngine<float> engine(samples.view(), k, omnimeans::default_isa(), 1);
  engine.set_centroids({samples.data(), k, d, samples.view().row_stride()});
  engine.pack_rows();
  const auto values = [&](std::shared_ptr<const PrincipalPrefix> directions) {
    omnimeans::Int8Filter filter(engine, *kernels, n, d, k, 1, omnimeans::Int8Filter::Rows::prefix);
    filter.take_directions(std::move(directions));
    filter.set_centroids();
    return filter.n_values();
  };
  EXPECT_EQ(values(nullptr), 64u);
  EXPECT_EQ(values(PrincipalPrefix::of(engine, n, d, 1, true)), 32u);
}

TEST(PrincipalPrefix, IsTakenByAuto) {
  const std::size_t n = 25000, d = 256, k = 240;
  Random random(7);
  const Matrix<float> samples = rows_of_rank(n, d, 12, 1e-2, 0, 1, random);
  omnimeans::Options options;
  options.n_clusters = k;
  options.init = omnimeans::Init::random;
  options.tol = 0;
  options.threads = 2;
  const auto run = [&](const std::string& backend, std::size_t max_iter, std::uint64_t limit = 0) {
    options.backend = backend;
    options.max_iter = max_iter;
    options.memory_limit_bytes = limit;
    return omnimeans::fit(samples.view(), options);
  };
  const auto result = run("auto", 22), expected = run("simd", 22);
  EXPECT_TRUE(same_result(result, expected));
  EXPECT_TRUE(same_result(run("prefix", 22), expected));
  EXPECT_TRUE(same_result(run("bytebounds", 22), expected));
  const auto* eight_bits = omnimeans::kernels::int8_kernels(omnimeans::default_isa());
  if (eight_bits == nullptr) return;
  ASSERT_EQ(result.n_iter, 22u);
  EXPECT_EQ(result.history[0].backend, "prefix");
  const bool fast = omnimeans::kernels::has_fast_int16(omnimeans::default_isa());
  const std::string_view on_trial = fast ? "prefix" : "bytebounds";
  EXPECT_EQ(result.history[10].backend, on_trial);
  // More clusters: bytes from the start where products of integers are no faster than those of floats.
  options.n_clusters = 300;
  EXPECT_EQ(run("auto", 8).history[0].backend, fast ? "prefix" : "bytebounds");
  // Noise in all directions: longer tails.
  const Matrix<float> noisy = rows_of_rank(n, d, 12, 0.5, 0, 1, random);
  options.n_clusters = 400;
  options.backend = "auto";
  const auto noisy_result = omnimeans::fit(noisy.view(), options);
  EXPECT_EQ(noisy_result.history[0].backend, fast ? "int8" : "bytebounds");
  options.backend = "simd";
  EXPECT_TRUE(same_result(noisy_result, omnimeans::fit(noisy.view(), options)));
  options.n_clusters = k;
  // Too few steps are left to try bytes; just enough.
  for (const auto& step : run("auto", 15).history) EXPECT_EQ(step.backend, "prefix");
  EXPECT_EQ(run("auto", 16).history[10].backend, on_trial);
  // A limit below what asking for a prefix takes.
  const auto limited = run("auto", 3, 1'500'000);
  EXPECT_LE(limited.backend_bytes, 1'500'000u);
  EXPECT_TRUE(same_result(limited, run("simd", 3)));
}

TEST(PrincipalPrefix, IsShortWhereTailsAreAndWorthwhileOnlyThere) {
  const std::size_t n = 300, d = 256;
  const omnimeans::Isa isa = omnimeans::usable_isas().back();
  const auto prefix_of = [&](std::size_t rank, double noise) {
    Random random(rank + 1);
    const Matrix<float> samples = rows_of_rank(n, d, rank, noise, 0, 1, random);
    DenseEngine<float> engine(samples.view(), 2, isa, 2);
    engine.set_centroids({samples.view().row_data(0), 2, d, d});
    return PrincipalPrefix::of(engine, n, d, 2);
  };
  EXPECT_LT(prefix_of(20, 1e-4)->tail_share(), 1e-4);
  EXPECT_EQ(prefix_of(20, 1e-4)->n_values(), 64u);
  EXPECT_EQ(prefix_of(d, 0.3)->n_values(), 128u);
  EXPECT_FALSE(prefix_of(1, 1)->worthwhile());
}

}  // namespace
