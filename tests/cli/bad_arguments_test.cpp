// SPDX-License-Identifier: MIT
// The table of wrong command lines and wrong data: exit status, one line on stderr that names the value,
// nothing on stdout, and no file made, changed or removed.
#include "program.hpp"

#include <algorithm>

#include "io/io.hpp"

namespace omnimeans::cli_test {
namespace {

constexpr int usage = 2, data = 1;

struct Case {
  const char* name;
  Arguments arguments;
  int status;
  const char* message;  ///< part of the line on stderr
  std::vector<std::pair<std::string, std::string>> environment = {};
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.name;
}

/// "fit data.npy -k 3" and more.
Arguments fit_with(Arguments more) {
  Arguments all = {"fit", "data.npy", "-k", "3"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

Arguments fit_of(const char* file, Arguments more = {}) {
  Arguments all = {"fit",     file,          "-k",      "3",      "--labels",
                   "new.npy", "--centroids", "old.npy", "--json", "new.json"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

Arguments generate_with(Arguments more) {
  Arguments all = {"generate", "blobs", "new.npy"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::vector<Case> usage_cases() {
  return {
      {"no_subcommand", {}, usage, "a subcommand is required: fit, predict, generate, backends, info"},
      {"unknown_subcommand",
       {"cluster", "good.csv"},
       usage,
       "no subcommand is called 'cluster'; there are fit, predict, generate, backends, info"},
      {"unknown_top_option", {"--frobnicate"}, usage, "--frobnicate"},
      {"two_subcommands", {"backends", "info"}, usage, "info"},
      {"fit_no_data", {"fit", "-k", "3"}, usage, "DATA is required"},
      {"fit_no_k", {"fit", "data.npy"}, usage, "--n-clusters is required"},
      {"fit_empty_path", {"fit", "", "-k", "3"}, usage, "DATA: '' is not a path"},
      {"k_zero", {"fit", "data.npy", "-k", "0"}, usage, "--n-clusters: '0' is not a whole number from 1"},
      {"k_negative", {"fit", "data.npy", "-k", "-3"}, usage, "'-3' is not a whole number"},
      {"k_word", {"fit", "data.npy", "-k", "three"}, usage, "'three' is not a whole number"},
      {"k_fraction", {"fit", "data.npy", "-k", "3.5"}, usage, "'3.5' is not a whole number"},
      {"k_exponent_fraction", {"fit", "data.npy", "-k", "15e-1"}, usage, "'15e-1' is not a whole number"},
      {"k_exponent_negative", {"fit", "data.npy", "-k", "-1e1"}, usage, "'-1e1' is not a whole number"},
      {"k_exponent_large", {"fit", "data.npy", "-k", "1e30"}, usage, "'1e30' is not a whole number"},
      {"k_nan", {"fit", "data.npy", "-k", "nan(e)"}, usage, "'nan(e)' is not a whole number"},
      {"k_only_exponent", {"fit", "data.npy", "-k", "e5"}, usage, "'e5' is not a whole number"},
      {"k_no_digits", {"fit", "data.npy", "-k", ".e1"}, usage, "'.e1' is not a whole number"},
      {"k_two_signs", {"fit", "data.npy", "-k", "1e+-0"}, usage, "'1e+-0' is not a whole number"},
      {"k_sign_alone", {"fit", "data.npy", "-k", "1e+"}, usage, "'1e+' is not a whole number"},
      {"k_exponent_least", {"fit", "data.npy", "-k", "1.5e-2147483648"}, usage, "'1.5e-2147483648' is not"},
      {"k_exponent_overflow", {"fit", "data.npy", "-k", "1e99999999999"}, usage, "'1e99999999999' is not"},
      {"seed_exponent_overflow", fit_with({"--seed", "18446744073709551616e0"}), usage,
       "--seed: '18446744073709551616e0' is not"},
      {"k_empty", {"fit", "data.npy", "-k", ""}, usage, "'' is not a whole number"},
      {"k_space", {"fit", "data.npy", "-k", " 3"}, usage, "' 3' is not a whole number"},
      {"k_above_int32", {"fit", "data.npy", "-k", "2147483648"}, usage, "'2147483648' is not"},
      {"k_above_64_bits",
       {"fit", "data.npy", "-k", "99999999999999999999"},
       usage,
       "'99999999999999999999' is not"},
      {"k_twice", fit_with({"-k", "4"}), usage, "--n-clusters"},
      {"k_without_value", {"fit", "data.npy", "-k"}, usage, "--n-clusters"},
      {"init_unknown", fit_with({"--init", "kmeans"}), usage, "'kmeans' is neither k-means++, "},
      {"init_unknown_names_the_last", fit_with({"--init", "kmeans"}), usage,
       ", random, k-means++-textbook nor a file"},
      {"init_file_many_runs", fit_with({"--init", "first.npy", "--n-init", "3"}), usage,
       "every run would be the same"},
      {"n_init_zero", fit_with({"--n-init", "0"}), usage, "--n-init: '0' is not a whole number from 1"},
      {"max_iter_zero", fit_with({"--max-iter", "0"}), usage, "--max-iter: '0' is not"},
      {"max_iter_negative", fit_with({"--max-iter", "-1"}), usage, "--max-iter: '-1' is not"},
      {"tol_negative", fit_with({"--tol", "-1"}), usage, "--tol: '-1' is not a number of 0 or more"},
      {"tol_nan", fit_with({"--tol", "nan"}), usage, "--tol: 'nan' is not"},
      {"tol_inf", fit_with({"--tol", "inf"}), usage, "--tol: 'inf' is not"},
      {"tol_overflow", fit_with({"--tol", "1e999"}), usage, "--tol: '1e999' is not"},
      {"tol_rest", fit_with({"--tol", "0.1x"}), usage, "--tol: '0.1x' is not"},
      {"seed_negative", fit_with({"--seed", "-1"}), usage, "--seed: '-1' is not"},
      {"seed_overflow", fit_with({"--seed", "18446744073709551616"}), usage,
       "--seed: '18446744073709551616' is not"},
      {"threads_negative", fit_with({"--threads", "-1"}), usage,
       "--threads: '-1' is not a whole number from 0 to 4096"},
      {"threads_many", fit_with({"--threads", "4097"}), usage, "--threads: '4097' is not"},
      {"backend_unknown", fit_with({"--backend", "quantum"}), usage, "quantum"},
      {"backend_empty", fit_with({"--backend", ""}), usage, "naive"},
      {"isa_unknown", fit_with({"--isa", "mmx"}), usage, "mmx"},
      {"isa_of_environment", fit_with({}), usage, "mmx", {{"OMNIMEANS_ISA", "mmx"}}},
      {"info_isa_of_environment", {"info"}, usage, "mmx", {{"OMNIMEANS_ISA", "mmx"}}},
      {"dtype_unknown", fit_with({"--dtype", "f16"}), usage, "--dtype: 'f16' is not one of f32, f64"},
      {"empty_clusters_unknown", fit_with({"--empty-clusters", "drop"}), usage,
       "'drop' is not one of relocate"},
      {"memory_zero", fit_with({"--memory-limit", "0"}), usage, "--memory-limit: '0' is not"},
      {"memory_unit", fit_with({"--memory-limit", "4X"}), usage, "--memory-limit: '4X' is not"},
      {"memory_no_number", fit_with({"--memory-limit", "G"}), usage, "--memory-limit: 'G' is not"},
      {"memory_negative", fit_with({"--memory-limit", "-4G"}), usage, "--memory-limit: '-4G' is not"},
      {"memory_overflow", fit_with({"--memory-limit", "99999999T"}), usage,
       "--memory-limit: '99999999T' is not"},
      {"time_zero", fit_with({"--time-limit", "0"}), usage, "--time-limit: '0' is not a number above 0"},
      {"time_negative", fit_with({"--time-limit", "-5"}), usage, "--time-limit: '-5' is not"},
      {"delimiter_long",
       {"fit", "good.csv", "-k", "1", "--delimiter", "ab"},
       usage,
       "--delimiter: 'ab' is not"},
      {"delimiter_digit",
       {"fit", "good.csv", "-k", "1", "--delimiter", "3"},
       usage,
       "--delimiter: '3' is not"},
      {"delimiter_no_text", fit_with({"--delimiter", ";"}), usage, "--delimiter is for .csv"},
      {"header_unknown",
       {"fit", "good.csv", "-k", "1", "--header", "maybe"},
       usage,
       "'maybe' is not one of auto"},
      {"header_no_text", fit_with({"--header", "yes"}), usage, "--header is for .csv"},
      {"centroids_over_data", fit_with({"--centroids", "data.npy"}), usage,
       "--centroids data.npy: is the same file as the input"},
      {"labels_over_weights", fit_with({"--weights", "weights.npy", "--labels", "./weights.npy"}), usage,
       "the same file as the input"},
      {"centroids_over_init", fit_with({"--init", "first.npy", "--centroids", "directory/../first.npy"}),
       usage, "the same file as the input"},
      {"labels_over_centroids", fit_with({"--centroids", "new.npy", "--labels", "new.npy"}), usage,
       "the same file as --centroids"},
      {"json_over_labels", fit_with({"--labels", "new.txt", "--json", "./new.txt"}), usage,
       "the same file as --labels"},
      {"labels_through_dangling_link",
       {"fit", "data.npy", "-k", "2", "--centroids", "new.npy", "--labels", "dangling.npy"},
       usage,
       "--labels dangling.npy: is the same file as --centroids; choose another name"},
      {"json_through_link", fit_with({"--json", "link.json"}), usage, "the same file as the input"},
      {"centroids_extension", fit_with({"--centroids", "new.bvecs"}), usage,
       "--centroids new.bvecs: the name must end in .npy"},
      {"centroids_no_extension", fit_with({"--centroids", "new"}), usage, "the name must end in .npy"},
      {"labels_extension", fit_with({"--labels", "new.fvecs"}), usage,
       "--labels new.fvecs: the name must end in .npy"},
      {"labels_stdout", fit_with({"--labels", "-"}), usage, "--labels -: the name must end in"},
      {"centroids_no_directory", fit_with({"--centroids", "nowhere/new.npy"}), usage,
       "there is no directory "},
      {"labels_is_directory", fit_with({"--labels", "directory.npy"}), usage,
       "--labels directory.npy: is a directory"},
      {"json_is_directory", fit_with({"--json", "directory"}), usage, "--json directory: is a directory"},
      {"json_empty", fit_with({"--json", ""}), usage, "--json: '' is not a path"},
      {"fvecs_dtype", fit_with({"--dtype", "f64", "--centroids", "new.fvecs"}), usage, ".fvecs holds f32"},
      {"fvecs_data",
       {"fit", "doubles.npy", "-k", "1", "--centroids", "new.fvecs"},
       usage,
       ".fvecs holds f32"},
      {"unknown_option", fit_with({"--clusters", "3"}), usage, "--clusters"},
      {"extra_argument", fit_with({"more.npy"}), usage, "more.npy"},
      {"k_above_n",
       {"fit", "good.csv", "-k", "4", "--labels", "new.npy"},
       usage,
       "--n-clusters 4: good.csv has 3 samples"},
      {"memory_limit_of_seeding", fit_of("data.npy", {"--memory-limit", "1"}), usage,
       "bytes, --memory-limit 1; raise the limit, use --init random, or give --init FILE"},
      {"memory_limit_of_backend",
       fit_of("data.npy", {"--init", "random", "--backend", "elkan", "--memory-limit", "1"}), usage,
       "bytes, --memory-limit 1; raise the limit or use --backend auto"},
      {"k_above_positive_weights",
       {"fit", "good.csv", "-k", "3", "--weights", "one_zero.csv", "--labels", "new.npy"},
       usage,
       "--n-clusters 3 exceeds the 2 samples of positive weight (one_zero.csv)"},
      {"predict_no_centroids", {"predict", "data.npy"}, usage, "--centroids is required"},
      {"predict_no_data", {"predict", "--centroids", "first.npy"}, usage, "DATA is required"},
      {"predict_labels_over_centroids",
       {"predict", "data.npy", "--centroids", "first.npy", "--labels", "first.npy"},
       usage,
       "the same file as the input"},
      {"predict_labels_extension",
       {"predict", "data.npy", "--centroids", "first.npy", "--labels", "new.bin"},
       usage,
       "the name must end in"},
      {"predict_isa", {"predict", "data.npy", "--centroids", "first.npy", "--isa", "mmx"}, usage, "mmx"},
      {"predict_k", {"predict", "data.npy", "--centroids", "first.npy", "-k", "3"}, usage, "-k"},
      {"generate_nothing", {"generate"}, usage, "is required"},
      {"generate_kind", {"generate", "spirals", "new.npy"}, usage, "'spirals' is not one of blobs"},
      {"generate_extension", {"generate", "blobs", "new.bvecs"}, usage, "the name must end in"},
      {"generate_no_directory", {"generate", "blobs", "nowhere/new.npy"}, usage, "there is no directory "},
      {"generate_fvecs", {"generate", "blobs", "new.fvecs", "--dtype", "f64"}, usage, ".fvecs holds f32"},
      {"generate_n_zero", generate_with({"--n", "0"}), usage, "--n: '0' is not"},
      {"generate_d_zero", generate_with({"--d", "0"}), usage, "--d: '0' is not"},
      {"generate_k_zero", generate_with({"--k", "0"}), usage, "--k: '0' is not"},
      {"generate_separation", generate_with({"--separation", "-1"}), usage, "--separation: '-1' is not"},
      {"generate_separation_large", generate_with({"--separation", "1e300"}), usage, "from 0 to 1e9"},
      {"generate_huge", generate_with({"--n", "1000000000000", "--d", "1000000"}), usage,
       "need more than the"},
      {"generate_overflow", generate_with({"--n", "9223372036854775807", "--d", "9223372036854775807"}),
       usage, "need more than the"},
      {"backends_two_formats", {"backends", "--json", "--markdown"}, usage, "--json"},
      {"backends_extra", {"backends", "naive"}, usage, "naive"},
      {"info_option", {"info", "--all"}, usage, "--all"},
  };
}

std::vector<Case> data_cases() {
  return {
      {"data_missing", fit_of("missing.npy"), data, "missing.npy"},
      {"data_format", fit_of("data.parquet"), data, "data.parquet"},
      {"data_directory", fit_of("directory.npy"), data, "directory.npy"},
      {"data_truncated", fit_of("truncated.npy"), data, "truncated.npy"},
      {"data_not_npy", fit_of("text.npy"), data, "text.npy"},
      {"data_ragged", fit_of("ragged.csv"), data, "ragged.csv"},
      {"data_word", fit_of("word.csv", {"--header", "no"}), data, "four"},
      {"data_empty", fit_of("empty.csv"), data, "empty.csv"},
      {"data_nan", fit_of("nan.csv"), data, "nan.csv: X[1][1] is NaN"},
      {"data_inf", fit_of("inf.csv"), data, "inf.csv: X[1][1] is infinite"},
      {"weights_missing", fit_of("data.npy", {"--weights", "missing.npy"}), data, "missing.npy"},
      {"weights_count", fit_of("data.npy", {"--weights", "good.csv"}), data, "good.csv"},
      {"weights_number", fit_of("data.npy", {"--weights", "short.csv"}), data,
       "short.csv: 2 weights for 10 samples of data.npy"},
      {"weights_negative", fit_of("three.csv", {"--weights", "negative.csv"}), data,
       "negative.csv: sample_weights[1] = -1 is negative"},
      {"weights_zero", fit_of("three.csv", {"--weights", "zero.csv"}), data,
       "zero.csv: sample_weights are all zero"},
      {"init_missing", fit_of("data.npy", {"--init", "missing.npy"}), data, "missing.npy"},
      {"init_rows", fit_of("data.npy", {"--init", "doubles.npy"}), data,
       "doubles.npy: 4 centroids of 1 features; needed are 3 (-k) of 2"},
      {"init_cols", fit_of("data.npy", {"--init", "three.csv"}), data,
       "three.csv: 3 centroids of 1 features"},
      {"init_nan", fit_of("good.csv", {"--init", "nan.csv"}), data,
       "nan.csv: initial_centroids[1][1] is NaN"},
      {"empty_cluster", fit_of("data.npy", {"--init", "far.csv", "--empty-clusters", "error"}), data,
       "empty"},
      {"predict_data_missing",
       {"predict", "missing.npy", "--centroids", "first.npy", "--labels", "new.npy"},
       data,
       "missing.npy"},
      {"predict_centroids_missing",
       {"predict", "data.npy", "--centroids", "missing.npy", "--labels", "new.npy"},
       data,
       "missing.npy"},
      {"predict_shapes",
       {"predict", "data.npy", "--centroids", "doubles.npy", "--labels", "new.npy"},
       data,
       "doubles.npy: centroids of 1 features for samples of 2 in data.npy"},
      {"predict_nan",
       {"predict", "nan.csv", "--centroids", "first.npy", "--labels", "new.npy"},
       data,
       "nan.csv: X[1][1] is NaN"},
      {"predict_centroids_nan",
       {"predict", "data.npy", "--centroids", "nan.csv", "--labels", "new.npy"},
       data,
       "nan.csv: centroids[1][1] is NaN"},
  };
}

class BadArguments : public ProgramTest, public ::testing::WithParamInterface<Case> {
 protected:
  BadArguments() {
    Matrix<float> samples(10, 2);
    for (std::size_t i = 0; i < 10; ++i) samples(i, 0) = static_cast<float>(i * i);
    io::write_matrix(path("data.npy"), samples.view());
    Matrix<float> first(3, 2);
    first(1, 0) = 5;
    first(2, 0) = 50;
    io::write_matrix(path("first.npy"), first.view());
    Matrix<double> doubles(4, 1);
    io::write_matrix(path("doubles.npy"), doubles.view());
    Matrix<float> weights(10, 1);
    std::fill_n(weights.data(), 10, 1.0f);
    io::write_matrix(path("weights.npy"), weights.view());
    const std::string whole = read("data.npy");
    write("truncated.npy", whole.substr(0, whole.size() - 5));
    write("text.npy", "1,2\n3,4\n");
    write("data.parquet", "PAR1");
    write("good.csv", "1,2\n3,4\n5,7\n");
    write("three.csv", "1\n2\n4\n");
    write("ragged.csv", "1,2\n3\n4,5\n");
    write("word.csv", "1,2\n3,four\n4,5\n");
    write("empty.csv", "");
    write("nan.csv", "1,2\n3,nan\n4,5\n");
    write("inf.csv", "1,2\n3,inf\n4,5\n");
    write("short.csv", "1\n1\n");
    write("negative.csv", "1\n-1\n1\n");
    write("zero.csv", "0\n0\n0\n");
    write("one_zero.csv", "1\n0\n1\n");
    write("far.csv", "0,0\n1,0\n100000,100000\n");
    write("old.npy", "what an earlier run has left");
    std::filesystem::create_directory(path("directory"));
    std::filesystem::create_directory(path("directory.npy"));
    std::filesystem::create_symlink("data.npy", path("link.json"));
    std::filesystem::create_symlink("new.npy", path("dangling.npy"));
  }
};

TEST_P(BadArguments, EndsWithOneLineAndChangesNothing) {
  const Case& c = GetParam();
  const auto before = snapshot();
  const Outcome outcome = run(c.arguments, {.environment = c.environment});
  EXPECT_EQ(outcome.status, c.status) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err.rfind("omnimeans: error: ", 0), 0u) << outcome.err;
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  EXPECT_NE(outcome.err.find(c.message), outcome.err.npos) << "no '" << c.message << "' in " << outcome.err;
  EXPECT_TRUE(snapshot() == before) << "a file was made, changed or removed";
}

std::string name_of(const ::testing::TestParamInfo<Case>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Usage, BadArguments, ::testing::ValuesIn(usage_cases()), name_of);
INSTANTIATE_TEST_SUITE_P(Data, BadArguments, ::testing::ValuesIn(data_cases()), name_of);

}  // namespace
}  // namespace omnimeans::cli_test
