// SPDX-License-Identifier: MIT
// OpenCV: cv::kmeans. It takes labels, not centroids: its first step makes centroids of the labels that the
// given centroids imply, so that after as many iterations it stands where the others do. We find these labels
// beforehand, in the time of the conversion; that spares it a pass. Only cv::kmeans is in the time of the
// fit. Own defaults: k-means++ centres, one attempt; the function leaves the stopping rule to the caller, so
// it has the 100 iterations that it would cut any larger number to, and the epsilon of its documentation, 1.
#include <opencv2/core.hpp>
#include <opencv2/core/utility.hpp>

#include <sstream>
#include <string>

#include "bench/peers/worker.hpp"
#include "omnimeans/predict.hpp"

namespace omnimeans::peers {
namespace {

class OpenCv : public Adapter {
 public:
  explicit OpenCv(const Task& task) : task_(task) {
    cv::setNumThreads(task.threads);
    start_ = predict(MatrixView<const float>(task.samples.data(), task.n, task.d),
                     MatrixView<const float>(task.centroids.data(), task.k, task.d));
  }

  // Two iterations are the fewest it knows.
  Answer given(std::size_t max_iter) override {
    return run({cv::TermCriteria::COUNT + cv::TermCriteria::EPS, static_cast<int>(max_iter), task_.tol},
               cv::KMEANS_USE_INITIAL_LABELS);
  }
  Answer own() override {
    return run({cv::TermCriteria::COUNT + cv::TermCriteria::EPS, 100, 1.0}, cv::KMEANS_PP_CENTERS);
  }

 private:
  Answer run(const cv::TermCriteria& criteria, int flags) const {
    // cv::kmeans reads the samples in place and only writes labels and centroids.
    const cv::Mat samples(static_cast<int>(task_.n), static_cast<int>(task_.d), CV_32F,
                          const_cast<float*>(task_.samples.data()));
    std::vector<std::int32_t> values = start_;
    cv::Mat labels(static_cast<int>(task_.n), 1, CV_32S, values.data()), centroids;
    cv::kmeans(samples, static_cast<int>(task_.k), labels, criteria, 1, flags, centroids);
    return {.centroids = {centroids.ptr<float>(), centroids.ptr<float>() + centroids.total()}};
  }

  Task task_;
  std::vector<std::int32_t> start_;
};

/// What cv::getBuildInformation() says of flags, instruction sets and threads, without the paths.
std::string build() {
  std::istringstream lines(cv::getBuildInformation());
  std::string text = OMNIMEANS_PEER_BUILD;
  for (std::string line; std::getline(lines, line);) {
    for (const std::string name :
         {"C++ flags (Release):", "Baseline:", "Dispatched code generation:", "Parallel framework:"}) {
      const auto at = line.find(name);
      if (at == line.npos) continue;
      text += "; " + name;
      std::istringstream words(line.substr(at + name.size()));
      for (std::string word; words >> word;) {
        if (!word.starts_with('-') || word.starts_with("-O") || word.starts_with("-m")) text += ' ' + word;
      }
    }
  }
  return text;
}

}  // namespace
}  // namespace omnimeans::peers

int main(int argc, char** argv) {
  using namespace omnimeans::peers;
  return serve<OpenCv>(argc, argv, {CV_VERSION, build(), "labels"});
}
