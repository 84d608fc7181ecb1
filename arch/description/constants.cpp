// The constants of a chip's static estimate.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/description/constants.hpp"

#include <algorithm>
#include <array>
#include <utility>

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

constexpr std::array<ConstantKey, 3> kLinks = {{
    {"rate", "bytes/ns", true},
    {"latency", "ns"},
    {"byte", "pJ"},
}};

constexpr std::array<ConstantKey, 4> kProgramming = {{
    {"row", "ns", true},
    {"cell", "pJ"},
    {"tiles_at_once", "tiles"},
    {"endurance", "writes", true},
}};

constexpr std::uint64_t kMostMeshColumns = std::uint64_t{1} << 24;

// What a description without the tables has. Sources: docs/chip-description.md.
const std::map<std::string, Sourced>& default_links() {
  static const std::map<std::string, Sourced> links = {
      {"rate",
       {25, "bytes/ns",
        "assumed: links of a multi-chip module, a quarter of 100 GB/s of a chip (Shao et al., MICRO 2019)"}},
      {"latency", {20, "ns", "assumed: one hop between chips of a module (Shao et al., MICRO 2019)"}},
      {"byte", {14, "pJ", "assumed: 1.75 pJ per bit, the upper figure of Shao et al., MICRO 2019"}}};
  return links;
}
const std::map<std::string, Sourced>& default_programming() {
  static const std::map<std::string, Sourced> programming = {
      {"row",
       {20000, "ns",
        "assumed: 20 rounds of programming and reading back of 1 us for the cells of a wordline at once (phase-change "
        "memory; Narayanan et al., T-ED 2021, program 512 weights at once)"}},
      {"cell", {400, "pJ", "assumed: 20 pulses of 20 pJ"}},
      {"tiles_at_once", {0, "tiles", "assumed: all tiles of a chip at the same time"}},
      {"endurance", {1e8, "writes", "assumed: order of magnitude of phase-change cells"}}};
  return programming;
}

std::map<std::string, Sourced> read_entries(TableReader& table, std::string_view name,
                                            std::span<const ConstantKey> keys) {
  std::map<std::string, Sourced> constants;
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
  return constants;
}

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
std::span<const ConstantKey> link_keys() {
  return kLinks;
}
std::span<const ConstantKey> programming_keys() {
  return kProgramming;
}

std::map<std::string, Sourced> read_constants(TableReader& chip, std::string_view name,
                                              std::span<const ConstantKey> keys) {
  std::map<std::string, Sourced> constants;
  if (!chip.has(name)) {
    static_cast<void>(chip.integer(name, 0, 0, 0));  // the key is known, and absent
    return constants;
  }
  TableReader table = chip.table(name);
  constants = read_entries(table, name, keys);
  table.finish();
  return constants;
}

std::map<std::string, Sourced> read_programming(TableReader& chip) {
  std::map<std::string, Sourced> constants = read_constants(chip, "programming", kProgramming);
  return constants.empty() ? default_programming() : constants;
}

ChipLinks read_links(TableReader& chip) {
  ChipLinks links;
  if (!chip.has("links")) {
    static_cast<void>(chip.integer("links", 0, 0, 0));  // the key is known, and absent
    links.constants = default_links();
    return links;
  }
  TableReader table = chip.table("links");
  const std::string topology = table.text("topology", name(links.topology));
  const std::array all = {LinkTopology::kChain, LinkTopology::kStar, LinkTopology::kMesh};
  const auto* found = std::find_if(all.begin(), all.end(), [&](LinkTopology one) { return topology == name(one); });
  if (found == all.end()) table.reject("topology", "chain, star or mesh", "'" + topology + "'");
  links.topology = *found;
  const bool is_mesh = links.topology == LinkTopology::kMesh;
  links.mesh_columns = static_cast<std::uint32_t>(table.integer("mesh_columns", 0, kMostMeshColumns, 0));
  if ((links.mesh_columns != 0) != is_mesh) {
    table.reject("mesh_columns", is_mesh ? "at least 1 chip in a row of the mesh" : "0 without topology = \"mesh\"",
                 std::to_string(links.mesh_columns));
  }
  links.constants = read_entries(table, "links", kLinks);
  table.finish();
  return links;
}

const char* name(LinkTopology topology) {
  switch (topology) {
    case LinkTopology::kStar:
      return "star";
    case LinkTopology::kMesh:
      return "mesh";
    case LinkTopology::kChain:
      break;
  }
  return "chain";
}

}  // namespace xw::arch
