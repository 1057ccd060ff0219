// SPDX-License-Identifier: MIT
// A cache-line aligned array of trivial values, zero at the start unless asked otherwise.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

#include "omnimeans/error.hpp"

namespace omnimeans {

template <class T>
class AlignedBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  static constexpr std::size_t alignment = 64;

  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t size) : values_(allocate(size)), size_(size) {
    std::fill_n(values_.get(), size_, T{});
  }

  /// Not zero at the start, nor anything else: for those who write before they read.
  static AlignedBuffer for_overwrite(std::size_t size) {
    AlignedBuffer buffer;
    buffer.values_ = allocate(size);
    buffer.size_ = size;
    return buffer;
  }

  /// Makes room for `size` values; the content is kept only if it fits already.
  void reserve(std::size_t size) {
    if (size > size_) *this = AlignedBuffer(size);
  }

  T* data() noexcept { return values_.get(); }
  const T* data() const noexcept { return values_.get(); }
  std::size_t size() const noexcept { return size_; }
  std::size_t bytes() const noexcept { return size_ * sizeof(T); }
  T& operator[](std::size_t i) noexcept { return values_.get()[i]; }
  const T& operator[](std::size_t i) const noexcept { return values_.get()[i]; }

  /// The same values once more, for those who only read them; they live as long as either buffer does.
  AlignedBuffer shared() const {
    AlignedBuffer buffer;
    buffer.values_ = values_;
    buffer.size_ = size_;
    return buffer;
  }

  AlignedBuffer(AlignedBuffer&&) noexcept = default;
  AlignedBuffer& operator=(AlignedBuffer&&) noexcept = default;

 private:
  struct Free {
    void operator()(T* p) const noexcept {
      ::operator delete[](static_cast<void*>(p), std::align_val_t{alignment});
    }
  };
  static std::shared_ptr<T[]> allocate(std::size_t size) {
    if (size > std::numeric_limits<std::size_t>::max() / 2 / sizeof(T)) {
      throw MemoryLimitExceeded("a buffer of " + std::to_string(size) +
                                " values is larger than the address space");
    }
    return {static_cast<T*>(
                ::operator new[](std::max<std::size_t>(size, 1) * sizeof(T), std::align_val_t{alignment})),
            Free{}};
  }

  std::shared_ptr<T[]> values_;
  std::size_t size_ = 0;
};

/// Makes room for `size` values: of a vector, whose content stays; or of a buffer, whose content goes.
template <class Values>
void make_room(Values& values, std::size_t size) {
  if (values.size() < size) values.resize(size);
}
template <class T>
void make_room(AlignedBuffer<T>& values, std::size_t size) {
  if (values.size() < size) values = AlignedBuffer<T>::for_overwrite(size);
}

}  // namespace omnimeans
