// Text from an opened model: continuations and conversations, with what they took.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "host/tokenizer/tokenizer.hpp"
#include "host/toolchain/opened_model.hpp"
#include "host/toolchain/phase_times.hpp"
#include "host/transformer/generate.hpp"

namespace xw::toolchain {

/// Totals over the answers of a session.
struct TextTotals {
  std::vector<std::int32_t> tokens;  ///< new ones
  std::string text;                  ///< of them
  std::string stop;                  ///< why the last answer ended (transformer::StopReason)
  PhaseTimes prefill, decode;
};

/// Tokens of a text to continue; control tokens in it are recognised, and the token that texts begin with stands in front
/// where the tokenizer wants it and where there is nothing else. Throws Error{kInvalidArgument} if nothing is left.
[[nodiscard]] std::vector<std::int32_t> prompt_tokens(const tokenizer::Tokenizer& tokenizer, const std::string& text);

/// Token ids as text has them: whole numbers with spaces or commas between them. Throws Error{kInvalidArgument} naming what is none, and
/// if there is nothing.
[[nodiscard]] std::vector<std::int32_t> parse_token_ids(const std::string& text);

/// Tokens of a conversation, rendered with the model's chat template, up to where the answer begins. Throws what
/// rendering throws.
[[nodiscard]] std::vector<std::int32_t> chat_tokens(const tokenizer::Tokenizer& tokenizer,
                                                    const std::vector<tokenizer::ChatMessage>& messages);

/// Throws Error{kInvalidArgument} if a message contains a control token: what a user writes must not become one when the
/// rendered conversation is encoded.
void refuse_control_tokens(const tokenizer::Tokenizer& tokenizer, const std::string& message);

/// One sequence of an opened model, which must outlive it.
class TextSession {
 public:
  /// Called with every piece of new text as soon as it is whole characters.
  using Emit = std::function<void(const std::string& text)>;

  /// `stop_at_end`: end-of-text tokens of tokenizer and model end an answer, besides options.stop_tokens. Throws
  /// Error{kInvalidArgument} for impossible options.
  TextSession(OpenedModel& opened, transformer::GenerateOptions options, bool stop_at_end);

  /// Continues a text in a sequence of its own.
  void complete(const std::string& text, const Emit& emit);
  /// The same for tokens, at least one, in front of which nothing is put. Throws Error{kInvalidArgument} for ids beyond the vocabulary.
  void complete_tokens(const std::vector<std::int32_t>& prompt, const Emit& emit);
  /// What the assistant is told before the first message.
  void set_system(const std::string& system);
  /// Answers a message of the conversation. The whole history is rendered anew and only its new tokens are fed.
  void say(const std::string& message, const Emit& emit);

  [[nodiscard]] const TextTotals& totals() const { return totals_; }

 private:
  /// `decoder` has seen what the answer's spaces depend on.
  void answer(const std::vector<std::int32_t>& prompt, tokenizer::StreamDecoder& decoder, const Emit& emit);

  OpenedModel& opened_;
  transformer::GenerateOptions options_;
  transformer::Session session_;
  TextTotals totals_;
  std::vector<tokenizer::ChatMessage> messages_;
  std::vector<std::int32_t> fed_;  ///< tokens of the conversation that the session has seen
};

}  // namespace xw::toolchain
