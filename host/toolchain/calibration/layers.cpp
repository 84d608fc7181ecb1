// The analog layers of a model and the slices of their inputs.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/calibration/layers.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "compiler/pipeline/row_cuts.hpp"

namespace xw::toolchain {

CalibrationLayers cut_layers(const ir::Graph& graph, const std::vector<std::string>& names,
                             const arch::ChipDescription& chip, mapping::RowCuts rule) {
  CalibrationLayers result;
  std::vector<passes::LinearNode> nodes = passes::linear_nodes(graph, names);
  const std::vector<std::vector<std::uint32_t>> begins = compiler::row_cuts(nodes, chip, rule);
  std::unordered_map<ir::ValueId, std::size_t> group_of;
  std::vector<std::set<std::uint32_t>> cuts;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const auto [group, is_new] = group_of.try_emplace(nodes[i].input, result.groups.size());
    if (is_new) {
      result.groups.push_back(
          {nodes[i].linear.name, nodes[i].linear.in_features, nodes[i].linear.digital_positions, {}, {}});
      cuts.emplace_back();
    }
    InputGroup& members = result.groups[group->second];
    members.digital_positions = std::min(members.digital_positions, nodes[i].linear.digital_positions);
    cuts[group->second].insert(begins[i].begin(), begins[i].end());
    result.layers.push_back({std::move(nodes[i].linear), group->second});
  }
  for (std::size_t g = 0; g < cuts.size(); ++g) {
    InputGroup& group = result.groups[g];
    for (const std::uint32_t begin : cuts[g]) {
      if (!group.slices.empty()) group.slices.back().end = begin;
      group.slices.push_back({begin, group.in_features, 0, {}});
    }
  }
  return result;
}

CalibrationLayers layers_with_ranges(const ir::Graph& graph, const std::vector<std::string>& names,
                                     const compiler::Calibration& known) {
  CalibrationLayers result;
  for (passes::LinearNode& node : passes::linear_nodes(graph, names)) {
    passes::AnalogLinear& linear = node.linear;
    InputGroup group{linear.name, linear.in_features, linear.digital_positions, {}, {}};
    const compiler::LayerRanges& ranges = known.layers.at(linear.name);
    for (std::size_t i = 0; i < ranges.inputs.size(); ++i) {
      const program::InputRange& range = ranges.inputs[i];
      group.slices.push_back({range.begin, range.end, range.beta, {}});
      if (!ranges.full_scales.empty()) group.slices.back().full_scales = ranges.full_scales[i];
    }
    result.layers.push_back({std::move(linear), result.groups.size()});
    result.groups.push_back(std::move(group));
  }
  return result;
}

}  // namespace xw::toolchain
