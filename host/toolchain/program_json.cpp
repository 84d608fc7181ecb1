// Programs as JSON.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/program_json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "arch/generated/xw_arch.hpp"

namespace xw::toolchain {

nlohmann::ordered_json program_json(const program::Program& program) {
  const program::Manifest& manifest = program.manifest();
  nlohmann::ordered_json json = {{"file", program.path()},
                                 {"model", manifest.model_name},
                                 {"contract", arch::kContractHashText},
                                 {"weights", program::name(manifest.weight_mode)},
                                 {"calibration", manifest.calibration},
                                 {"tiles", manifest.num_tiles},
                                 {"tiles_lower_bound", manifest.tiles_lower_bound},
                                 {"instructions", program.code().size()}};
  for (const auto& section : program.sections())
    json["sections"][section.name] = {{"offset", section.offset}, {"bytes", section.bytes}};
  for (const program::MatrixInfo& matrix : manifest.matrices) {
    const std::vector<float> units = program::output_units(program, matrix);
    nlohmann::ordered_json ranges = nlohmann::ordered_json::array();
    for (const program::InputRange& range : matrix.input_ranges)
      ranges.push_back({{"begin", range.begin}, {"end", range.end}, {"beta", range.beta}});
    json["matrices"].push_back({{"name", matrix.name},
                                {"out_features", matrix.out_features},
                                {"in_features", matrix.in_features},
                                {"call", matrix.call},
                                {"lambda", matrix.lambda},
                                {"largest_unit", *std::max_element(units.begin(), units.end())},
                                {"replicas", matrix.replicas},
                                {"input_ranges", std::move(ranges)}});
  }
  for (const program::BlockRecord& block : program.blocks()) {
    json["blocks"].push_back({{"matrix", block.matrix},
                              {"replica", block.replica},
                              {"tile", block.tile},
                              {"in_begin", block.in_begin},
                              {"rows", block.rows},
                              {"out_begin", block.out_begin},
                              {"cols", block.cols},
                              {"row0", block.row0},
                              {"col0", block.col0}});
  }
  return json;
}

nlohmann::ordered_json compile_json(const compiler::CompileSummary& summary, const std::filesystem::path& output) {
  return {{"program", output.string()},
          {"tiles", summary.plan.num_tiles},
          {"chips", summary.plan.num_chips()},
          {"rounds", summary.plan.num_rounds()},
          {"areas", summary.plan.areas},
          {"tiles_lower_bound", summary.plan.tiles_lower_bound},
          {"lower_bound_reason", summary.plan.lower_bound_reason},
          {"blocks", summary.plan.blocks.size()},
          {"cells_used", summary.plan.cells_used},
          {"analog_weights", summary.analog_weights},
          {"digital_weights", summary.digital_weights},
          {"calls", summary.num_calls},
          {"instructions", summary.num_instructions},
          {"program_bytes", summary.program_bytes},
          {"seconds", summary.seconds}};
}

}  // namespace xw::toolchain
