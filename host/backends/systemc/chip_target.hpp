// The chip that a program runs on.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "arch/description/description.hpp"
#include "compiler/program/program.hpp"
#include "systemc/chip/chip_layout.hpp"

namespace xw::systemc {

struct ChipTarget {
  arch::ChipDescription description;
  ChipLayout layout;  ///< of the program; empty: every image is a block of its own
};

/// The blocks of a program where the mapping put them.
[[nodiscard]] ChipLayout chip_layout(const program::Program& program);

}  // namespace xw::systemc
