// The MVMs of a call as independent tasks between the points where their order matters.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compiler/program/instruction.hpp"
#include "models/analog/numerics.hpp"

namespace xw::functional {

/// One MVM, or the part of it that one task computes.
struct MvmStep {
  analog::BlockView block;
  std::uint32_t engine = 0, xbuf_offset = 0, ybuf_offset = 0;
  bool accumulate = false;
};

/// Loads in order, then all tasks in any order, then stores in order, has the effect of the instructions in program
/// order.
struct Group {
  std::vector<program::Instruction> loads;   ///< LOAD_X
  std::vector<std::vector<MvmStep>> tasks;   ///< each a list that one thread executes in order
  std::vector<program::Instruction> stores;  ///< STORE_Y
  std::uint64_t macs = 0;                    ///< of one vector
};

/// Groups instructions: a group ends where a LOAD_X would overwrite XBUF bytes that a MVM of the group reads, or a MVM
/// YBUF words that a STORE_Y of the group reads. Tasks are engines (own YBUF banks), split into column ranges where
/// there would be fewer tasks than threads. `blocks` are by instruction, as in LinkedCall.
[[nodiscard]] std::vector<Group> make_schedule(std::span<const program::Instruction> instructions,
                                               std::span<const std::uint32_t> block_source,
                                               std::span<const analog::BlockView> blocks, std::uint32_t num_engines,
                                               unsigned num_threads);

/// Columns [begin, end) of a block, `begin` a multiple of its lanes.
[[nodiscard]] analog::BlockView column_range(const analog::BlockView& block, std::uint32_t begin, std::uint32_t end);

}  // namespace xw::functional
