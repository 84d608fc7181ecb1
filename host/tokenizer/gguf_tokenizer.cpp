// Tokenizers in GGUF metadata.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "arch/support/error.hpp"
#include "arch/support/warning.hpp"
#include "compiler/checkpoint/gguf_file.hpp"
#include "host/tokenizer/check.hpp"
#include "host/tokenizer/pre_tokenizers.hpp"
#include "host/tokenizer/readers.hpp"

namespace xw::tokenizer {
namespace {

/// A special token; one that the vocabulary does not have is as good as none, with a warning.
TokenId read_id(const checkpoint::GgufFile& file, const std::string& key, TokenId absent, const TokenizerData& data,
                const std::string& origin) {
  const std::optional<std::int64_t> id = file.find_int(key);
  if (!id) return absent;
  if (*id < -1 || *id >= static_cast<std::int64_t>(data.tokens.size())) {
    warn(origin + ": " + key + " is " + std::to_string(*id) + ", outside the vocabulary of " +
         std::to_string(data.tokens.size()) + " tokens; the token is ignored");
    return -1;
  }
  return static_cast<TokenId>(*id);
}

std::vector<TokenType> read_types(const checkpoint::GgufFile& file, std::size_t num_tokens, const std::string& origin) {
  const auto numbers = file.find_ints("tokenizer.ggml.token_type");
  if (!numbers) return std::vector<TokenType>(num_tokens, TokenType::kNormal);
  std::vector<TokenType> types;
  types.reserve(numbers->size());
  for (std::size_t i = 0; i < numbers->size(); ++i) {
    const std::int64_t number = (*numbers)[i];
    if (number < 1 || number > 6) {
      throw Error(ErrorCode::kFormat, origin + ": tokenizer.ggml.token_type of token " + std::to_string(i) + " is " +
                                          std::to_string(number) + ", expected 1 to 6");
    }
    types.push_back(static_cast<TokenType>(number - 1));
  }
  return types;
}

void read_byte_level(const checkpoint::GgufFile& file, TokenizerData& data, const std::string& origin) {
  const std::string* name = file.find_string("tokenizer.ggml.pre");
  const std::optional<PreTokenizer> pre = find_pre_tokenizer(name != nullptr ? *name : "default");
  if (!pre) {
    throw Error(ErrorCode::kUnsupported, origin + ": tokenizer.ggml.pre is \"" + name->substr(0, 80) +
                                             "\"; supported are " + pre_tokenizer_names());
  }
  data.algorithm = Algorithm::kByteLevelBpe;
  data.pre_tokenizer = pre->name;
  data.split_regexes = pre->split_regexes;
  data.ignore_merges = pre->ignore_merges;
  const std::vector<std::string>* merges = file.find_strings("tokenizer.ggml.merges");
  if (merges == nullptr) throw Error(ErrorCode::kFormat, origin + ": tokenizer.ggml.merges is missing");
  data.merges = *merges;
  data.bos = read_id(file, "tokenizer.ggml.bos_token_id", -1, data, origin);
  data.eos = read_id(file, "tokenizer.ggml.eos_token_id", -1, data, origin);
  data.unknown = read_id(file, "tokenizer.ggml.unknown_token_id", -1, data, origin);
  data.add_bos = file.find_bool("tokenizer.ggml.add_bos_token").value_or(pre->add_bos && data.bos >= 0);
  // add_space_prefix has no meaning for byte-level vocabularies, though files carry it.
}

void read_sentencepiece(const checkpoint::GgufFile& file, TokenizerData& data, const std::string& origin) {
  data.algorithm = Algorithm::kSentencePieceBpe;
  const auto scores = file.find_floats("tokenizer.ggml.scores");
  if (!scores) throw Error(ErrorCode::kFormat, origin + ": tokenizer.ggml.scores is missing");
  data.scores.reserve(scores->size());
  for (const double score : *scores) data.scores.push_back(static_cast<float>(score));
  data.bos = read_id(file, "tokenizer.ggml.bos_token_id", 1, data, origin);
  data.eos = read_id(file, "tokenizer.ggml.eos_token_id", 2, data, origin);
  data.unknown = read_id(file, "tokenizer.ggml.unknown_token_id", 0, data, origin);
  data.add_bos = file.find_bool("tokenizer.ggml.add_bos_token").value_or(true);
  data.add_space_prefix = file.find_bool("tokenizer.ggml.add_space_prefix").value_or(true);
  data.remove_extra_spaces = file.find_bool("tokenizer.ggml.remove_extra_whitespaces").value_or(false);
}

}  // namespace

TokenizerData read_gguf(const checkpoint::GgufFile& file, const std::string& origin) {
  const std::string* model = file.find_string("tokenizer.ggml.model");
  const std::vector<std::string>* tokens = file.find_strings("tokenizer.ggml.tokens");
  if (model == nullptr) throw Error(ErrorCode::kFormat, origin + ": no tokenizer: tokenizer.ggml.model is missing");
  if (tokens == nullptr) throw Error(ErrorCode::kFormat, origin + ": tokenizer.ggml.tokens is missing");
  TokenizerData data;
  data.tokens = *tokens;
  data.types = read_types(file, tokens->size(), origin);
  if (*model == "gpt2") {
    read_byte_level(file, data, origin);
  } else if (*model == "llama") {
    read_sentencepiece(file, data, origin);
  } else {
    throw Error(ErrorCode::kUnsupported,
                origin + ": tokenizer.ggml.model is \"" + model->substr(0, 80) +
                    "\"; supported are \"gpt2\" (byte-level BPE) and \"llama\" (SentencePiece BPE)");
  }
  data.pad = read_id(file, "tokenizer.ggml.padding_token_id", -1, data, origin);
  data.add_eos = file.find_bool("tokenizer.ggml.add_eos_token").value_or(false);
  if (const std::string* chat = file.find_string("tokenizer.chat_template")) data.chat_template = *chat;
  find_end_of_generation(data);
  for (const char* key : {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}) {
    const TokenId id = read_id(file, key, -1, data, origin);
    if (id >= 0 && std::ranges::find(data.end_of_generation, id) == data.end_of_generation.end()) {
      data.end_of_generation.push_back(id);
    }
  }
  check(data, origin);
  return data;
}

}  // namespace xw::tokenizer
