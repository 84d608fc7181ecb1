// Several copies of a layer on the chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/passes/replicas.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "arch/support/error.hpp"
#include "compiler/passes/select_analog.hpp"

namespace xw::passes {
namespace {

constexpr const char* kAll = "all";

ReplicaRule parse_rule(const std::string& text) {
  const std::size_t equals = text.rfind('=');
  ReplicaRule rule;
  bool is_rule = equals != std::string::npos && equals != 0;
  if (is_rule) {
    rule.pattern = text.substr(0, equals);
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data() + equals + 1, end, rule.count);
    is_rule = result.ec == std::errc() && result.ptr == end && rule.count >= 1 && rule.count <= ir::kMaxReplicas;
  }
  if (!is_rule) {
    throw Error(ErrorCode::kInvalidArgument, "replicas: expected PATTERN=COUNT with a count from 1 to " +
                                                 std::to_string(ir::kMaxReplicas) + ", found '" + text + "'");
  }
  return rule;
}

}  // namespace

bool applies(const ReplicaRule& rule, const std::string& name) {
  return rule.pattern == kAll || matches_glob(rule.pattern, name);
}

std::vector<ReplicaRule> parse_replica_rules(const std::string& text) {
  std::vector<ReplicaRule> rules;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    rules.push_back(parse_rule(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return rules;
}

void set_replicas(ir::Graph& graph, std::span<const std::string> analog, std::span<const ReplicaRule> rules) {
  const std::set<std::string> names(analog.begin(), analog.end());
  for (const ReplicaRule& rule : rules) {
    bool matches = false;
    for (ir::Node& node : graph.nodes) {
      if (node.kind != ir::OpKind::kLinear) continue;
      const std::string& name = ir::attr_string(node, "name");
      if (!names.contains(name) || !applies(rule, name)) continue;
      matches = true;
      if (rule.count == 1) {
        node.attributes.erase(ir::kReplicas);
      } else {
        node.attributes[ir::kReplicas] = std::int64_t{rule.count};
      }
    }
    if (!matches) {
      throw Error(ErrorCode::kInvalidArgument, "replicas: expected a name or pattern of an analog layer, found '" +
                                                   rule.pattern + "', which matches none");
    }
  }
}

}  // namespace xw::passes
