// The links between chips: which of them a packet takes. Plain data, no SystemC.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "arch/description/description.hpp"

namespace xw::systemc {

/// Links of `num_chips` chips, one per direction: 2 (n - 1) of a chain, 2 n of a star, 4 n of a mesh (those at its border lead
/// nowhere and are never taken).
[[nodiscard]] std::uint32_t num_chip_links(const arch::ChipLinks& links, std::uint32_t num_chips);

/// The links from one chip to another, in order; empty if they are the same. In a star: up to the switch and down. In a mesh: along
/// the row first, but in a last row that is not full along the column first.
[[nodiscard]] std::vector<std::uint32_t> chip_path(const arch::ChipLinks& links, std::uint32_t num_chips,
                                                   std::uint32_t from, std::uint32_t to);

}  // namespace xw::systemc
