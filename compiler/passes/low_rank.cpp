// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/passes/low_rank.hpp"

#include <set>
#include <utility>
#include <vector>

#include "arch/support/error.hpp"

namespace xw::passes {
namespace {

ir::ValueId add_digital(ir::Graph& graph, ir::ValueId x, const std::string& name, const std::string& tensor,
                        const std::string& result, std::uint32_t features) {
  return graph.add(ir::OpKind::kLinear, {x},
                   {{"name", name}, {"weight", ir::TensorRef{tensor}}, {"digital", std::int64_t{1}}}, result,
                   {features});
}

}  // namespace

std::string lora_a_tensor(const std::string& linear) {
  return linear + ".lora_A.weight";
}
std::string lora_b_tensor(const std::string& linear) {
  return linear + ".lora_B.weight";
}

ir::Graph add_low_rank(const ir::Graph& graph, const std::map<std::string, std::uint32_t>& ranks) {
  ir::Graph result;
  result.name = graph.name;
  result.meta = graph.meta;
  std::set<ir::ValueId> logits;
  for (const ir::Node& node : graph.nodes) {
    if (node.kind == ir::OpKind::kOutput) logits.insert(node.inputs[0]);
  }
  std::vector<ir::ValueId> new_id(graph.values.size(), 0);
  std::size_t found = 0;
  for (const ir::Node& node : graph.nodes) {
    std::vector<ir::ValueId> inputs;
    for (const ir::ValueId id : node.inputs) inputs.push_back(new_id[id]);
    const std::string name = node.kind == ir::OpKind::kLinear ? ir::attr_string(node, "name") : "";
    const auto rank = name.empty() ? ranks.end() : ranks.find(name);
    if (rank == ranks.end()) {
      std::vector<std::uint32_t> features;
      for (const ir::ValueId id : node.results) features.push_back(graph.values[id].features);
      const ir::ValueId first = result.add(node.kind, std::move(inputs), node.attributes, "", features);
      for (std::size_t k = 0; k < node.results.size(); ++k) {
        new_id[node.results[k]] = first + static_cast<ir::ValueId>(k);
        result.values[first + k].name = graph.values[node.results[k]].name;
      }
      continue;
    }
    ++found;
    if (rank->second == 0 || logits.contains(node.results[0])) {
      throw Error(ErrorCode::kInvalidArgument,
                  "adapter of " + name + ": expected a rank above 0 and a layer that makes no logits");
    }
    const ir::Value& value = graph.values[node.results[0]];
    const ir::ValueId x = inputs[0];
    const ir::ValueId inner =
        add_digital(result, x, name + ".lora_A", lora_a_tensor(name), value.name + ".lora_A", rank->second);
    const ir::ValueId chip =
        result.add(ir::OpKind::kLinear, {x}, node.attributes, value.name + ".base", {value.features});
    const ir::ValueId beside =
        add_digital(result, inner, name + ".lora_B", lora_b_tensor(name), value.name + ".lora_B", value.features);
    new_id[node.results[0]] = result.add(ir::OpKind::kAdd, {chip, beside}, {}, value.name, {value.features});
  }
  if (found != ranks.size()) {
    std::string missing;
    for (const auto& [name, rank] : ranks) {
      bool is_there = false;
      for (const ir::Node& node : graph.nodes)
        is_there = is_there || (node.kind == ir::OpKind::kLinear && ir::attr_string(node, "name") == name);
      if (!is_there && missing.empty()) missing = name;
    }
    throw Error(ErrorCode::kInvalidArgument, "adapter: expected linear layers of the model, found '" + missing + "'");
  }
  return result;
}

}  // namespace xw::passes
