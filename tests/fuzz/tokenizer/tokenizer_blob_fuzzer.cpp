// Fuzzes the reader of serialized tokenizers.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "host/tokenizer/readers.hpp"
#include "tests/fuzz/tokenizer/exercise.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    xw::tokenizer::exercise(xw::tokenizer::parse({reinterpret_cast<const std::byte*>(data), size}, "fuzz"));
  } catch (const xw::Error&) {
    // refused with a message
  }
  return 0;
}
