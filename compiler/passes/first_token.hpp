// Keeping the first tokens of a context off the chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "compiler/ir/graph.hpp"

namespace xw::passes {

/// Sets `digital_positions` of the linears named in `analog`, but not of the output layer "lm_head", to `positions`; 0 takes the
/// attribute away. In many models the first token of a context has activations a thousand times as large as all others
/// ("massive activations"); input ranges that hold it leave nothing for the rest. Throws Error{kInvalidArgument} if a
/// name is no linear of the graph or `positions` exceeds what ir::verify() allows.
void set_digital_positions(ir::Graph& graph, std::span<const std::string> analog, std::uint32_t positions);

}  // namespace xw::passes
