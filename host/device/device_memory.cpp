// The memory of a simulated device: allocations at device addresses, backed by host pages.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/device/device_memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <string>

#include "arch/support/error.hpp"

namespace xw::device {
namespace {

[[nodiscard]] std::string hex(Address address) {
  std::string text = "0x";
  bool started = false;
  for (int shift = 60; shift >= 0; shift -= 4) {
    const auto digit = static_cast<unsigned>((address >> shift) & 15U);
    started = started || digit != 0 || shift == 0;
    if (started) text += "0123456789abcdef"[digit];
  }
  return text;
}

}  // namespace

DeviceMemory::DeviceMemory(std::uint64_t capacity_bytes, Address base)
    : capacity_(capacity_bytes / kPageBytes * kPageBytes), base_(std::max(base, kPageBytes)) {
  if (base_ % kPageBytes != 0 || capacity_ > ~std::uint64_t{0} - base_) {
    throw Error(ErrorCode::kInvalidArgument, "device memory: " + std::to_string(capacity_bytes) +
                                                 " bytes from address " + hex(base) +
                                                 " are not a page-aligned range of 64-bit addresses");
  }
}

DeviceMemory::~DeviceMemory() {
  for (const auto& [address, allocation] : allocations_) munmap(allocation.data, allocation.mapped_bytes);
}

Address DeviceMemory::allocate(std::uint64_t bytes) {
  if (bytes == 0) throw Error(ErrorCode::kInvalidArgument, "device memory: cannot allocate 0 bytes");
  const std::uint64_t whole = bytes > capacity_ ? 0 : (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
  const Address end = base_ + capacity_;
  Address place = base_;
  std::uint64_t largest_gap = 0;
  bool found = false;
  for (auto next = allocations_.begin();; ++next) {
    // A page stays unmapped between an allocation and the next one.
    const Address limit = next == allocations_.end() ? end : next->first - kPageBytes;
    const std::uint64_t gap = limit > place ? limit - place : 0;
    largest_gap = std::max(largest_gap, gap);
    if (whole != 0 && gap >= whole) {
      found = true;
      break;
    }
    if (next == allocations_.end()) break;
    place = next->first + next->second.mapped_bytes + kPageBytes;
  }
  if (!found) {
    throw Error(ErrorCode::kCapacity, "device memory: " + std::to_string(bytes) + " bytes needed, " +
                                          std::to_string(capacity_ - allocated_) + " of " + std::to_string(capacity_) +
                                          " bytes free, " + std::to_string(largest_gap) + " of them in one piece");
  }
  map(place, bytes, whole);
  return place;
}

void DeviceMemory::map(Address address, std::uint64_t bytes, std::uint64_t whole) {
  void* data = mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) {
    throw Error(ErrorCode::kCapacity,
                "device memory: the host has no " + std::to_string(whole) + " bytes of memory for an allocation");
  }
  constexpr std::uint64_t kHugePageBytes = 2U << 20U;
  if (whole >= kHugePageBytes) madvise(data, whole, MADV_HUGEPAGE);  // a wish; refusal changes nothing but speed
  allocations_.emplace(address, Allocation{static_cast<std::byte*>(data), bytes, whole});
  allocated_ += whole;
}

void DeviceMemory::allocate_at(Address address, std::uint64_t bytes) {
  const auto refuse = [&](const char* why) {
    throw Error(ErrorCode::kCapacity,
                "device memory: " + std::to_string(bytes) + " bytes at " + hex(address) + ": " + why);
  };
  if (bytes == 0 || address % kPageBytes != 0) refuse("expected whole pages");
  if (address < base_ || address - base_ >= capacity_ || bytes > capacity_ - (address - base_)) {
    refuse("outside of the memory");
  }
  const std::uint64_t whole = (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
  const auto next = allocations_.lower_bound(address);
  const bool overlaps_next = next != allocations_.end() && next->first - address < whole;
  if (overlaps_next || containing(address) != nullptr) refuse("overlaps another allocation");
  map(address, bytes, whole);
}

void DeviceMemory::free(Address address) {
  const auto it = allocations_.find(address);
  if (it == allocations_.end()) {
    throw Error(ErrorCode::kInvalidArgument, "device memory: " + hex(address) + " is not the start of an allocation");
  }
  munmap(it->second.data, it->second.mapped_bytes);
  allocated_ -= it->second.mapped_bytes;
  allocations_.erase(it);
}

const std::pair<const Address, DeviceMemory::Allocation>* DeviceMemory::containing(Address address) const noexcept {
  auto it = allocations_.upper_bound(address);
  if (it == allocations_.begin()) return nullptr;
  --it;
  return address - it->first < it->second.mapped_bytes ? &*it : nullptr;
}

std::span<std::byte> DeviceMemory::host_span(Address address, std::uint64_t bytes) const {
  const auto* entry = containing(address);
  if (entry == nullptr || address - entry->first > entry->second.bytes ||
      bytes > entry->second.bytes - (address - entry->first)) {
    throw Error(ErrorCode::kInvalidArgument, "device memory: " + std::to_string(bytes) + " bytes at " + hex(address) +
                                                 " are not inside one allocation");
  }
  return {entry->second.data + (address - entry->first), static_cast<std::size_t>(bytes)};
}

std::byte* DeviceMemory::find(Address address, std::uint64_t bytes) const noexcept {
  const auto* entry = containing(address);
  if (entry == nullptr || bytes > entry->second.mapped_bytes - (address - entry->first)) return nullptr;
  return entry->second.data + (address - entry->first);
}

std::uint64_t DeviceMemory::mapped_from(Address address) const noexcept {
  const auto* entry = containing(address);
  return entry == nullptr ? 0 : entry->second.mapped_bytes - (address - entry->first);
}

std::vector<DeviceMemory::Piece> DeviceMemory::pieces() const {
  std::vector<Piece> pieces;
  for (const auto& [address, allocation] : allocations_) {
    pieces.push_back({address, {allocation.data, static_cast<std::size_t>(allocation.bytes)}});
  }
  return pieces;
}

}  // namespace xw::device
