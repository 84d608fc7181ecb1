// Parses and checks [chip].
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "arch/description/constants.hpp"
#include "arch/description/description.hpp"
#include "arch/description/table_reader.hpp"
#include "arch/generated/xw_arch.hpp"

namespace xw::arch {

namespace {

constexpr std::uint64_t kMostTiles = std::uint64_t{1} << 24;
constexpr std::uint64_t kMostPhases = 64;
constexpr std::uint64_t kMostTiers = 65536;
constexpr std::uint64_t kMostBufferBytes = std::uint64_t{1} << 40;
constexpr std::uint64_t kMostSumBytes = 4;
constexpr double kIrwinHallSigma = 209.02;  // docs/numerics.md, read noise

std::uint32_t small(std::uint64_t value) {
  return static_cast<std::uint32_t>(value);
}

/// Settings that are possible each, but not together.
void check_together(const ChipDescription& chip, const TableReader& table) {
  if (chip.cols % chip.adcs_per_tile != 0) {
    table.reject("adcs_per_tile", "a divisor of cols = " + std::to_string(chip.cols),
                 std::to_string(chip.adcs_per_tile));
  }
  if (chip.lambda > static_cast<float>(chip.rows)) {
    table.reject("lambda", "at most rows = " + std::to_string(chip.rows) + ", the largest possible sum",
                 std::to_string(chip.lambda));
  }
  if (chip.mesh_columns == 0 && (chip.timing.count("hop_latency") != 0 || chip.energy.count("hop_byte") != 0)) {
    table.reject("mesh_columns", "at least 1 with constants per hop (hop_latency, hop_byte)", "no mesh");
  }
  if (chip.read_sigma > chip.lambda) {
    table.reject("read_sigma", "at most lambda, the ADC's full scale", std::to_string(chip.read_sigma));
  }
  const double sigma_q = static_cast<double>(chip.read_sigma) * chip.dac_max() * chip.g_unit *
                         std::ldexp(1.0, kSigmaFractionBits) / kIrwinHallSigma;
  if (sigma_q > std::numeric_limits<std::uint32_t>::max()) {
    table.reject("read_sigma", "a value that fits the " + std::to_string(kReadSigmaBits) + " bits of read_sigma_q",
                 std::to_string(chip.read_sigma));
  }
}

}  // namespace

ChipDescription parse_chip(std::string_view toml_text, const std::string& origin) {
  TableReader document(toml_text, origin);
  const bool has_emulator = document.has("emulator");
  if (has_emulator) static_cast<void>(document.table("emulator"));
  TableReader table = document.table("chip");
  document.finish();

  ChipDescription chip;
  chip.name = table.identifier("name");
  chip.doc = table.text("doc", "");
  chip.num_tiles = small(table.integer("num_tiles", 0, kMostTiles));
  chip.tiers = small(table.integer("tiers", 1, kMostTiers, chip.tiers));
  chip.rows = small(table.integer("rows", 1, kMaxRows));
  chip.cols = small(table.integer("cols", 1, kMaxCols));
  chip.dac_bits = small(table.integer("dac_bits", kMinDacBits, kMaxDacBits, chip.dac_bits));
  chip.adc_bits = small(table.integer("adc_bits", kMinAdcBits, kMaxAdcBits, chip.adc_bits));
  chip.adcs_per_tile = small(table.integer("adcs_per_tile", 1, chip.cols));
  chip.read_phases = small(table.integer("read_phases", 1, kMostPhases, chip.read_phases));
  chip.input_links = small(table.integer("input_links", 0, kMostTiles, chip.input_links));
  chip.output_links = small(table.integer("output_links", 0, kMostTiles, chip.output_links));
  chip.mesh_columns = small(table.integer("mesh_columns", 0, kMostTiles, chip.mesh_columns));
  chip.buffer_bytes = table.integer("buffer_bytes", 0, kMostBufferBytes, chip.buffer_bytes);
  chip.sum_bytes = small(table.integer("sum_bytes", 1, kMostSumBytes, chip.sum_bytes));
  chip.g_unit = static_cast<int>(table.integer("g_unit", 1, kCellMax, static_cast<std::uint64_t>(chip.g_unit)));
  chip.lambda = static_cast<float>(table.real("lambda", {0, kMaxRows, true}, chip.lambda));
  chip.read_sigma = static_cast<float>(table.real("read_sigma", {0, kMaxRows}, chip.read_sigma));
  if (table.has("noise")) {
    chip.noise = table.identifier_with_options("noise");
  } else {
    chip.noise = table.text("noise", chip.noise);
  }
  chip.emulator = table.text("emulator", "");
  if (!chip.emulator.empty() && has_emulator) {
    table.reject("emulator", "either this key or an [emulator] section", "both");
  }
  if (chip.emulator.empty()) {
    if (!has_emulator) table.reject("emulator", "the name of an emulator, or an [emulator] section", "neither");
    chip.emulator = origin;
  }
  chip.timing = read_constants(table, "timing", timing_keys());
  chip.energy = read_constants(table, "energy", energy_keys());
  chip.area = read_constants(table, "area", area_keys());
  chip.links = read_links(table);
  chip.programming = read_programming(table);
  table.finish();
  check_together(chip, table);
  chip.text = std::string(toml_text);
  return chip;
}

}  // namespace xw::arch
