// What devices that are programs on this host share: their memory, and where a run's completion record stands in it.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "host/device/device.hpp"
#include "host/device/device_memory.hpp"

namespace xw::device {

/// A device with DeviceMemory of its emulator's size. Devices add `run`.
class HostMemoryDevice : public Device {
 public:
  [[nodiscard]] const DeviceInfo& info() const final { return info_; }
  [[nodiscard]] Address allocate(std::uint64_t bytes, MemoryPort port) final;
  void free(Address address) final;
  void write(Address destination, std::span<const std::byte> source) final;
  void read(Address source, std::span<std::byte> destination) final;
  [[nodiscard]] std::span<std::byte> host_view(Address address, std::uint64_t bytes) final;
  void written(Address address, std::uint64_t bytes) final;
  /// Allocates at an address that another memory manager has chosen (DeviceMemory::allocate_at).
  void allocate_at(Address address, std::uint64_t bytes);

 protected:
  explicit HostMemoryDevice(DeviceInfo info);

  [[nodiscard]] const DeviceMemory& memory() const { return memory_; }
  /// Where the record of a run goes: kCompletionBytes, or null if the address is misaligned or has no memory.
  [[nodiscard]] std::byte* completion_record(const RunArguments& arguments) const noexcept;
  /// Called after the host has changed or may have changed [address, address + bytes), or memory has come or gone there.
  virtual void memory_changed(Address /*address*/, std::uint64_t /*bytes*/) {}

 private:
  DeviceInfo info_;
  DeviceMemory memory_;
};

}  // namespace xw::device
