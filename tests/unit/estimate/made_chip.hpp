// Chip descriptions with constants that cannot hide behind each other.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "arch/description/description.hpp"

namespace xw::test {

/// A chip of 64x64 tiles, as many as needed. `more_chip`, `more_timing`, `more_energy`: further lines of the tables.
inline arch::ChipDescription made_chip(const std::string& more_chip = "", const std::string& more_timing = "",
                                       const std::string& more_energy = "") {
  const std::string text =
      "[chip]\nname = \"made\"\nrows = 64\ncols = 64\nnum_tiles = 0\nadcs_per_tile = 16\nemulator = \"tiny-64\"\n" +
      more_chip + R"(
[chip.timing]
mvm = { value = 101.0, unit = "ns", source = "made" }
dac = { value = 7.0, unit = "ns", source = "made" }
adc_round = { value = 13.0, unit = "ns", source = "made" }
rescale_output = { value = 0.25, unit = "ns", source = "made" }
digital_mac_rate = { value = 16.0, unit = "MAC/ns", source = "made" }
digital_latency = { value = 19.0, unit = "ns", source = "made" }
link_latency = { value = 11.0, unit = "ns", source = "made" }
link_rate = { value = 8.0, unit = "bytes/ns", source = "made" }
memory_rate = { value = 4.0, unit = "bytes/ns", source = "made" }
)" + more_timing +
      R"(
[chip.energy]
dac_conversion = { value = 2.0, unit = "pJ", source = "made" }
cell_mac = { value = 0.5, unit = "pJ", source = "made" }
adc_conversion = { value = 3.0, unit = "pJ", source = "made" }
rescale_output = { value = 5.0, unit = "pJ", source = "made" }
digital_mac = { value = 0.75, unit = "pJ", source = "made" }
link_byte = { value = 0.125, unit = "pJ", source = "made" }
memory_byte = { value = 40.0, unit = "pJ", source = "made" }
static_power = { value = 0.5, unit = "W", source = "made" }
)" + more_energy;
  return arch::parse_chip(text, "made");
}

/// With everything that a description may have: tiles share links and hang in a mesh, sums and activations cost.
inline arch::ChipDescription made_chip_with_everything() {
  return made_chip("mesh_columns = 3\ninput_links = 2\noutput_links = 2\nread_phases = 2\n", R"(
digital_exp_rate = { value = 3.0, unit = "exp/ns", source = "made" }
accumulate_rate = { value = 2.0, unit = "words/ns", source = "made" }
buffer_rate = { value = 32.0, unit = "bytes/ns", source = "made" }
hop_latency = { value = 1.5, unit = "ns", source = "made" }
)",
                   R"(
digital_exp = { value = 9.0, unit = "pJ", source = "made" }
accumulate_word = { value = 0.375, unit = "pJ", source = "made" }
buffer_byte = { value = 0.0625, unit = "pJ", source = "made" }
hop_byte = { value = 0.03125, unit = "pJ", source = "made" }
)");
}

}  // namespace xw::test
