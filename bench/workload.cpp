// SPDX-License-Identifier: MIT
#include "bench/workload.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "bench/harness.hpp"
#include "canonical.hpp"
#include "datasets/datasets.hpp"
#include "io/io.hpp"
#include "omnimeans/backend.hpp"
#include "omnimeans/fit.hpp"
#include "omnimeans/predict.hpp"
#include "omnimeans/seeding.hpp"
#include "parallel.hpp"

namespace omnimeans::bench {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr std::size_t kCheckedRows = 256;

template <class T>
Matrix<T> make_samples(const Case& c) {
  if (c.dataset.starts_with("file:")) return io::read_matrix_as<T>(c.dataset.substr(5));
  // More distinct points than clusters, else every cluster would be one point.
  const std::size_t components = c.dataset == "duplicates" ? 4 * c.k : c.k;
  return datasets::generate<T>(
      c.dataset, {.n_samples = c.n, .n_features = c.d, .n_clusters = components, .seed = kSeed});
}

bool affordable(const Case& c, std::size_t passes, double limit) {
  return c.work() * static_cast<double>(passes) <= limit;
}

template <class A, class B>
std::string difference(const char* what, std::size_t i, const A& got, const B& expected) {
  return std::string(what) + "[" + std::to_string(i) + "] is " + std::to_string(got) + ", not " +
         std::to_string(expected);
}

std::string compare_labels(const std::vector<std::int32_t>& got, const std::vector<std::int32_t>& expected) {
  if (got.size() != expected.size()) return "the number of labels is wrong";
  const auto [at, there] = std::ranges::mismatch(got, expected);
  if (at == got.end()) return {};
  return difference("labels", static_cast<std::size_t>(at - got.begin()), *at, *there);
}

}  // namespace

template <class T>
Workload<T>::Workload(const Case& c) : case_(c), samples_(make_samples<T>(c)) {}

template <class T>
const Matrix<T>& Workload<T>::initial_centroids() {
  if (!initial_centroids_) {
    initial_centroids_ =
        seed_centroids(samples_.view(), {.n_clusters = case_.k, .init = Init::random, .seed = kSeed})
            .centroids;
  }
  return *initial_centroids_;
}

template <class T>
const Result<T>& Workload<T>::fit_answer(double scalar_limit) {
  if (!fit_answer_) {
    const bool naive = affordable(case_, kIterations, scalar_limit);
    show_progress("the answer to " + case_.name() + (naive ? " by naive" : " by simd"));
    fit_answer_ = fit(samples_.view(), fit_options(case_.k, naive ? "naive" : "simd", naive ? 1 : 0),
                      {.initial_centroids = initial_centroids().view()});
    const std::string wrong = check_sample_of_rows(fit_answer_->centroids, fit_answer_->labels);
    if (!wrong.empty()) throw std::logic_error("the reference itself is wrong: " + wrong);
  }
  return *fit_answer_;
}

template <class T>
const std::vector<std::int32_t>& Workload<T>::labels_answer(double scalar_limit) {
  if (!labels_answer_) {
    const MatrixView<const T> centroids = initial_centroids().view();
    if (affordable(case_, 1, scalar_limit)) {
      std::vector<std::int32_t> labels(samples_.rows());
      parallel_blocks(resolve_threads(0), labels.size(), [&](std::size_t i, int) {
        labels[i] = canonical_nearest(samples_.row(i).data(), centroids).label;
      });
      labels_answer_ = std::move(labels);
    } else {
      labels_answer_ = predict(samples_.view(), centroids);
      const std::string wrong = check_sample_of_rows(centroids, *labels_answer_);
      if (!wrong.empty()) throw std::logic_error("the reference itself is wrong: " + wrong);
    }
  }
  return *labels_answer_;
}

template <class T>
std::string Workload<T>::check_sample_of_rows(MatrixView<const T> centroids,
                                              const std::vector<std::int32_t>& labels) const {
  const std::size_t n = samples_.rows(), step = std::max<std::size_t>(1, n / kCheckedRows);
  for (std::size_t i = 0; i < n; i += step) {
    const std::int32_t label = canonical_nearest(samples_.row(i).data(), centroids).label;
    if (label != labels[i]) return difference("labels", i, labels[i], label);
  }
  return {};
}

template <class T>
std::string Workload<T>::check(const Result<T>& result, double scalar_limit) {
  const Result<T>& answer = fit_answer(scalar_limit);
  if (result.n_iter != answer.n_iter) {
    return "n_iter is " + std::to_string(result.n_iter) + ", not " + std::to_string(answer.n_iter);
  }
  for (std::size_t j = 0; j < case_.k; ++j) {
    if (!std::ranges::equal(result.centroids.row(j), answer.centroids.row(j))) {
      return "centroid " + std::to_string(j) + " differs from that of " + answer.backend;
    }
  }
  if (result.inertia != answer.inertia) return "inertia differs from that of " + answer.backend;
  return compare_labels(result.labels, answer.labels);
}

template <class T>
std::string Workload<T>::check(const std::vector<std::int32_t>& labels, double scalar_limit) {
  return compare_labels(labels, labels_answer(scalar_limit));
}

template <class T>
double Workload<T>::assignment_inertia(double scalar_limit) {
  return inertia(samples_.view(), initial_centroids().view(), labels_answer(scalar_limit));
}

template <class T>
std::shared_ptr<Workload<T>> workload(const Case& c) {
  static std::map<std::string, std::shared_ptr<Workload<T>>> known;
  auto& found = known[c.dataset + ' ' + c.name()];
  if (!found) found = std::make_shared<Workload<T>>(c);
  return found;
}

Options fit_options(std::size_t k, const std::string& backend, int threads) {
  return {.n_clusters = k, .max_iter = kIterations, .tol = 0, .threads = threads, .backend = backend};
}

Isa isa_of(std::string_view backend, Isa chosen) {
  return is_scalar(backend) ? Isa::scalar : chosen;
}

bool is_scalar(std::string_view backend) {
  return backend == "naive" || backend == "openmp";
}

bool affords(const Plan& plan, std::string_view backend, const Case& c, std::size_t passes) {
  if (is_scalar(backend)) return affordable(c, passes, plan.scalar_limit);
  return backend == "auto" || !find_backend(backend).info.lone || affordable(c, passes, plan.lone_limit);
}

void read_shape(Case& c) {
  const auto set = [&](const auto& samples) {
    c.n = samples.rows();
    c.d = samples.cols();
  };
  if (c.dtype == "f32") {
    set(io::read_matrix_as<float>(c.dataset.substr(5)));
  } else {
    set(io::read_matrix_as<double>(c.dataset.substr(5)));
  }
}

template class Workload<float>;
template class Workload<double>;
template std::shared_ptr<Workload<float>> workload<float>(const Case&);
template std::shared_ptr<Workload<double>> workload<double>(const Case&);

}  // namespace omnimeans::bench
