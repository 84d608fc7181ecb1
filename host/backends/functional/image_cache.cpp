// Block images that have been checked, until the memory they stand in changes.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/functional/image_cache.hpp"

#include <algorithm>
#include <utility>

#include "arch/generated/xw_arch.hpp"

namespace xw::functional {

const ImageCache::Image& ImageCache::open(const device::DeviceMemory& memory, device::Address address,
                                          std::uint64_t bytes) {
  const auto known = images_.find(address);
  if (known != images_.end() && known->second.bytes == bytes) return known->second;
  Image image;
  image.bytes = bytes;
  const std::byte* data = memory.find(address, bytes);
  if (data == nullptr) {
    image.error = static_cast<std::uint32_t>(arch::DeviceError::kMemoryDecerr);
  } else {
    image.error = analog::open_image({data, static_cast<std::size_t>(bytes)}, emulator_.block_rows,
                                     emulator_.block_cols, emulator_.lanes, true, image.block);
  }
  largest_bytes_ = std::max(largest_bytes_, bytes);
  if (known != images_.end()) forget(known);
  if (image.error == 0 && packed_bytes_ + analog::PackedCells::bytes_of(image.block) <= kMostPackedBytes) {
    image.packed = std::make_shared<const analog::PackedCells>(image.block);
    image.block.packed = image.packed.get();
    packed_bytes_ += image.packed->bytes();
  }
  return images_.emplace(address, std::move(image)).first->second;
}

std::map<device::Address, ImageCache::Image>::iterator ImageCache::forget(
    std::map<device::Address, Image>::const_iterator image) {
  if (image->second.packed != nullptr) packed_bytes_ -= image->second.packed->bytes();
  return images_.erase(image);
}

bool ImageCache::invalidate(device::Address address, std::uint64_t bytes) {
  bool found = false;
  const device::Address end = address + bytes;
  for (auto it = images_.lower_bound(address > largest_bytes_ ? address - largest_bytes_ : 0);
       it != images_.end() && it->first < end;) {
    if (it->first + it->second.bytes > address) {
      it = forget(it);
      found = true;
    } else {
      ++it;
    }
  }
  return found;
}

}  // namespace xw::functional
