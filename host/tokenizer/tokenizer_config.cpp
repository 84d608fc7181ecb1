// Hugging Face tokenizer_config.json.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/error.hpp"
#include "arch/support/warning.hpp"
#include "host/tokenizer/tokenizer_json_parts.hpp"

namespace xw::tokenizer {
namespace {

/// A special token is null, a text, or an object with its text as "content".
void read_special(const Json& config, const char* key, const TokenIdsByText& ids, TokenId& id,
                  const std::string& origin) {
  const Json& value = member(config, key);
  if (value.is_null()) return;
  const std::string place = origin + ": " + key;
  const std::string text =
      value.is_object() ? string_member(value, "content", place) : string_member(config, key, origin);
  const auto it = ids.find(text);
  if (it == ids.end()) {
    warn(place + " names the unknown token \"" + text.substr(0, 80) + "\"; it is ignored");
    return;
  }
  id = it->second;
}

}  // namespace

void read_tokenizer_config(const Json& config, const TokenIdsByText& ids, TokenizerData& data,
                           const std::string& origin) {
  if (!config.is_object())
    throw Error(ErrorCode::kFormat, origin + ": is " + config.type_name() + ", expected an object");
  // Where the post-processor adds a token, that one is added whatever the configuration calls it.
  if (!data.add_bos) read_special(config, "bos_token", ids, data.bos, origin);
  if (!data.add_eos) read_special(config, "eos_token", ids, data.eos, origin);
  read_special(config, "pad_token", ids, data.pad, origin);
  if (data.unknown < 0 && data.algorithm == Algorithm::kByteLevelBpe)
    read_special(config, "unk_token", ids, data.unknown, origin);

  // The Llama tokenizer class overrides the post-processor with these flags.
  const Json& tokenizer_class = member(config, "tokenizer_class");
  if (tokenizer_class == "LlamaTokenizer" || tokenizer_class == "LlamaTokenizerFast") {
    data.add_bos = bool_member(config, "add_bos_token", data.add_bos, origin) && data.bos >= 0;
    data.add_eos = bool_member(config, "add_eos_token", data.add_eos, origin) && data.eos >= 0;
  }
  const Json& chat = member(config, "chat_template");
  if (chat.is_string()) {
    data.chat_template = chat.get<std::string>();
  } else if (chat.is_array()) {  // several named ones
    for (const Json& item : chat) {
      if (member(item, "name") == "default")
        data.chat_template = string_member(item, "template", origin + ": chat_template");
    }
  } else if (!chat.is_null()) {
    throw Error(ErrorCode::kFormat,
                origin + ": chat_template is " + std::string(chat.type_name()) + ", expected a text or a list");
  }
}

}  // namespace xw::tokenizer
