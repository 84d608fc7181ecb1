// Writes and checks block images; the record is defined in arch/accelerator.toml.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/analog/block_image.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/checksum.hpp"

namespace xw::analog {
namespace {

static_assert(std::endian::native == std::endian::little, "images and tables are used in place, little endian");

constexpr std::uint64_t kHeaderBytes = arch::kBlockImageHeaderBytes;

constexpr std::uint64_t align64(std::uint64_t bytes) {
  return (bytes + 63) / 64 * 64;
}

template <typename T>
T get(std::span<const std::byte> image, std::uint32_t offset) {
  T value{};
  std::memcpy(&value, image.data() + offset, sizeof(T));
  return value;
}

template <typename T>
void put(std::span<std::byte> image, std::uint32_t offset, std::uint32_t value) {
  const auto narrow = static_cast<T>(value);
  assert(narrow == value && "field too small for its value");
  std::memcpy(image.data() + offset, &narrow, sizeof(T));
}

std::uint32_t code(arch::DeviceError error) {
  return static_cast<std::uint32_t>(error);
}

}  // namespace

std::uint64_t adc_offsets_offset(std::uint32_t cols) {
  return kHeaderBytes + align64(4 * std::uint64_t{cols});
}

std::uint64_t cells_offset(std::uint32_t cols) {
  return kHeaderBytes + 2 * align64(4 * std::uint64_t{cols});
}

std::uint64_t image_bytes(std::uint32_t rows, std::uint32_t cols, std::uint32_t lanes) {
  const std::uint64_t groups = (std::uint64_t{cols} + lanes - 1) / lanes;
  return cells_offset(cols) + align64(groups * rows * lanes);
}

void seal_image(std::span<std::byte> image, const ImageHeader& header) {
  assert(image.size() == image_bytes(header.rows, header.cols, header.lanes) && "the image has exactly its size");
  std::memset(image.data(), 0, kHeaderBytes);
  put<std::uint32_t>(image, arch::kBlockImageHeaderMagicOffset, arch::kBlockImageHeaderMagic);
  put<std::uint16_t>(image, arch::kBlockImageHeaderRowsOffset, header.rows);
  put<std::uint16_t>(image, arch::kBlockImageHeaderColsOffset, header.cols);
  put<std::uint32_t>(image, arch::kBlockImageHeaderTileUidOffset, header.tile_uid);
  put<std::uint16_t>(image, arch::kBlockImageHeaderRow0Offset, header.row0);
  put<std::uint16_t>(image, arch::kBlockImageHeaderCol0Offset, header.col0);
  put<std::uint8_t>(image, arch::kBlockImageHeaderAdcShiftOffset, header.adc_shift);
  put<std::uint8_t>(image, arch::kBlockImageHeaderAdcBitsOffset, header.adc_bits);
  put<std::uint16_t>(image, arch::kBlockImageHeaderLanesOffset, header.lanes);
  put<std::uint32_t>(image, arch::kBlockImageHeaderReadSigmaQOffset, header.read_sigma_q);
  put<std::uint32_t>(image, arch::kBlockImageHeaderTablesOffsetOffset, arch::kBlockImageHeaderBytes);
  put<std::uint32_t>(image, arch::kBlockImageHeaderCellsOffsetOffset,
                     static_cast<std::uint32_t>(cells_offset(header.cols)));
  put<std::uint32_t>(image, arch::kBlockImageHeaderImageBytesOffset, static_cast<std::uint32_t>(image.size()));
  put<std::uint32_t>(image, arch::kBlockImageHeaderPayloadSumOffset, word_sum(image.subspan(kHeaderBytes)));
  put<std::uint32_t>(image, arch::kBlockImageHeaderHeaderCrcOffset,
                     crc32(image.first(arch::kBlockImageHeaderHeaderCrcOffset)));
}

std::uint32_t open_image(std::span<const std::byte> image, std::uint32_t device_rows, std::uint32_t device_cols,
                         std::uint32_t device_lanes, bool check_payload, BlockView& view) {
  if (image.size() < kHeaderBytes || image.size() % 64 != 0) return code(arch::DeviceError::kImageShape);
  const auto u8 = [&](std::uint32_t offset) { return std::uint32_t{get<std::uint8_t>(image, offset)}; };
  const auto u16 = [&](std::uint32_t offset) { return std::uint32_t{get<std::uint16_t>(image, offset)}; };
  const auto u32 = [&](std::uint32_t offset) { return get<std::uint32_t>(image, offset); };

  if (u32(arch::kBlockImageHeaderMagicOffset) != arch::kBlockImageHeaderMagic) {
    return code(arch::DeviceError::kImageMagic);
  }
  if (u32(arch::kBlockImageHeaderHeaderCrcOffset) != crc32(image.first(arch::kBlockImageHeaderHeaderCrcOffset))) {
    return code(arch::DeviceError::kImageHeaderCrc);
  }

  BlockView found;
  found.rows = u16(arch::kBlockImageHeaderRowsOffset);
  found.cols = u16(arch::kBlockImageHeaderColsOffset);
  found.lanes = u16(arch::kBlockImageHeaderLanesOffset);
  found.tile_uid = u32(arch::kBlockImageHeaderTileUidOffset);
  found.row0 = u16(arch::kBlockImageHeaderRow0Offset);
  found.col0 = u16(arch::kBlockImageHeaderCol0Offset);
  found.adc_shift = u8(arch::kBlockImageHeaderAdcShiftOffset);
  found.read_sigma_q = u32(arch::kBlockImageHeaderReadSigmaQOffset);
  const auto adc_bits = static_cast<int>(u8(arch::kBlockImageHeaderAdcBitsOffset));

  const bool block_fits = found.rows >= 1 && found.rows <= device_rows && found.cols >= 1 && found.cols <= device_cols;
  // The noise counter has 16 bits for a physical column.
  const bool place_fits = found.col0 + found.cols <= 0x10000U;
  const bool converter_fits = adc_bits >= arch::kMinAdcBits && adc_bits <= arch::kMaxAdcBits &&
                              found.adc_shift >= arch::kMinAdcShift && found.adc_shift <= arch::kMaxAdcShift;
  if (!block_fits || !place_fits || !converter_fits || found.lanes == 0 || found.lanes != device_lanes) {
    return code(arch::DeviceError::kImageShape);
  }
  bool layout_fits = u32(arch::kBlockImageHeaderFlagsOffset) == 0 &&
                     u32(arch::kBlockImageHeaderTablesOffsetOffset) == kHeaderBytes &&
                     u32(arch::kBlockImageHeaderCellsOffsetOffset) == cells_offset(found.cols) &&
                     u32(arch::kBlockImageHeaderImageBytesOffset) == image.size() &&
                     image.size() == image_bytes(found.rows, found.cols, found.lanes);
  for (std::uint32_t i = 0; i < arch::kBlockImageHeaderReservedCount; ++i) {
    layout_fits = layout_fits && u32(arch::kBlockImageHeaderReservedOffset + 4 * i) == 0;
  }
  if (!layout_fits) return code(arch::DeviceError::kImageShape);
  if (check_payload && u32(arch::kBlockImageHeaderPayloadSumOffset) != word_sum(image.subspan(kHeaderBytes))) {
    return code(arch::DeviceError::kImagePayloadSum);
  }

  found.adc_max = (1 << (adc_bits - 1)) - 1;
  found.column_tables = reinterpret_cast<const std::uint16_t*>(image.data() + kHeaderBytes);
  const auto* offsets = reinterpret_cast<const std::int32_t*>(image.data() + adc_offsets_offset(found.cols));
  // Most chips have none: kernels need not read zeros.
  const bool has_offsets = std::any_of(offsets, offsets + found.cols, [](std::int32_t offset) { return offset != 0; });
  found.adc_offsets = has_offsets ? offsets : nullptr;
  found.cells = reinterpret_cast<const std::int8_t*>(image.data() + cells_offset(found.cols));
  view = found;
  return code(arch::DeviceError::kOk);
}

}  // namespace xw::analog
