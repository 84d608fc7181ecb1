// Memory for much that is read over and over.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/large_memory.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <map>
#include <mutex>
#include <new>

namespace xw {
namespace {

constexpr std::size_t kPageBytes = std::size_t{2} << 20;
constexpr std::size_t kRegionBytes = std::size_t{32} << 20;
constexpr std::size_t kLargestShare = kRegionBytes / 4;  // pieces beyond have a region of their own
constexpr std::size_t kAlignment = 64;

constexpr bool kSharesRegions = !kHasAddressSanitizer;  // which sees where a piece ends

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

/// What pieces are cut from.
struct Regions {
  struct Free {
    std::byte* piece;
    std::weak_ptr<std::byte> region;
  };
  std::mutex mutex;
  std::weak_ptr<std::byte> region;  ///< the one that new pieces are cut from
  std::byte* free = nullptr;        ///< what is left of it
  std::byte* end = nullptr;
  std::multimap<std::size_t, Free> given_back;  ///< by bytes: blocks and caches come in few sizes, again and again
};
Regions& regions() {
  static auto* const value = new Regions;  // never destroyed: static objects may hold pieces
  return *value;
}

struct GiveBack {
  std::shared_ptr<std::byte> region;
  std::size_t bytes;
  void operator()(std::byte* piece) noexcept {
    Regions& all = regions();
    const std::lock_guard lock(all.mutex);
    if (all.region.lock() == region && piece + bytes == all.free) {
      all.free = piece;
      return;
    }
    try {
      all.given_back.insert({bytes, {piece, region}});
    } catch (const std::bad_alloc&) {  // it is lost until its region goes
    }
  }
};

/// A piece that was given back, of a region that still lives; null: none.
std::byte* take_back(Regions& all, std::size_t bytes, std::shared_ptr<std::byte>& region) {
  for (auto found = all.given_back.find(bytes); found != all.given_back.end() && found->first == bytes;) {
    std::byte* const piece = found->second.piece;
    region = found->second.region.lock();
    found = all.given_back.erase(found);
    if (region != nullptr) return piece;
  }
  return nullptr;
}

}  // namespace

std::shared_ptr<std::byte> large_memory(std::size_t bytes) {
  if (bytes == 0) bytes = kAlignment;
  if (!kSharesRegions) return new_region(bytes, kAlignment);
  if (bytes > kLargestShare) return new_region(bytes, kPageBytes);
  bytes = round_up(bytes, kAlignment);
  Regions& all = regions();
  std::shared_ptr<std::byte> region;
  std::byte* piece = nullptr;
  {
    const std::lock_guard lock(all.mutex);
    piece = take_back(all, bytes, region);
    if (piece == nullptr) {
      region = all.region.lock();
      if (region == nullptr || bytes > static_cast<std::size_t>(all.end - all.free)) {
        std::erase_if(all.given_back, [](const auto& free) { return free.second.region.expired(); });
        region = new_region(kRegionBytes, kPageBytes);
        all.region = region;
        all.free = region.get();
        all.end = all.free + kRegionBytes;
      }
      piece = all.free;
      all.free += bytes;
    }
  }
  return {piece, GiveBack{std::move(region), bytes}};
}

}  // namespace xw
