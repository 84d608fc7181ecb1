// Keeping the first tokens of a context off the chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/passes/first_token.hpp"

#include <set>

#include "arch/support/error.hpp"

namespace xw::passes {

void set_digital_positions(ir::Graph& graph, std::span<const std::string> analog, std::uint32_t positions) {
  if (positions > INT32_MAX) {
    throw Error(ErrorCode::kInvalidArgument,
                "digital positions: expected at most 2147483647, found " + std::to_string(positions));
  }
  std::set<std::string> left(analog.begin(), analog.end());
  for (ir::Node& node : graph.nodes) {
    if (node.kind != ir::OpKind::kLinear || left.erase(ir::attr_string(node, "name")) == 0) continue;
    if (ir::attr_string(node, "name") == "lm_head") continue;
    if (positions == 0) {
      node.attributes.erase(ir::kDigitalPositions);
    } else {
      node.attributes[ir::kDigitalPositions] = std::int64_t{positions};
    }
  }
  if (!left.empty()) {
    throw Error(ErrorCode::kInvalidArgument,
                "digital positions: graph '" + graph.name + "' has no linear layer '" + *left.begin() + "'");
  }
}

}  // namespace xw::passes
