// What every tile of a program holds, as JSON.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/report/tile_map.hpp"

#include <nlohmann/json.hpp>

namespace xw::report {

nlohmann::ordered_json tile_map_json(const program::Program& program, const arch::ChipDescription& chip) {
  using Json = nlohmann::ordered_json;
  const program::Manifest& manifest = program.manifest();
  const std::uint32_t per_chip = manifest.tiles_per_chip;
  Json json = {{"tile_rows", chip.rows},
               {"tile_cols", chip.cols},
               {"chips", per_chip == 0 ? 1 : (manifest.num_tiles - 1) / per_chip + 1},
               {"tiles_per_chip", per_chip},
               {"matrices", Json::array()},
               {"blocks", Json::array()}};
  for (const program::MatrixInfo& matrix : manifest.matrices) {
    json["matrices"].push_back({{"name", matrix.name}, {"layer", matrix.layer}, {"call", matrix.call}});
  }
  for (const program::BlockRecord& block : program.blocks()) {
    json["blocks"].push_back({{"tile", block.tile},
                              {"matrix", block.matrix},
                              {"row0", block.row0},
                              {"col0", block.col0},
                              {"rows", block.rows},
                              {"cols", block.cols}});
  }
  return json;
}

}  // namespace xw::report
