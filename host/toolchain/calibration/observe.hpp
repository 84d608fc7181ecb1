// Data for calibration: what flows into the analog layers while the fp32 model reads a text.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "compiler/checkpoint/checkpoint.hpp"
#include "host/toolchain/calibration/layers.hpp"

namespace xw {
class ThreadPool;
}

namespace xw::toolchain {

/// Fills the statistics and kept vectors of all groups from one pass over `tokens` (at most the context). `all_logits`:
/// the output layer is among the layers, so that it runs for every token. Throws Error{kNotFinite} naming the first
/// weight or the layer that is not finite.
void observe(CalibrationLayers& layers, const std::shared_ptr<const checkpoint::Checkpoint>& checkpoint,
             const ir::Graph& graph, std::span<const std::int32_t> tokens, bool all_logits, ThreadPool& pool);

}  // namespace xw::toolchain
