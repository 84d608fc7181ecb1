// What plans are expected to lose, from a report of `crossweave sensitivity`.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "host/toolchain/plan/candidate.hpp"

namespace xw::toolchain {

/// Loss of every layer that is analog in `layers`, by name: of its call where the report has calls, else of its kind, else of its
/// transformer layer, shared out by multiply-adds. Layers that the report does not know lose nothing.
struct LayerLoss {
  double alone = 0, noise = 0;
};
[[nodiscard]] std::map<std::string, LayerLoss> layer_losses(const ModelLosses& losses, const PlannedLayers& layers);

/// Nats per token that are expected with the analog layers of `layers`: those of everything, less those of the layers that are
/// digital; noise divided by copies. To first order losses of layers add up.
[[nodiscard]] double expected_loss(const ModelLosses& losses, const std::map<std::string, LayerLoss>& by_layer,
                                   const PlannedLayers& layers);

}  // namespace xw::toolchain
