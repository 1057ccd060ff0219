// SPDX-License-Identifier: MIT
// Frames of a stream: feature vectors arrive in batches. The first batches are clustered, and clustered again
// from the centroids so far whenever as many new ones are there; meanwhile every vector that arrives is
// labelled at once. Prints how long a label takes, one vector at a time and a frame at a time.
//
//   stream [FRAMES]
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <memory>
#include <omnimeans/omnimeans.hpp>
#include <random>
#include <string>
#include <vector>

namespace {

using omnimeans::Matrix;
using omnimeans::MatrixView;
using Clock = std::chrono::steady_clock;

constexpr std::size_t d = 64, k = 200, frame_rows = 300, window_frames = 40;

/// A camera's features: groups that drift slowly from frame to frame.
class Camera {
 public:
  Camera() : centres_(k, d) {
    for (std::size_t j = 0; j < k; ++j)
      std::ranges::generate(centres_.row(j), [&] { return 4 * normal_(random_); });
  }

  Matrix<float> next_frame() {
    Matrix<float> frame(frame_rows, d);
    for (std::size_t j = 0; j < k; ++j) {
      for (float& value : centres_.row(j)) value += 0.02f * normal_(random_);
    }
    for (std::size_t i = 0; i < frame_rows; ++i) {
      const auto centre = centres_.row(random_() % k);
      std::ranges::transform(centre, frame.row(i).begin(), [&](float c) { return c + normal_(random_); });
    }
    return frame;
  }

 private:
  std::mt19937 random_{1};
  std::normal_distribution<float> normal_;
  Matrix<float> centres_;
};

/// Times of calls; p50 and p99 in microseconds.
class Latency {
 public:
  template <class Call>
  void time(Call&& call) {
    const auto start = Clock::now();
    call();
    seconds_.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }

  void print(const char* what) {
    std::ranges::sort(seconds_);
    const auto at = [&](double share) {
      return seconds_[static_cast<std::size_t>(share * static_cast<double>(seconds_.size() - 1))] * 1e6;
    };
    std::cout << "  " << what << ": p50 " << at(0.5) << " us, p99 " << at(0.99) << " us (" << seconds_.size()
              << " calls)\n";
  }

 private:
  std::vector<double> seconds_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::size_t n_frames = std::max<std::size_t>(argc > 1 ? std::stoul(argv[1]) : 120, window_frames + 1);
  Camera camera;
  Matrix<float> window(window_frames * frame_rows, d);
  Matrix<float> centroids;
  Latency one_row, one_frame;
  std::size_t fits = 0, differ = 0;
  double squared = 0;
  std::unique_ptr<omnimeans::Predictor<float>> predictor;

  for (std::size_t f = 0; f < n_frames; ++f) {
    const Matrix<float> frame = camera.next_frame();
    if (predictor) {
      std::vector<std::int32_t> labels(frame_rows), one_by_one(frame_rows);
      one_frame.time([&] { predictor->label(frame, labels); });
      for (std::size_t i = 0; i < frame_rows; ++i)
        one_row.time([&] { one_by_one[i] = predictor->label(frame.row(i)); });
      differ += labels != one_by_one ? 1 : 0;
      squared += omnimeans::inertia(frame, centroids, labels);
    }
    std::ranges::copy_n(frame.data(), frame_rows * d, window.row(f % window_frames * frame_rows).data());
    if ((f + 1) % window_frames != 0) continue;
    // The first time from seeds, then from where the centroids were: a few iterations.
    const auto result = omnimeans::fit(window, {.n_clusters = k, .max_iter = 20, .seed = 1},
                                       {.initial_centroids = centroids.view()});
    centroids = result.centroids;
    // One thread: starting others, and waiting for them where other work runs, costs more than a frame takes.
    predictor =
        std::make_unique<omnimeans::Predictor<float>>(centroids, omnimeans::PredictOptions{.threads = 1});
    std::cout << "frame " << f + 1 << ": fit " << ++fits << ", " << result.n_iter << " iterations, "
              << 1e3 * (result.seed_seconds + result.fit_seconds) << " ms\n";
  }
  std::cout << "labels by " << k << " centroids of " << d << " features:\n";
  one_row.print("one vector");
  one_frame.print("a frame of 300");
  const double labelled = static_cast<double>((n_frames - window_frames) * frame_rows);
  std::cout << "  root mean square distance " << std::sqrt(squared / labelled)
            << " (noise alone: " << std::sqrt(d) << ")\n";
  return differ == 0 ? 0 : 1;
}
