// SPDX-License-Identifier: MIT
// omnimeans predict: the labels of a fit again, from the centroids that it wrote.
#include "program.hpp"

#include <numeric>

#include "io/io.hpp"
#include "omnimeans/fit.hpp"
#include "omnimeans/predict.hpp"

namespace omnimeans::cli_test {
namespace {

class PredictCommand : public ProgramTest {
 protected:
  PredictCommand() { io::write_matrix(path("data.npy"), samples_.view()); }

  const Matrix<float> samples_ = blobs();
};

TEST_F(PredictCommand, HeaderIsOfTheDataAlone) {
  write("headed.csv", "7,y\n1,2\n3,4\n5,6\n");
  write("c.csv", "1,2\n5,6\n");
  run_well({"predict", "headed.csv", "--header", "yes", "--centroids", "c.csv", "--labels", "l.csv"});
  EXPECT_EQ(read("l.csv"), "0\n0\n1\n");
}

TEST_F(PredictCommand, WrittenCentroidsGiveTheLabelsOfTheFit) {
  for (const std::string type : {"f32", "f64"}) {
    for (const std::string name : {"c.npy", "c.csv"}) {
      const Arguments dtype = {"--dtype", type};
      Arguments fit_arguments = {"fit", "data.npy", "-k", "7", "--centroids", name, "--labels", "fit.npy"};
      Arguments predict_arguments = {"predict", "data.npy", "--centroids", name, "--labels", "predict.npy"};
      fit_arguments.insert(fit_arguments.end(), dtype.begin(), dtype.end());
      predict_arguments.insert(predict_arguments.end(), dtype.begin(), dtype.end());
      run_well(fit_arguments);
      const std::string out = run_well(predict_arguments);
      EXPECT_EQ(read("predict.npy"), read("fit.npy")) << type << ' ' << name;
      EXPECT_NE(out.find("n = 600, d = 5, k = 7"), out.npos) << out;
    }
  }
}

TEST_F(PredictCommand, TheTypeIsThatOfTheCentroids) {
  run_well({"fit", "data.npy", "-k", "7", "--dtype", "f64", "--centroids", "c.npy", "--labels", "fit.npy"});
  const nlohmann::json json =
      run_json({"predict", "data.npy", "--centroids", "c.npy", "--labels", "p.npy", "--json", "-"});
  EXPECT_EQ(json.at("dtype"), "f64");
  EXPECT_EQ(read("p.npy"), read("fit.npy"));
  io::write_matrix(path("c.csv"), io::read_matrix_as<double>(path("c.npy")).view());
  EXPECT_EQ(run_json({"predict", "data.npy", "--centroids", "c.csv", "--json", "-"}).at("dtype"), "f32");
}

TEST_F(PredictCommand, JsonIsThatOfTheLibrary) {
  const Result<float> result = fit(samples_.view(), {.n_clusters = 7});
  io::write_matrix(path("c.npy"), result.centroids.view());
  EXPECT_EQ(run_well({"predict", "data.npy", "--centroids", "c.npy", "--json", "p.json", "--threads", "2",
                      "--isa", "scalar", "--quiet"}),
            "");
  const nlohmann::json json = read_json("p.json");
  EXPECT_EQ(json.at("n"), 600);
  EXPECT_EQ(json.at("d"), 5);
  EXPECT_EQ(json.at("k"), 7);
  EXPECT_EQ(json.at("isa"), "scalar");
  EXPECT_EQ(json.at("threads"), 2);
  EXPECT_EQ(json.at("inertia").get<double>(),
            inertia(samples_.view(), result.centroids.view(), result.labels));
  EXPECT_EQ(json.at("inertia").get<double>(), result.inertia);
  EXPECT_EQ(json.at("n_nonempty"), result.n_nonempty);
  std::vector<std::size_t> sizes(7, 0);
  for (const std::int32_t label : result.labels) ++sizes[static_cast<std::size_t>(label)];
  EXPECT_EQ(json.at("cluster_sizes").get<std::vector<std::size_t>>(), sizes);
}

TEST_F(PredictCommand, OtherDataThanThoseOfTheFit) {
  write("c.csv", "0,0\n10,10\n");
  write("more.csv", "x,y\n1,1\n9,9\n5,5\n");  // the last is as near to both: the lower label
  run_well({"predict", "more.csv", "--centroids", "c.csv", "--labels", "l.csv"});
  EXPECT_EQ(io::read_vector_as<float>(path("l.csv")), (std::vector<float>{0, 1, 0}));
}

}  // namespace
}  // namespace omnimeans::cli_test
