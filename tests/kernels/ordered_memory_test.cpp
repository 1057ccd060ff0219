// SPDX-License-Identifier: MIT
// What backends that put samples in an order of their own, or into eight bits, say they need is at least what
// they allocate: every operator new of this program is counted.
#include <gtest/gtest.h>
#include <malloc.h>
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <vector>

#include "core/data.hpp"
#include "kernels/int8.hpp"
#include "omnimeans/omnimeans.hpp"

namespace {

std::atomic<std::size_t> held{0}, peak{0}, allocations{0};

void* counted(void* p) {
  if (p == nullptr) throw std::bad_alloc();
  const std::size_t now = held += malloc_usable_size(p);
  ++allocations;
  std::size_t before = peak;
  while (before < now && !peak.compare_exchange_weak(before, now)) {
  }
  return p;
}
void release(void* p) {
  if (p != nullptr) held -= malloc_usable_size(p);
  std::free(p);
}

}  // namespace

void* operator new(std::size_t size) {
  return counted(std::malloc(size));
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto a = static_cast<std::size_t>(alignment);
  return counted(std::aligned_alloc(a, (size + a - 1) / a * a));
}
void* operator new[](std::size_t size) {
  return operator new(size);
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return operator new(size, alignment);
}
void operator delete(void* p) noexcept {
  release(p);
}
void operator delete(void* p, std::size_t) noexcept {
  release(p);
}
void operator delete(void* p, std::align_val_t) noexcept {
  release(p);
}
void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
  release(p);
}
void operator delete[](void* p) noexcept {
  release(p);
}
void operator delete[](void* p, std::size_t) noexcept {
  release(p);
}
void operator delete[](void* p, std::align_val_t) noexcept {
  release(p);
}
void operator delete[](void* p, std::size_t, std::align_val_t) noexcept {
  release(p);
}

namespace {

struct Counter final : omnimeans::LabelObserver {
  void labelled(std::size_t begin, std::size_t end, int) override { told += end - begin; }
  void labelled_some(std::size_t, std::span<const std::int32_t> listed, int) override {
    told += listed.size();
  }
  std::atomic<std::size_t> told{0};
};

template <class T>
void check(const std::string& name, std::size_t n, std::size_t d, std::size_t k, int threads,
           omnimeans::Isa isa, T factor = 1) {
  SCOPED_TRACE(name + ", n " + std::to_string(n) + ", d " + std::to_string(d) + ", k " + std::to_string(k) +
               ", " + std::to_string(threads) + " threads, " + std::string(to_string(isa)));
  omnimeans::Matrix<T> samples = blobs<T>(n, d, 10, n + d);
  std::for_each_n(samples.data(), n * d, [&](T& value) { value *= factor; });
  const omnimeans::Matrix<T> centroids = blobs<T>(k, d, 10, k);
  std::vector<std::int32_t> labels(n, -1);
  // The same centroids in another order, so that nearly all labels change.
  omnimeans::Matrix<T> reversed(k, d);
  for (std::size_t j = 0; j < k; ++j) std::ranges::copy(centroids.row(j), reversed.row(k - 1 - j).begin());
  const std::vector<double> drift(k, 1e6);
  Counter observer;
  const std::size_t before = held;
  peak = before;
  const auto backend = omnimeans::find_backend(name).make<T>(
      {.samples = samples.view(), .sample_weights = {}, .n_clusters = k, .threads = threads, .isa = isa});
  backend->assign({.centroids = centroids.view(), .drift = {}, .labels = labels, .observer = &observer});
  const std::size_t allocated = allocations;
  backend->assign({.centroids = reversed.view(), .drift = drift, .labels = labels, .observer = &observer});
  EXPECT_EQ(allocations, allocated) << "no allocation in an iteration";
  if (n > 100) {
    EXPECT_GT(observer.told, n / 2);
  }
  // The allocator rounds every piece up, and small ones have headers.
  EXPECT_LE(peak - before, backend->bytes() + 64 * 1024);
}

TEST(OrderedMemory, IsWhatTheySay) {
  for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
    for (const int threads : {1, 4}) {
      for (const std::string name : {"kdtree", "blockbounds"}) {
        check<float>(name, 100'000, 2, 100, threads, isa);
        check<float>(name, 30'000, 8, 64, threads, isa);
        check<double>(name, 20'000, 3, 300, threads, isa);
        check<double>(name, 3'000, 17, 20, threads, isa);
        check<float>(name, 10, 2, 3, threads, isa);
        check<float>(name, 20'000, 64, 100, threads, isa, 1e15f);  // too long for sixteen bits
      }
    }
  }
}

/// Of backends of eight bits: four steps, the last with centroids of which most lie still.
void check_in_eight_bits(const std::string& name, std::size_t n, std::size_t d, std::size_t k, int threads,
                         omnimeans::Isa isa) {
  SCOPED_TRACE(name + ", n " + std::to_string(n) + ", d " + std::to_string(d) + ", k " + std::to_string(k) +
               ", " + std::to_string(threads) + " threads, " + std::string(to_string(isa)));
  const omnimeans::Matrix<float> samples = blobs<float>(n, d, 10, n + d);
  omnimeans::Matrix<float> centroids = blobs<float>(k, d, 10, k);
  std::vector<std::int32_t> labels(n, -1);
  const std::size_t before = held;
  peak = before;
  const auto backend = omnimeans::find_backend(name).make<float>(
      {.samples = samples.view(), .sample_weights = {}, .n_clusters = k, .threads = threads, .isa = isa});
  std::vector<double> drift;
  for (const std::size_t moved : {k, k, k / 8}) {
    backend->assign({.centroids = centroids.view(), .drift = drift, .labels = labels});
    drift.assign(k, 0);
    for (std::size_t j = 0; j < moved; ++j) {
      centroids(j, 0) += 1;
      drift[j] = 1.001;
    }
  }
  backend->assign({.centroids = centroids.view(), .drift = drift, .labels = labels});
  const std::size_t used = peak - before;
  EXPECT_LE(used, backend->bytes() + 64 * 1024);
  // Of several threads one may have done all.
  if (threads == 1 && omnimeans::kernels::int8_kernels(isa) != nullptr) {
    EXPECT_LE(backend->bytes(), 4 * used) << "far more than it takes";
  }
}

TEST(EightBitsMemory, IsWhatTheySay) {
  for (const omnimeans::Isa isa : omnimeans::usable_isas()) {
    for (const int threads : {1, 4}) {
      for (const std::string name : {"int8", "prefix", "bytebounds"}) {
        check_in_eight_bits(name, 30'000, 64, 64, threads, isa);
        check_in_eight_bits(name, 20'000, 16, 100, threads, isa);
        check_in_eight_bits(name, 5'000, 256, 300, threads, isa);
      }
    }
  }
}

/// The bytes of pairs are new, n*k; those of samples are there, n*d.
TEST(SharedMemory, BytesAfterEightBitsRoundNoSampleAgain) {
  const omnimeans::Isa isa = omnimeans::usable_isas().back();
  const std::size_t n = 20'000, d = 256, k = 64;
  const omnimeans::Matrix<float> samples = blobs<float>(n, d, 10, 1), centroids = blobs<float>(k, d, 10, 2);
  std::vector<std::int32_t> labels(n, -1);
  omnimeans::Problem<float> problem{
      .samples = samples.view(), .sample_weights = {}, .n_clusters = k, .threads = 2, .isa = isa};
  const auto grown = [&](const omnimeans::Backend<float>* predecessor) {
    problem.predecessor = predecessor;
    const std::size_t before = held;
    const auto backend = omnimeans::find_backend("bytebounds").make<float>(problem);
    backend->assign({.centroids = centroids.view(), .drift = {}, .labels = labels});
    return held - before;
  };
  const auto int8 = omnimeans::find_backend("int8").make<float>(problem);
  int8->assign({.centroids = centroids.view(), .drift = {}, .labels = labels});
  if (int8->bytes() < n * d) GTEST_SKIP() << "no products of bytes";
  const std::size_t alone = grown(nullptr);
  EXPECT_LE(grown(int8.get()) + n * d, alone);
}

}  // namespace
