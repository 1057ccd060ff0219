// SPDX-License-Identifier: MIT
// What int8, prefix and bytebounds know of the samples whatever the centroids: norms and, where the CPU has
// the instructions, eight bits of every value (int8_filter.hpp), beside a dense engine. A backend that takes
// over from another one goes on with what that one knows.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "backends/backends.hpp"
#include "dense_engine.hpp"
#include "int8_filter.hpp"
#include "omnimeans/backend.hpp"
#include "parallel.hpp"

namespace omnimeans::algorithms {

/// Who has looked for a prefix's directions. As a predecessor it hands them on.
class HasDirections {
 public:
  virtual ~HasDirections() = default;
  virtual std::shared_ptr<const PrincipalPrefix> directions() const = 0;
};

template <class T>
class EightBits {
 public:
  /// A common offset takes up eight bits, and is part of every error: word embeddings, whose offset has a
  /// sixth of the spread, leave 0.34 instead of 0.77 distances a sample to be computed again. Moved samples
  /// cost a copy for each of those, and where there is no offset nothing comes of it.
  static constexpr double centre_from = 0.05;

  EightBits(const Problem<T>& problem, Int8Filter::Rows rows)
      : engine(problem.samples, problem.n_clusters, problem.isa, problem.threads) {
    if constexpr (sizeof(T) == sizeof(float)) {
      if (const auto* kernels = int8_kernels_for(problem); kernels != nullptr) {
        engine.centre_from(centre_from);
        filter =
            std::make_unique<Int8Filter>(engine, *kernels, problem.samples.rows(), problem.samples.cols(),
                                         problem.n_clusters, problem.threads, rows);
        if (const auto* before = dynamic_cast<const HasDirections*>(problem.predecessor); before != nullptr)
          filter->take_directions(before->directions());
      }
    }
  }
  EightBits(const EightBits&) = delete;  // the filter refers to the engine

  void set_centroids(MatrixView<const T> centroids) {
    engine.set_centroids(centroids);
    if (filter == nullptr) return;
    engine.pack_rows();
    filter->set_centroids();
  }

  /// Of samples that will be asked for; after set_centroids().
  void load(RowRange rows, Int8Filter::Scratch& scratch) {
    if (loaded_) return;
    engine.find_norms(rows);
    if constexpr (sizeof(T) == sizeof(float)) {
      if (filter != nullptr) filter->load(rows, scratch);
    }
  }
  /// Every sample was loaded.
  void all_loaded() {
    engine.norms_found();
    loaded_ = true;
  }

  DenseEngine<T> engine;
  std::unique_ptr<Int8Filter> filter;  ///< null: the CPU has no 8-bit products, or T is double

 private:
  bool loaded_ = false;
};

/// A backend that begins with those of the one before it, or with new ones.
template <class T>
class KnowsEightBits : public Backend<T> {
 public:
  std::uint64_t bytes() const final { return static_cast<std::uint64_t>(bytes_); }

 protected:
  /// `bytes`: its working memory, with all that is new.
  KnowsEightBits(std::string_view name, const Problem<T>& problem, double bytes, Int8Filter::Rows rows)
      : bytes_(bytes),
        problem_(within_memory(name, problem, bytes)),
        known_(known_or_new(problem, rows)),
        engine_(known_->engine),
        filter_(known_->filter.get()) {
    problem_.predecessor = nullptr;
  }

  double bytes_;
  Problem<T> problem_;
  std::shared_ptr<EightBits<T>> known_;
  DenseEngine<T>& engine_;
  Int8Filter* filter_;  ///< null: the CPU has no 8-bit products, or T is double

 private:
  /// Whatever rows the one before rounded: all features, where this one would ask for a prefix, are no loss
  /// (docs/dead-ends.md).
  static std::shared_ptr<EightBits<T>> known_or_new(const Problem<T>& problem, Int8Filter::Rows rows) {
    const auto* before = dynamic_cast<const KnowsEightBits*>(problem.predecessor);
    return before != nullptr ? before->known_ : std::make_shared<EightBits<T>>(problem, rows);
  }
};

}  // namespace omnimeans::algorithms
