// SPDX-License-Identifier: MIT
// omnimeans_fit and its result, omnimeans_seed_centroids.
#include "omnimeans/fit.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <variant>

#include "capi/capi.hpp"
#include "omnimeans/seeding.hpp"
#include "validate.hpp"

using namespace omnimeans;
using namespace omnimeans::capi;

struct omnimeans_result {
  std::variant<Result<float>, Result<double>> either;

  template <class Body>
  decltype(auto) visit(Body&& body) const {
    return std::visit(body, either);
  }
};

namespace {

using Clock = std::chrono::steady_clock;

/// After `seconds`; none for 0, and for more than the clock can tell.
std::optional<Clock::time_point> deadline_after(double seconds) {
  if (!(seconds >= 0))
    throw InvalidArgument("time_limit_seconds = " + std::to_string(seconds) + " is not >= 0");
  const auto now = Clock::now();
  const double most = std::chrono::duration<double>(Clock::time_point::max() - now).count() / 2;
  if (seconds == 0 || seconds > most) return std::nullopt;
  return now + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

Options fit_options(const omnimeans_options& given) {
  Options options{.n_clusters = given.n_clusters,
                  .init = static_cast<Init>(given.init),
                  .n_init = given.n_init,
                  .max_iter = given.max_iter,
                  .tol = given.tol,
                  .seed = given.seed,
                  .threads = given.threads,
                  .backend = text_or(given.backend, "auto"),
                  .isa = text_or(given.isa, ""),
                  .empty_clusters = static_cast<EmptyClusterPolicy>(given.empty_clusters),
                  .memory_limit_bytes = given.memory_limit_bytes,
                  .deadline = deadline_after(given.time_limit_seconds)};
  if (given.progress != nullptr) {
    options.progress = [callback = given.progress, user_data = given.user_data](const Progress& progress) {
      const omnimeans_progress told{.size = sizeof(omnimeans_progress),
                                    .run = progress.run,
                                    .n_init = progress.n_init,
                                    .iteration = progress.iteration.iteration,
                                    .max_iter = progress.max_iter,
                                    .labels_changed = progress.iteration.labels_changed,
                                    .inertia_bound = progress.iteration.inertia_bound,
                                    .centroid_shift = progress.iteration.centroid_shift};
      return callback(&told, user_data) == 0;
    };
    options.seeding_progress = [callback = given.progress, user_data = given.user_data,
                                n_init = given.n_init](const SeedingProgress& progress) {
      const omnimeans_progress told{.size = sizeof(omnimeans_progress),
                                    .run = progress.run,
                                    .n_init = n_init,
                                    .iteration = 0,
                                    .max_iter = 0,
                                    .labels_changed = 0,
                                    .inertia_bound = std::numeric_limits<double>::infinity(),
                                    .centroid_shift = 0};
      return callback(&told, user_data) == 0;
    };
  }
  return options;
}

}  // namespace

omnimeans_status omnimeans_fit(const omnimeans_matrix* samples, const void* sample_weights,
                               const omnimeans_matrix* initial_centroids, const omnimeans_options* options,
                               omnimeans_result** result) {
  return guarded([&] {
    check_pointer(result, "result");
    *result = nullptr;
    const Options chosen = fit_options(complete(options));
    with_type(samples, "X", [&]<class T>(T) {
      FitInputs<T> inputs{.sample_weights = optional_values<T>(sample_weights, samples->rows)};
      if (initial_centroids != nullptr) {
        inputs.initial_centroids = view<T>(initial_centroids, "initial_centroids");
        check_shape(inputs.initial_centroids, "initial_centroids");
      }
      *result = new omnimeans_result{fit(view<T>(samples, "X"), chosen, inputs)};
    });
  });
}

void omnimeans_result_free(omnimeans_result* result) {
  delete result;
}

omnimeans_matrix omnimeans_result_centroids(const omnimeans_result* result) {
  return result->visit([]<class T>(const Result<T>& r) {
    return omnimeans_matrix{r.centroids.data(), type_of<T>, r.centroids.rows(), r.centroids.cols(),
                            r.centroids.cols()};
  });
}
const int32_t* omnimeans_result_labels(const omnimeans_result* result) {
  return result->visit([](const auto& r) { return r.labels.data(); });
}
size_t omnimeans_result_n_samples(const omnimeans_result* result) {
  return result->visit([](const auto& r) { return r.labels.size(); });
}
double omnimeans_result_inertia(const omnimeans_result* result) {
  return result->visit([](const auto& r) { return r.inertia; });
}
uint64_t omnimeans_result_n_iter(const omnimeans_result* result) {
  return result->visit([](const auto& r) { return std::uint64_t{r.n_iter}; });
}
omnimeans_stop_reason omnimeans_result_stop_reason(const omnimeans_result* result) {
  return result->visit([](const auto& r) { return static_cast<omnimeans_stop_reason>(r.stop_reason); });
}
size_t omnimeans_result_n_nonempty(const omnimeans_result* result) {
  return result->visit([](const auto& r) { return r.n_nonempty; });
}
const char* omnimeans_result_backend(const omnimeans_result* result) {
  return result->visit([](const auto& r) { return r.backend.c_str(); });
}

omnimeans_status omnimeans_seed_centroids(const omnimeans_matrix* samples, const void* sample_weights,
                                          const omnimeans_options* options, void* centroids,
                                          size_t* indices) {
  return guarded([&] {
    check_pointer(centroids, "centroids");
    const omnimeans_options given = complete(options);
    with_type(samples, "X", [&]<class T>(T) {
      const auto seeds = seed_centroids(view<T>(samples, "X"),
                                        {.n_clusters = given.n_clusters,
                                         .init = static_cast<Init>(given.init),
                                         .seed = given.seed,
                                         .threads = given.threads,
                                         .isa = text_or(given.isa, ""),
                                         .memory_limit_bytes = given.memory_limit_bytes,
                                         .deadline = deadline_after(given.time_limit_seconds)},
                                        optional_values<T>(sample_weights, samples->rows));
      const std::size_t count = seeds.centroids.rows() * seeds.centroids.cols();
      std::copy_n(seeds.centroids.data(), count, static_cast<T*>(centroids));
      if (indices != nullptr) std::ranges::copy(seeds.indices, indices);
    });
  });
}
