// Programs one row of cells of a built-in chip.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <iostream>
#include <vector>

#include "arch/description/description.hpp"
#include "models/cells/programming.hpp"

int main() {
  const xw::arch::ChipDescription chip = xw::arch::load_chip("afm-512");
  xw::cells::ProgrammingOptions options;
  options.g_unit = chip.g_unit;
  const auto model = xw::cells::make_programming_model(options);
  const std::vector<std::int8_t> targets = {127, -127, 0, 64};
  std::vector<std::int8_t> cells(targets.size());
  model->program_row(0, 0, 0, targets, 127, cells);
  std::cout << chip.g_unit << ':';
  for (const std::int8_t cell : cells) std::cout << ' ' << int{cell};
  std::cout << '\n';
  return 0;
}
