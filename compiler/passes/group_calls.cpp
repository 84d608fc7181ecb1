// Linear layers with the same input become one call of the chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/passes/group_calls.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <string_view>
#include <tuple>

#include "arch/support/error.hpp"

namespace xw::passes {
namespace {

constexpr std::string_view kLayers = "layers.";

/// Position of the layer number behind "layers.", or npos.
std::size_t layer_position(std::string_view name) {
  std::size_t at = name.find(kLayers);
  while (at != std::string_view::npos && at != 0 && name[at - 1] != '.') at = name.find(kLayers, at + 1);
  return at == std::string_view::npos ? at : at + kLayers.size();
}

/// "model.layers.0.self_attn.q_proj" -> "q".
std::string short_name(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (dot != std::string_view::npos) name.remove_prefix(dot + 1);
  constexpr std::string_view kProj = "_proj";
  if (name.ends_with(kProj)) name.remove_suffix(kProj.size());
  return std::string(name);
}

std::uint32_t layer_count(const ir::Graph& graph) {
  const auto found = graph.meta.find("num_layers");
  const auto* layers = found == graph.meta.end() ? nullptr : std::get_if<std::int64_t>(&found->second);
  return layers == nullptr || *layers < 0 || *layers > UINT32_MAX ? 0 : static_cast<std::uint32_t>(*layers);
}

AnalogLinear describe(const ir::Graph& graph, const ir::Node& node) {
  AnalogLinear linear;
  linear.name = ir::attr_string(node, "name");
  linear.layer = layer_of(linear.name).value_or(layer_count(graph));
  linear.in_features = graph.values[node.inputs[0]].features;
  linear.out_features = graph.values[node.results[0]].features;
  linear.weight = ir::attr_tensor(node, "weight");
  if (ir::has_attr(node, "bias")) linear.bias = ir::attr_tensor(node, "bias");
  linear.digital_positions = ir::digital_positions(node);
  linear.replicas = ir::replicas(node);
  return linear;
}

}  // namespace

std::vector<LinearNode> linear_nodes(const ir::Graph& graph, std::span<const std::string> names) {
  const std::set<std::string> wanted(names.begin(), names.end());
  std::vector<LinearNode> found;
  for (const ir::Node& node : graph.nodes) {
    if (node.kind != ir::OpKind::kLinear || !wanted.contains(ir::attr_string(node, "name"))) continue;
    found.push_back({describe(graph, node), node.inputs[0]});
  }
  if (found.size() != wanted.size()) {
    throw Error(ErrorCode::kInvalidArgument, "graph '" + graph.name + "': expected " + std::to_string(wanted.size()) +
                                                 " linear layers, found " + std::to_string(found.size()));
  }
  return found;
}

std::optional<std::uint32_t> layer_of(const std::string& name) {
  const std::size_t begin = layer_position(name);
  if (begin == std::string::npos) return std::nullopt;
  std::uint32_t layer = 0;
  const auto result = std::from_chars(name.data() + begin, name.data() + name.size(), layer);
  if (result.ec != std::errc() || (result.ptr != name.data() + name.size() && *result.ptr != '.')) return std::nullopt;
  return layer;
}

std::string call_name(const std::vector<std::string>& linears) {
  std::string shorts;
  bool letters = true;
  for (const std::string& linear : linears) letters = letters && short_name(linear).size() == 1;
  for (const std::string& linear : linears) shorts += (shorts.empty() || letters ? "" : "_") + short_name(linear);
  const std::optional<std::uint32_t> layer = linears.empty() ? std::nullopt : layer_of(linears.front());
  return layer ? std::string(kLayers) + std::to_string(*layer) + "." + shorts : shorts;
}

GroupedGraph group_calls(const ir::Graph& graph, const std::map<std::string, std::uint32_t>& analog) {
  // Which nodes form which call, in the order of their first linear.
  std::map<std::tuple<ir::ValueId, std::uint32_t, std::uint32_t>, std::size_t> index;
  std::vector<std::vector<std::size_t>> members;
  std::vector<std::size_t> call_of(graph.nodes.size(), SIZE_MAX);
  std::size_t found_linears = 0;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const ir::Node& node = graph.nodes[n];
    if (node.kind != ir::OpKind::kLinear) continue;
    const auto found = analog.find(ir::attr_string(node, "name"));
    if (found == analog.end()) continue;
    ++found_linears;
    const auto [call, is_new] =
        index.try_emplace({node.inputs[0], found->second, ir::digital_positions(node)}, members.size());
    if (is_new) members.emplace_back();
    members[call->second].push_back(n);
    call_of[n] = call->second;
  }
  if (found_linears != analog.size()) {
    throw Error(ErrorCode::kInvalidArgument, "grouping calls: expected " + std::to_string(analog.size()) +
                                                 " linear layers in graph '" + graph.name + "', found " +
                                                 std::to_string(found_linears));
  }

  GroupedGraph grouped;
  grouped.graph.name = graph.name;
  grouped.graph.meta = graph.meta;
  std::vector<ir::ValueId> new_id(graph.values.size(), 0);
  const auto copy = [&](ir::OpKind kind, const std::vector<ir::ValueId>& inputs,
                        std::map<std::string, ir::Attribute> attributes, const std::vector<ir::ValueId>& results) {
    std::vector<ir::ValueId> new_inputs;
    for (const ir::ValueId id : inputs) new_inputs.push_back(new_id[id]);
    std::vector<std::uint32_t> features;
    for (const ir::ValueId id : results) features.push_back(graph.values[id].features);
    const ir::ValueId first = grouped.graph.add(kind, std::move(new_inputs), std::move(attributes), "", features);
    for (std::size_t k = 0; k < results.size(); ++k) {
      new_id[results[k]] = first + static_cast<ir::ValueId>(k);
      grouped.graph.values[first + k].name = graph.values[results[k]].name;
    }
  };
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const ir::Node& node = graph.nodes[n];
    if (call_of[n] == SIZE_MAX) {
      copy(node.kind, node.inputs, node.attributes, node.results);
      continue;
    }
    const std::vector<std::size_t>& nodes = members[call_of[n]];
    if (nodes.front() != n) continue;
    Call call;
    std::vector<std::string> names;
    std::vector<ir::ValueId> results;
    for (const std::size_t member : nodes) {
      call.linears.push_back(describe(graph, graph.nodes[member]));
      names.push_back(call.linears.back().name);
      results.push_back(graph.nodes[member].results[0]);
    }
    call.name = call_name(names);
    std::map<std::string, ir::Attribute> attributes{{"call", static_cast<std::int64_t>(grouped.calls.size())}};
    if (const std::uint32_t positions = call.linears.front().digital_positions; positions != 0)
      attributes[ir::kDigitalPositions] = std::int64_t{positions};
    copy(ir::OpKind::kAimcCall, node.inputs, std::move(attributes), results);
    grouped.calls.push_back(std::move(call));
  }
  return grouped;
}

}  // namespace xw::passes
