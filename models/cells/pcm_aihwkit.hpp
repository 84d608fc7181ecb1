// The draws of the cell model "pcm-aihwkit": phase-change pairs with programming noise, drift and frozen read noise.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace xw::cells {

/// Numbers of the draws of one cell: each device of the pair has one of every kind. docs/numerics.md#pcm-aihwkit.
enum class PcmDraw : std::uint32_t {
  kProgrammingPlus = 0,
  kProgrammingMinus = 1,
  kDriftPlus = 2,
  kDriftMinus = 3,
  kReadPlus = 4,
  kReadMinus = 5,
};

}  // namespace xw::cells
