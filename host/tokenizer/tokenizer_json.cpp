// Hugging Face tokenizer.json: the model (vocabulary and merges) and added tokens.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "arch/support/error.hpp"
#include "host/tokenizer/check.hpp"
#include "host/tokenizer/readers.hpp"
#include "host/tokenizer/tokenizer_json_parts.hpp"

namespace xw::tokenizer {
namespace {

std::string in_quotes(const std::string& text) {
  return "\"" + text.substr(0, 80) + "\"";
}

/// Ids that no token needs to have beside those that are named: vocabularies have holes.
constexpr std::size_t kMaxHoles = std::size_t{1} << 16;

/// Collects tokens by id; ids may come in any order. Ids without a token become unused ones.
class Vocabulary {
 public:
  Vocabulary(std::size_t max_tokens, const std::string& origin) : max_tokens_(max_tokens), origin_(origin) {}

  void add(const std::string& text, const Json& id, TokenType type) {
    if (!id.is_number_integer() || id.get<std::int64_t>() < 0 ||
        id.get<std::int64_t>() >= static_cast<std::int64_t>(kMaxTokens)) {
      fail("token " + in_quotes(text) + " has the id " + id.dump().substr(0, 40) + ", expected 0 to " +
           std::to_string(kMaxTokens - 1));
    }
    const auto index = id.get<std::size_t>();
    if (index >= max_tokens_ + kMaxHoles) {
      fail("token " + in_quotes(text) + " has the id " + std::to_string(index) + ", but there are only " +
           std::to_string(max_tokens_) + " tokens; at most " + std::to_string(kMaxHoles) + " ids may be without one");
    }
    if (index >= tokens.size()) {
      tokens.resize(index + 1);
      types.resize(index + 1, TokenType::kUnused);
      filled_.resize(index + 1);
    }
    if (filled_[index] && tokens[index] != text) {
      fail("id " + std::to_string(index) + " belongs to two tokens, " + in_quotes(tokens[index]) + " and " +
           in_quotes(text));
    }
    const auto [it, inserted] = ids.emplace(text, static_cast<TokenId>(index));
    if (!inserted && it->second != static_cast<TokenId>(index)) {
      fail("duplicate token " + in_quotes(text) + " with ids " + std::to_string(it->second) + " and " +
           std::to_string(index));
    }
    tokens[index] = text;
    types[index] = type;
    filled_[index] = true;
  }

  std::vector<std::string> tokens;
  std::vector<TokenType> types;
  TokenIdsByText ids;

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(ErrorCode::kFormat, origin_ + ": " + what); }

  std::size_t max_tokens_;
  const std::string& origin_;
  std::vector<bool> filled_;
};

void read_added_tokens(const Json& added, Vocabulary& vocabulary, TokenizerData& data, const std::string& origin) {
  for (const Json& token : added) {
    const std::string text = string_member(token, "content", origin + ": added_tokens");
    const std::string place = origin + ": added token " + in_quotes(text);
    if (bool_member(token, "single_word", false, place)) {
      throw Error(ErrorCode::kUnsupported, place + ": single_word is not supported");
    }
    const bool special = bool_member(token, "special", false, place);
    vocabulary.add(text, member(token, "id"), special ? TokenType::kControl : TokenType::kUserDefined);
    const TokenId id = vocabulary.ids.at(text);
    if (bool_member(token, "lstrip", false, place)) data.strip_left.push_back(id);
    if (bool_member(token, "rstrip", false, place)) data.strip_right.push_back(id);
  }
}

std::vector<std::string> read_merges(const Json& merges, const std::string& origin) {
  if (!merges.is_array())
    throw Error(ErrorCode::kFormat, origin + ": model.merges is " + merges.type_name() + ", expected an array");
  std::vector<std::string> result;
  result.reserve(merges.size());
  for (const Json& merge : merges) {
    if (merge.is_string()) {
      result.push_back(merge.get<std::string>());
      continue;
    }
    const std::string place = origin + ": merge " + std::to_string(result.size());
    if (!merge.is_array() || merge.size() != 2 || !merge[0].is_string() || !merge[1].is_string()) {
      throw Error(ErrorCode::kFormat, place + " is neither a string nor a pair of strings");
    }
    const auto left = merge[0].get<std::string>();
    const auto right = merge[1].get<std::string>();
    if (left.find(' ') != std::string::npos || right.find(' ') != std::string::npos) {
      throw Error(ErrorCode::kUnsupported, place + ": tokens with spaces are not supported");
    }
    result.push_back(left + " " + right);
  }
  return result;
}

void check_model(const Json& model, const std::string& origin) {
  if (!model.is_object())
    throw Error(ErrorCode::kFormat, origin + ": model is " + model.type_name() + ", expected an object");
  const Json& type = member(model, "type");
  if (!(type == "BPE" || (type.is_null() && model.contains("merges")))) {
    throw Error(ErrorCode::kUnsupported,
                origin + ": model type " + type.dump().substr(0, 40) + " is not supported; \"BPE\" is");
  }
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const Json& value = member(model, key);
    if (!value.is_null() && value != "")
      throw Error(ErrorCode::kUnsupported, origin + ": model." + key + " is not supported");
  }
  const Json& dropout = member(model, "dropout");
  if (!dropout.is_null() && dropout != 0.0)
    throw Error(ErrorCode::kUnsupported, origin + ": model.dropout is not supported");
}

/// SentencePiece vocabularies: byte tokens, the unknown token, and what only byte-level ones may have.
void finish_sentencepiece(const Json& model, TokenizerData& data, const std::string& origin) {
  const std::string place = origin + ": model";
  const bool byte_fallback = bool_member(model, "byte_fallback", false, place);
  for (std::size_t i = 0; byte_fallback && i < data.tokens.size(); ++i) {
    if (byte_of_token(data.tokens[i])) data.types[i] = TokenType::kByte;
  }
  if (data.unknown >= 0) {
    data.types[static_cast<std::size_t>(data.unknown)] = TokenType::kUnknown;
    if (!byte_fallback && !bool_member(model, "fuse_unk", false, place)) {
      throw Error(ErrorCode::kUnsupported, place + ": neither byte_fallback nor fuse_unk is not supported");
    }
  }
  if (data.ignore_merges)
    throw Error(ErrorCode::kUnsupported, place + ": ignore_merges without ByteLevel is not supported");
}

}  // namespace

TokenizerData read_tokenizer_json(std::string_view tokenizer_json, std::string_view tokenizer_config,
                                  const std::string& origin) {
  const Json root = parse_json(tokenizer_json, origin);
  const Json& model = member(root, "model");
  check_model(model, origin);
  const Json& vocab = member(model, "vocab");
  const Json& added = member(root, "added_tokens");
  if (!vocab.is_object())
    throw Error(ErrorCode::kFormat, origin + ": model.vocab is " + vocab.type_name() + ", expected an object");
  if (!added.is_null() && !added.is_array()) {
    throw Error(ErrorCode::kFormat, origin + ": added_tokens is " + added.type_name() + ", expected an array");
  }
  TokenizerData data;
  Vocabulary vocabulary(vocab.size() + added.size(), origin);
  for (const auto& [text, id] : vocab.items()) vocabulary.add(text, id, TokenType::kNormal);
  read_added_tokens(added, vocabulary, data, origin);
  data.tokens = std::move(vocabulary.tokens);
  data.types = std::move(vocabulary.types);
  data.merges = read_merges(member(model, "merges"), origin);
  data.ignore_merges = bool_member(model, "ignore_merges", false, origin + ": model");
  if (!member(model, "unk_token").is_null()) {
    const std::string unknown = string_member(model, "unk_token", origin + ": model");
    const auto it = vocabulary.ids.find(unknown);
    if (it == vocabulary.ids.end())
      throw Error(ErrorCode::kFormat, origin + ": model.unk_token names the unknown token " + in_quotes(unknown));
    data.unknown = it->second;
  }
  read_text_pipeline(root, data, origin);
  if (data.algorithm == Algorithm::kSentencePieceBpe) finish_sentencepiece(model, data, origin);
  read_post_processor(root, vocabulary.ids, data, origin);
  if (!tokenizer_config.empty()) {
    const std::string config_origin = origin + " (tokenizer_config.json)";
    read_tokenizer_config(parse_json(tokenizer_config, config_origin), vocabulary.ids, data, config_origin);
  }
  find_end_of_generation(data);
  check(data, origin);
  return data;
}

}  // namespace xw::tokenizer
