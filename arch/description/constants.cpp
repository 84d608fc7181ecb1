// The constants of a chip's static estimate.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/description/constants.hpp"

#include <array>

namespace xw::arch {

namespace {

constexpr double kLargestConstant = 1e12;

constexpr std::array<ConstantKey, 15> kTiming = {{
    {"mvm", "ns", true},
    {"dac", "ns"},
    {"adc_round", "ns"},
    {"rescale_output", "ns"},
    {"digital_mac_rate", "MAC/ns", true},
    {"digital_latency", "ns"},
    {"link_latency", "ns"},
    {"link_rate", "bytes/ns", true},
    {"memory_rate", "bytes/ns", true},
    {"digital_exp_rate", "exp/ns", true, true},
    {"accumulate_rate", "words/ns", true, true},
    {"buffer_rate", "bytes/ns", true, true},
    {"hop_latency", "ns", false, true},
    {"host_link_rate", "bytes/ns", true, true},
    {"host_link_latency", "ns", false, true},
}};

constexpr std::array<ConstantKey, 13> kEnergy = {{
    {"dac_conversion", "pJ"},
    {"cell_mac", "pJ"},
    {"adc_conversion", "pJ"},
    {"rescale_output", "pJ"},
    {"digital_mac", "pJ"},
    {"link_byte", "pJ"},
    {"memory_byte", "pJ"},
    {"static_power", "W"},
    {"digital_exp", "pJ", false, true},
    {"accumulate_word", "pJ", false, true},
    {"buffer_byte", "pJ", false, true},
    {"hop_byte", "pJ", false, true},
    {"host_link_byte", "pJ", false, true},
}};

constexpr std::array<ConstantKey, 2> kArea = {{
    {"tile", "mm2", true},
    {"digital", "mm2"},
}};

}  // namespace

std::span<const ConstantKey> timing_keys() {
  return kTiming;
}
std::span<const ConstantKey> energy_keys() {
  return kEnergy;
}
std::span<const ConstantKey> area_keys() {
  return kArea;
}

std::map<std::string, Sourced> read_constants(TableReader& chip, std::string_view name,
                                              std::span<const ConstantKey> keys) {
  std::map<std::string, Sourced> constants;
  if (!chip.has(name)) {
    static_cast<void>(chip.integer(name, 0, 0, 0));  // the key is known, and absent
    return constants;
  }
  TableReader table = chip.table(name);
  for (const ConstantKey& key : keys) {
    if (!table.has(key.name)) {
      if (key.optional) continue;
      table.reject(key.name, "the constant { value = ..., unit = \"" + std::string(key.unit) + "\", source = ... }",
                   "nothing; a chip with [chip." + std::string(name) + "] has all of its constants");
    }
    TableReader entry = table.table(key.name);
    Sourced constant;
    constant.value = entry.real("value", {0, kLargestConstant, key.positive});
    constant.unit = entry.text("unit");
    if (constant.unit != key.unit) {
      entry.reject("unit", "the unit '" + std::string(key.unit) + "'", "'" + constant.unit + "'");
    }
    constant.source = entry.text("source");
    entry.finish();
    constants.emplace(key.name, std::move(constant));
  }
  table.finish();
  return constants;
}

}  // namespace xw::arch
