// From a program to the steps that the chip does for a token: what the simulation and the static estimate both work from.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "compiler/ir/graph.hpp"
#include "compiler/program/program.hpp"
#include "systemc/chip/chip_plan.hpp"

namespace xw::estimate {

/// What the chip does for a token of the program's model: the blocks of every call where the mapping put them (in tiles of the
/// chip, with what is written into those that are written anew), and the digital nodes of the graph with the work that node_cost() counts.
[[nodiscard]] systemc::ChipPlan make_chip_plan(const program::Program& program, const ir::Graph& graph);
[[nodiscard]] systemc::ChipPlan make_chip_plan(const program::Manifest& manifest,
                                               std::span<const program::BlockRecord> blocks, const ir::Graph& graph);

}  // namespace xw::estimate
