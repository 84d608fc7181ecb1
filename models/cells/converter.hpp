// Converters that are not alike: the gain of every column of a chip. docs/chip-life.md#converters.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace xw::cells {

/// Factor of the gain of column `column` of tile `tile` of a chip (places on the chip): 1 + sigma xi, kept within 1/2 ... 2; xi is a
/// standard normal deviate of the column, word column % 2 of threefry2x32-20(threefry2x32-20({chip_seed, tile}, {'ADCG', 0}), {0, column / 2}).
[[nodiscard]] double converter_gain(std::uint32_t chip_seed, std::uint32_t tile, std::uint32_t column, double sigma);

}  // namespace xw::cells
