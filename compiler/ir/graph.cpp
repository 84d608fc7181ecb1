// Building graphs and reading attributes.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/ir/graph.hpp"

#include <utility>

#include "arch/support/error.hpp"
#include "compiler/ir/operations.hpp"

namespace xw::ir {
namespace {

const Attribute& attribute_of(const Node& node, const std::string& key, AttributeType type) {
  const auto found = node.attributes.find(key);
  const auto complain = [&](std::string_view what) {
    return Error(ErrorCode::kFormat, std::string(name(node.kind)) + ": attribute '" + key + "': expected " +
                                         std::string(name(type)) + ", found " + std::string(what));
  };
  if (found == node.attributes.end()) throw complain("none");
  if (!has_type(found->second, type)) throw complain(type_name(found->second));
  return found->second;
}

}  // namespace

ValueId Graph::add(OpKind kind, std::vector<ValueId> inputs, std::map<std::string, Attribute> attributes,
                   const std::string& result_name, const std::vector<std::uint32_t>& result_features) {
  const auto first = static_cast<ValueId>(values.size());
  Node node{kind, std::move(inputs), {}, std::move(attributes)};
  for (std::size_t k = 0; k < result_features.size(); ++k) {
    node.results.push_back(static_cast<ValueId>(values.size()));
    values.push_back(
        {result_features.size() == 1 ? result_name : result_name + "." + std::to_string(k), result_features[k]});
  }
  nodes.push_back(std::move(node));
  return result_features.empty() ? 0 : first;
}

std::int64_t attr_int(const Node& node, const std::string& key) {
  return std::get<std::int64_t>(attribute_of(node, key, AttributeType::kInt));
}

double attr_float(const Node& node, const std::string& key) {
  const Attribute& attribute = attribute_of(node, key, AttributeType::kFloat);
  if (const auto* integer = std::get_if<std::int64_t>(&attribute)) return static_cast<double>(*integer);
  return std::get<double>(attribute);
}

const std::string& attr_string(const Node& node, const std::string& key) {
  return std::get<std::string>(attribute_of(node, key, AttributeType::kString));
}

const TensorRef& attr_tensor(const Node& node, const std::string& key) {
  return std::get<TensorRef>(attribute_of(node, key, AttributeType::kTensor));
}

bool has_attr(const Node& node, const std::string& key) {
  return node.attributes.contains(key);
}

std::uint32_t replicas(const Node& node) {
  return has_attr(node, kReplicas) ? static_cast<std::uint32_t>(attr_int(node, kReplicas)) : 1;
}

std::uint32_t digital_positions(const Node& node) {
  return has_attr(node, kDigitalPositions) ? static_cast<std::uint32_t>(attr_int(node, kDigitalPositions)) : 0;
}

}  // namespace xw::ir
