// SPDX-License-Identifier: MIT
// Whether auto (auto.cpp) takes bounds of blocks (blockbounds.cpp): rules. With many clusters a feature at
// once; with fewer where the samples have structure; else beside gap, on trial.
#pragma once

#include <algorithm>
#include <cstddef>

#include "backends/dense_costs.hpp"
#include "int16_rows.hpp"
#include "int8_filter.hpp"
#include "omnimeans/backend.hpp"

namespace omnimeans::algorithms {

/// Whether distances are those of double in vectors of 512 bits.
template <class T>
bool has_wide_doubles(const Problem<T>& problem) {
  return sizeof(T) == sizeof(double) && problem.isa == Isa::avx512;
}

/// Whether bounds of blocks spare more than gap does: where clusters are few, a block's samples are near too
/// many of them. The faster distances are, the more gap gains. Zen 4, two threads, uniform points and blobs,
/// n = 16,000 to 500,000, gap over blockbounds, 25 steps: with VNNI k / d = 32 to 37 0.97 to 1.1, 42 to
/// 64 1.0 to 1.2, 125 1.2 to 1.7; n = 500,000, where putting samples in order is random access, 0.97 to 1.0
/// at 50 to 55; AVX2, where sixteen bits are 1.25 times float, 25 1.0 to 1.25, 64 1.0 to 2.1; double 25 1.1
/// to 1.3, 64 1.2 to 2.2. 10 steps: 0.75 to 1.1, for the order of the samples and the first bounds cost some.
/// A Xeon with VNNI, blocks of sixty-four, d = 4 to 16, in geometric mean: n = 8,000 and 12,000 k / d = 25
/// and 30 0.98 to 1.02, 35 and 40 1.03 to 1.08; 20,000 and 30,000 25 0.95 to 0.98, 30 1.02, 35 1.08; 200,000
/// 20 0.99, 25 1.04, 30 1.12; of samples with structure (`pixels`, `lattice`) 25 1.5 to 1.7. There with 256
/// bits (AVX-VNNI), n = 20,000 to 50,000, d = 5 to 16, 25 to 33: 1.25 to 1.64; below 20,000, and of three
/// features, more is asked for, unmeasured. Of four and five features with structure kdtree takes as long as
/// blocks or less (`lattice` n = 200,000 d = 5 k = 100 0.7, `pixels` d = 4 k = 96 1.0). The better of gap and
/// kdtree over it, d = 3 on a Xeon with AMX, n = 6,000 to 40,000 k = 32 to 95: 0.5 to 0.95.
template <class T>
bool blocks_pay(const Problem<T>& problem) {
  const std::size_t n = problem.samples.rows(), d = problem.samples.cols(), k = problem.n_clusters;
  if (d < 3 || d > 16 || n < 5000 || n < 16 * k) return false;
  if (problem.most_steps != 0 && problem.most_steps < 15) return false;
  // VNNI counts even where three to five features are searched in float: that is as fast. Those, where boxes
  // are the rival, and few samples, of which blocks are wider, ask for more.
  const bool many = n >= 20'000 && d >= 4;
  const std::size_t of_512_bits = d <= 5         ? (many ? 33 : 40)
                                  : n >= 100'000 ? 20
                                  : many         ? 29
                                                 : 32,
                    of_256_bits = many ? 25 : 33;
  const std::size_t fast = problem.isa == Isa::avx512 ? of_512_bits : of_256_bits;
  return k >= (has_fast_integers(problem) ? fast : int16_pays(problem) ? 25 : 20) * d;
}

/// Whether what bounds of blocks begin with comes back before the fit ends.
template <class T>
bool has_time_for_blocks(const Problem<T>& problem) {
  return problem.most_steps == 0 || problem.most_steps >= 20;
}

/// Whether structure decides, in fits of such sizes.
template <class T>
bool blocks_need_structure(const Problem<T>& problem) {
  const std::size_t n = problem.samples.rows(), d = problem.samples.cols(), k = problem.n_clusters;
  return has_time_for_blocks(problem) && d >= 6 && d <= (has_wide_doubles(problem) ? 256 : 64) && k >= 128 &&
         n >= 7000 && n >= 16 * k && static_cast<double>(n) * work_per_sample(problem) >= 2e7;
}

/// Whether they pay with fewer clusters, or more features, because the samples have structure: `near`,
/// the share of near pairs, grows with the features, of `uniform`, `blobs` and `anisotropic` 0.0025 d to
/// 0.0067 d, mostly beyond 0.0029 d (with 22 clusters a feature or more such data lose little: 0.85 to
/// 1.06). What auto took before over blockbounds, 25 steps, two threads, Xeon with AMX: `embedding`,
/// `images`, `imbalanced`, `pixels`, `lattice` (0.0003 d to 0.0026 d), d = 8 to 64, k >= 200 1.05 to 2.9,
/// once 0.9; `embedding` k = 128 and 200 (0.0007 d to 0.0015 d) 0.78 to 1.1, `images` (0.0006 d to 0.001
/// d) 1.0 to 1.5; without structure 0.7 to 1.0. Without its tiles, with AVX2 and in double more: 1.0 to
/// 2.3. n = 5,000 and 6,000 0.7 to 0.95; 15 steps of `embedding` 0.91 to 1.0; d = 90 0.91 and 0.95.
/// Beside its tiles, 25 and 60 steps of d = 64, int8 over blocks: `embedding` 1.13 to 1.7 times as fast,
/// `images` 1.07 to 1.22, but `lattice` (near 0.02) 0.1; of d = 48 0.78 to 1.3. Xeon with VNNI, gap over
/// blockbounds: d = 6 to 10, k = 22 d to 33 d, `pixels`, `lattice`, `images`, `embedding`, `imbalanced`
/// 1.07 to 1.6; k = 500 d = 40 `imbalanced` (0.00275 d) 1.5; k = 150 and 200, d = 8 to 40, `images`,
/// `lattice`, `pixels` (0.0007 d to 0.002 d) 1.2 to 2.1, `imbalanced` 1.0 to 1.2, `embedding` (0.0011 d
/// to 0.002 d) 0.82 to 1.05, without structure 0.64 to 0.9. With blocks of sixty-four, d = 6 to 16, n =
/// 30,000 and 200,000, k = 20 d `pixels`, `lattice` 1.14 to 2.6, without structure 0.84 to 1.09.
template <class T>
bool blocks_pay_by_structure(const Problem<T>& problem, double near) {
  if (!blocks_need_structure(problem)) return false;
  const std::size_t k = problem.n_clusters;
  const double d = static_cast<double>(problem.samples.cols());
  if (problem.samples.cols() >= 56 && has_int8_tiles(problem) && near >= 0.025) return false;
  const std::size_t a_feature = sizeof(T) == sizeof(float) && problem.isa == Isa::avx512 ? 20 : 22;
  if (k >= std::min<std::size_t>(250, a_feature * problem.samples.cols())) return near < 0.0028 * d;
  if (k >= 150 && d >= 8) return near < 0.002 * d;
  // The nearest itself counts, too, so that a share is 1/128 at least.
  return d >= 16 && near < 0.001 * d;
}

/// Whether blocks get a trial beside gap, rather than bytes or none. Xeon with AMX, with and without its
/// tiles, seconds of a fit with bytes on trial over one with blocks, in step 10: d = 24 to 80, k d = 24,000
/// to 40,000, 25 steps 1.02 to 1.6, 60 steps 1.02 to 1.8; with AVX2 d = 32 to 48 1.04 to 1.14, d = 64 and 80
/// 0.9 to 1.3. Fewer clusters times features had no trial, and with one: k >= 10 d from 6,000 on 60 and 120
/// steps 1.05 to 1.5 times as fast, 25 steps 0.85 to 1.1; below, and of fewer clusters or features, 0.7
/// to 1.05.
///
/// In double with 512 bits bytes are made and scanned no faster, but distances are: over bytes on trial d =
/// 24 to 96 k = 300 to 1000 1.05 to 2.8, over bytes from the start d = 100 to 256 k = 300 to 512 0.85 to 1.5;
/// fewer clusters 0.8 to 1.2, k = 128 without any trial up to 1.3 times as fast as with one of bytes.
template <class T>
bool blocks_may_pay_later(const Problem<T>& problem, bool bytes_may_come) {
  const std::size_t n = problem.samples.rows(), d = problem.samples.cols(), k = problem.n_clusters;
  if (n < 5000 || n < 16 * k || d <= 16) return false;
  if (has_wide_doubles(problem)) return d <= 256 && k >= 250 && k * d >= 12'000;
  if (bytes_may_come) return d <= (has_fast_integers(problem) || sizeof(T) == sizeof(double) ? 96 : 48);
  return d <= 48 && k >= 10 * d && k * d >= 6000 && (problem.most_steps == 0 || problem.most_steps >= 40);
}

/// Whether they do so, or come first by structure, where else bytes would come first: in double with 512
/// bits, and where there is time for them. blockbounds over bytebounds, 25 and 60 steps: d = 64 to 256 k =
/// 400 and 512 1.05 to 3 times as fast, d = 500 k = 256 0.8 to 1.1; with AVX2 d = 64 and 100 1.0 to 1.5, d =
/// 150 to 256 0.7 to 1.0.
template <class T>
bool blocks_go_before_bytes(const Problem<T>& problem) {
  return has_wide_doubles(problem) && has_time_for_blocks(problem) && blocks_may_pay_later(problem, true);
}

}  // namespace omnimeans::algorithms
