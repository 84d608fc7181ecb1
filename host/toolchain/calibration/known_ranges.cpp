// Input ranges that need no data.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/calibration/known_ranges.hpp"

#include <array>
#include <charconv>

#include "compiler/passes/group_calls.hpp"

namespace xw::toolchain {
namespace {

/// The shortest text that means the number.
std::string shortest(float value) {
  std::array<char, 40> buffer{};
  return {buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr};
}

}  // namespace

compiler::Calibration fixed_ranges(float beta, const ir::Graph& graph, const std::vector<std::string>& names) {
  compiler::Calibration calibration;
  calibration.description = "input range " + shortest(beta) + " everywhere, no data";
  for (const passes::LinearNode& node : passes::linear_nodes(graph, names))
    calibration.layers[node.linear.name].inputs.push_back({0, node.linear.in_features, beta});
  return calibration;
}

}  // namespace xw::toolchain
