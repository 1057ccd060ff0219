// SPDX-License-Identifier: MIT
// omnimeans_predictor, omnimeans_predict, omnimeans_transform, omnimeans_inertia.
#include "omnimeans/predict.hpp"

#include <algorithm>
#include <variant>

#include "capi/capi.hpp"
#include "omnimeans/predictor.hpp"
#include "validate.hpp"

using namespace omnimeans;
using namespace omnimeans::capi;

struct omnimeans_predictor {
  std::variant<Predictor<float>, Predictor<double>> either;
};

omnimeans_status omnimeans_predictor_create(const omnimeans_matrix* centroids,
                                            const omnimeans_options* options,
                                            omnimeans_predictor** predictor) {
  return guarded([&] {
    check_pointer(predictor, "predictor");
    *predictor = nullptr;
    const PredictOptions chosen = predict_options(options);
    with_type(centroids, "centroids", [&]<class T>(T) {
      *predictor = new omnimeans_predictor{Predictor<T>(view<T>(centroids, "centroids"), chosen)};
    });
  });
}

void omnimeans_predictor_free(omnimeans_predictor* predictor) {
  delete predictor;
}

omnimeans_status omnimeans_predictor_label(const omnimeans_predictor* predictor,
                                           const omnimeans_matrix* samples, int32_t* labels) {
  return guarded([&] {
    check_pointer(predictor, "predictor");
    check_pointer(samples, "X");
    check_pointer(labels, "labels");
    std::visit(
        [&]<class T>(const Predictor<T>& p) {
          p.label(view<T>(samples, "X"), std::span(labels, samples->rows));
        },
        predictor->either);
  });
}

omnimeans_status omnimeans_predict(const omnimeans_matrix* samples, const omnimeans_matrix* centroids,
                                   const omnimeans_options* options, int32_t* labels) {
  return guarded([&] {
    check_pointer(labels, "labels");
    const PredictOptions chosen = predict_options(options);
    with_type(samples, "X", [&]<class T>(T) {
      std::ranges::copy(predict(view<T>(samples, "X"), view<T>(centroids, "centroids"), chosen), labels);
    });
  });
}

omnimeans_status omnimeans_transform(const omnimeans_matrix* samples, const omnimeans_matrix* centroids,
                                     const omnimeans_options* options, void* distances) {
  return guarded([&] {
    check_pointer(distances, "distances");
    const PredictOptions chosen = predict_options(options);
    with_type(samples, "X", [&]<class T>(T) {
      const Matrix<T> found = transform(view<T>(samples, "X"), view<T>(centroids, "centroids"), chosen);
      std::copy_n(found.data(), found.rows() * found.cols(), static_cast<T*>(distances));
    });
  });
}

omnimeans_status omnimeans_inertia(const omnimeans_matrix* samples, const omnimeans_matrix* centroids,
                                   const int32_t* labels, const void* sample_weights,
                                   const omnimeans_options* options, double* inertia) {
  return guarded([&] {
    check_pointer(labels, "labels");
    check_pointer(inertia, "inertia");
    const PredictOptions chosen = predict_options(options);
    with_type(samples, "X", [&]<class T>(T) {
      const MatrixView<const T> x = view<T>(samples, "X");
      *inertia = omnimeans::inertia(x, view<T>(centroids, "centroids"), std::span(labels, x.rows()),
                                    optional_values<T>(sample_weights, x.rows()), chosen);
    });
  });
}
