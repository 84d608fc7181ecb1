// Block images that have been checked, until the memory they stand in changes.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "arch/description/description.hpp"
#include "host/device/device_memory.hpp"
#include "models/analog/block_image.hpp"

namespace xw::functional {

/// Opens block images in place. Cells are copied into the order of the compute kernel, unless they would take more than
/// kMostPackedBytes in all. Not thread safe.
class ImageCache {
 public:
  /// An image as LOAD_BLOCK finds it.
  struct Image {
    std::uint64_t bytes = 0;
    std::uint32_t error = 0;  ///< arch error code; `block` is valid if it is 0
    analog::BlockView block;
    std::shared_ptr<const analog::PackedCells> packed;  ///< that `block` refers to; null: not packed
  };

  static constexpr std::uint64_t kMostPackedBytes = std::uint64_t{2} << 30;

  explicit ImageCache(const arch::EmulatorDescription& emulator) : emulator_(emulator) {}
  /// Checks header and payload sum the first time. The reference lives until the next non-const call.
  [[nodiscard]] const Image& open(const device::DeviceMemory& memory, device::Address address, std::uint64_t bytes);
  /// Forgets all images that overlap [address, address + bytes); returns whether there were any.
  bool invalidate(device::Address address, std::uint64_t bytes);

 private:
  std::map<device::Address, Image>::iterator forget(std::map<device::Address, Image>::const_iterator image);

  const arch::EmulatorDescription& emulator_;
  std::map<device::Address, Image> images_;
  std::uint64_t largest_bytes_ = 0;
  std::uint64_t packed_bytes_ = 0;  ///< of all images
};

}  // namespace xw::functional
