// Digital low-rank adapters beside linear layers: y = W x + b + B (A x).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "compiler/ir/graph.hpp"

namespace xw::passes {

[[nodiscard]] std::string lora_a_tensor(const std::string& linear);  ///< A [rank][in]
[[nodiscard]] std::string lora_b_tensor(const std::string& linear);  ///< B [out][rank]

/// The graph with an adapter of the given rank beside every linear that is named: two digital linears, which read the tensors above,
/// and an addition. The linear itself stays where it was. Throws Error{kInvalidArgument} for names that the graph does not have, a
/// rank of 0, and the linear that makes the logits.
[[nodiscard]] ir::Graph add_low_rank(const ir::Graph& graph, const std::map<std::string, std::uint32_t>& ranks);

}  // namespace xw::passes
