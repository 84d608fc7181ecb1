// The named pre-tokenizers of byte-level BPE vocabularies.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace xw::tokenizer {

/// What a name (as in GGUF `tokenizer.ggml.pre`) stands for.
struct PreTokenizer {
  std::string name;  ///< canonical: "gpt-2", "llama-bpe", "smollm", ...
  std::vector<std::string> split_regexes;
  bool ignore_merges = false;  ///< what the vocabularies of this family need
  bool add_bos = false;        ///< default of the family if the file does not say
};

/// Looks a name or an alias of it up.
[[nodiscard]] std::optional<PreTokenizer> find_pre_tokenizer(std::string_view name);
/// The name of a list of regexes, or "custom".
[[nodiscard]] std::string name_of_regexes(std::span<const std::string> split_regexes);
/// All names, comma-separated, for messages.
[[nodiscard]] std::string pre_tokenizer_names();
/// The regex that the ByteLevel pre-tokenizer brings along.
[[nodiscard]] std::string_view gpt2_regex();

}  // namespace xw::tokenizer
