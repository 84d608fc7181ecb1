// Uninitialised memory on cache-line boundaries.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "arch/support/large_memory.hpp"

namespace xw::transformer {

/// Elements of a trivial type, 64-byte aligned, not initialised; movable.
template <class T>
class AlignedBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t size) : size_(size) {
    if (size == 0) return;
    const std::size_t bytes = (size * sizeof(T) + 63) / 64 * 64;
    data_.reset(static_cast<T*>(std::aligned_alloc(64, bytes)), [](T* data) { std::free(data); });
    if (data_ == nullptr) throw std::bad_alloc();
  }
  /// The same in large_memory(), for weights and caches.
  [[nodiscard]] static AlignedBuffer large(std::size_t size) {
    AlignedBuffer buffer;
    if (size == 0) return buffer;
    std::shared_ptr<std::byte> memory = large_memory(size * sizeof(T));
    T* const data = reinterpret_cast<T*>(memory.get());
    buffer.data_ = std::shared_ptr<T>(std::move(memory), data);
    buffer.size_ = size;
    return buffer;
  }
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : data_(std::move(other.data_)), size_(std::exchange(other.size_, std::size_t{0})) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, std::size_t{0});
    return *this;
  }
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;
  ~AlignedBuffer() = default;

  [[nodiscard]] T* data() { return data_.get(); }
  [[nodiscard]] const T* data() const { return data_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::span<T> first(std::size_t count) { return {data_.get(), count}; }
  /// At least `size` elements; contents are lost when it has to grow.
  void reserve(std::size_t size) {
    if (size > size_) *this = AlignedBuffer(size);
  }

 private:
  std::shared_ptr<T> data_;
  std::size_t size_ = 0;
};

}  // namespace xw::transformer
