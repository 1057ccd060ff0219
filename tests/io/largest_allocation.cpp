// SPDX-License-Identifier: MIT
// Replaces the global operator new of this test program.
#include "largest_allocation.hpp"

#include <atomic>
#include <cstdlib>
#include <limits>
#include <new>

namespace {
std::atomic<std::size_t> largest{0};
std::atomic<std::size_t> limit{std::numeric_limits<std::size_t>::max()};
}  // namespace

namespace omnimeans::io::testing {
void reset_largest_allocation() noexcept {
  largest = 0;
}
std::size_t largest_allocation() noexcept {
  return largest;
}
AllocationLimit::AllocationLimit(std::size_t bytes) noexcept {
  limit = bytes;
}
AllocationLimit::~AllocationLimit() {
  limit = std::numeric_limits<std::size_t>::max();
}
}  // namespace omnimeans::io::testing

void* operator new(std::size_t size) {
  std::size_t seen = largest;
  while (seen < size && !largest.compare_exchange_weak(seen, size)) {
  }
  if (size > limit) throw std::bad_alloc();
  if (void* block = std::malloc(size == 0 ? 1 : size)) return block;
  throw std::bad_alloc();
}
void* operator new[](std::size_t size) {
  return operator new(size);
}
void operator delete(void* block) noexcept {
  std::free(block);
}
void operator delete[](void* block) noexcept {
  std::free(block);
}
void operator delete(void* block, std::size_t) noexcept {
  std::free(block);
}
void operator delete[](void* block, std::size_t) noexcept {
  std::free(block);
}
