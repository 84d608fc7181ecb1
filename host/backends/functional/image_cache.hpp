// Block images that have been checked, until the memory they stand in changes.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>

#include "arch/description/description.hpp"
#include "host/device/device_memory.hpp"
#include "models/analog/block_image.hpp"

namespace xw::functional {

/// Opens block images in place: cells are never copied. Not thread safe.
class ImageCache {
 public:
  /// An image as LOAD_BLOCK finds it.
  struct Image {
    std::uint64_t bytes = 0;
    std::uint32_t error = 0;  ///< arch error code; `block` is valid if it is 0
    analog::BlockView block;
  };

  explicit ImageCache(const arch::EmulatorDescription& emulator) : emulator_(emulator) {}
  /// Checks header and payload sum the first time. The reference lives until the next non-const call.
  [[nodiscard]] const Image& open(const device::DeviceMemory& memory, device::Address address, std::uint64_t bytes);
  /// Forgets all images that overlap [address, address + bytes); returns whether there were any.
  bool invalidate(device::Address address, std::uint64_t bytes);

 private:
  const arch::EmulatorDescription& emulator_;
  std::map<device::Address, Image> images_;
  std::uint64_t largest_bytes_ = 0;
};

}  // namespace xw::functional
