// Where the mapping cuts the inputs of linear layers.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/pipeline/row_cuts.hpp"

#include <set>

namespace xw::compiler {

mapping::MatrixShape shape_of(const passes::AnalogLinear& linear) {
  return {linear.name, linear.in_features, linear.out_features, {}, 0, linear.replicas};
}

std::vector<std::vector<std::uint32_t>> row_cuts(std::span<const passes::LinearNode> layers,
                                                 const arch::ChipDescription& chip, mapping::RowCuts rule) {
  std::vector<mapping::MatrixShape> shapes;
  for (const passes::LinearNode& layer : layers) shapes.push_back(shape_of(layer.linear));
  std::vector<std::set<std::uint32_t>> begins(layers.size());
  const mapping::Plan plan = mapping::make_plan(shapes, {chip.rows, chip.cols, 0, 0, 0, rule});
  for (const mapping::PlacedBlock& block : plan.blocks) begins[block.matrix].insert(block.in_begin);
  std::vector<std::vector<std::uint32_t>> cuts;
  for (const auto& set : begins) cuts.emplace_back(set.begin(), set.end());
  return cuts;
}

}  // namespace xw::compiler
