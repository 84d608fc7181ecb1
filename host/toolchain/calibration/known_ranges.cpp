// Input ranges that need no data.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/calibration/known_ranges.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "arch/support/error.hpp"
#include "compiler/passes/group_calls.hpp"

namespace xw::toolchain {
namespace {

/// The shortest text that means the number.
std::string shortest(float value) {
  std::array<char, 40> buffer{};
  return {buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr};
}

}  // namespace

compiler::Calibration stored_ranges(const std::map<std::string, std::vector<float>>& stored, const ir::Graph& graph,
                                    const std::vector<std::string>& names, const checkpoint::Checkpoint& checkpoint) {
  compiler::Calibration calibration;
  calibration.description = "input ranges stored in the checkpoint";
  for (const passes::LinearNode& node : passes::linear_nodes(graph, names)) {
    const passes::AnalogLinear& linear = node.linear;
    const auto found = stored.find(linear.name);
    if (found == stored.end()) {
      throw Error(ErrorCode::kFormat, checkpoint.path().string() + ": has input ranges for " +
                                          std::to_string(stored.size()) + " layers but not for " + linear.name +
                                          "; give --ranges to calibrate on text");
    }
    compiler::LayerRanges ranges;
    std::uint32_t begin = 0;
    const auto parts = static_cast<std::uint32_t>(found->second.size());
    for (std::uint32_t k = 0; k < parts; ++k) {
      const std::uint32_t length = linear.in_features / parts + (k < linear.in_features % parts ? 1 : 0);
      const float beta = found->second[k];
      if (!(beta > 0) || !std::isfinite(beta)) {
        throw Error(ErrorCode::kNotFinite, checkpoint.path().string() + ": " + linear.name + ".input_range[" +
                                               std::to_string(k) + "]: expected a positive number, found " +
                                               std::to_string(beta));
      }
      ranges.inputs.push_back({begin, begin + length, beta});
      begin += length;
    }
    calibration.layers[linear.name] = std::move(ranges);
  }
  return calibration;
}

compiler::Calibration fixed_ranges(float beta, const ir::Graph& graph, const std::vector<std::string>& names) {
  compiler::Calibration calibration;
  calibration.description = "input range " + shortest(beta) + " everywhere, no data";
  for (const passes::LinearNode& node : passes::linear_nodes(graph, names))
    calibration.layers[node.linear.name].inputs.push_back({0, node.linear.in_features, beta});
  return calibration;
}

}  // namespace xw::toolchain
