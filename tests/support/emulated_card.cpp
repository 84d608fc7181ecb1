// An emulated Alveo card for the whole test program.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/support/emulated_card.hpp"

#include <cstdlib>

#include "host/backends/xrt/emulation/session.hpp"

namespace {
bool used = false;
}  // namespace

// The search for leaks crashes in XRT's driver, which has threads and libraries of its own by then.
extern "C" int __lsan_is_turned_off();
extern "C" int __lsan_is_turned_off() {
  return used ? 1 : 0;
}

namespace xw::test {
namespace {

[[nodiscard]] const xrt_emulation::Session& session() {
  // XRT's driver closes its cards before this object ends: it is loaded later.
  static const xrt_emulation::Session made(XW_XRT_CARD);
  static const bool set = [] {
    for (const auto& [name, value] : made.environment()) ::setenv(name.c_str(), value.c_str(), 1);
    return true;
  }();
  used = set;
  return made;
}

}  // namespace

void remove_emulated_cards() {
  std::filesystem::remove_all(session().folder());
}

std::filesystem::path emulated_xclbin(const xrt_emulation::CardDescription& card) {
  static int number = 0;
  return session().write_xclbin("card" + std::to_string(number++) + ".xclbin", card);
}

std::filesystem::path emulated_xclbin(const std::string& kind, const arch::EmulatorDescription& emulator) {
  xrt_emulation::CardDescription card;
  card.kind = kind;
  card.emulator = emulator;
  return emulated_xclbin(card);
}

}  // namespace xw::test
