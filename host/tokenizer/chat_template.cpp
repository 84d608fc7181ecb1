// Conversations as the text a model was trained on.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/chat_template.hpp"

#include <utility>
#include <vector>

#include "arch/support/error.hpp"
#include "host/tokenizer/jinja/template.hpp"

namespace xw::tokenizer {
namespace {

using Variables = std::vector<std::pair<std::string, jinja::Value>>;

void add_token(const TokenizerData& data, TokenId id, const char* name, Variables& context) {
  if (id >= 0) context.emplace_back(name, jinja::Value::string(data.tokens[static_cast<std::size_t>(id)]));
}

}  // namespace

std::string render_chat(const TokenizerData& data, std::span<const ChatMessage> messages, bool add_generation_prompt) {
  if (data.chat_template.empty()) {
    throw Error(ErrorCode::kUnsupported, "the tokenizer has no chat template; use plain text, or a model with one");
  }
  if (messages.empty()) throw Error(ErrorCode::kInvalidArgument, "a conversation needs at least one message");
  std::vector<jinja::Value> list;
  for (const ChatMessage& message : messages) {
    Variables members;
    members.emplace_back("role", jinja::Value::string(message.role));
    members.emplace_back("content", jinja::Value::string(message.content));
    list.push_back(jinja::Value::object(std::move(members)));
  }
  // What Hugging Face's apply_chat_template passes; tools and documents are there, but none.
  Variables context;
  context.emplace_back("messages", jinja::Value::list(std::move(list)));
  context.emplace_back("add_generation_prompt", jinja::Value::boolean(add_generation_prompt));
  context.emplace_back("tools", jinja::Value::none());
  context.emplace_back("documents", jinja::Value::none());
  add_token(data, data.bos, "bos_token", context);
  add_token(data, data.eos, "eos_token", context);
  add_token(data, data.unknown, "unk_token", context);
  add_token(data, data.pad, "pad_token", context);
  return jinja::Template(data.chat_template).render(jinja::Value::object(std::move(context)));
}

}  // namespace xw::tokenizer
