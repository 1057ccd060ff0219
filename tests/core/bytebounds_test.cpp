// SPDX-License-Identifier: MIT
// Backends that carry bounds from step to step, driven by hand: centroids move by arbitrary amounts, not as a
// fit would move them, and after every step the labels must be the canonical ones, by ==. Moves are made to
// break bounds: a centroid overtakes another one by little, straight towards a sample; one jumps far out and
// back; ties. That the data show a wrong bound is tested, too: a drift that is too small gives wrong labels.
#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "core/compare.hpp"
#include "core/data.hpp"
#include "core/oracle.hpp"
#include "core/random.hpp"
#include "omnimeans/backend.hpp"

namespace {

using omnimeans::Isa;
using omnimeans::Matrix;
using omnimeans::MatrixView;

enum class Move { none, tiny, some, large, jump, back, overtake, tie, mixed, count };

/// Samples, and the centroids of every step with upper bounds of their drift and the canonical labels.
template <class T>
struct Steps {
  std::string kind;
  std::size_t n = 0, d = 0, k = 0;
  Matrix<T> samples;
  std::vector<Matrix<T>> centroids;
  std::vector<std::vector<double>> drift;  ///< of the first step: empty
  std::vector<std::vector<std::int32_t>> labels;
};

template <class T>
double length(const T* a, const T* b, std::size_t d) {
  oracle::Quad sum = 0;
  for (std::size_t t = 0; t < d; ++t) {
    const oracle::Quad difference = oracle::Quad(a[t]) - oracle::Quad(b[t]);
    sum += difference * difference;
  }
  // Squares of the least doubles are in the range of a Quad, but not of a double.
  return std::sqrt(static_cast<double>(sum * oracle::Quad(0x1p600))) * 0x1p-300 * (1 + 0x1p-40);
}

/// c + step * (towards - c), or less where that leaves T's range.
template <class T>
void move_towards(T* c, const T* towards, double step, std::size_t d) {
  constexpr double most = static_cast<double>(std::numeric_limits<T>::max()) / 4;
  for (std::size_t t = 0; t < d; ++t) {
    const double from = static_cast<double>(c[t]), to = static_cast<double>(towards[t]);
    c[t] = static_cast<T>(std::clamp(from + step * (to - from), -most, most));
  }
}

template <class T>
void move(Steps<T>& steps, Move kind, double scale, double far, Matrix<T>& c, const Matrix<T>& start,
          Random& random) {
  const std::size_t n = steps.n, d = steps.d, k = steps.k;
  const auto shake = [&](std::size_t j, double by) {
    for (std::size_t t = 0; t < d; ++t) c(j, t) += static_cast<T>(by * scale * random.normal());
  };
  const std::size_t one = random.below(k);
  switch (kind) {
    case Move::tiny:
      for (std::size_t j = 0; j < k; ++j) shake(j, 1e-6);
      break;
    case Move::some:
      for (std::size_t j = 0; j < k; ++j) shake(j, random.one_of({0.0, 0.03, 0.3}));
      break;
    case Move::large:
      for (std::size_t j = 0; j < k; ++j) shake(j, 3);
      break;
    case Move::jump:
      for (std::size_t t = 0; t < d; ++t) c(one, t) = static_cast<T>(far * random.uniform(-1, 1));
      break;
    case Move::back:
      c = start;
      break;
    case Move::overtake:
      // From where it is, to a little nearer or farther than the sample's own centroid.
      for (std::size_t j = 0; j < k; ++j) {
        const std::size_t i = random.below(n);
        const T* x = steps.samples.row(i).data();
        const auto own = static_cast<std::size_t>(steps.labels.back()[i]);
        if (own == j) continue;
        const double near = length(x, c.row(own).data(), d), now = length(x, c.row(j).data(), d);
        if (!(now > near) || !random.chance(2)) continue;
        move_towards(c.row(j).data(), x, 1 - near / now * random.one_of({1 - 1e-3, 1 - 1e-6, 1.0, 1 + 1e-3}),
                     d);
      }
      break;
    case Move::tie:
      for (std::size_t t = 0; t < d; ++t) {
        c(one, t) = c(random.chance(2) ? 0 : k - 1, t);
        c(k - 1, t) = steps.samples(n / 2, t);
      }
      break;
    case Move::mixed:
      for (std::size_t j = 0; j < k; ++j) {
        if (random.chance(2)) shake(j, std::pow(10.0, random.uniform(-7, 0.5)));
      }
      break;
    default:
      break;
  }
}

struct Shape {
  std::size_t n, d, k;
};

/// `far`: how far out single centroids and, if asked for, one sample lie.
template <class T>
Steps<T> make_steps(Shape shape, double scale, double offset, double far, bool outlier, bool integers,
                    std::uint64_t seed) {
  Random random(seed);
  Steps<T> steps;
  steps.n = shape.n, steps.d = shape.d, steps.k = shape.k;
  std::ostringstream kind;
  kind << "n " << shape.n << ", d " << shape.d << ", k " << shape.k << ", scale " << scale << ", offset "
       << offset << ", far " << far << (outlier ? ", an outlier" : "") << (integers ? ", integers" : "")
       << ", seed " << seed;
  steps.kind = kind.str();
  steps.samples = Matrix<T>(shape.n, shape.d);
  const std::size_t groups = 1 + random.below(shape.k);
  std::vector<double> anchors(groups * shape.d);
  for (double& anchor : anchors) anchor = 3 * random.normal();
  for (std::size_t i = 0; i < shape.n; ++i) {
    const std::size_t group = random.below(groups);
    const bool duplicate = i > 0 && random.chance(6);
    for (std::size_t t = 0; t < shape.d; ++t) {
      const double noise = anchors[group * shape.d + t] + random.normal();
      steps.samples(i, t) = duplicate
                                ? steps.samples(i - 1, t)
                                : static_cast<T>(scale * (offset + (integers ? std::round(noise) : noise)));
    }
  }
  if (outlier) {
    for (std::size_t t = 0; t < shape.d; ++t)
      steps.samples(shape.n - 1, t) = static_cast<T>(far * random.uniform(-1, 1));
  }
  Matrix<T> c(shape.k, shape.d);
  for (std::size_t j = 0; j < shape.k; ++j) {
    const std::size_t i = random.below(shape.n - (outlier ? 1 : 0));
    for (std::size_t t = 0; t < shape.d; ++t) {
      c(j, t) = steps.samples(i, t);
      if (!integers && j % 3 != 0) c(j, t) += static_cast<T>(0.3 * scale * random.normal());
    }
  }
  const Matrix<T> start = c;
  constexpr std::size_t n_steps = 12;
  for (std::size_t s = 0; s < n_steps; ++s) {
    std::vector<double> drift;
    if (s > 0) {
      const Matrix<T> before = c;
      // A few quiet steps first, so that there are bounds to break.
      const auto kinds = static_cast<std::size_t>(Move::count);
      const Move kind_of_move = s < 3 ? random.one_of({Move::none, Move::tiny, Move::some})
                                      : static_cast<Move>(random.below(kinds));
      move(steps, kind_of_move, scale, far, c, start, random);
      for (std::size_t j = 0; j < shape.k; ++j)
        drift.push_back(length(c.row(j).data(), before.row(j).data(), shape.d));
    }
    steps.centroids.push_back(c);
    steps.drift.push_back(drift);
    steps.labels.push_back(oracle::labels<T>(steps.samples.view(), c.view()));
  }
  return steps;
}

struct Run {
  std::size_t wrong = 0, first_wrong_step = 0;
  std::uint64_t distances = 0;  ///< computed in all steps but the first
  bool bounded = true;          ///< every inertia_bound was one
};

/// All steps, with drifts of `share` of the true ones; then all of them once more, as another run.
template <class T>
Run run(const Steps<T>& steps, const std::string& backend, Isa isa, int threads, double share = 1) {
  omnimeans::Problem<T> problem;
  problem.samples = steps.samples.view();
  problem.n_clusters = steps.k;
  problem.threads = threads;
  problem.isa = isa;
  problem.memory_limit_bytes = std::numeric_limits<std::uint64_t>::max();
  const auto made = omnimeans::find_backend(backend).template make<T>(problem);
  Run result;
  for (int run = 0; run < 2; ++run) {
    std::vector<std::int32_t> labels(steps.n, -1);
    for (std::size_t s = 0; s < steps.centroids.size(); ++s) {
      std::vector<double> drift = steps.drift[s];
      for (double& moved : drift) moved *= share;
      const omnimeans::AssignmentStats stats = made->assign({steps.centroids[s].view(), drift, labels});
      for (std::size_t i = 0; i < steps.n; ++i) {
        if (labels[i] == steps.labels[s][i]) continue;
        if (result.wrong == 0) result.first_wrong_step = s;
        ++result.wrong;
      }
      const double inertia =
          oracle::inertia<T>(steps.samples.view(), steps.centroids[s].view(), steps.labels[s], {});
      result.bounded = result.bounded && stats.inertia_bound >= inertia * (1 - 0x1p-30);
      if (s > 0) result.distances += stats.distances_computed;
    }
  }
  return result;
}

template <class T>
std::vector<Steps<T>> all_steps() {
  std::vector<Steps<T>> all;
  std::uint64_t seed = 0;
  Random random(7);
  const auto add = [&](Shape shape, double scale, double offset, double far, bool outlier = false) {
    ++seed;
    all.push_back(make_steps<T>(shape, scale, offset, far, outlier, seed % 5 == 0, seed));
  };
  for (const std::size_t k : {1, 2, 3, 5, 17, 63, 64, 65, 100, 129, 300}) {
    for (const double offset : {0.0, 5.0, 1e4}) {
      const std::size_t d = 1 + random.below(130);
      add({60 + random.below(300), d, k}, 1, offset, 1e3);
    }
  }
  for (const std::size_t d : {1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 65, 127, 128, 129, 130})
    add({60 + random.below(300), d, 1 + random.below(90)}, 1, seed % 2 == 0 ? 0 : 50, 1e6);
  // More blocks than threads.
  add({1500, 20, 70}, 1, 0, 100);
  add({1500, 3, 300}, 1, 2, 100);
  // A block's dense refresh in several batches, of 192 samples and of 96.
  add({500, 32, 300}, 1, 0, 100);
  add({300, 20, 1000}, 1, 1, 100);
  // Far from the range that the engine chose its scale for.
  const double largest = sizeof(T) == 4 ? 3.3e38 : 1e150, small = sizeof(T) == 4 ? 1e-30 : 1e-140;
  for (const double scale : {small, 1e-18, 1e18}) {
    for (const bool outlier : {false, true}) {
      add({100, 5, 12}, scale, 0, 1e3 * scale, outlier);
      add({150, 24, 40}, scale, 3, 1e3 * scale, outlier);
      for (const double far : {1e10, largest / 1e10, largest}) {
        add({100, 5, 12}, scale, 0, far, outlier);
        add({150, 24, 40}, scale, 0, far, outlier);
        add({80, 40, 3}, scale, 1, far, outlier);
      }
    }
  }
  return all;
}

template <class T>
class MovedCentroids : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(MovedCentroids, Types);

TYPED_TEST(MovedCentroids, ByteBoundsGiveTheCanonicalLabels) {
  using T = TypeParam;
  double computed = 0, pairs = 0;
  for (const Steps<T>& steps : all_steps<T>()) {
    for (const Isa isa : omnimeans::usable_isas()) {
      for (const int threads : {1, 3}) {
        const Run result = run(steps, "bytebounds", isa, threads);
        ASSERT_EQ(result.wrong, 0u) << "first in step " << result.first_wrong_step << ", " << to_string(isa)
                                    << ", threads " << threads << ", " << steps.kind;
        EXPECT_TRUE(result.bounded) << to_string(isa) << ", threads " << threads << ", " << steps.kind;
        computed += static_cast<double>(result.distances);
        pairs += static_cast<double>(steps.n * steps.k) * static_cast<double>(steps.centroids.size() - 1);
      }
    }
  }
  EXPECT_LT(computed, 0.8 * pairs) << "bounds that skip nothing are never wrong";
}

/// The same steps, by each of the other exact backends in turn.
TYPED_TEST(MovedCentroids, EveryExactBackendGivesTheCanonicalLabels) {
  using T = TypeParam;
  const std::vector<Isa> isas = omnimeans::usable_isas();
  const std::vector<std::string> names = exact_backends();
  std::size_t turn = 0;
  for (const Steps<T>& steps : all_steps<T>()) {
    for (std::size_t some = 0; some < 2; ++some, ++turn) {
      const std::string& backend = names[turn % names.size()];
      const Isa isa = isas[turn / names.size() % isas.size()];
      const Run result = run(steps, backend, isa, 2);
      ASSERT_EQ(result.wrong, 0u) << backend << ", first in step " << result.first_wrong_step << ", "
                                  << to_string(isa) << ", " << steps.kind;
    }
  }
}

TYPED_TEST(MovedCentroids, ADriftThatIsTooSmallIsCaught) {
  using T = TypeParam;
  const std::vector<Steps<T>> all = all_steps<T>();
  for (const Isa isa : omnimeans::usable_isas()) {
    for (const double share : {0.0, 0.5, 0.9}) {
      std::size_t wrong = 0;
      for (const Steps<T>& steps : all) wrong += run(steps, "bytebounds", isa, 1, share).wrong;
      EXPECT_GT(wrong, 0u) << to_string(isa) << ", share " << share;
    }
  }
}

}  // namespace
