// Which block goes to which of the equal places of a packing.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compiler/mapping/cuts.hpp"
#include "compiler/mapping/packing.hpp"

namespace xw::mapping {

/// Puts items into the slots of their kind (`items_of_kind[k]` has as many items as the packing has slots of kind k)
/// and writes tile, row0 and col0 of their blocks; tiles are numbered from `first_tile`. Items of equal size are
/// interchangeable: they are chosen so that few tiles hold several blocks of one group.
void assign_places(const Packing& packing, const std::vector<std::vector<std::uint32_t>>& items_of_kind,
                   std::span<const MatrixShape> matrices, std::uint32_t first_tile, Cutting& cutting);

}  // namespace xw::mapping
