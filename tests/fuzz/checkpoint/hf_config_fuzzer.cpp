// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <string_view>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/model_config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    xw::checkpoint::ModelConfig config = xw::checkpoint::parse_hf_config(text, "config.json");
    xw::checkpoint::add_generation_config(config, text, "generation_config.json");
  } catch (const xw::Error&) {
  }
  return 0;
}
