// SPDX-License-Identifier: MIT
// The promise of the project: every exact backend returns the same bits, on any number of threads and any
// instruction set. Random problems, each fitted by `naive`, checked against the oracle, and fitted again by
// some of the combinations (backend, threads, isa); all of them get their share, which the first test counts.
#include <gtest/gtest.h>
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "core/compare.hpp"
#include "core/oracle.hpp"
#include "core/problems.hpp"

namespace {

// Set by the build: fewer problems where a sanitizer slows every one of them down.
constexpr std::size_t n_problems = OMNIMEANS_CONTRACT_PROBLEMS;
constexpr double work = OMNIMEANS_CONTRACT_WORK;
constexpr std::size_t least_runs = n_problems / 100;  // of each combination
constexpr std::size_t n_shards = 24;

struct Combination {
  std::string backend;
  int threads;
  std::string isa;
};

std::vector<Combination> combinations() {
  std::vector<Combination> all;
  for (const omnimeans::BackendEntry& entry : omnimeans::backends()) {
    if (!entry.info.exact) continue;
    for (const int threads : {1, 2, 3, 4, 7}) {
      for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
        all.push_back({std::string(entry.info.name), threads, std::string(omnimeans::to_string(isa))});
      }
    }
  }
  return all;
}

/// Every second problem is float, the others double; each takes the next few combinations of its type in
/// turn.
bool is_float(std::size_t problem) {
  return problem % 2 == 0;
}

std::vector<std::size_t> plan(std::size_t problem, std::size_t n_combinations) {
  const std::size_t each = std::max<std::size_t>(3, 2 * least_runs * n_combinations / n_problems + 1);
  std::vector<std::size_t> chosen(each);
  for (std::size_t s = 0; s < each; ++s) chosen[s] = (problem / 2 * each + s) % n_combinations;
  return chosen;
}

TEST(Contract, PlanGivesEveryCombinationItsShare) {
  const std::vector<Combination> all = combinations();
  EXPECT_GE(n_problems, 400u);
  std::map<std::pair<bool, std::size_t>, std::size_t> runs;
  for (std::size_t p = 0; p < n_problems; ++p) {
    for (const std::size_t c : plan(p, all.size())) ++runs[{is_float(p), c}];
  }
  for (const bool f32 : {true, false}) {
    for (std::size_t c = 0; c < all.size(); ++c) {
      EXPECT_GE((runs[{f32, c}]), least_runs)
          << all[c].backend << ", " << all[c].threads << " threads, " << all[c].isa;
    }
  }
}

TEST(Contract, EveryKindOfProblemComesUp) {
  std::map<Kind, std::size_t> kinds;
  std::size_t weighted = 0, strided = 0, one_sample = 0, all_clusters = 0, one_feature = 0, seeded = 0;
  for (std::size_t p = 0; p < n_problems; ++p) {
    const auto problem = make_problem<float>(p, work);
    ++kinds[problem.kind];
    weighted += !problem.weights.empty();
    strided += problem.row_stride > problem.d;
    one_sample += problem.n == 1;
    all_clusters += problem.n > 1 && problem.n == problem.options.n_clusters;
    one_feature += problem.d == 1;
    seeded += problem.initial_centroids.rows() == 0;
  }
  EXPECT_EQ(kinds.size(), static_cast<std::size_t>(Kind::count));
  for (const auto& [kind, count] : kinds) EXPECT_GE(count, n_problems / 20) << to_string(kind);
  for (const std::size_t count : {weighted, strided, one_sample, all_clusters, one_feature, seeded}) {
    EXPECT_GE(count, n_problems / 100);
  }
}

/// `naive` against the oracle, then the problem's combinations against `naive`.
template <class T>
void check_problem(std::size_t p, const std::vector<Combination>& all) {
  TestProblem<T> problem = make_problem<T>(p, work);
  SCOPED_TRACE(problem.describe());
  problem.options.backend = "naive";
  problem.options.threads = 1;
  const omnimeans::Result<T> naive = omnimeans::fit(problem.samples(), problem.options, problem.inputs());

  const omnimeans::MatrixView<const T> centroids = naive.centroids.view();
  ASSERT_TRUE(same_labels(naive.labels, oracle::labels<T>(problem.samples(), centroids)))
      << "naive and the oracle";
  const double inertia =
      oracle::inertia<T>(problem.samples(), centroids, naive.labels, std::span<const T>(problem.weights));
  ASSERT_PRED2(same_bits<double>, naive.inertia, inertia) << "naive and the oracle";
  ASSERT_EQ(naive.n_nonempty,
            oracle::n_nonempty<T>(naive.labels, problem.weights, problem.options.n_clusters));

  for (const std::size_t c : plan(p, all.size())) {
    SCOPED_TRACE(all[c].backend + ", " + std::to_string(all[c].threads) + " threads, " + all[c].isa);
    problem.options.backend = all[c].backend;
    problem.options.threads = all[c].threads;
    problem.options.isa = all[c].isa;
    const omnimeans::Result<T> result = omnimeans::fit(problem.samples(), problem.options, problem.inputs());
    ASSERT_TRUE(same_result(naive, result)) << "naive and this one";
    ASSERT_EQ(result.backend, all[c].backend);
    const bool vectorised = omnimeans::find_backend(all[c].backend).info.vectorised;
    ASSERT_EQ(omnimeans::to_string(result.isa), vectorised ? all[c].isa : "scalar");
    ASSERT_TRUE(
        same_labels(result.labels, omnimeans::predict(problem.samples(), result.centroids.view(),
                                                      {.threads = all[c].threads, .isa = all[c].isa})))
        << "labels and predict";
  }
}

class ContractShard : public testing::TestWithParam<std::size_t> {};

TEST_P(ContractShard, SameBitsAsNaive) {
  const std::vector<Combination> all = combinations();
  const testing::TestResult& so_far = *testing::UnitTest::GetInstance()->current_test_info()->result();
  for (std::size_t p = GetParam(); p < n_problems; p += n_shards) {
    is_float(p) ? check_problem<float>(p, all) : check_problem<double>(p, all);
    ASSERT_LT(so_far.total_part_count(), 5) << "enough is known";
  }
}

INSTANTIATE_TEST_SUITE_P(All, ContractShard, testing::Range<std::size_t>(0, n_shards));

}  // namespace
