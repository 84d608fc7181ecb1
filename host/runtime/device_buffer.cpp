// Device memory that is released with its owner.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/runtime/device_buffer.hpp"

#include <exception>

namespace xw::runtime {

DeviceBuffer::DeviceBuffer(device::Device& device, std::uint64_t bytes, device::MemoryPort port)
    : device_(&device), address_(device.allocate(bytes, port)), bytes_(bytes) {}

DeviceBuffer::~DeviceBuffer() {
  if (device_ == nullptr) return;
  try {
    device_->free(address_);
  } catch (const std::exception&) {
    // A device that cannot free is lost with all its memory; a destructor has nobody to tell.
  }
}

DeviceBuffer& DeviceBuffer::operator=(DeviceBuffer&& other) noexcept {
  std::swap(device_, other.device_);
  std::swap(address_, other.address_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

}  // namespace xw::runtime
