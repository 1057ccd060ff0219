// SPDX-License-Identifier: MIT
// What the adapters to FAISS's two K-means share: its version, and the parameters that leave no sample out.
#pragma once

#include <dlfcn.h>
#include <faiss/Clustering.h>
#include <faiss/utils/utils.h>

#include <limits>
#include <string>

#include "bench/peers/worker.hpp"

namespace omnimeans::peers {

/// `max_iter` iterations over all samples; without this it would draw 256 of them a cluster.
template <class Parameters>
Parameters every_sample(const Task& task, std::size_t max_iter) {
  Parameters parameters;
  parameters.niter = static_cast<int>(max_iter);
  parameters.min_points_per_centroid = 1;
  parameters.max_points_per_centroid = std::numeric_limits<int>::max() / static_cast<int>(task.k);
  return parameters;
}

/// What comes back; a fit with FAISS's own parameters looks at a sample.
template <class Clustering, class Parameters>
Answer answer_of(const Clustering& clustering, const Parameters& parameters, const Task& task) {
  const auto most = task.k * static_cast<std::size_t>(parameters.max_points_per_centroid);
  return {.centroids = clustering.centroids,
          .n_iter = static_cast<long>(clustering.iteration_stats.size()),
          .used_samples = most < task.n ? most : 0};
}

inline std::string faiss_version() {
  return std::to_string(FAISS_VERSION_MAJOR) + "." + std::to_string(FAISS_VERSION_MINOR) + "." +
         std::to_string(FAISS_VERSION_PATCH);
}

/// How it was configured, and the kernels that its BLAS chose for this CPU, where that is OpenBLAS.
inline std::string faiss_build() {
  std::string text = std::string(OMNIMEANS_PEER_BUILD) + "; compile options: " + faiss::get_compile_options();
  using Name = const char*();
  if (auto* const core = reinterpret_cast<Name*>(::dlsym(RTLD_DEFAULT, "openblas_get_corename")))
    text += std::string("; OpenBLAS ") + core();
  return text;
}

}  // namespace omnimeans::peers
