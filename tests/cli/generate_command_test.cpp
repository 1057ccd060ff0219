// SPDX-License-Identifier: MIT
// omnimeans generate: the bits of omnimeans::datasets in a file.
#include "program.hpp"

#include "datasets/datasets.hpp"
#include "io/io.hpp"

namespace omnimeans::cli_test {
namespace {

class GenerateCommand : public ProgramTest {};

TEST_F(GenerateCommand, EveryKindInBothTypes) {
  const datasets::Spec spec = {.n_samples = 37, .n_features = 4, .n_clusters = 3, .seed = 11};
  for (const datasets::KindInfo& kind : datasets::kinds()) {
    const std::string name(kind.name);
    const Arguments arguments = {"generate", name,  "out.npy", "--n",    "37", "--d",
                                 "4",        "--k", "3",       "--seed", "11"};
    const std::string out = run_well(arguments);
    EXPECT_NE(out.find("n = 37, d = 4, f32"), out.npos) << out;
    EXPECT_EQ(io::read_matrix_as<float>(path("out.npy")), datasets::generate<float>(name, spec)) << name;

    Arguments doubles = arguments;
    doubles.insert(doubles.end(), {"--dtype", "f64", "--quiet"});
    EXPECT_EQ(run_well(doubles), "");
    EXPECT_EQ(io::read_matrix_as<double>(path("out.npy")), datasets::generate<double>(name, spec)) << name;
  }
}

TEST_F(GenerateCommand, SeparationThreadsAndOtherFormats) {
  const datasets::Spec spec = {.n_samples = 50, .n_features = 3, .n_clusters = 2, .separation = 1.5};
  const Matrix<float> expected = datasets::generate<float>("blobs", spec);
  for (const std::string name : {"out.npy", "out.fvecs", "out.csv"}) {
    run_well({"generate", "blobs", name, "--n", "50", "--d", "3", "--k", "2", "--separation", "1.5",
              "--threads", "3"});
    EXPECT_EQ(io::read_matrix_as<float>(path(name)), expected) << name;
  }
}

}  // namespace
}  // namespace omnimeans::cli_test
