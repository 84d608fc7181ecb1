// What calibration knows of a model before data flows: its analog layers and the slices of their inputs.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "arch/description/description.hpp"
#include "compiler/ir/graph.hpp"
#include "compiler/passes/calibration.hpp"
#include "compiler/passes/group_calls.hpp"
#include "compiler/pipeline/compile.hpp"

namespace xw::toolchain {

/// Inputs [begin, end) that share an input range: the rows of one block.
struct InputSlice {
  std::uint32_t begin = 0, end = 0;
  float beta = 0;  ///< their range; 0: not chosen yet
  passes::RangeStatistics statistics;
  std::vector<float> full_scales = {};  ///< weight at full scale of every output; empty: the largest of each
};

/// Layers that share their input ranges, and what flowed into them.
struct InputGroup {
  std::string reader;  ///< the layer whose inputs are observed
  std::uint32_t in_features = 0;
  std::uint32_t digital_positions = 0;  ///< tokens at positions below it flow into none of the layers on the chip
  std::vector<InputSlice> slices;       ///< partition of the inputs
  std::vector<float> kept;              ///< some of the vectors, [][in_features]
};

struct AnalogLayer {
  passes::AnalogLinear linear;
  std::size_t group = 0;  ///< index into CalibrationLayers::groups
};

/// All analog layers, in graph order.
struct CalibrationLayers {
  std::vector<AnalogLayer> layers;
  std::vector<InputGroup> groups;
};

/// Layers that read the same value are one group, cut into slices where the mapping cuts any of them.
[[nodiscard]] CalibrationLayers cut_layers(const ir::Graph& graph, const std::vector<std::string>& names,
                                           const arch::ChipDescription& chip,
                                           mapping::RowCuts rule = mapping::RowCuts::kFewestTiles);
/// Every layer is a group of its own with the slices, ranges and full scales of `known`, which has all of them.
[[nodiscard]] CalibrationLayers layers_with_ranges(const ir::Graph& graph, const std::vector<std::string>& names,
                                                   const compiler::Calibration& known);

}  // namespace xw::toolchain
