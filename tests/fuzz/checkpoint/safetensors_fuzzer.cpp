// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <span>

#include "compiler/checkpoint/checkpoint_parts.hpp"
#include "compiler/checkpoint/model_config.hpp"
#include "compiler/checkpoint/safetensors.hpp"
#include "tests/fuzz/checkpoint/exercise.hpp"

// The file is opened with a fixed configuration, chosen by its length; then its bytes are tried as an index.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::string_view kConfig = R"(", "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 20, "max_position_embeddings": 32,
    "tie_word_embeddings": true})";
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  const std::string family = size % 2 == 0 ? "llama" : "phi3";
  try {
    const auto config =
        xw::checkpoint::parse_hf_config(R"({"model_type": ")" + family + std::string(kConfig), "config.json");
    const auto checkpoint = xw::checkpoint::make_checkpoint(
        xw::checkpoint::safetensors_parts(config, xw::checkpoint::parse_safetensors(bytes, "input"), "input"));
    xw::fuzz::exercise(*checkpoint);
  } catch (const xw::Error&) {
  }
  try {
    static_cast<void>(
        xw::checkpoint::parse_safetensors_index({reinterpret_cast<const char*>(data), size}, "input.index.json"));
  } catch (const xw::Error&) {
  }
  return 0;
}
