// Distribution of a call's work over the engines. Private to compiler/codegen.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/codegen/layout.hpp"

namespace xw::codegen {

/// The smallest work that can be moved: one group of columns of one block.
struct Unit {
  std::uint32_t panel = 0;
  std::uint32_t group = 0;     ///< in the panel
  std::uint32_t row = 0;       ///< index in the panel's row set
  std::uint32_t group_id = 0;  ///< counts the groups of the call
  std::uint64_t cost = 0;      ///< cycles per vector
};

/// Cycles of an image beside its cells: fetch, header, pipeline.
inline constexpr std::uint64_t kImageOverheadCycles = 12;

/// Engine e computes the units [cuts[e], cuts[e + 1]).
struct Partition {
  std::vector<Unit> units;        ///< by panel, group, row
  std::vector<std::size_t> cuts;  ///< num_engines + 1
  std::uint64_t max_cost = 0;     ///< of the engine with most work
};

/// All units of a call in order.
[[nodiscard]] std::vector<Unit> make_units(const Layout& layout, const arch::EmulatorDescription& emulator);

/// Cuts the units into runs of nearly equal cost. With `split_groups`, a group's rows may be divided between engines, whose
/// YBUF banks are then summed by STORE_Y; otherwise an engine has all rows of its groups. Deterministic.
[[nodiscard]] Partition make_partition(std::vector<Unit> units, std::uint32_t num_engines, bool split_groups);

}  // namespace xw::codegen
