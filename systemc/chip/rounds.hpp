// What is written into tiles that are written anew. Plain data, no SystemC.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "compiler/program/program.hpp"
#include "systemc/chip/chip_plan.hpp"

namespace xw::systemc {

/// The rounds of a program that take turns in the last area of its chip, in their order; none where nothing is written anew. Of a
/// tile all rows up to the last one that is used are written, and all cells of its blocks.
[[nodiscard]] std::vector<RoundWork> rounds_of(const program::Manifest& manifest,
                                               std::span<const program::BlockRecord> blocks);

}  // namespace xw::systemc
