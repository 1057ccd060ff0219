// SPDX-License-Identifier: MIT
// The instruction set: chosen once, visible in the result, and forcible by option and by OMNIMEANS_ISA.
#include <gtest/gtest.h>
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/compare.hpp"
#include "core/data.hpp"

namespace {

using omnimeans::Isa;
using omnimeans::Matrix;
using omnimeans::Options;

/// OMNIMEANS_ISA for the length of a scope.
class ForcedIsa {
 public:
  explicit ForcedIsa(const std::string& name) {
    if (const char* old = std::getenv("OMNIMEANS_ISA")) old_ = old;
    setenv("OMNIMEANS_ISA", name.c_str(), 1);
  }
  ~ForcedIsa() { old_.empty() ? unsetenv("OMNIMEANS_ISA") : setenv("OMNIMEANS_ISA", old_.c_str(), 1); }
  ForcedIsa(const ForcedIsa&) = delete;
  ForcedIsa& operator=(const ForcedIsa&) = delete;

 private:
  std::string old_;
};

TEST(IsaChoice, ListsMakeSense) {
  const std::vector<Isa> compiled = omnimeans::compiled_isas(), usable = omnimeans::usable_isas();
  ASSERT_FALSE(usable.empty());
  EXPECT_EQ(usable.front(), Isa::scalar) << "scalar runs everywhere";
  EXPECT_TRUE(std::is_sorted(usable.begin(), usable.end())) << "slowest first";
  EXPECT_TRUE(std::is_sorted(compiled.begin(), compiled.end()));
  EXPECT_TRUE(std::includes(compiled.begin(), compiled.end(), usable.begin(), usable.end()));
  for (const Isa isa : usable) EXPECT_EQ(omnimeans::find_isa(omnimeans::to_string(isa)), isa);
}

TEST(IsaChoice, TheOptionIsTheOneThatRuns) {
  const Matrix<float> samples = blobs<float>(300, 9, 5, 1);
  for (const std::string& backend : exact_backends()) {
    for (const Isa isa : omnimeans::usable_isas()) {
      const Options options{.n_clusters = 5, .backend = backend, .isa = std::string(to_string(isa))};
      const bool vectorised = omnimeans::find_backend(backend).info.vectorised;
      EXPECT_EQ(omnimeans::fit(samples, options).isa, vectorised ? isa : Isa::scalar) << backend;
    }
  }
}

TEST(IsaChoice, TheEnvironmentIsTheDefault) {
  const Matrix<float> samples = blobs<float>(300, 9, 5, 1);
  for (const Isa isa : omnimeans::usable_isas()) {
    const ForcedIsa forced{std::string(to_string(isa))};
    EXPECT_EQ(omnimeans::default_isa(), isa);
    EXPECT_EQ(omnimeans::find_isa(""), isa);
    EXPECT_EQ(omnimeans::fit(samples, {.n_clusters = 5}).isa, isa);
    EXPECT_EQ(omnimeans::fit(samples, {.n_clusters = 5, .isa = "scalar"}).isa, Isa::scalar)
        << "the option goes first";
  }
}

TEST(IsaChoice, WithoutTheEnvironmentTheBest) {
  unsetenv("OMNIMEANS_ISA");
  EXPECT_EQ(omnimeans::default_isa(), omnimeans::usable_isas().back());
}

TEST(IsaChoice, AWrongEnvironmentIsAnError) {
  const Matrix<float> samples = blobs<float>(30, 2, 5, 1);
  const ForcedIsa forced("mmx");
  try {
    omnimeans::fit(samples, {.n_clusters = 2});
    ADD_FAILURE() << "accepted";
  } catch (const omnimeans::UnsupportedIsa& error) {
    EXPECT_NE(std::string(error.what()).find("mmx"), std::string::npos) << error.what();
  }
  EXPECT_THROW(omnimeans::default_isa(), omnimeans::UnsupportedIsa);
  EXPECT_NO_THROW(omnimeans::fit(samples, {.n_clusters = 2, .isa = "scalar"})) << "not asked for";
}

TEST(IsaChoice, ResultsAreTheSameBits) {
  const Matrix<double> samples = blobs<double>(700, 13, 9, 1, 4);
  for (const std::string& backend : exact_backends()) {
    const auto scalar = omnimeans::fit(samples, {.n_clusters = 17, .backend = backend, .isa = "scalar"});
    for (const Isa isa : omnimeans::usable_isas()) {
      const ForcedIsa forced{std::string(to_string(isa))};
      EXPECT_TRUE(same_result(scalar, omnimeans::fit(samples, {.n_clusters = 17, .backend = backend})))
          << backend << ", " << to_string(isa);
    }
  }
}

}  // namespace
