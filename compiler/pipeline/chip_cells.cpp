// The cells of a chip that is compiled for.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/pipeline/chip_cells.hpp"

#include "arch/support/error.hpp"
#include "models/cells/cell_model.hpp"

namespace xw::compiler {

arch::ChipDescription with_known_cells(const arch::ChipDescription& chip) {
  try {
    const cells::NoiseChoice choice = cells::parse_noise(chip.noise, chip.folder);
    return cells::noise_file(chip.noise).empty() ? chip : arch::with_noise(chip, choice.text());
  } catch (const Error& error) {
    throw Error(error.code(), "chip " + chip.name + ": noise: " + error.what());
  }
}

}  // namespace xw::compiler
