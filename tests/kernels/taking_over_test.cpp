// SPDX-License-Identifier: MIT
// A backend that takes over goes on with what the one before knows of the samples, and either may outlive the
// other. Driven by hand, for when auto changes is a matter of the clock. Labels are the oracle's in every
// step.
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

#include "core/walks.hpp"
#include "omnimeans/omnimeans.hpp"

namespace {

/// Steps 0 to 4 by `before`, 5 to 8 by bytebounds, the others by one of them while the other is no more.
void check(const Walk<float>& walk, const std::string& before, bool goes_back, int threads,
           omnimeans::Isa isa) {
  SCOPED_TRACE(walk.name + ", " + before + (goes_back ? " goes on" : " is left") + ", " +
               std::to_string(threads) + " threads, " + std::string(to_string(isa)));
  omnimeans::Problem<float> problem = problem_of(walk, threads, isa);
  auto first = omnimeans::find_backend(before).make<float>(problem);
  std::unique_ptr<omnimeans::Backend<float>> second;
  std::vector<std::int32_t> labels(walk.samples.rows(), -1);
  for (std::size_t step = 0; step < walk.centroids.size(); ++step) {
    if (step == 5) {
      problem.predecessor = first.get();
      second = omnimeans::find_backend("bytebounds").make<float>(problem);
    }
    if (step == 9) (goes_back ? second : first).reset();
    const bool new_to_it = step == 0 || step == 5 || (step == 9 && goes_back);
    (second != nullptr ? second : first)
        ->assign({.centroids = walk.centroids[step].view(),
                  .drift = new_to_it ? std::span<const double>() : walk.drifts[step - 1],
                  .labels = labels,
                  .guessed = step > 0});
    ASSERT_EQ(labels, walk.labels[step]) << "step " << step;
  }
}

TEST(TakingOver, LabelsAreRightBeforeAndAfter) {
  std::size_t n_walks = 0;
  for (std::size_t number = 0; number < 70; ++number) {
    const Walk<float> path = walk<float>(number, number >= 60);
    if (path.samples.cols() < 16) continue;  // no eight bits
    ++n_walks;
    for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
      for (const std::string before : {"int8", "prefix"}) {
        for (const bool goes_back : {false, true})
          check(path, before, goes_back, number % 2 == 0 ? 1 : 3, isa);
      }
    }
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GE(n_walks, 10u);
}

}  // namespace
