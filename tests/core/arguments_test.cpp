// SPDX-License-Identifier: MIT
// Bad arguments, as a table: what is wrong, which error, and the words that name the value. After each of
// them the caller's data are what they were, byte by byte.
#include <gtest/gtest.h>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <typeinfo>
#include <vector>

#include "core/data.hpp"

namespace {

using namespace omnimeans;

/// Good arguments for every function: 10 samples of 4 features, 3 clusters. A case spoils one of them.
template <class T>
struct Arguments {
  Matrix<T> samples = blobs<T>(10, 4, 3, 1);
  std::vector<T> weights = std::vector<T>(10, T(1));
  Matrix<T> centroids = take(samples, {0, 1, 2});
  std::vector<std::int32_t> labels = std::vector<std::int32_t>(10, 0);
  MatrixView<const T> samples_view = samples.view();
  MatrixView<const T> centroids_view = centroids.view();
  Options options{.n_clusters = 3, .max_iter = 5};
  SeedingOptions seeding{.n_clusters = 3};
  PredictOptions prediction;
};

enum class Call { fit, seed, predict, transform, inertia };

template <class T>
void run(Call call, const Arguments<T>& a) {
  switch (call) {
    case Call::fit:
      fit(a.samples_view, a.options, {.sample_weights = a.weights, .initial_centroids = a.centroids_view});
      break;
    case Call::seed:
      seed_centroids(a.samples_view, a.seeding, a.weights);
      break;
    case Call::predict:
      predict(a.samples_view, a.centroids_view, a.prediction);
      break;
    case Call::transform:
      transform(a.samples_view, a.centroids_view, a.prediction);
      break;
    case Call::inertia:
      inertia(a.samples_view, a.centroids_view, a.labels, a.weights, a.prediction);
      break;
  }
}

template <class T>
struct BadCase {
  std::string name;
  Call call;
  std::function<void(Arguments<T>&)> spoil;
  const std::type_info* error;
  std::string fragment;  ///< of the message
};

template <class T>
std::vector<BadCase<T>> bad_cases() {
  using A = Arguments<T>&;
  constexpr T nan = std::numeric_limits<T>::quiet_NaN(), inf = std::numeric_limits<T>::infinity();
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  static T some[64] = {};
  const auto &argument = typeid(InvalidArgument), &shape = typeid(ShapeMismatch),
             &value = typeid(NonFiniteValue), &backend = typeid(UnknownBackend),
             &isa = typeid(UnsupportedIsa), &memory = typeid(MemoryLimitExceeded);
  const std::string foreign_isa = [] {  // one that is known, but not usable here
    for (const Isa other : {Isa::neon, Isa::avx512, Isa::avx2, Isa::sse42}) {
      bool usable = false;
      for (const Isa here : usable_isas()) usable = usable || here == other;
      if (!usable) return std::string(to_string(other));
    }
    return std::string("neon");
  }();

  std::vector<BadCase<T>> cases{
      // Sizes of the clustering.
      {"k = 0", Call::fit, [](A a) { a.options.n_clusters = 0; }, &argument, "n_clusters = 0"},
      {"k > n", Call::fit, [](A a) { a.options.n_clusters = 12; }, &argument,
       "n_clusters = 12 exceeds n_samples = 10"},
      {"k > n by one", Call::fit, [](A a) { a.options.n_clusters = 11; }, &argument, "n_clusters = 11"},
      {"k beyond int32", Call::fit, [](A a) { a.options.n_clusters = std::size_t{1} << 31; }, &argument,
       "n_clusters = 2147483648"},
      {"k huge", Call::fit, [](A a) { a.options.n_clusters = most; }, &argument,
       "n_clusters = 18446744073709551615"},
      {"max_iter = 0", Call::fit, [](A a) { a.options.max_iter = 0; }, &argument, "max_iter = 0"},
      {"n_init = 0", Call::fit, [](A a) { a.options.n_init = 0; }, &argument, "n_init = 0"},
      {"tol negative", Call::fit, [](A a) { a.options.tol = -0.5; }, &argument, "tol = -0.5"},
      {"tol NaN", Call::fit, [](A a) { a.options.tol = std::numeric_limits<double>::quiet_NaN(); }, &argument,
       "tol = nan"},
      {"threads negative", Call::fit, [](A a) { a.options.threads = -2; }, &argument, "threads = -2"},
      // Names.
      {"unknown backend", Call::fit, [](A a) { a.options.backend = "warp"; }, &backend, "warp"},
      {"backend in capitals", Call::fit, [](A a) { a.options.backend = "NAIVE"; }, &backend, "NAIVE"},
      {"backends are listed", Call::fit, [](A a) { a.options.backend = "warp"; }, &backend, "elkan"},
      {"empty backend", Call::fit, [](A a) { a.options.backend = ""; }, &backend, "naive"},
      {"unknown isa", Call::fit, [](A a) { a.options.isa = "mmx"; }, &isa, "mmx"},
      {"isas are listed", Call::fit, [](A a) { a.options.isa = "mmx"; }, &isa, "scalar"},
      {"foreign isa", Call::fit, [foreign_isa](A a) { a.options.isa = foreign_isa; }, &isa, foreign_isa},
      // Values of the samples.
      {"X[0][0] NaN", Call::fit, [](A a) { a.samples(0, 0) = nan; }, &value, "X[0][0] is NaN"},
      {"X[7][3] NaN", Call::fit, [](A a) { a.samples(7, 3) = nan; }, &value, "X[7][3] is NaN"},
      {"X[9][3] NaN", Call::fit, [](A a) { a.samples(9, 3) = nan; }, &value, "X[9][3] is NaN"},
      {"X[4][1] negative NaN", Call::fit, [](A a) { a.samples(4, 1) = -nan; }, &value, "X[4][1] is NaN"},
      {"X[2][2] inf", Call::fit, [](A a) { a.samples(2, 2) = inf; }, &value, "X[2][2] is inf"},
      {"X[2][0] -inf", Call::fit, [](A a) { a.samples(2, 0) = -inf; }, &value, "X[2][0] is -inf"},
      {"NaN in an absent sample", Call::fit, [](A a) { a.weights[3] = 0, a.samples(3, 1) = nan; }, &value,
       "X[3][1] is NaN"},
      {"the first of two is named", Call::fit, [](A a) { a.samples(8, 0) = nan, a.samples(5, 3) = inf; },
       &value, "X[5][3] is inf"},
      // Weights.
      {"weight NaN", Call::fit, [](A a) { a.weights[5] = nan; }, &value, "sample_weights[5] is NaN"},
      {"weight inf", Call::fit, [](A a) { a.weights[9] = inf; }, &value, "sample_weights[9] is inf"},
      {"weight negative", Call::fit, [](A a) { a.weights[4] = -1; }, &argument, "sample_weights[4] = -1"},
      {"weight barely negative", Call::fit, [](A a) { a.weights[0] = -std::numeric_limits<T>::denorm_min(); },
       &argument, "sample_weights[0] = -"},
      {"weights all zero", Call::fit, [](A a) { a.weights.assign(10, 0); }, &argument, "sample_weights"},
      {"weights too few", Call::fit, [](A a) { a.weights.resize(9); }, &shape, "9"},
      {"weights too many", Call::fit, [](A a) { a.weights.resize(11); }, &shape, "11"},
      // The start.
      {"start NaN", Call::fit, [](A a) { a.centroids(1, 2) = nan; }, &value,
       "initial_centroids[1][2] is NaN"},
      {"start inf", Call::fit, [](A a) { a.centroids(2, 3) = inf; }, &value,
       "initial_centroids[2][3] is inf"},
      {"start of 2 rows", Call::fit,
       [](A a) {
         a.centroids_view = {a.centroids.data(), 2, 4};
       },
       &shape, "2"},
      {"start of 3 features", Call::fit,
       [](A a) {
         a.centroids_view = {a.centroids.data(), 3, 3};
       },
       &shape, "3"},
      {"start of 5 features", Call::fit,
       [](A a) {
         a.centroids_view = {some, 3, 5};
       },
       &shape, "5"},
      {"start null", Call::fit,
       [](A a) {
         a.centroids_view = {nullptr, 3, 4};
       },
       &argument, "initial_centroids"},
      {"start stride", Call::fit,
       [](A a) {
         a.centroids_view = {some, 3, 4, 2};
       },
       &argument, "row_stride = 2"},
      // The view of the samples.
      {"no samples", Call::fit,
       [](A a) {
         a.samples_view = {a.samples.data(), 0, 4};
       },
       &argument, "X has no rows"},
      {"no features", Call::fit,
       [](A a) {
         a.samples_view = {a.samples.data(), 10, 0};
       },
       &argument, "X has no columns"},
      {"empty view", Call::fit, [](A a) { a.samples_view = {}; }, &argument, "X has no rows"},
      {"null samples", Call::fit,
       [](A a) {
         a.samples_view = {nullptr, 10, 4};
       },
       &argument, "X"},
      {"stride below cols", Call::fit,
       [](A a) {
         a.samples_view = {a.samples.data(), 10, 4, 3};
       },
       &argument, "row_stride = 3"},
      {"stride 0", Call::fit,
       [](A a) {
         a.samples_view = {a.samples.data(), 10, 4, 0};
       },
       &argument, "row_stride = 0"},
      {"stride overflows", Call::fit,
       [](A a) {
         a.samples_view = {a.samples.data(), 10, 4, most / 2};
       },
       &argument, "10"},
      {"rows overflow", Call::fit,
       [](A a) {
         a.samples_view = {a.samples.data(), most / 4, 4};
       },
       &argument, std::to_string(most / 4)},
      {"cols overflow", Call::fit,
       [](A a) {
         a.samples_view = {a.samples.data(), 10, most / 4};
       },
       &argument, std::to_string(most / 4)},
      // Memory.
      {"bounds over the limit", Call::fit,
       [](A a) { a.options.backend = "elkan", a.options.memory_limit_bytes = 1; }, &memory,
       "memory_limit_bytes = 1"},
      {"seeding over the limit", Call::fit,
       [](A a) { a.options.memory_limit_bytes = 1, a.centroids_view = {}; }, &memory,
       "raise the limit, use init = random, or give initial_centroids"},
      // Enumerations from elsewhere.
      {"unknown init", Call::fit, [](A a) { a.options.init = static_cast<Init>(17), a.centroids_view = {}; },
       &argument, "init = 17"},
      {"unknown policy", Call::fit,
       [](A a) { a.options.empty_clusters = static_cast<EmptyClusterPolicy>(9); }, &argument,
       "empty_clusters = 9"},
      // Policy `error`.
      {"empty cluster", Call::fit,
       [](A a) {
         a.options.empty_clusters = EmptyClusterPolicy::error;
         for (T& x : a.centroids.row(1)) x = T(1e6);
       },
       &typeid(EmptyCluster), "1"},
      // seed_centroids.
      {"seed: k = 0", Call::seed, [](A a) { a.seeding.n_clusters = 0; }, &argument, "n_clusters = 0"},
      {"seed: k > n", Call::seed, [](A a) { a.seeding.n_clusters = 11; }, &argument,
       "n_clusters = 11 exceeds n_samples = 10"},
      {"seed: k huge", Call::seed, [](A a) { a.seeding.n_clusters = most; }, &argument,
       "n_clusters = 1844674407"},
      {"seed: no samples", Call::seed, [](A a) { a.samples_view = {}; }, &argument, "X has no rows"},
      {"seed: NaN", Call::seed, [](A a) { a.samples(6, 1) = nan; }, &value, "X[6][1] is NaN"},
      {"seed: weights too few", Call::seed, [](A a) { a.weights.resize(3); }, &shape, "3"},
      {"seed: weight negative", Call::seed, [](A a) { a.weights[2] = T(-0.25); }, &argument,
       "sample_weights[2] = -0.25"},
      {"seed: weights all zero", Call::seed, [](A a) { a.weights.assign(10, 0); }, &argument,
       "sample_weights"},
      {"seed: weight NaN", Call::seed, [](A a) { a.weights[1] = nan; }, &value, "sample_weights[1] is NaN"},
      {"seed: unknown isa", Call::seed, [](A a) { a.seeding.isa = "x87"; }, &isa, "x87"},
      {"seed: threads negative", Call::seed, [](A a) { a.seeding.threads = -1; }, &argument, "threads = -1"},
      {"seed: unknown init", Call::seed, [](A a) { a.seeding.init = static_cast<Init>(-3); }, &argument,
       "init = -3"},
      // inertia.
      {"inertia: labels too few", Call::inertia, [](A a) { a.labels.resize(7); }, &shape, "7"},
      {"inertia: label negative", Call::inertia, [](A a) { a.labels[3] = -1; }, &argument, "labels[3] = -1"},
      {"inertia: label = k", Call::inertia, [](A a) { a.labels[8] = 3; }, &argument, "labels[8] = 3"},
      {"inertia: weights too many", Call::inertia, [](A a) { a.weights.resize(12); }, &shape, "12"},
      {"inertia: weight NaN", Call::inertia, [](A a) { a.weights[0] = nan; }, &value,
       "sample_weights[0] is NaN"},
  };
  // What the three functions of samples and centroids have in common.
  for (const Call call : {Call::predict, Call::transform, Call::inertia}) {
    const std::string name = call == Call::predict     ? "predict: "
                             : call == Call::transform ? "transform: "
                                                       : "inertia: ";
    cases.insert(
        cases.end(),
        {
            {name + "X NaN", call, [](A a) { a.samples(9, 0) = nan; }, &value, "X[9][0] is NaN"},
            {name + "X inf", call, [](A a) { a.samples(1, 1) = -inf; }, &value, "X[1][1] is -inf"},
            {name + "centroids NaN", call, [](A a) { a.centroids(2, 2) = nan; }, &value,
             "centroids[2][2] is NaN"},
            {name + "centroids inf", call, [](A a) { a.centroids(0, 3) = inf; }, &value,
             "centroids[0][3] is inf"},
            {name + "features differ", call,
             [](A a) {
               a.centroids_view = {a.centroids.data(), 3, 3};
             },
             &shape, "3"},
            {name + "no centroids", call, [](A a) { a.centroids_view = {}; }, &argument, "centroids"},
            {name + "no samples", call, [](A a) { a.samples_view = {}; }, &argument, "X has no rows"},
            {name + "null samples", call,
             [](A a) {
               a.samples_view = {nullptr, 10, 4};
             },
             &argument, "X"},
            {name + "null centroids", call,
             [](A a) {
               a.centroids_view = {nullptr, 3, 4};
             },
             &argument, "centroids"},
            {name + "stride", call,
             [](A a) {
               a.samples_view = {a.samples.data(), 10, 4, 1};
             },
             &argument, "row_stride = 1"},
            {name + "unknown isa", call, [](A a) { a.prediction.isa = "altivec"; }, &isa, "altivec"},
            {name + "threads negative", call, [](A a) { a.prediction.threads = -7; }, &argument,
             "threads = -7"},
        });
  }
  if constexpr (sizeof(T) == 8) {  // squares of floats do not overflow a double
    cases.insert(
        cases.end(),
        {
            {"X overflows", Call::fit, [](A a) { a.samples(3, 2) = 1e200; }, &value, "X[3][2]"},
            {"X overflows below", Call::fit, [](A a) { a.samples(0, 1) = -1e155; }, &value, "X[0][1]"},
            {"X largest", Call::fit, [](A a) { a.samples(9, 3) = std::numeric_limits<T>::max(); }, &value,
             "X[9][3]"},
            {"start overflows", Call::fit, [](A a) { a.centroids(0, 0) = 1e200; }, &value,
             "initial_centroids[0][0]"},
            {"weights overflow", Call::fit, [](A a) { a.weights.assign(10, 1e308); }, &value,
             "sample_weights"},
            {"weighted distances overflow", Call::fit,
             [](A a) { a.weights[0] = 1e200, a.samples(0, 0) = 1e100; }, &value, "overflow"},
            {"predict: X overflows", Call::predict, [](A a) { a.samples(5, 0) = 1e200; }, &value, "X[5][0]"},
            {"predict: centroids overflow", Call::predict, [](A a) { a.centroids(2, 1) = -1e200; }, &value,
             "centroids[2][1]"},
            {"transform: X overflows", Call::transform, [](A a) { a.samples(5, 0) = 1e200; }, &value,
             "X[5][0]"},
            {"inertia: X overflows", Call::inertia, [](A a) { a.samples(5, 0) = 1e200; }, &value, "X[5][0]"},
            {"seed: X overflows", Call::seed, [](A a) { a.samples(5, 0) = 1e200; }, &value, "X[5][0]"},
        });
  }
  return cases;
}

template <class T>
class BadArguments : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(BadArguments, Types);

template <class V>
std::vector<unsigned char> bytes_of(const V* data, std::size_t count) {
  const auto* first = reinterpret_cast<const unsigned char*>(data);
  return {first, first + count * sizeof(V)};
}

template <class T>
std::vector<std::vector<unsigned char>> snapshot(const Arguments<T>& a) {
  return {bytes_of(a.samples.data(), 40), bytes_of(a.centroids.data(), 12),
          bytes_of(a.weights.data(), a.weights.size()), bytes_of(a.labels.data(), a.labels.size())};
}

TYPED_TEST(BadArguments, AreNamedAndChangeNothing) {
  using T = TypeParam;
  const std::vector<BadCase<T>> cases = bad_cases<T>();
  EXPECT_GE(cases.size(), 60u);
  for (const BadCase<T>& bad : cases) {
    SCOPED_TRACE(bad.name);
    Arguments<T> arguments;
    bad.spoil(arguments);
    const auto before = snapshot(arguments);
    bool calls_back = false;
    if (bad.error != &typeid(EmptyCluster)) {
      arguments.options.progress = [&](const Progress&) { return calls_back = true; };
    }
    try {
      run(bad.call, arguments);
      ADD_FAILURE() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(typeid(error), *bad.error) << typeid(error).name() << ": " << error.what();
      EXPECT_NE(std::string(error.what()).find(bad.fragment), std::string::npos)
          << '"' << error.what() << "\" lacks \"" << bad.fragment << '"';
    }
    EXPECT_FALSE(calls_back) << "no work is done before the arguments are looked at";
    EXPECT_EQ(snapshot(arguments), before);
  }
}

TYPED_TEST(BadArguments, AllIsWellWithoutThem) {
  using T = TypeParam;
  for (const Call call : {Call::fit, Call::seed, Call::predict, Call::transform, Call::inertia}) {
    EXPECT_NO_THROW(run(call, Arguments<T>()));
  }
}

TEST(BadNames, AreNamed) {
  try {
    find_backend("warp");
    ADD_FAILURE() << "accepted";
  } catch (const UnknownBackend& error) {
    EXPECT_NE(std::string(error.what()).find("warp"), std::string::npos) << error.what();
    for (const BackendEntry& entry : backends()) {
      EXPECT_NE(std::string(error.what()).find(entry.info.name), std::string::npos) << error.what();
    }
  }
  try {
    find_isa("mmx");
    ADD_FAILURE() << "accepted";
  } catch (const UnsupportedIsa& error) {
    EXPECT_NE(std::string(error.what()).find("mmx"), std::string::npos) << error.what();
    for (const Isa isa : usable_isas()) {
      EXPECT_NE(std::string(error.what()).find(to_string(isa)), std::string::npos) << error.what();
    }
  }
}

TEST(BadSizes, OfAMatrix) {
  EXPECT_THROW(Matrix<float>(std::numeric_limits<std::size_t>::max(), 2), MemoryLimitExceeded);
  EXPECT_THROW(Matrix<double>(std::size_t{1} << 40, std::size_t{1} << 40), MemoryLimitExceeded);
}

}  // namespace
