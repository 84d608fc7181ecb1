// What is broken in a chip and what was moved.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/fault_text.hpp"

#include <nlohmann/json.hpp>

namespace xw::toolchain {

std::string to_text(const runtime::FaultReport& report) {
  const auto counted = [](std::size_t moved, std::size_t lost, const char* what) {
    return std::string(what) + " " + std::to_string(moved) + " moved, " + std::to_string(lost) + " lost";
  };
  return "faults: " + counted(report.moved_tiles.size(), report.lost_tiles.size(), "tiles") + "; " +
         counted(report.moved_columns.size(), report.lost_columns.size(), "columns") + "; rows " +
         std::to_string(report.lost_rows.size()) + " lost; cells stuck " + std::to_string(report.stuck_low) + " low, " +
         std::to_string(report.stuck_high) + " high";
}

nlohmann::ordered_json to_json(const runtime::FaultReport& report) {
  using Json = nlohmann::ordered_json;
  Json json = {{"moved_tiles", report.moved_tiles},   {"moved_columns", Json::array()},
               {"lost_tiles", report.lost_tiles},     {"lost_rows", report.lost_rows},
               {"lost_columns", report.lost_columns}, {"stuck_low", report.stuck_low},
               {"stuck_high", report.stuck_high}};
  for (const auto& moved : report.moved_columns) json["moved_columns"].push_back({moved.tile, moved.column, moved.to});
  return json;
}

}  // namespace xw::toolchain
