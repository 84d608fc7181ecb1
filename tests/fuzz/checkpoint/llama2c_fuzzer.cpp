// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <span>

#include "compiler/checkpoint/checkpoint_parts.hpp"
#include "tests/fuzz/checkpoint/exercise.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto checkpoint = xw::checkpoint::make_checkpoint(
        xw::checkpoint::llama2c_parts(std::as_bytes(std::span(data, size)), "input.bin"));
    xw::fuzz::exercise(*checkpoint);
  } catch (const xw::Error&) {
  }
  return 0;
}
