// SPDX-License-Identifier: MIT
// Engines that share one packing of the centroids and differ in their working memory. A call takes an idle
// one or makes one, and leaves it for the next. Slots are exchanged atomically, without a lock: a child of
// fork() finds them usable whatever other threads were doing.
#include "omnimeans/predictor.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <string>

#include "dense_engine.hpp"
#include "labelling.hpp"
#include "parallel.hpp"
#include "validate.hpp"

namespace omnimeans {
namespace {

template <class T>
Matrix<T> copy_of(MatrixView<const T> values) {
  Matrix<T> copy(values.rows(), values.cols());
  for (std::size_t j = 0; j < values.rows(); ++j) std::ranges::copy(values.row(j), copy.row(j).begin());
  return copy;
}

template <class T>
class IdleEngines {
 public:
  ~IdleEngines() {
    for (auto& slot : slots_) delete slot.load();
  }

  std::unique_ptr<DenseEngine<T>> take() {
    for (auto& slot : slots_) {
      if (slot.load(std::memory_order_relaxed) == nullptr) continue;
      if (DenseEngine<T>* engine = slot.exchange(nullptr)) return std::unique_ptr<DenseEngine<T>>(engine);
    }
    return nullptr;
  }

  void give(std::unique_ptr<DenseEngine<T>> engine) {
    for (auto& slot : slots_) {
      DenseEngine<T>* none = nullptr;
      if (slot.compare_exchange_strong(none, engine.get())) {
        static_cast<void>(engine.release());
        return;
      }
    }
  }

 private:
  std::array<std::atomic<DenseEngine<T>*>, 16> slots_{};
};

}  // namespace

template <class T>
struct Predictor<T>::State {
  State(MatrixView<const T> given, Isa chosen, int team)
      : centroids(copy_of(given)),
        isa(chosen),
        threads(team),
        packed(MatrixView<const T>(nullptr, 0, given.cols()), given.rows(), chosen, team) {
    packed.set_centroids(centroids);
    packed.pack_all();
  }

  void label(MatrixView<const T> samples, std::span<std::int32_t> labels) {
    constexpr std::size_t most_kept = 1 << 16;  // rows: an idle engine keeps a norm of each
    auto engine = idle.take();
    if (!engine) engine = std::make_unique<DenseEngine<T>>(packed);
    engine->set_samples(samples, threads);
    label_samples(*engine, labels);
    if (samples.rows() <= most_kept) idle.give(std::move(engine));
  }

  const Matrix<T> centroids;
  const Isa isa;
  const int threads;
  DenseEngine<T> packed;
  IdleEngines<T> idle;
};

template <class T>
Predictor<T>::Predictor(MatrixView<const T> centroids, const PredictOptions& options) {
  check_threads(options.threads);
  const Isa isa = find_isa(options.isa);
  const int threads = resolve_threads(options.threads);
  check_label_range(centroids);
  check_values(centroids, "centroids", isa, threads);
  state_ = std::make_unique<State>(centroids, isa, threads);
}

template <class T>
Predictor<T>::Predictor(Predictor&&) noexcept = default;
template <class T>
Predictor<T>& Predictor<T>::operator=(Predictor&&) noexcept = default;
template <class T>
Predictor<T>::~Predictor() = default;

template <class T>
std::int32_t Predictor<T>::label(std::span<const T> sample) const {
  std::int32_t label = 0;
  this->label(MatrixView<const T>(sample.data(), 1, sample.size()), {&label, 1});
  return label;
}

template <class T>
void Predictor<T>::label(MatrixView<const T> samples, std::span<std::int32_t> labels) const {
  check_shape(samples, "X");
  check_same_features(samples, centroids());
  if (labels.size() != samples.rows()) {
    throw ShapeMismatch("labels has " + std::to_string(labels.size()) +
                        " values for n_samples = " + std::to_string(samples.rows()));
  }
  check_values(samples, "X", state_->isa, state_->threads);
  state_->label(samples, labels);
}

template <class T>
std::vector<std::int32_t> Predictor<T>::predict(MatrixView<const T> samples) const {
  check_shape(samples, "X");
  std::vector<std::int32_t> labels(samples.rows());
  label(samples, labels);
  return labels;
}

template <class T>
MatrixView<const T> Predictor<T>::centroids() const noexcept {
  return state_->centroids;
}

template class Predictor<float>;
template class Predictor<double>;

}  // namespace omnimeans
