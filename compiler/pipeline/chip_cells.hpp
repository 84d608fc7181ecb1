// The cells of a chip that is compiled for.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "arch/description/description.hpp"

namespace xw::compiler {

/// The chip with the numbers of its cells where it names a file with them, in its text, too: what is made of it needs that file no more.
/// Throws Error naming the chip for cells that nobody knows, and for a file that is missing or damaged.
[[nodiscard]] arch::ChipDescription with_known_cells(const arch::ChipDescription& chip);

}  // namespace xw::compiler
