// What writing cells of a chip takes.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/description/writing.hpp"

#include <cmath>
#include <map>
#include <string>

namespace xw::arch {
namespace {

double value_of(const std::map<std::string, Sourced>& constants, const char* key) {
  const auto found = constants.find(key);
  return found == constants.end() ? 0 : found->second.value;
}

}  // namespace

double write_rows_ns(const ChipDescription& chip, const TileWriting& writing) {
  const double at_once = value_of(chip.programming, "tiles_at_once");
  const double in_turn = at_once > 0 ? std::ceil(static_cast<double>(writing.rows) / at_once) : 0;
  return std::max<double>(in_turn, writing.most_rows) * value_of(chip.programming, "row");
}

double write_ns(const ChipDescription& chip, const TileWriting& writing) {
  const double rate = value_of(chip.timing, "memory_rate");
  const double memory_ns = rate > 0 ? static_cast<double>(writing.cells) / rate : 0;
  return std::max(write_rows_ns(chip, writing), memory_ns);
}

double write_cell_pj(const ChipDescription& chip) {
  return value_of(chip.programming, "cell");
}

}  // namespace xw::arch
