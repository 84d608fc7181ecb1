// Converters that are not alike: gain and offset of every column of a chip. docs/chip-life.md#converters.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace xw::cells {

/// How much the converters of a chip differ: standard deviations.
struct ConverterSpread {
  double gain = 0;    ///< of the factor of a gain, 0..0.2
  double offset = 0;  ///< of an offset, in codes of the ADC, 0..256
  [[nodiscard]] bool any() const { return gain > 0 || offset > 0; }
  /// "gain=0.05,offset=2", without what is 0: parse_converter_spread reads it back.
  [[nodiscard]] std::string text() const;
  friend bool operator==(const ConverterSpread&, const ConverterSpread&) = default;
};

/// Reads "gain=S,offset=S" with one or both of them, or a number, which is that of gains. Throws Error{kInvalidArgument} telling what was
/// expected and found.
[[nodiscard]] ConverterSpread parse_converter_spread(std::string_view text);

/// Factor of the gain of column `column` of tile `tile` of a chip (places on the chip): 1 + sigma xi, kept within 1/2 ... 2; xi is a
/// standard normal deviate of the column, word column % 2 of threefry2x32-20(threefry2x32-20({chip_seed, tile}, {'ADCG', 0}), {0, column / 2}).
[[nodiscard]] double converter_gain(std::uint32_t chip_seed, std::uint32_t tile, std::uint32_t column, double sigma);

/// Offset of that column in codes of its ADC: sigma xi with another deviate, 'ADCO' in place of 'ADCG'.
[[nodiscard]] double converter_offset(std::uint32_t chip_seed, std::uint32_t tile, std::uint32_t column, double sigma);

/// An offset of `codes`, kept within the converter's range, in units of the sum: rne(codes 2^shift / gain), below 2^30. `gain`
/// and `shift` are those of the program, gain above 0.
[[nodiscard]] std::int32_t offset_word(double codes, std::uint16_t gain, std::uint32_t shift, int adc_max);

}  // namespace xw::cells
