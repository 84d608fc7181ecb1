// Block images: the bytes that LOAD_BLOCK reads.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "models/analog/numerics.hpp"

namespace xw::analog {

/// Bytes of an image, a multiple of 64: header 64 + tables 2 align64(4 cols) + align64(ceil(cols / lanes) * rows *
/// lanes).
[[nodiscard]] std::uint64_t image_bytes(std::uint32_t rows, std::uint32_t cols, std::uint32_t lanes);
/// Where the table of the converters' offsets begins: 64 + align64(4 cols).
[[nodiscard]] std::uint64_t adc_offsets_offset(std::uint32_t cols);
/// Where the cells begin: 64 + 2 align64(4 cols).
[[nodiscard]] std::uint64_t cells_offset(std::uint32_t cols);

struct ImageHeader {
  std::uint32_t rows = 0, cols = 0, tile_uid = 0, row0 = 0, col0 = 0;
  std::uint32_t adc_shift = 0, adc_bits = 0, lanes = 0, read_sigma_q = 0;
};

/// Writes header (with CRC and payload sum over what is already there), given that tables and cells have been written.
void seal_image(std::span<std::byte> image, const ImageHeader& header);
/// Checks everything that hardware checks. Returns an arch error code (0: fine) and, if fine, fills `view`.
/// `image` is exactly image_length * 64 bytes. With check_payload = false the payload sum is not recomputed.
[[nodiscard]] std::uint32_t open_image(std::span<const std::byte> image, std::uint32_t device_rows,
                                       std::uint32_t device_cols, std::uint32_t device_lanes, bool check_payload,
                                       BlockView& view);

}  // namespace xw::analog
