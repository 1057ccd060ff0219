// SPDX-License-Identifier: MIT
// auto: the exact backend that suits the shape of the problem, and another one later if that proves faster.
//
//   first     what is foretold to be fastest (auto_forecast.hpp), or the rules of auto_plan.hpp say
//   later     a search of every distance gives bounds (bytebounds, blockbounds or gap) a try in its steps 10,
//             22, ... (auto_trials.hpp says where earlier or later, and which): centroids come to rest, so
//             bounds pay better. The seconds of the steps decide, and the slower one goes.
#include "backends/auto.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "backends/auto_plan.hpp"
#include "backends/auto_trials.hpp"
#include "backends/backends.hpp"

namespace omnimeans::algorithms {
namespace {

template <class T>
class Auto final : public Backend<T>, public HasDirections {
 public:
  explicit Auto(const Problem<T>& problem) : problem_(problem) {
    shares_ = near_shares_if_asked(problem);
    if (bytes_pay_at_once(problem, shares_.near) && take(bytes_at_once)) {  // what else to ask takes time
      plan_ = {bytes_at_once, bytes_at_once, bytes_at_once};
      first_ = choice_;
    } else {
      plan_ = plan_for(problem, shares_);
    }
    begin_run();
  }

  AssignmentStats assign(const Assignment<T>& step) override {
    const auto now = std::chrono::steady_clock::now();
    if (step.drift.empty() && step_ > 0) begin_run();
    if (step_ > 0) judge(std::chrono::duration<double>(now - began_).count());
    began_ = now;
    if (!step.last && step_ == next_trial_) {
      next_trial_ = 2 * next_trial_ + 2;
      if (!rest_beats_bounds(problem_, plan_, left_out_)) begin_trial(plan_.bounded);
    } else if (!step.last && step_ == earliest_trial && bounds_pay_early(problem_, plan_, again_)) {
      next_trial_ = std::max<std::size_t>(next_trial_, 10);  // not the same again at once
      begin_trial(early_bounds(problem_, plan_));
    }
    ++step_;
    // A backend that has just been made, or kept aside, knows nothing of before.
    fresh_ = first_of_current_;
    first_of_current_ = false;
    AssignmentStats stats = current_->assign({.centroids = step.centroids,
                                              .drift = fresh_ ? std::span<const double>() : step.drift,
                                              .labels = step.labels,
                                              .guessed = step.guessed || !step.drift.empty(),
                                              .last = step.last,
                                              .keep_labels = step.keep_labels,
                                              .observer = step.observer});
    const auto n = static_cast<double>(problem_.samples.rows());
    left_out_ = static_cast<double>(stats.left_out) / n;
    again_ = static_cast<double>(stats.distances_computed) / n + left_out_ -
             static_cast<double>(problem_.n_clusters);
    stats.backend = choice_.name;
    if (changed_) stats.reason = explain();
    changed_ = false;
    return stats;
  }

  /// Where no trial may follow, nor is under way: then one backend labels the whole run.
  bool keeps_labels() const override {
    return before_trial_ == nullptr && choice_.name != plan_.dense.name && current_->keeps_labels();
  }
  void write_labels(std::span<std::int32_t> labels) const override { current_->write_labels(labels); }

  std::uint64_t bytes() const override { return peak_; }

  std::shared_ptr<const PrincipalPrefix> directions() const override { return plan_.directions; }

 private:
  /// The first choice, which may be there from the run before.
  void begin_run() {
    if (before_trial_ != nullptr) {  // the run before ended in a trial
      current_ = std::move(before_trial_);
      choice_.name = plan_.dense.name;
    }
    step_ = 0;
    next_trial_ = first_trial(problem_, plan_, shares_.near);
    dense_seconds_ = std::numeric_limits<double>::infinity();
    trial_ended_ = false;
    first_of_current_ = changed_ = true;
    if (current_ != nullptr && choice_.name == first_.name) {
      choice_ = first_;
      return;
    }
    current_.reset();
    constexpr std::string_view too_large = "what would be faster does not fit the memory limit";
    const Choice dense{plan_.dense.name, too_large}, gap{"gap", too_large}, simd{"simd", too_large},
        openmp{"openmp", "simd does not fit the memory limit"};
    if (!take(plan_.first) && !take(dense) && !take(gap) && !take(simd) && !take(openmp)) {
      current_ = find_backend("naive").make(problem_);
      peak_ = current_->bytes();
      choice_ = {"naive", "nothing else fits the memory limit"};
    }
    first_ = choice_;
  }

  /// Why the backend of the step was taken; in the first one with what was asked of some samples.
  std::string_view explain() {
    reason_ = choice_.reason;
    if (std::exchange(trial_ended_, false)) {
      char seconds[96];
      std::snprintf(seconds, sizeof seconds, " (a step took %.3g ms instead of %.3g ms)",
                    1e3 * trial_seconds_, 1e3 * dense_seconds_);
      reason_ += seconds;
    }
    const auto percent = [](double share) {
      const long tenths = std::lround(1000 * share);
      return std::to_string(tenths / 10) +
             (tenths < 100 ? '.' + std::to_string(tenths % 10) : std::string()) + " %";
    };
    if (step_ != 1 || !asks_for_near_pairs(problem_)) return reason_;
    reason_ += " (" + foretold() + "of a few samples, on average " + percent(shares_.near) +
               " of the clusters are at most 1.2 times, " + percent(shares_.around) +
               " at most twice as far as the nearest)";
    return reason_;
  }

  /// What is foretold, in words; empty: nothing.
  std::string foretold() const {
    std::string words;
    const auto add = [&](const char* name, double log_speed) {
      if (log_speed == Forecast::nothing) return;
      char text[64];
      std::snprintf(text, sizeof text, "%s%s %.1f", words.empty() ? "" : ", ", name, std::exp(log_speed));
      words += text;
    };
    add("kdtree", plan_.forecast.tree);
    add("blockbounds", plan_.forecast.blocks);
    add("int8", plan_.forecast.int8);
    return words.empty() ? words : words + " times as fast as gap; ";
  }

  bool take(Choice choice, std::uint64_t memory_in_use = 0) {
    Problem<T> problem = problem_;
    // This knows the directions of a prefix, which comes first, if at all.
    problem.predecessor = choice.name == "prefix" ? this : current_.get();
    if (problem.memory_limit_bytes != 0) {
      if (memory_in_use >= problem.memory_limit_bytes) return false;
      problem.memory_limit_bytes -= memory_in_use;
    }
    try {
      std::unique_ptr<Backend<T>> made = find_backend(choice.name).make(problem);
      before_trial_ = std::move(current_);
      current_ = std::move(made);
    } catch (const MemoryLimitExceeded&) {
      return false;
    } catch (const std::bad_alloc&) {
      return false;
    }
    peak_ = std::max(peak_, current_->bytes() + (before_trial_ != nullptr ? before_trial_->bytes() : 0));
    choice_ = choice;
    first_of_current_ = changed_ = true;
    return true;
  }

  void begin_trial(const Choice& bounded) {
    // Making bounds takes as long as a few steps.
    if (problem_.most_steps != 0 && step_ + 7 > problem_.most_steps) return;
    if (choice_.name != plan_.dense.name) return;
    trial_steps_ = 0;
    take(bounded, current_->bytes());
  }

  /// What the step before took, from its assignment to this one: the update step counts too, which may be
  /// part of the assignment, and the caller's progress callback. Two steps with bounds: the better one shows
  /// what is to come.
  void judge(double seconds) {
    if (fresh_) return;
    if (before_trial_ == nullptr) {
      if (choice_.name == plan_.dense.name) dense_seconds_ = std::min(dense_seconds_, seconds);
      return;
    }
    trial_seconds_ = trial_steps_++ == 0 ? seconds : std::min(trial_seconds_, seconds);
    if (trial_seconds_ < 0.95 * dense_seconds_) {
      before_trial_.reset();  // it stays: bounds only get better as centroids come to rest
      choice_.reason = "the trial was faster: it stays";
      changed_ = trial_ended_ = true;
    } else if (trial_steps_ == 2 || seconds > 1.3 * dense_seconds_) {
      current_ = std::move(before_trial_);
      choice_ = {plan_.dense.name,
                 trial_seconds_ < dense_seconds_ ? "the trial was hardly faster" : "the trial was slower"};
      // What it knew is of before the trial: it has missed how centroids moved, and labels changed.
      first_of_current_ = changed_ = trial_ended_ = true;
    }
  }

  Problem<T> problem_;
  NearShares shares_;
  Plan plan_;
  std::unique_ptr<Backend<T>> current_, before_trial_;  ///< before: the dense one, while another is on trial
  Choice first_, choice_;
  std::string reason_;        ///< what AssignmentStats::reason points at
  bool trial_ended_ = false;  ///< with the step before: the next reason has its seconds
  bool first_of_current_ = true, changed_ = true;
  bool fresh_ = true;  ///< the step before was the first of its backend
  std::chrono::steady_clock::time_point began_;
  std::uint64_t peak_ = 0;  ///< bytes
  std::size_t step_ = 0, next_trial_ = 0;
  int trial_steps_ = 0;
  // Of the step before, distances a sample: beyond every one, and left out.
  double again_ = 0, left_out_ = 0;
  double dense_seconds_ = std::numeric_limits<double>::infinity(), trial_seconds_ = 0;
};

}  // namespace

const BackendEntry& automatic() {
  static const BackendEntry entry{
      {.name = "auto",
       .memory = "as the backend it picks; while another one is on trial, of both",
       .use_when = "always, unless you compare backends",
       .avoid_when = "one certain algorithm is wanted",
       .reference = ""},
      make<Auto, float>,
      make<Auto, double>};
  return entry;
}

}  // namespace omnimeans::algorithms
