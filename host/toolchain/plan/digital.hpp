// Which layers become digital first.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "host/toolchain/plan/candidate.hpp"
#include "host/toolchain/plan/losses.hpp"

namespace xw::toolchain {

/// All analog layers, best first: by tiles saved per digital multiply-add, and, where losses are known, by the loss avoided per
/// multiply-add as well; both relative to the mean of all layers. Tiles saved are those of the layer's kind, measured by packing the
/// kind alone. Equal ones from the last layer backward.
[[nodiscard]] std::vector<std::string> digital_order(const PlannedLayers& layers, const mapping::TileShape& tile,
                                                     const std::map<std::string, LayerLoss>& losses);

}  // namespace xw::toolchain
