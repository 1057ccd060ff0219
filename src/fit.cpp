// SPDX-License-Identifier: MIT
// The only loop of the project: validate, seed, assign and update until it stops, label, add up.
#include "omnimeans/fit.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include "backends/auto.hpp"
#include "canonical.hpp"
#include "centroid_update.hpp"
#include "empty_clusters.hpp"
#include "feature_variance.hpp"
#include "labelling.hpp"
#include "memory.hpp"
#include "omnimeans/backend.hpp"
#include "parallel.hpp"
#include "seeding/seeding_internal.hpp"
#include "validate.hpp"

namespace omnimeans {

std::string_view to_string(StopReason reason) noexcept {
  switch (reason) {
    case StopReason::converged:
      return "converged";
    case StopReason::tolerance:
      return "tolerance";
    case StopReason::max_iter:
      return "max_iter";
    case StopReason::deadline:
      return "deadline";
    case StopReason::cancelled:
      return "cancelled";
  }
  return "unknown";
}

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void validate_options(const Options& options) {
  check_threads(options.threads);
  if (options.max_iter == 0) throw InvalidArgument("max_iter = 0; at least 1 is needed");
  if (options.n_init == 0) throw InvalidArgument("n_init = 0; at least 1 is needed");
  if (!(options.tol >= 0) || std::isinf(options.tol)) {
    throw InvalidArgument("tol = " + std::to_string(options.tol) + " is not a finite number >= 0");
  }
  if (options.empty_clusters < EmptyClusterPolicy::relocate ||
      options.empty_clusters > EmptyClusterPolicy::error) {
    throw InvalidArgument("empty_clusters = " + std::to_string(static_cast<int>(options.empty_clusters)) +
                          " is not an EmptyClusterPolicy");
  }
}

template <class T>
class Fit {
 public:
  Fit(MatrixView<const T> samples, const Options& options, const FitInputs<T>& inputs)
      : samples_(samples),
        options_(options),
        weights_(inputs.sample_weights),
        initial_(inputs.initial_centroids) {
    validate_options(options);
    find_seeding_method(options.init);
    isa_ = find_isa(options.isa);
    threads_ = resolve_threads(options.threads);
    entry_ = options.backend == "auto" ? nullptr : &find_backend(options.backend);
    check_shape(samples, "X");
    check_weights(weights_, samples.rows());
    check_n_clusters(options.n_clusters, samples.rows(), weights_);
    if (initial_.data() != nullptr || initial_.rows() != 0) {
      if (initial_.rows() != options.n_clusters || initial_.cols() != samples.cols()) {
        throw ShapeMismatch("initial_centroids is " + std::to_string(initial_.rows()) + " x " +
                            std::to_string(initial_.cols()) +
                            "; n_clusters x n_features = " + std::to_string(options.n_clusters) + " x " +
                            std::to_string(samples.cols()) + " is needed");
      }
      check_values(initial_, "initial_centroids", isa_, threads_);
    }
    absmax_ = check_values(samples, "X", isa_, threads_, weights_);
    check_weighted_range<T>(absmax_, weights_);
    problem_ = {.samples = samples,
                .sample_weights = weights_,
                .n_clusters = options.n_clusters,
                .threads = threads_,
                .isa = isa_,
                .memory_limit_bytes =
                    options.memory_limit_bytes != 0 ? options.memory_limit_bytes : default_memory_limit(),
                // The last one finds the final labels.
                .most_steps = options.max_iter + 1};
    if (entry_ == nullptr) entry_ = &algorithms::automatic();
    if (options.tol > 0) tolerance_ = options.tol * mean_feature_variance(samples, weights_, threads_);
  }

  Result<T> best_of_runs() {
    // Every run from the same given centroids would be the same run.
    const std::size_t runs = initial_.empty() ? options_.n_init : 1;
    std::optional<Result<T>> best;
    double seed_seconds = 0, fit_seconds = 0;
    for (std::size_t run = 0; run < runs; ++run) {
      const auto seed_start = Clock::now();
      Seeds<T> seeds = seed(run);
      seed_seconds += seconds_since(seed_start);
      if (seeds.interrupted && best) break;
      Result<T> result = one_run(std::move(seeds), run, runs);
      fit_seconds += result.fit_seconds;
      const bool stop =
          result.stop_reason == StopReason::cancelled || result.stop_reason == StopReason::deadline;
      if (!best || result.inertia < best->inertia) best = std::move(result);
      // Nothing is lower than zero, and a tie goes to the earlier run. Of any other run nothing can be said
      // before its end: no bound tells how far an iteration may still descend.
      if (stop || best->inertia == 0) break;
    }
    best->seed_seconds = seed_seconds;
    best->fit_seconds = fit_seconds;
    return std::move(*best);
  }

 private:
  Seeds<T> seed(std::size_t run) {
    if (!initial_.empty()) {
      Seeds<T> given;
      given.centroids = Matrix<T>(initial_.rows(), initial_.cols());
      for (std::size_t j = 0; j < initial_.rows(); ++j)
        std::ranges::copy(initial_.row(j), given.centroids.row(j).begin());
      return given;
    }
    const SeedingOptions options{.n_clusters = options_.n_clusters,
                                 .init = options_.init,
                                 .seed = options_.seed,
                                 .run = run,
                                 .threads = threads_,
                                 // The plain ones do all themselves: others are compared with them.
                                 .with_labels = entry_->info.exact && entry_->info.vectorised,
                                 .memory_limit_bytes = problem_.memory_limit_bytes,
                                 .deadline = options_.deadline,
                                 .stop = options_.stop,
                                 .progress = options_.seeding_progress};
    // Beside a backend kept from the run before, or, where memory is short, without it.
    if (backend_ != nullptr && backend_->bytes() >= problem_.memory_limit_bytes) backend_.reset();
    if (backend_ != nullptr) {
      try {
        SeedingOptions beside = options;
        beside.memory_limit_bytes -= backend_->bytes();
        return seeding::seed_validated(samples_, weights_, beside, isa_);
      } catch (const MemoryLimitExceeded&) {
        backend_.reset();
      }
    }
    return seeding::seed_validated(samples_, weights_, options, isa_);
  }

  Result<T> one_run(Seeds<T> seeds, std::size_t run, std::size_t runs) {
    Result<T> result;
    result.run = run;
    result.seed_distances_computed = seeds.distances_computed;
    result.seed_passes = seeds.passes;
    result.centroids = std::move(seeds.centroids);

    const auto make_start = Clock::now();
    // What it knows of the samples serves every run.
    if (backend_ == nullptr) backend_ = entry_->make(problem_);
    CentroidUpdate<T> update(samples_, weights_, absmax_, options_.n_clusters, isa_, threads_);
    result.labels.assign(samples_.rows(), -1);
    Matrix<T> next = result.centroids;
    std::vector<double> drift;  // none for a backend that has not labelled yet
    std::string_view ran;       // who labelled last
    InertiaBound inertia(samples_.rows(), samples_.cols());
    const bool keep = entry_->info.exact && backend_->keeps_labels() && update.observes();
    std::optional<StopReason> stop;
    if (seeds.interrupted) stop = deadline_passed() ? StopReason::deadline : StopReason::cancelled;
    result.fit_seconds = seconds_since(make_start);  // a tree is built here
    while (!stop) {
      IterationStats stats{.iteration = result.n_iter};
      const auto assignment_start = Clock::now();
      AssignmentStats assigned;
      const bool by_seeding = result.n_iter == 0 && !seeds.labels.empty();
      if (by_seeding) {
        result.labels = std::move(seeds.labels);
        assigned.inertia_bound = seeds.inertia;
        assigned.inertia_is_exact = true;
        assigned.backend = "seeding";
        assigned.reason = "the last pass of the seeding found the labels";
      } else {
        assigned = backend_->assign({.centroids = result.centroids,
                                     .drift = ran.empty() ? std::span<const double>() : drift,
                                     .labels = result.labels,
                                     .guessed = result.n_iter > 0,
                                     .keep_labels = keep,
                                     .observer = update.observe(result.labels, keep)});
        labels_are_kept_ = keep;
        if (assigned.backend.empty()) assigned.backend = entry_->info.name;
        ran = assigned.backend;
      }
      stats.assignment_seconds = seconds_since(assignment_start);
      stats.inertia_bound = assigned.inertia_bound;
      stats.inertia_is_exact = assigned.inertia_is_exact;
      stats.distances_computed = assigned.distances_computed;
      stats.reranked = assigned.reranked;
      stats.backend = assigned.backend;
      stats.reason = assigned.reason;

      const auto update_start = Clock::now();
      const bool relocated = update_step(update, result, assigned.observed, inertia, next, stats);
      // The labels were asked for with these centroids, and give these centroids.
      const bool at_rest = stats.labels_changed == 0 && !relocated && next == result.centroids;
      move_centroids(result.centroids, next, drift, stats);
      stats.update_seconds = seconds_since(update_start);

      ++result.n_iter;
      result.distances_computed += stats.distances_computed;
      result.reranked += stats.reranked;
      result.fit_seconds += stats.assignment_seconds + stats.update_seconds;
      result.history.push_back(stats);
      stop = stopping_rule(result, at_rest, runs);
    }
    result.stop_reason = *stop;
    finish(drift, ran, keep, result);
    // Labels of the seeding come from the dense engine, which is simd's.
    if (ran.empty()) ran = options_.backend == "auto" ? "simd" : entry_->info.name;
    const BackendInfo& last = find_backend(ran).info;
    result.backend = last.name;
    result.isa = last.vectorised ? isa_ : Isa::scalar;
    result.threads = last.threaded ? threads_ : 1;
    result.backend_bytes = backend_->bytes();
    return result;
  }

  /// An upper bound of the inertia in every step, also where a backend skips samples and knows none: two
  /// inertias differ as the sums of the clusters tell.
  class InertiaBound {
   public:
    // Canonical distances are off by (d / 8 + 8) u, their sum by (1024 + n / 1024) u: what is told by that
    // much, and what is returned is held against as much.
    InertiaBound(std::size_t n, std::size_t d)
        : slack_((static_cast<double>(d) / 4 + static_cast<double>(n) / 512 + 4096) * 0x1p-53) {}

    double of_step(double from_backend, CentroidUpdate<T>& update, MatrixView<const T> centroids) {
      const bool told = std::isfinite(from_backend);
      if (told && !std::isnan(moment_)) return from_backend;
      const auto variation = update.inertia_variation(centroids);
      if (std::isnan(moment_))
        moment_ = told ? from_backend * (1 + slack_) - variation.value + variation.error : update.moment();
      if (told) return from_backend;
      const double bound = (moment_ + variation.value + variation.error) * (1 + slack_);
      return std::isnan(bound) ? std::numeric_limits<double>::infinity() : bound;  // squares that overflow
    }

   private:
    double slack_;
    double moment_ =
        std::numeric_limits<double>::quiet_NaN();  ///< sum_i w_i |x_i - o|^2, at most, once known
  };

  /// The update step into `next`; true if an empty cluster was given a sample.
  bool update_step(CentroidUpdate<T>& update, Result<T>& result, bool observed, InertiaBound& inertia,
                   Matrix<T>& next, IterationStats& stats) {
    stats.labels_changed = observed ? update.accumulate_observed() : update.accumulate(fetch_labels(result));
    stats.inertia_bound = inertia.of_step(stats.inertia_bound, update, result.centroids.view());
    const auto counts = update.counts();
    stats.empty_clusters = static_cast<std::size_t>(std::count(counts.begin(), counts.end(), 0));
    if (stats.empty_clusters == 0) {
      update.write_means(next);
      return false;
    }
    if (options_.empty_clusters == EmptyClusterPolicy::error) {
      const auto first = std::find(counts.begin(), counts.end(), 0) - counts.begin();
      throw EmptyCluster("cluster " + std::to_string(first) + " has no sample in iteration " +
                         std::to_string(stats.iteration) + " (" + std::to_string(stats.empty_clusters) +
                         " empty in all)");
    }
    std::vector<Relocation> plan;
    // Where labels stay the same twice, relocation has been tried from here and gave no cluster a sample.
    const bool tried =
        stats.labels_changed == 0 && !result.history.empty() && result.history.back().labels_changed == 0;
    if (options_.empty_clusters == EmptyClusterPolicy::relocate && !tried) {
      plan = plan_relocations(samples_, weights_, std::as_const(result.centroids).view(),
                              fetch_labels(result), counts, kernels::kernels_for<T>(isa_), threads_);
    }
    // For the means only: the labels stay, and so must the sums that stand for them.
    for (const Relocation& r : plan) update.move(r.sample, r.from, r.to);
    update.write_means(next);
    // Touched by move() once more, these clusters' rows are written anew in the next step.
    for (const Relocation& r : plan) {
      std::ranges::copy(samples_.row(r.sample), next.row(static_cast<std::size_t>(r.to)).begin());
      update.move(r.sample, r.to, r.from);
    }
    return !plan.empty();
  }

  /// The labels of the last step, from the backend if it has kept them.
  std::span<const std::int32_t> fetch_labels(Result<T>& result) {
    if (std::exchange(labels_are_kept_, false)) backend_->write_labels(result.labels);
    return result.labels;
  }

  /// Makes `next` the centroids; fills the drift with upper bounds of |c_j' - c_j|, and the shift.
  void move_centroids(Matrix<T>& centroids, const Matrix<T>& next, std::vector<double>& drift,
                      IterationStats& stats) const {
    const std::size_t k = centroids.rows(), d = centroids.cols();
    // D is off by at most gamma_{d/8+8} and sqrt(d) 2^-537 after the root.
    const double slack = (static_cast<double>(d) / 4 + 32) * 0x1p-52;
    const double tiny = std::sqrt(static_cast<double>(d)) * 0x1p-535;
    drift.resize(k);
    std::vector<double> squared(k);
    parallel_blocks(threads_for_centroids(k * d, threads_), k, [&](std::size_t j, int) {
      const std::span<T> from = centroids.row(j);
      const std::span<const T> to = next.row(j);
      drift[j] = 0;
      // Bits, for -0 and 0 are equal: no drift, but to be copied.
      if (std::memcmp(from.data(), to.data(), to.size_bytes()) == 0) return;
      squared[j] = canonical_distance(to.data(), from.data(), d);
      if (!std::ranges::equal(to, from)) drift[j] = std::sqrt(squared[j]) * (1 + slack) + tiny;
      std::ranges::copy(to, from.begin());
    });
    for (const double of_one : squared) stats.centroid_shift += of_one;
  }

  std::optional<StopReason> stopping_rule(const Result<T>& result, bool at_rest, std::size_t runs) const {
    const IterationStats& stats = result.history.back();
    const bool go_on = !options_.progress || options_.progress({result.run, runs, options_.max_iter, stats});
    if (at_rest) return StopReason::converged;
    if (options_.tol > 0 && stats.centroid_shift <= tolerance_) return StopReason::tolerance;
    if (result.n_iter == options_.max_iter) return StopReason::max_iter;
    if (!go_on || options_.stop.stop_requested()) return StopReason::cancelled;
    if (deadline_passed()) return StopReason::deadline;
    return std::nullopt;
  }

  bool deadline_passed() const { return options_.deadline && Clock::now() >= *options_.deadline; }

  /// Labels for the returned centroids, unless they are those already; then the canonical inertia. `ran`: who
  /// labelled last, before and after.
  void finish(std::span<const double> drift, std::string_view& ran, bool keep, Result<T>& result) {
    const auto start = Clock::now();
    AssignmentStats last;
    if (!entry_->info.exact) {
      last = label_samples<T>(samples_, result.centroids, isa_, threads_, result.labels);
    } else if (result.stop_reason != StopReason::converged) {
      last = backend_->assign({.centroids = result.centroids,
                               .drift = ran.empty() ? std::span<const double>() : drift,
                               .labels = result.labels,
                               .guessed = result.n_iter > 0,
                               .last = true,
                               .keep_labels = keep});
      labels_are_kept_ = keep;
      ran = last.backend.empty() ? entry_->info.name : last.backend;
    }
    fetch_labels(result);
    result.fit_seconds += seconds_since(start);
    result.distances_computed += last.distances_computed;
    result.reranked += last.reranked;
    result.inertia =
        canonical_inertia<T>(samples_, weights_, result.centroids, result.labels, isa_, threads_);
    result.n_nonempty = count_nonempty(result.labels, result.centroids.rows());
  }

  /// How many clusters have a sample of positive weight. Mostly all have, and every 64th sample shows it; not
  /// the first ones in a row, for samples may come in the order of their clusters.
  std::size_t count_nonempty(std::span<const std::int32_t> labels, std::size_t n_clusters) const {
    std::vector<std::uint8_t> owns(n_clusters, 0);
    std::size_t count = 0;
    for (const std::size_t step : {std::size_t{64}, std::size_t{1}}) {
      for (std::size_t i = 0; i < labels.size() && count < n_clusters; i += step) {
        if (weights_.empty() || weights_[i] > 0)
          count += std::exchange(owns[static_cast<std::size_t>(labels[i])], std::uint8_t{1}) == 0 ? 1 : 0;
      }
    }
    return count;
  }

  MatrixView<const T> samples_;
  const Options& options_;
  std::span<const T> weights_;
  MatrixView<const T> initial_;
  Isa isa_ = Isa::scalar;
  int threads_ = 1;
  const BackendEntry* entry_ = nullptr;
  std::vector<T> absmax_;
  Problem<T> problem_;
  std::unique_ptr<Backend<T>> backend_;
  bool labels_are_kept_ = false;  ///< those of the last step are with the backend alone
  double tolerance_ = 0;
};

}  // namespace

Result<float> fit(MatrixView<const float> samples, const Options& options, const FitInputs<float>& inputs) {
  return Fit<float>(samples, options, inputs).best_of_runs();
}

Result<double> fit(MatrixView<const double> samples, const Options& options,
                   const FitInputs<double>& inputs) {
  return Fit<double>(samples, options, inputs).best_of_runs();
}

}  // namespace omnimeans
