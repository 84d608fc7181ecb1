// What a program file holds, as text.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/report/program_text.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "arch/description/description.hpp"
#include "arch/generated/xw_arch.hpp"
#include "host/report/text_format.hpp"

namespace xw::report {
namespace {

using program::BlockRecord;
using program::Program;

/// Cells in use per tile.
std::map<std::uint32_t, std::uint64_t> cells_per_tile(const Program& program) {
  std::map<std::uint32_t, std::uint64_t> cells;
  for (const BlockRecord& block : program.blocks()) cells[block.tile] += std::uint64_t{block.rows} * block.cols;
  return cells;
}

}  // namespace

void write_program_overview(std::ostream& out, const Program& program) {
  const program::Manifest& manifest = program.manifest();
  const arch::ChipDescription chip = arch::parse_chip(manifest.chip_toml, "chip");
  const arch::EmulatorDescription emulator = arch::parse_emulator(manifest.emulator_toml, "emulator");
  line(out, "model      %s (%s, %s)", manifest.model_name.c_str(), manifest.model_format.c_str(),
       manifest.source_path_name.c_str());
  line(out, "chip       %s: %u tiles of %ux%u used, DAC %u bit, ADC %u bit, weights %s, lm_head %s", chip.name.c_str(),
       manifest.num_tiles, chip.rows, chip.cols, chip.dac_bits, chip.adc_bits, program::name(manifest.weight_mode),
       manifest.lm_head_analog ? "analog" : "digital");
  line(out, "           lower bound %u tiles (%s)", manifest.tiles_lower_bound, manifest.lower_bound_reason.c_str());
  if (manifest.rounds.any()) {
    line(out,
         "           written in %u rounds: %u areas of %u tiles of the chip, the last one for all rounds behind them",
         manifest.rounds.count(manifest.num_tiles), manifest.rounds.areas, manifest.rounds.tiles_per_round);
  }
  line(out, "emulator   %s: %u engines x %u lanes, batch %u", emulator.name.c_str(), emulator.num_engines,
       emulator.lanes, emulator.max_batch);
  line(out, "ranges     %s", manifest.calibration.c_str());
  line(out, "contract   %s, written by crossweave %s", std::string(arch::kContractHashText).c_str(),
       manifest.tool_version.c_str());
  line(out, "contents   %zu matrices, %zu blocks, %zu images, %zu calls, %zu instructions", manifest.matrices.size(),
       program.blocks().size(), program.images().size(), manifest.calls.size(), program.code().size());
}

void write_program_sizes(std::ostream& out, const Program& program) {
  line(out, "\n%-14s %14s %14s", "section", "offset", "bytes");
  for (const auto& section : program.sections()) {
    line(out, "%-14s %14llu %14llu", section.name.c_str(), static_cast<unsigned long long>(section.offset),
         static_cast<unsigned long long>(section.bytes));
  }
  line(out, "%-14s %14s %14llu", "file", "", static_cast<unsigned long long>(program.file_bytes()));
}

void write_program_layers(std::ostream& out, const Program& program) {
  line(out, "\n%-44s %11s %6s %6s %6s %10s %8s %11s", "matrix", "out x in", "call", "blocks", "tiles", "beta", "lambda",
       "unit");
  const program::Manifest& manifest = program.manifest();
  std::vector<std::set<std::uint32_t>> tiles(manifest.matrices.size());
  std::vector<std::uint32_t> blocks(manifest.matrices.size());
  for (const BlockRecord& block : program.blocks()) {
    tiles[block.matrix].insert(block.tile);
    ++blocks[block.matrix];
  }
  for (std::size_t m = 0; m < manifest.matrices.size(); ++m) {
    const program::MatrixInfo& matrix = manifest.matrices[m];
    const auto [low, high] = std::minmax_element(matrix.input_ranges.begin(), matrix.input_ranges.end(),
                                                 [](const auto& a, const auto& b) { return a.beta < b.beta; });
    const std::string shape = std::to_string(matrix.out_features) + "x" + std::to_string(matrix.in_features);
    const std::vector<float> units = program::output_units(program, matrix);
    const std::string copies = matrix.replicas > 1 ? " " + std::to_string(matrix.replicas) + " copies" : "";
    line(out, "%-44s %11s %6u %6u %6zu %10.4g %8.4g %11.4g%s%s", matrix.name.c_str(), shape.c_str(), matrix.call,
         blocks[m], tiles[m].size(), static_cast<double>(high->beta), static_cast<double>(matrix.lambda),
         static_cast<double>(*std::max_element(units.begin(), units.end())), copies.c_str(),
         low->beta < high->beta ? " (largest of several ranges)" : "");
  }
}

void write_program_tiles(std::ostream& out, const Program& program) {
  const arch::ChipDescription chip = arch::parse_chip(program.manifest().chip_toml, "chip");
  std::map<std::uint32_t, std::vector<const BlockRecord*>> by_tile;
  for (const BlockRecord& block : program.blocks()) by_tile[block.tile].push_back(&block);
  const auto cells = cells_per_tile(program);
  line(out, "\n%-6s %6s  blocks: matrix[in begin+rows, out begin+cols] @ row0,col0", "tile", "used");
  for (const auto& [tile, list] : by_tile) {
    std::string row;
    for (const BlockRecord* block : list) {
      const auto number = [](std::uint32_t value) { return std::to_string(value); };
      row += "  " + program.manifest().matrices[block->matrix].name + "[" + number(block->in_begin) + "+" +
             number(block->rows) + "," + number(block->out_begin) + "+" + number(block->cols) + "]@" +
             number(block->row0) + "," + number(block->col0);
    }
    line(out, "%-6u %5.1f%%%s", tile, 100.0 * static_cast<double>(cells.at(tile)) / (double(chip.rows) * chip.cols),
         row.c_str());
  }
}

}  // namespace xw::report
