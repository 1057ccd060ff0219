// SPDX-License-Identifier: MIT
// The contract of a backend, on one page. A backend is one algorithm for the assignment step: it labels every
// sample with the nearest centroid. fit() owns the loop, the update step and stopping; it calls assign() once
// an iteration. To add one: write src/backends/<name>.cpp, add one line to src/backends/registry.cpp.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "omnimeans/export.h"
#include "omnimeans/isa.hpp"
#include "omnimeans/matrix_view.hpp"

namespace omnimeans {

template <class T>
class Backend;

/// What stays the same over all iterations of a fit. Views stay valid as long as the backend lives.
template <class T>
struct Problem {
  MatrixView<const T> samples;
  std::span<const T> sample_weights;  ///< empty: all ones
  std::size_t n_clusters = 0;
  int threads = 1;
  Isa isa = Isa::scalar;
  std::uint64_t memory_limit_bytes =
      0;                       ///< a backend that needs more throws MemoryLimitExceeded when it is made
  std::size_t most_steps = 0;  ///< assignment steps of a run, at most; 0: unknown. For "auto".
  const Backend<T>* predecessor = nullptr;  ///< who labels these samples so far with as many clusters and
                                            ///< threads, if another backend is made to take over: that may
                                            ///< go on with what is known of samples, and must not keep this
};

/// Samples that got another label, feature-major: those r whose bit is set in `rows`, feature t of r at
/// values[t * stride + r], stride <= 64.
template <class T>
struct MovedSamples {
  const T* values = nullptr;
  std::size_t stride = 0;
  std::uint64_t rows = 0;
  const std::uint32_t* index = nullptr;  ///< of each r: which sample it is
  const std::int32_t* labels = nullptr;  ///< likewise: its label, which is in Assignment::labels, too, unless
                                         ///< Assignment::keep_labels
  const std::int32_t* before = nullptr;  ///< likewise: its label in the step before; -1, or null: not known,
                                         ///< which is never so with keep_labels, but in a first step
};

/// Told of labels as soon as they are final, while their samples are still in a cache: fit() then updates the
/// sums of the clusters in the same pass over the samples. Called by several threads at once, for samples
/// that do not overlap. `thread` counts from 0 and is below Problem::threads.
class OMNIMEANS_API LabelObserver {
 public:
  virtual ~LabelObserver() = default;
  /// Labels [begin, end) stay as they are.
  virtual void labelled(std::size_t begin, std::size_t end, int thread) = 0;
  /// Those of begin + listed[r] do.
  virtual void labelled_some(std::size_t begin, std::span<const std::int32_t> listed, int thread) {
    for (const std::int32_t r : listed) {
      const std::size_t i = begin + static_cast<std::size_t>(r);
      labelled(i, i + 1, thread);
    }
  }
  /// Those of the moved samples do, which a backend may have at hand in another order.
  virtual void moved(const MovedSamples<float>& samples, int thread) { tell_each(samples, thread); }
  virtual void moved(const MovedSamples<double>& samples, int thread) { tell_each(samples, thread); }

 protected:
  template <class T>
  void tell_each(const MovedSamples<T>& samples, int thread) {
    for (std::uint64_t rows = samples.rows; rows != 0; rows &= rows - 1) {
      const std::size_t i = samples.index[std::countr_zero(rows)];
      labelled(i, i + 1, thread);
    }
  }
};

/// One assignment step.
template <class T>
struct Assignment {
  MatrixView<const T> centroids;  ///< n_clusters x n_features
  std::span<const double>
      drift;  ///< n_clusters upper bounds of |c_j - c_j before|; empty in the first step of
              ///< a run: what bounds say no longer holds, what is known of samples does
  std::span<std::int32_t>
      labels;            ///< in: of the step before (anything in the first step); out: the canonical labels
  bool guessed = false;  ///< in the first step: `labels` (all in 0 ... n_clusters - 1) are those of centroids
                         ///< near these, as the seeding leaves them; a backend may begin from them, but must
                         ///< not trust them
  bool last = false;     ///< only labels are wanted: what would pay later need not begin
  bool keep_labels = false;  ///< of a backend that keeps labels: `labels` need be neither right nor written,
                             ///< Backend::write_labels() is asked for them; the same in all steps of a run
  LabelObserver* observer =
      nullptr;  ///< a backend may tell it of every label that is not the one of the step before, each once
                ///< (`observed`; of the others, too, if it likes; of all in a step without drift), or
                ///< ignore it
};

struct AssignmentStats {
  std::uint64_t distances_computed = 0;
  std::uint64_t left_out = 0;  ///< pairs that int8 and prefix left out: the other centroid lay still, and was
                               ///< known to be farther
  std::uint64_t reranked = 0;  ///< samples decided by the canonical rule because the bound proved nothing
  double inertia_bound = 0;    ///< upper bound of sum_i w_i D(x_i, c_label(i)); infinite: fit() finds one
  bool inertia_is_exact = false;
  bool observed = false;  ///< Assignment::observer was told of every label that changed
  // "auto" only:
  std::string_view backend = {};  ///< which one did this step: a name of backends()
  std::string_view reason = {};   ///< why, where that is new; valid until the next step or the backend's end

  /// Adds what another part of the step counted.
  AssignmentStats& operator+=(const AssignmentStats& part) {
    distances_computed += part.distances_computed;
    left_out += part.left_out;
    reranked += part.reranked;
    inertia_bound += part.inertia_bound;
    return *this;
  }
};

template <class T>
class OMNIMEANS_API Backend {
 public:
  virtual ~Backend() = default;
  /// Finds the canonical labels (an exact backend) or its own idea of them (an approximate one).
  virtual AssignmentStats assign(const Assignment<T>& step) = 0;
  /// Whether it has the labels in an order of its own, so that writing them step by step, each at a random
  /// place, can be left to the end (Assignment::keep_labels). It then tells Assignment::observer by moved()
  /// only, of all that change, with the label before; in a first step it may tell nothing. The same over a
  /// run. Who overrides one of these two overrides both.
  virtual bool keeps_labels() const { return false; }
  /// The labels of the last step, of a backend that keeps them.
  virtual void write_labels(std::span<std::int32_t> /*labels*/) const {}
  /// Working memory in bytes, at most: what is held against memory_limit_bytes.
  virtual std::uint64_t bytes() const = 0;
};

/// What users read about a backend: `omnimeans backends`, the README's table and the report come from here.
struct BackendInfo {
  std::string_view name;
  bool vectorised = true;   ///< runs on Problem::isa; false: scalar code
  bool tiled = true;        ///< if vectorised: in the dense engine's tiles, as describe_dense_plan() tells
  bool threaded = true;     ///< uses Problem::threads
  bool lone = false;        ///< computes distances one by one: slower than tiles on all but special data
  bool exact = true;        ///< false: may differ from the canonical labels; "auto" never picks it
  std::string_view memory;  ///< working memory, e.g. "n*k floats"
  std::string_view use_when;
  std::string_view avoid_when;
  std::string_view reference;  ///< paper or theorem
};

struct BackendEntry {
  BackendInfo info;
  std::unique_ptr<Backend<float>> (*make_f32)(const Problem<float>&);
  std::unique_ptr<Backend<double>> (*make_f64)(const Problem<double>&);

  template <class T>
  std::unique_ptr<Backend<T>> make(const Problem<T>& problem) const {
    if constexpr (sizeof(T) == sizeof(float)) {
      return make_f32(problem);
    } else {
      return make_f64(problem);
    }
  }
};

/// Every backend, in the order of the registry.
OMNIMEANS_API std::span<const BackendEntry> backends();

/// The backend of that name. Throws UnknownBackend, listing the names.
OMNIMEANS_API const BackendEntry& find_backend(std::string_view name);

}  // namespace omnimeans
