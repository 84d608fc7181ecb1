// Converters that are not alike.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "models/cells/converter.hpp"

#include <algorithm>

#include "models/analog/threefry.hpp"
#include "models/cells/normal.hpp"

namespace xw::cells {

double converter_gain(std::uint32_t chip_seed, std::uint32_t tile, std::uint32_t column, double sigma) {
  constexpr std::uint32_t kDomain = 0x47434441U;  // 'ADCG'
  const auto key = analog::threefry2x32<20>(chip_seed, tile, kDomain, 0);
  const auto words = analog::threefry2x32<20>(key[0], key[1], 0, column / 2);
  const auto xi = static_cast<double>(NormalTable::instance()(words[column % 2]));
  return std::clamp(1 + sigma * xi, 0.5, 2.0);
}

}  // namespace xw::cells
