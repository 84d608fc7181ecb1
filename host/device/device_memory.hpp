// The memory of a simulated device: allocations at device addresses, backed by host pages.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "host/device/device.hpp"

namespace xw::device {

/// Device memory of `capacity_bytes` at device addresses [base, base + capacity_bytes). Allocations are 4096-byte
/// aligned, zeroed, backed by host pages that exist once touched, never adjacent (an unmapped page lies between two of
/// them), and do not move. Address 0 is never mapped; the default base lies above 4 GiB so that addresses cut to 32
/// bits are caught. Not thread safe, but const functions may run at the same time.
class DeviceMemory {
 public:
  static constexpr std::uint64_t kPageBytes = 4096;
  static constexpr Address kDefaultBase = 0x1'0000'0000;

  explicit DeviceMemory(std::uint64_t capacity_bytes, Address base = kDefaultBase);
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  /// First fit. Throws Error{kCapacity} with what is free, Error{kInvalidArgument} for 0 bytes.
  [[nodiscard]] Address allocate(std::uint64_t bytes);
  /// The same at an address that somebody else has chosen, page-aligned; such allocations may be adjacent. Throws
  /// Error{kCapacity} if it does not lie in this memory or overlaps another one.
  void allocate_at(Address address, std::uint64_t bytes);
  /// Throws Error{kInvalidArgument} if `address` is not the start of an allocation.
  void free(Address address);

  /// Host access to [address, address + bytes). Throws Error{kInvalidArgument} unless it lies in what was asked for in
  /// one allocation.
  [[nodiscard]] std::span<std::byte> host_span(Address address, std::uint64_t bytes) const;
  /// Device access: null unless the range lies in the whole pages of one allocation. No memory is "DECERR" on a bus.
  [[nodiscard]] std::byte* find(Address address, std::uint64_t bytes) const noexcept;
  /// Bytes mapped from `address` on to the end of its allocation; 0 if there is no memory.
  [[nodiscard]] std::uint64_t mapped_from(Address address) const noexcept;

  /// What was asked for in one allocation.
  struct Piece {
    Address address = 0;
    std::span<const std::byte> data;
  };
  /// All allocations by address.
  [[nodiscard]] std::vector<Piece> pieces() const;

  [[nodiscard]] std::uint64_t capacity_bytes() const noexcept { return capacity_; }
  [[nodiscard]] std::uint64_t allocated_bytes() const noexcept { return allocated_; }

 private:
  struct Allocation {
    std::byte* data = nullptr;
    std::uint64_t bytes = 0;         ///< asked for
    std::uint64_t mapped_bytes = 0;  ///< whole pages
  };
  [[nodiscard]] const std::pair<const Address, Allocation>* containing(Address address) const noexcept;
  /// Host pages for [address, address + whole), which is free.
  void map(Address address, std::uint64_t bytes, std::uint64_t whole);

  std::uint64_t capacity_;
  Address base_;
  std::uint64_t allocated_ = 0;
  std::map<Address, Allocation> allocations_;
};

}  // namespace xw::device
