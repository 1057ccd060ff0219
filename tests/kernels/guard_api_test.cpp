// SPDX-License-Identifier: MIT
// The public functions on views that end, or begin, at a page that faults: whatever the element offset and
// the row stride, they read nothing else and return the bits that they return for plain matrices.
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "core/compare.hpp"
#include "core/data.hpp"
#include "kernels/guarded.hpp"

namespace {

using omnimeans::Matrix;
using omnimeans::MatrixView;
using omnimeans::Options;

/// A copy of a matrix whose rows are `stride` apart; nothing follows the last value of the last row.
template <class T>
class GuardedMatrix {
 public:
  GuardedMatrix(const Matrix<T>& m, std::size_t stride, Placement place)
      : values_((m.rows() - 1) * stride + m.cols(), place),
        view_(values_.data(), m.rows(), m.cols(), stride) {
    for (std::size_t i = 0; i < m.rows(); ++i) {
      for (std::size_t t = 0; t < m.cols(); ++t) values_.data()[i * stride + t] = m(i, t);
    }
  }
  MatrixView<const T> view() const { return view_; }

 private:
  Guarded<T> values_;
  MatrixView<const T> view_;
};

/// 0 to 15 elements from either guard.
template <class T>
std::vector<Placement> element_offsets() {
  std::vector<Placement> places;
  for (const bool at_end : {true, false}) {
    for (std::size_t offset = 0; offset < 16; ++offset) places.push_back({at_end, offset * sizeof(T)});
  }
  return places;
}

template <class T>
class GuardedApi : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(GuardedApi, Types);

TYPED_TEST(GuardedApi, Fit) {
  using T = TypeParam;
  for (const std::size_t d : {1, 2, 3, 7, 16, 19, 130}) {
    const std::size_t n = 61, k = 7;
    const Matrix<T> samples = blobs<T>(n, d, 5, d), start = take(samples, {1, 11, 21, 31, 41, 51, 60});
    Random random(d);
    std::vector<T> weights(n);
    for (T& weight : weights) weight = static_cast<T>(random.below(4));
    weights[0] = 1;
    for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
      for (const std::string& backend : exact_backends()) {
        const Options options{.n_clusters = k,
                              .max_iter = 5,
                              .threads = 2,
                              .backend = backend,
                              .isa = std::string(to_string(isa))};
        const auto expected =
            omnimeans::fit(samples, options, {.sample_weights = weights, .initial_centroids = start.view()});
        const auto unweighted = omnimeans::fit(samples, options);
        for (const Placement place : element_offsets<T>()) {
          const std::size_t stride = d + place.gap / sizeof(T) % 3;
          const GuardedMatrix<T> guarded(samples, stride, place), guarded_start(start, stride, place);
          Guarded<T> guarded_weights(weights, place);
          const auto found = omnimeans::fit(guarded.view(), options,
                                            {.sample_weights = std::span<const T>(guarded_weights.data(), n),
                                             .initial_centroids = guarded_start.view()});
          ASSERT_TRUE(same_result(expected, found))
              << backend << ", " << to_string(isa) << ", d " << d << ", gap " << place.gap << place.at_end;
          ASSERT_TRUE(same_result(unweighted, omnimeans::fit(guarded.view(), options)))
              << backend << ", " << to_string(isa) << ", d " << d << ", gap " << place.gap << place.at_end;
        }
      }
    }
  }
}

TYPED_TEST(GuardedApi, PredictTransformInertiaSeed) {
  using T = TypeParam;
  for (std::size_t d = 1; d <= 33; d += d < 18 ? 1 : 15) {
    const std::size_t n = 97, k = 1 + d * 5 % 23;
    const Matrix<T> samples = blobs<T>(n, d, 5, d), centroids = blobs<T>(k, d, 5, d + 1);
    for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
      const omnimeans::PredictOptions options{.threads = 2, .isa = std::string(to_string(isa))};
      const omnimeans::SeedingOptions seeding{.n_clusters = k, .seed = d, .threads = 2, .isa = options.isa};
      const auto labels = omnimeans::predict(samples, centroids, options);
      const Matrix<T> distances = omnimeans::transform(samples, centroids, options);
      const double inertia = omnimeans::inertia(samples, centroids, labels, {}, options);
      const auto seeds = omnimeans::seed_centroids(samples, seeding);
      for (const Placement place : element_offsets<T>()) {
        const std::size_t stride = d + place.gap / sizeof(T) % 3;
        SCOPED_TRACE(std::string(to_string(isa)) + ", d " + std::to_string(d) + ", gap " +
                     std::to_string(place.gap) + (place.at_end ? " at the end" : " in front"));
        const GuardedMatrix<T> x(samples, stride, place), c(centroids, stride, place);
        Guarded<std::int32_t> guarded_labels(labels, place);
        ASSERT_TRUE(same_labels(labels, omnimeans::predict(x.view(), c.view(), options)));
        ASSERT_TRUE(same_matrix(distances, omnimeans::transform(x.view(), c.view(), options)));
        const std::span<const std::int32_t> label_span(guarded_labels.data(), n);
        ASSERT_TRUE(same_bits(inertia, omnimeans::inertia(x.view(), c.view(), label_span, {}, options)));
        ASSERT_EQ(seeds.indices, omnimeans::seed_centroids(x.view(), seeding).indices);
      }
    }
  }
}

}  // namespace
