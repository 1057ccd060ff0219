// SPDX-License-Identifier: MIT
// predict() for many calls with the same centroids, at low latency.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "omnimeans/export.h"
#include "omnimeans/matrix_view.hpp"
#include "omnimeans/predict.hpp"

namespace omnimeans {

/// Labels samples by the nearest of n_clusters x n_features centroids, which it copies and packs once: a call
/// takes the time of the distances alone. The labels are those of predict(), bit for bit. It may be used by
/// several threads at once, and by a child of fork().
///
/// Memory: three times the centroids, and working memory for each thread that labels at the same time.
template <class T>
class OMNIMEANS_API Predictor {
 public:
  /// Throws InvalidArgument, NonFiniteValue, UnsupportedIsa.
  explicit Predictor(MatrixView<const T> centroids, const PredictOptions& options = {});
  Predictor(Predictor&&) noexcept;
  Predictor& operator=(Predictor&&) noexcept;
  ~Predictor();

  /// The label of one sample of n_features values. Throws ShapeMismatch, NonFiniteValue.
  std::int32_t label(std::span<const T> sample) const;

  /// The labels of n_samples x n_features `samples`, to n_samples `labels`. Throws InvalidArgument (no
  /// samples), ShapeMismatch, NonFiniteValue; `labels` are then as they were.
  void label(MatrixView<const T> samples, std::span<std::int32_t> labels) const;
  std::vector<std::int32_t> predict(MatrixView<const T> samples) const;

  /// n_clusters x n_features, as given.
  MatrixView<const T> centroids() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

extern template class Predictor<float>;
extern template class Predictor<double>;

}  // namespace omnimeans
