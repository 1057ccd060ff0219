// SPDX-License-Identifier: MIT
// The list of kinds, and the loop over rows. Values are computed in double and rounded to T last, so that the
// float and the double version of a data set are the same data.
#include "datasets/datasets.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "datasets/kinds.hpp"
#include "omnimeans/error.hpp"
#include "parallel.hpp"

namespace omnimeans::datasets {
namespace {

struct Kind {
  KindInfo info;
  RowWriter (*make)(const Spec&);
};

constexpr std::array kKinds{
    Kind{{"blobs", "isotropic Gaussian components; separation: overlapping (default) to separated"},
         make_blobs},
    Kind{{"anisotropic", "Gaussian components, each stretched by a random linear map of its own"},
         make_anisotropic},
    Kind{{"uniform", "uniform in the unit cube: no structure at all"}, make_uniform},
    Kind{{"imbalanced", "Gaussian components with sizes by a power law: component j has weight 1/(j+1)"},
         make_imbalanced},
    Kind{{"duplicates", "n_clusters distinct points, repeated"}, make_duplicates},
    Kind{{"grid", "integer coordinates 0..7: many samples exactly as near to several centroids"}, make_grid},
    Kind{{"embedding", "unit-norm rows, low-rank topics with a decaying spectrum, like text embeddings"},
         make_embedding},
    Kind{{"images", "grey pixels 0..255 of pen strokes, one shape a cluster, like handwritten digits"},
         make_images},
    Kind{{"lattice",
          "Gaussian components of unit variance on a square lattice of step 5.66, like the BIRCH1 set"},
         make_lattice},
    Kind{{"pixels",
          "whole numbers 0..255: neighbours on smooth shades with noise, like the colours of a photograph"},
         make_pixels},
};

constexpr auto kInfos = [] {
  std::array<KindInfo, kKinds.size()> infos;
  std::transform(kKinds.begin(), kKinds.end(), infos.begin(), [](const Kind& kind) { return kind.info; });
  return infos;
}();

const Kind& find_kind(std::string_view name) {
  const auto kind =
      std::find_if(kKinds.begin(), kKinds.end(), [&](const Kind& k) { return k.info.name == name; });
  if (kind != kKinds.end()) return *kind;
  std::string message = "unknown kind of data set \"" + std::string(name) + "\"; there are";
  for (const KindInfo& info : kInfos) message.append(" ").append(info.name);
  throw InvalidArgument(message);
}

void validate(const Spec& spec) {
  if (spec.n_samples == 0) throw InvalidArgument("n_samples = 0: a data set needs at least one sample");
  if (spec.n_features == 0) throw InvalidArgument("n_features = 0: a data set needs at least one feature");
  if (spec.n_clusters == 0) throw InvalidArgument("n_clusters = 0: a data set needs at least one cluster");
  // The upper limit keeps every value, and its squares, far from overflow in float; the negation catches NaN.
  if (!(spec.separation >= 0 && spec.separation <= 1e9)) {
    throw InvalidArgument("separation = " + std::to_string(spec.separation) + " is not in [0, 1e9]");
  }
}

}  // namespace

std::span<const KindInfo> kinds() {
  return kInfos;
}

template <class T>
Matrix<T> generate(std::string_view kind, const Spec& spec) {
  const Kind& chosen = find_kind(kind);
  validate(spec);
  Matrix<T> samples(spec.n_samples, spec.n_features);
  const RowWriter write_row = chosen.make(spec);

  constexpr std::size_t kBlockRows = 256;
  parallel_blocks(resolve_threads(spec.threads), block_count(spec.n_samples, kBlockRows),
                  [&](std::size_t block, int /*thread*/) {
                    std::vector<double> values(spec.n_features);
                    const RowRange rows = block_range(block, spec.n_samples, kBlockRows);
                    for (std::size_t i = rows.begin; i < rows.end; ++i) {
                      write_row(i, values);
                      std::transform(values.begin(), values.end(), samples.row(i).begin(),
                                     [](double value) { return static_cast<T>(value); });
                    }
                  });
  return samples;
}

template Matrix<float> generate<float>(std::string_view, const Spec&);
template Matrix<double> generate<double>(std::string_view, const Spec&);

}  // namespace omnimeans::datasets
