// Any text is the description of an emulated card, which is written and read as the same, or an xw::Error.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "arch/support/error.hpp"
#include "host/backends/xrt/emulation/card.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace xw::xrt_emulation;
  CardDescription card;
  try {
    card = parse_card({reinterpret_cast<const char*>(data), size}, "fuzz");
  } catch (const xw::Error&) {
    return 0;
  }
  const CardDescription again = parse_card(to_text(card), "fuzz");
  if (again.kind != card.kind || again.options != card.options || again.threads != card.threads ||
      again.hang_after != card.hang_after || again.contract != card.contract || again.emulator != card.emulator) {
    std::abort();
  }
  return 0;
}
