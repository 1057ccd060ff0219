// SPDX-License-Identifier: MIT
// What the kernels are measured on: a block of samples, centroids in place and packed, and plain answers to
// check with.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "aligned_buffer.hpp"
#include "bench/workload.hpp"
#include "kernels/kernels.hpp"

namespace omnimeans::bench {

template <class T>
struct KernelData {
  KernelData(const Case& c, const kernels::Kernels<T>& k)
      : kernels(k),
        n(c.n),
        d(c.d),
        n_clusters(c.k),
        source(workload<T>(c)),
        samples(source->samples().view()),
        centroids(source->initial_centroids().view()),
        n_vectors((c.k + k.lanes - 1) / k.lanes),
        panels(n_vectors * k.lanes * c.d),
        half_norms(n_vectors * k.lanes) {
    pack();
  }

  kernels::RowBlock<T> rows() const { return {samples.data(), samples.row_stride(), n}; }
  kernels::PackedCentroids<T> packed() const {
    constexpr std::size_t panel_bytes = std::size_t{512} << 10;  // as the library's dense engine
    const std::size_t one = 2 * kernels.lanes * d * sizeof(T);
    return {panels.data(), half_norms.data(), n_vectors, d, std::max<std::size_t>(1, panel_bytes / one)};
  }

  /// The score |c|^2/2 - x.c in double, and how far a kernel in T may be from it.
  double score(std::size_t i, std::size_t j) const {
    double sum = 0;
    for (std::size_t t = 0; t < d; ++t) {
      const double c = static_cast<double>(centroids(j, t));
      sum += c * (c / 2 - static_cast<double>(samples(i, t)));
    }
    return sum;
  }
  double tolerance(std::size_t i, std::size_t j) const {
    double terms = 0;
    for (std::size_t t = 0; t < d; ++t) {
      const double c = static_cast<double>(centroids(j, t));
      terms += c * c / 2 + std::abs(c * static_cast<double>(samples(i, t)));
    }
    return (static_cast<double>(d) + 16) * static_cast<double>(std::numeric_limits<T>::epsilon()) * terms;
  }

  const kernels::Kernels<T>& kernels;
  std::size_t n, d, n_clusters;
  std::shared_ptr<Workload<T>> source;
  MatrixView<const T> samples, centroids;
  std::size_t n_vectors;

 private:
  void pack() {
    const std::size_t lanes = kernels.lanes;
    for (std::size_t j = 0; j < n_vectors * lanes; ++j) {
      half_norms[j] = std::numeric_limits<T>::infinity();
      if (j >= n_clusters) continue;
      const std::size_t vector = j / lanes, panel = vector / 2 * 2;
      const std::size_t width = (panel + 2 <= n_vectors ? 2 : 1) * lanes;
      T* base = panels.data() + panel * lanes * d + (vector - panel) * lanes + j % lanes;
      double squared = 0;
      for (std::size_t t = 0; t < d; ++t) {
        const double value = static_cast<double>(centroids(j, t));
        base[t * width] = centroids(j, t);
        squared += value * value;
      }
      half_norms[j] = static_cast<T>(squared / 2);
    }
  }

  AlignedBuffer<T> panels, half_norms;
};

}  // namespace omnimeans::bench
