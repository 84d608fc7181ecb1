// The readers behind read_tokenizer, one per format. All throw Error{kFormat | kUnsupported} naming `origin`.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "host/tokenizer/tokenizer.hpp"

namespace xw::checkpoint {
class GgufFile;
}

namespace xw::tokenizer {

/// From GGUF metadata (tokenizer.ggml.*, tokenizer.chat_template).
[[nodiscard]] TokenizerData read_gguf(const checkpoint::GgufFile& file, const std::string& origin);
/// From a Hugging Face tokenizer.json and, if not empty, the tokenizer_config.json that stands beside it.
[[nodiscard]] TokenizerData read_tokenizer_json(std::string_view tokenizer_json, std::string_view tokenizer_config,
                                                const std::string& origin);
/// From a SentencePiece .model of type BPE.
[[nodiscard]] TokenizerData read_sentencepiece_model(std::span<const std::byte> bytes, const std::string& origin);
/// From a llama2.c tokenizer.bin: token 0 is unknown, 1 begins and 2 ends a text.
[[nodiscard]] TokenizerData read_llama2c(std::span<const std::byte> bytes, const std::string& origin);

}  // namespace xw::tokenizer
