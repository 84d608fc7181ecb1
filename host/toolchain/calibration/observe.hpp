// Data for calibration: what flows into the analog layers while the fp32 model reads a text.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "compiler/checkpoint/checkpoint.hpp"
#include "host/toolchain/calibration/layers.hpp"

namespace xw {
class ThreadPool;
}

namespace xw::toolchain {

/// Fills the statistics and kept vectors of all groups from one pass over `contexts`, each a sequence of tokens of its own
/// (at most the model's context). Kept vectors are spread over all of them. Tokens at positions that do not run on the chip
/// (InputGroup::digital_positions) do not count. `all_logits`: the output layer is among the layers, so that it runs for every
/// token. Throws Error{kNotFinite} naming the first weight or the layer that is not finite, Error{kInvalidArgument} naming
/// a layer for which no token is left.
void observe(CalibrationLayers& layers, const std::shared_ptr<const checkpoint::Checkpoint>& checkpoint,
             const ir::Graph& graph, std::span<const std::vector<std::int32_t>> contexts, bool all_logits,
             ThreadPool& pool);

}  // namespace xw::toolchain
