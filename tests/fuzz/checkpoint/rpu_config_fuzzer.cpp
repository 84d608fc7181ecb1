// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/analog_training.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    static_cast<void>(xw::checkpoint::parse_rpu_config({reinterpret_cast<const char*>(data), size}, "rpu_config.json"));
  } catch (const xw::Error&) {
  }
  return 0;
}
