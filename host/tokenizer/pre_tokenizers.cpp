// The named pre-tokenizers of byte-level BPE vocabularies.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/pre_tokenizers.hpp"

#include <algorithm>

namespace xw::tokenizer {
namespace {

// The published patterns of the model families (tokenizer.json of each).
constexpr const char* kGpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr const char* kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kTekken = R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|)"
                                R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|)"
                                R"(\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kDeepseekV3 =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|)"
    R"(\s*[\r\n]+|\s+(?!\S)|\s+)";

struct Entry {
  PreTokenizer pre_tokenizer;
  std::vector<std::string_view> aliases;
};

std::vector<Entry> entries() {
  return {
      {{"default", {R"([\p{P}\$\+<=>\^~\|]+)", kGpt2, R"(\p{N}+)", "[0-9][0-9][0-9]"}, false, false}, {}},
      {{"gpt-2", {kGpt2}, false, false}, {"gpt2", "phi-2", "mpt", "olmo", "jais"}},
      {{"llama-bpe", {kLlama3}, true, true}, {"llama3", "llama-v3"}},
      {{"smollm", {R"(\p{N})", kGpt2}, false, false}, {"starcoder", "refact", "command-r", "codeshell"}},
      {{"qwen2", {kQwen2}, false, false}, {"stablelm2", "deepseek-r1-qwen"}},
      {{"tekken", {kTekken}, true, true}, {}},
      {{"deepseek-coder",
        {"[\\r\\n]", R"(\s?\p{L}+)", R"(\s?\p{P}+)", R"([\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+)",
         R"(\p{N})"},
        false,
        false},
       {}},
      {{"deepseek-v3",
        {R"(\p{N}{1,3})", R"([\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+)", kDeepseekV3},
        false,
        false},
       {}},
  };
}

}  // namespace

std::optional<PreTokenizer> find_pre_tokenizer(std::string_view name) {
  for (Entry& entry : entries()) {
    const bool is_alias = std::find(entry.aliases.begin(), entry.aliases.end(), name) != entry.aliases.end();
    if (entry.pre_tokenizer.name == name || is_alias) return entry.pre_tokenizer;
  }
  return std::nullopt;
}

std::string name_of_regexes(std::span<const std::string> split_regexes) {
  for (const Entry& entry : entries()) {
    if (std::ranges::equal(entry.pre_tokenizer.split_regexes, split_regexes)) return entry.pre_tokenizer.name;
  }
  return "custom";
}

std::string pre_tokenizer_names() {
  std::string names;
  for (const Entry& entry : entries()) {
    names += (names.empty() ? "" : ", ") + entry.pre_tokenizer.name;
    for (const std::string_view alias : entry.aliases) names += ", " + std::string(alias);
  }
  return names;
}

std::string_view gpt2_regex() {
  return kGpt2;
}

}  // namespace xw::tokenizer
