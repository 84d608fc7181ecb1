// Any text is a chip, an emulator or an xw::Error; what is accepted can be read again.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "arch/description/description.hpp"
#include "arch/support/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const xw::arch::ChipDescription chip = xw::arch::parse_chip(text, "fuzz");
    if (chip.rows == 0 || chip.cols == 0 || chip.cols % chip.adcs_per_tile != 0 || chip.text != text) std::abort();
  } catch (const xw::Error&) {
  }
  try {
    const xw::arch::EmulatorDescription emulator = xw::arch::parse_emulator(text, "fuzz");
    if (!(xw::arch::parse_emulator(emulator.text, "again") == emulator)) std::abort();
  } catch (const xw::Error&) {
  }
  return 0;
}
