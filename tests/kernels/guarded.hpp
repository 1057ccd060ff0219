// SPDX-License-Identifier: MIT
// Memory between two pages that fault: reading or writing one byte beyond either end of a buffer that lies
// against them ends the test. What little lies between a buffer and its guards is filled with a pattern, so
// that a write there shows, too.
#pragma once

#include <sys/mman.h>
#include <unistd.h>
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>
#include <span>
#include <utility>
#include <vector>

/// `gap` bytes behind the guard page in front, or before the one at the end.
struct Placement {
  bool at_end = false;
  std::size_t gap = 0;
};

template <class T>
class Guarded {
 public:
  /// The gap is rounded down to whole values. The values are the pattern.
  Guarded(std::size_t size, Placement place) : size_(size) {
    const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t gap = place.gap / sizeof(T) * sizeof(T), bytes = size * sizeof(T);
    room_ = std::max<std::size_t>(1, (bytes + gap + page - 1) / page) * page;
    mapped_ = room_ + 2 * page;
    void* base =
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) throw std::bad_alloc();
    base_ = static_cast<unsigned char*>(base);
    begin_ = base_ + page;
    if (mprotect(base_, page, PROT_NONE) != 0 || mprotect(begin_ + room_, page, PROT_NONE) != 0) {
      munmap(base_, mapped_);
      throw std::bad_alloc();
    }
    std::memset(begin_, pattern, room_);
    data_ = place.at_end ? begin_ + room_ - gap - bytes : begin_ + gap;
  }
  /// A copy of `values`.
  Guarded(const std::vector<T>& values, Placement place) : Guarded(values.size(), place) {
    if (!values.empty()) std::memcpy(data_, values.data(), values.size() * sizeof(T));
  }
  ~Guarded() {
    if (base_ != nullptr) munmap(base_, mapped_);
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  T* data() { return reinterpret_cast<T*>(data_); }
  const T* data() const { return reinterpret_cast<const T*>(data_); }
  std::size_t size() const { return size_; }
  std::vector<T> values() { return std::vector<T>(data(), data() + size_); }

  /// Nothing was written beside the buffer.
  bool intact() const {
    const unsigned char* end = data_ + size_ * sizeof(T);
    const auto is_pattern = [](unsigned char byte) { return byte == pattern; };
    return std::all_of(static_cast<const unsigned char*>(begin_), static_cast<const unsigned char*>(data_),
                       is_pattern) &&
           std::all_of(end, static_cast<const unsigned char*>(begin_ + room_), is_pattern);
  }

  static constexpr unsigned char pattern = 0x5b;

 private:
  std::size_t size_ = 0, room_ = 0, mapped_ = 0;
  unsigned char *base_ = nullptr, *begin_ = nullptr, *data_ = nullptr;
};

/// Against either guard.
inline std::vector<Placement> edges() {
  return {{false, 0}, {true, 0}};
}

/// Every distance of 0 to 63 bytes from either guard, in steps of `step` bytes.
inline std::vector<Placement> all_gaps(std::size_t step) {
  std::vector<Placement> places;
  for (const bool at_end : {false, true}) {
    for (std::size_t gap = 0; gap < 64; gap += step) places.push_back({at_end, gap});
  }
  return places;
}

/// As near to the guard as a start on a cache line allows: for the scratch that the kernels are given
/// aligned.
template <class T>
Placement aligned_place(std::size_t size, Placement place) {
  return {place.at_end, place.at_end ? (64 - size * sizeof(T) % 64) % 64 : 0};
}
