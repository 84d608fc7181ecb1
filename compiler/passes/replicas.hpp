// Several copies of a layer on the chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "compiler/ir/graph.hpp"

namespace xw::passes {

/// Layers that match `pattern` (a name, a pattern as in select_analog.hpp, or "all") have `count` copies.
struct ReplicaRule {
  std::string pattern;
  std::uint32_t count = 1;
  friend bool operator==(const ReplicaRule&, const ReplicaRule&) = default;
};
/// Whether a rule is about the layer or call of that name.
[[nodiscard]] bool applies(const ReplicaRule& rule, const std::string& name);
/// "*.down_proj=2,*.up_proj=3" or "all=2". Throws Error{kInvalidArgument} for another form or a count that is not 1 to ir::kMaxReplicas.
[[nodiscard]] std::vector<ReplicaRule> parse_replica_rules(const std::string& text);

/// Sets the attribute `replicas` of the linears named in `analog`: of several rules that match one the last counts. Linears
/// that no rule matches keep theirs. Throws Error{kInvalidArgument} for a rule that matches none, naming it.
void set_replicas(ir::Graph& graph, std::span<const std::string> analog, std::span<const ReplicaRule> rules);

}  // namespace xw::passes
