// Fuzzes the reader of tokenizer.json.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "host/tokenizer/readers.hpp"
#include "tests/fuzz/tokenizer/exercise.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    xw::tokenizer::exercise(
        xw::tokenizer::read_tokenizer_json({reinterpret_cast<const char*>(data), size}, "", "fuzz"));
  } catch (const xw::Error&) {
    // refused with a message
  }
  return 0;
}
