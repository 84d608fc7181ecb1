// Memory for much that is read over and over.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/large_memory.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <mutex>
#include <new>

namespace xw {
namespace {

constexpr std::size_t kPageBytes = std::size_t{2} << 20;
constexpr std::size_t kRegionBytes = std::size_t{32} << 20;
constexpr std::size_t kLargestShare = kRegionBytes / 4;  // pieces beyond have a region of their own
constexpr std::size_t kAlignment = 64;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSharesRegions = false;  // so that the sanitizer sees where a piece ends
#else
constexpr bool kSharesRegions = true;
#endif

constexpr std::size_t round_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

std::shared_ptr<std::byte> new_region(std::size_t bytes, std::size_t alignment) {
  if (bytes > SIZE_MAX - alignment) throw std::bad_alloc();
  const std::size_t whole = round_up(bytes, alignment);
  void* const memory = std::aligned_alloc(alignment, whole);
  if (memory == nullptr) throw std::bad_alloc();
  if (alignment == kPageBytes) madvise(memory, whole, MADV_HUGEPAGE);  // a wish; refusal changes nothing but speed
  return {static_cast<std::byte*>(memory), [](std::byte* region) { std::free(region); }};
}

/// The region that pieces are cut from.
struct Current {
  std::mutex mutex;
  std::weak_ptr<std::byte> region;
  std::byte* free = nullptr;  ///< what is left of it
  std::byte* end = nullptr;
};
Current& current() {
  static auto* const value = new Current;  // for pieces of static objects, too
  return *value;
}

/// A piece; the last one that was cut goes back to its region.
struct GiveBack {
  std::shared_ptr<std::byte> region;
  std::size_t bytes;
  void operator()(std::byte* piece) {
    Current& now = current();
    const std::lock_guard lock(now.mutex);
    if (now.region.lock() == region && piece + bytes == now.free) now.free = piece;
  }
};

}  // namespace

std::shared_ptr<std::byte> large_memory(std::size_t bytes) {
  if (bytes == 0) bytes = kAlignment;
  if (!kSharesRegions) return new_region(bytes, kAlignment);
  if (bytes > kLargestShare) return new_region(bytes, kPageBytes);
  bytes = round_up(bytes, kAlignment);
  Current& now = current();
  std::shared_ptr<std::byte> region;
  std::byte* piece = nullptr;
  {
    const std::lock_guard lock(now.mutex);
    region = now.region.lock();
    if (region == nullptr || bytes > static_cast<std::size_t>(now.end - now.free)) {
      region = new_region(kRegionBytes, kPageBytes);
      now.region = region;
      now.free = region.get();
      now.end = now.free + kRegionBytes;
    }
    piece = now.free;
    now.free += bytes;
  }
  return {piece, GiveBack{std::move(region), bytes}};
}

}  // namespace xw
