// Converters that are not alike.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/converter.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "arch/support/error.hpp"
#include "models/analog/threefry.hpp"
#include "models/cells/normal.hpp"

namespace xw::cells {
namespace {

constexpr double kMostGain = 0.2, kMostOffset = 256;

double deviate(std::uint32_t domain, std::uint32_t chip_seed, std::uint32_t tile, std::uint32_t column) {
  const auto key = analog::threefry2x32<20>(chip_seed, tile, domain, 0);
  const auto words = analog::threefry2x32<20>(key[0], key[1], 0, column / 2);
  return static_cast<double>(NormalTable::instance()(words[column % 2]));
}

std::string number(double value) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

}  // namespace

std::string ConverterSpread::text() const {
  if (offset == 0) return "gain=" + number(gain);
  return (gain == 0 ? "" : "gain=" + number(gain) + ",") + "offset=" + number(offset);
}

ConverterSpread parse_converter_spread(std::string_view text) {
  const auto refuse = [&] {
    throw Error(
        ErrorCode::kInvalidArgument,
        "mismatch of converters: expected gain=S with S of 0..0.2, offset=S with S of 0..256 codes, both with a comma, "
        "or a number for gain, found '" +
            std::string(text) + "'");
  };
  ConverterSpread spread;
  bool has_gain = false, has_offset = false;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    std::string_view item = text.substr(begin, end - begin);
    begin = end + 1;
    const bool named_offset = item.starts_with("offset="), named_gain = item.starts_with("gain=");
    if (!named_gain && !named_offset && (has_gain || has_offset || end != text.size())) refuse();
    if (named_gain || named_offset) item.remove_prefix(item.find('=') + 1);
    bool& given = named_offset ? has_offset : has_gain;
    double& value = named_offset ? spread.offset : spread.gain;
    if (given) refuse();
    given = true;
    const auto [last, error] = std::from_chars(item.data(), item.data() + item.size(), value);
    if (error != std::errc{} || last != item.data() + item.size()) refuse();
    if (!(value >= 0) || value > (named_offset ? kMostOffset : kMostGain)) refuse();
  }
  return spread;
}

double converter_gain(std::uint32_t chip_seed, std::uint32_t tile, std::uint32_t column, double sigma) {
  constexpr std::uint32_t kDomain = 0x47434441U;  // 'ADCG'
  return std::clamp(1 + sigma * deviate(kDomain, chip_seed, tile, column), 0.5, 2.0);
}

double converter_offset(std::uint32_t chip_seed, std::uint32_t tile, std::uint32_t column, double sigma) {
  constexpr std::uint32_t kDomain = 0x4F434441U;  // 'ADCO'
  return sigma * deviate(kDomain, chip_seed, tile, column);
}

std::int32_t offset_word(double codes, std::uint16_t gain, std::uint32_t shift, int adc_max) {
  constexpr double kMost = (1 << 30) - 1;  // a sum with its noise stays below 2^28: nothing wraps
  const double kept = std::clamp(codes, -static_cast<double>(adc_max), static_cast<double>(adc_max));
  const double word = std::nearbyint(std::ldexp(kept, static_cast<int>(shift)) / gain);
  return static_cast<std::int32_t>(std::clamp(word, -kMost, kMost));
}

}  // namespace xw::cells
