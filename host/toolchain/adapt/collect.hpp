// Data for adaptation: moments of what flows into the chip's layers while the fp32 model reads a text.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compiler/passes/input_statistics.hpp"
#include "compiler/passes/sites.hpp"
#include "host/toolchain/checkpoint.hpp"

namespace xw {
class ThreadPool;
}

namespace xw::toolchain {

/// What flowed into a site.
struct SiteData {
  passes::InputStatistics chip;  ///< of the positions that the chip computes
  passes::Matrix beside;         ///< vectors of the positions that it does not, [n][features]
};

/// Reads the contexts. Positions that the graph keeps from the chip (`digital_positions`) are apart.
/// Throws Error{kNotFinite} naming the layer.
[[nodiscard]] std::vector<SiteData> collect(const OpenedCheckpoint& opened, std::span<const passes::Site> sites,
                                            std::span<const std::vector<std::int32_t>> contexts, ThreadPool& pool);

/// Bytes that collecting takes for a site.
[[nodiscard]] std::uint64_t data_bytes(const passes::Site& site, std::uint32_t context);

}  // namespace xw::toolchain
