// Memory of devices that are programs on this host.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/device/host_memory_device.hpp"

#include <algorithm>
#include <utility>

#include "arch/generated/xw_arch.hpp"

namespace xw::device {

HostMemoryDevice::HostMemoryDevice(DeviceInfo info) : info_(std::move(info)), memory_(info_.emulator.memory_bytes) {}

Address HostMemoryDevice::allocate(std::uint64_t bytes, MemoryPort) {
  const Address address = memory_.allocate(bytes);
  memory_changed(address, memory_.mapped_from(address));
  return address;
}

void HostMemoryDevice::allocate_at(Address address, std::uint64_t bytes) {
  memory_.allocate_at(address, bytes);
  memory_changed(address, memory_.mapped_from(address));
}

void HostMemoryDevice::free(Address address) {
  const std::uint64_t bytes = memory_.mapped_from(address);
  memory_.free(address);
  memory_changed(address, bytes);
}

void HostMemoryDevice::write(Address destination, std::span<const std::byte> source) {
  std::copy(source.begin(), source.end(), memory_.host_span(destination, source.size()).begin());
  memory_changed(destination, source.size());
}

void HostMemoryDevice::read(Address source, std::span<std::byte> destination) {
  const std::span<std::byte> from = memory_.host_span(source, destination.size());
  std::copy(from.begin(), from.end(), destination.begin());
}

std::span<std::byte> HostMemoryDevice::host_view(Address address, std::uint64_t bytes) {
  return memory_.host_span(address, bytes);
}

void HostMemoryDevice::written(Address address, std::uint64_t bytes) {
  (void)memory_.host_span(address, bytes);
  memory_changed(address, bytes);
}

std::byte* HostMemoryDevice::completion_record(const RunArguments& arguments) const noexcept {
  if (arguments.completion_base % arch::kMemoryAlignment != 0) return nullptr;
  return memory_.find(arguments.completion_base, arch::kCompletionBytes);
}

}  // namespace xw::device
