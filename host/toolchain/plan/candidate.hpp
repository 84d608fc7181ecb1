// One way to put a model on chips, laid out and counted.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "arch/description/description.hpp"
#include "compiler/ir/graph.hpp"
#include "compiler/mapping/plan.hpp"
#include "compiler/passes/group_calls.hpp"
#include "compiler/pipeline/compile.hpp"
#include "compiler/program/program.hpp"
#include "host/estimate/static_estimate.hpp"
#include "host/toolchain/plan/plan.hpp"

namespace xw::toolchain {

/// The layers of a plan: which are analog, grouped into calls, with their copies.
struct PlannedLayers {
  passes::GroupedGraph grouped;
  std::vector<mapping::MatrixShape> shapes;
  program::Manifest manifest;  ///< calls and matrices only
  std::uint64_t digital_macs = 0;
};

/// `digital`: names of further layers that are digital. Copies of the options, at most `most_copies` of a layer. `calibration`: of a model that is
/// about to be compiled, whose ranges say which layers share a call and where inputs may be cut; null: all that share inputs are one call.
[[nodiscard]] PlannedLayers plan_layers(const ir::Graph& graph, const PlanOptions& options,
                                        const std::vector<std::string>& digital, std::uint32_t most_copies,
                                        const compiler::Calibration* calibration = nullptr);

/// The tiles of a description as the mapper wants them; max_tiles is the chip's number.
[[nodiscard]] mapping::TileShape tile_shape(const arch::ChipDescription& chip,
                                            const arch::EmulatorDescription& emulator, mapping::RowCuts row_cuts);

/// Blocks that the matrices have at least; more than kMostBlocks are not laid out.
[[nodiscard]] std::uint64_t blocks_at_least(const std::vector<mapping::MatrixShape>& shapes,
                                            const mapping::TileShape& tile);
inline constexpr std::uint64_t kMostBlocks = 1'000'000;

/// What the steps of a token are for this placement.
[[nodiscard]] systemc::ChipPlan chip_plan_of(const PlannedLayers& layers, const mapping::Plan& placed);

/// Writes what placement and estimate say into the plan: tiles, chips, times, energies, what bounds it, programming, bounds.
void fill_costs(DeploymentPlan& plan, const PlannedLayers& layers, const mapping::Plan& placed,
                const arch::ChipDescription& chip, const PlanOptions& options);

/// Lower bounds on tiles, time and energy of a token for these layers on the chips of `steps`, wherever the blocks lie.
[[nodiscard]] PlanBounds bounds_of(const PlannedLayers& layers, const systemc::ChipPlan& steps,
                                   const mapping::Plan& placed, const arch::ChipDescription& chip,
                                   std::uint32_t context);

/// Rows that are written into the tiles of a chip.
class WrittenRows {
 public:
  void add(const mapping::PlacedBlock& block, std::uint32_t tile);
  /// Rows of a tile are written one after the other, as many tiles at the same time as [chip.programming] says.
  [[nodiscard]] double ns(const arch::ChipDescription& chip) const;

 private:
  std::map<std::uint32_t, std::uint32_t> rows_;  ///< by tile, from row 0 to the last one
};

/// Time and energy of writing every cell of the placement once, all chips at the same time.
struct WriteCost {
  double ns = 0, pj = 0;
};
[[nodiscard]] WriteCost programming_cost(const mapping::Plan& placed, const arch::ChipDescription& chip);

}  // namespace xw::toolchain
