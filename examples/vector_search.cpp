// SPDX-License-Identifier: MIT
// Codebooks for vector search (Jegou, Douze & Schmid 2011, Product quantization for nearest neighbor search,
// TPAMI), trained by K-means:
//
//   IVF  one coarse codebook cuts the base into lists; a query looks into the `probes` nearest
//   PQ   a vector is cut into m parts, each coded by one of 256 centroids of its own codebook: m bytes; a
//        query adds up m look-ups a vector
//
// and the recall of both against brute force: how often the true nearest neighbour is among the first 10.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <numeric>
#include <omnimeans/omnimeans.hpp>
#include <random>
#include <vector>

namespace {

using omnimeans::Matrix;
using omnimeans::MatrixView;

constexpr std::size_t d = 32, n_base = 20'000, n_queries = 200, top = 10;
constexpr std::size_t n_lists = 128, probes = 8, n_parts = 8, part = d / n_parts, n_codes = 256;

/// Vectors near a plane of few dimensions, as learnt embeddings are.
Matrix<float> vectors(std::size_t n, std::uint32_t seed) {
  constexpr std::size_t inner = 8;
  std::mt19937 random(seed), map_random(7);
  std::normal_distribution<float> normal;
  std::array<std::array<float, d>, inner> map{};
  for (auto& row : map) std::ranges::generate(row, [&] { return normal(map_random); });
  Matrix<float> result(n, d);
  for (std::size_t i = 0; i < n; ++i) {
    for (const auto& row : map) {
      const float z = normal(random);
      for (std::size_t t = 0; t < d; ++t) result(i, t) += z * row[t];
    }
    for (float& value : result.row(i)) value += 0.3f * normal(random);
  }
  return result;
}

float squared_distance(const float* a, const float* b, std::size_t n) {
  float sum = 0;
  for (std::size_t t = 0; t < n; ++t) sum += (a[t] - b[t]) * (a[t] - b[t]);
  return sum;
}

/// The `top` of `candidates` with the lowest score, best first.
template <class Score>
std::vector<std::uint32_t> best(std::vector<std::uint32_t> candidates, Score&& score) {
  std::vector<float> scores(n_base);
  for (const std::uint32_t i : candidates) scores[i] = score(i);
  const auto count = std::min(top, candidates.size());
  const auto middle = candidates.begin() + static_cast<std::ptrdiff_t>(count);
  std::partial_sort(candidates.begin(), middle, candidates.end(),
                    [&](std::uint32_t a, std::uint32_t b) { return scores[a] < scores[b]; });
  candidates.resize(count);
  return candidates;
}

}  // namespace

int main() {
  const Matrix<float> base = vectors(n_base, 1), queries = vectors(n_queries, 2);

  // Train. A codebook need not be exact to the last iteration, and a part of the base would do.
  const auto coarse = omnimeans::fit(base, {.n_clusters = n_lists, .max_iter = 10, .seed = 1});
  std::vector<std::vector<std::uint32_t>> lists(n_lists);
  for (std::size_t i = 0; i < n_base; ++i)
    lists[static_cast<std::size_t>(coarse.labels[i])].push_back(static_cast<std::uint32_t>(i));

  // The parts of a vector are columns of the same matrix: strided views, no copies. Labels are the codes.
  std::vector<Matrix<float>> codebooks;
  std::vector<std::array<std::uint8_t, n_parts>> codes(n_base);
  for (std::size_t p = 0; p < n_parts; ++p) {
    const MatrixView<const float> columns(base.data() + p * part, n_base, part, d);
    const auto book = omnimeans::fit(columns, {.n_clusters = n_codes, .max_iter = 10, .seed = 1});
    for (std::size_t i = 0; i < n_base; ++i) codes[i][p] = static_cast<std::uint8_t>(book.labels[i]);
    codebooks.push_back(book.centroids);
  }

  std::vector<std::uint32_t> everything(n_base);
  std::iota(everything.begin(), everything.end(), 0u);
  const Matrix<float> to_lists = omnimeans::transform(queries, coarse.centroids);
  std::size_t found_ivf = 0, found_pq = 0, found_both = 0, looked_at = 0;
  for (std::size_t q = 0; q < n_queries; ++q) {
    const float* query = queries.row(q).data();
    const auto exact = [&](std::uint32_t i) { return squared_distance(query, base.row(i).data(), d); };
    const std::uint32_t truth = best(everything, exact).front();

    // IVF: the vectors of the nearest lists.
    std::vector<std::size_t> order(n_lists);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&](std::size_t list) { return to_lists(q, list); });
    std::vector<std::uint32_t> near;
    for (std::size_t list = 0; list < probes; ++list)
      near.insert(near.end(), lists[order[list]].begin(), lists[order[list]].end());
    looked_at += near.size();

    // PQ: distances to all codes once, then look-ups.
    Matrix<float> table(n_parts, n_codes);
    for (std::size_t p = 0; p < n_parts; ++p) {
      for (std::size_t c = 0; c < n_codes; ++c)
        table(p, c) = squared_distance(query + p * part, codebooks[p].row(c).data(), part);
    }
    const auto coded = [&](std::uint32_t i) {
      float sum = 0;
      for (std::size_t p = 0; p < n_parts; ++p) sum += table(p, codes[i][p]);
      return sum;
    };
    const auto holds_truth = [&](const std::vector<std::uint32_t>& answer) {
      return std::ranges::find(answer, truth) != answer.end() ? 1u : 0u;
    };
    found_ivf += holds_truth(best(near, exact));
    found_pq += holds_truth(best(everything, coded));
    found_both += holds_truth(best(near, coded));
  }

  const auto share = [](std::size_t part_of, std::size_t whole) {
    return static_cast<double>(part_of) / static_cast<double>(whole);
  };
  std::cout << n_base << " vectors of " << d << " floats, " << n_queries
            << " queries; recall of the nearest in " << top << ":\n  IVF, " << probes << " of " << n_lists
            << " lists (" << 100 * share(looked_at, n_queries * n_base)
            << " % of the vectors): " << share(found_ivf, n_queries) << "\n  PQ, " << n_parts
            << " bytes instead of " << d * sizeof(float) << ": " << share(found_pq, n_queries)
            << "\n  both: " << share(found_both, n_queries) << '\n';
  // So that a broken codebook does not go unnoticed: chance alone would give 10 in 20,000.
  return share(found_ivf, n_queries) > 0.9 && share(found_pq, n_queries) > 0.8 ? 0 : 1;
}
