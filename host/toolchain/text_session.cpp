// Text from an opened model.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/text_session.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <utility>

#include "arch/support/error.hpp"
#include "arch/support/interrupt.hpp"
#include "arch/support/setting_error.hpp"

namespace xw::toolchain {
namespace {

/// A sequence has at least one token.
std::vector<std::int32_t> not_empty(std::vector<std::int32_t> tokens, const tokenizer::Tokenizer& tokenizer) {
  if (tokens.empty() && tokenizer.data().bos >= 0) tokens.push_back(tokenizer.data().bos);
  if (tokens.empty())
    throw Error(ErrorCode::kInvalidArgument, "run: the prompt is empty and the tokenizer has no token to begin with");
  return tokens;
}

}  // namespace

std::vector<std::int32_t> prompt_tokens(const tokenizer::Tokenizer& tokenizer, const std::string& text) {
  return not_empty(tokenizer.encode(text, true, true), tokenizer);
}

std::vector<std::int32_t> parse_token_ids(const std::string& text) {
  std::vector<std::int32_t> ids;
  for (std::size_t begin = 0; (begin = text.find_first_not_of(" ,\t\r\n", begin)) != std::string::npos;) {
    const std::size_t end = std::min(text.find_first_of(" ,\t\r\n", begin), text.size());
    std::int32_t id = 0;
    const auto [rest, error] = std::from_chars(text.data() + begin, text.data() + end, id);
    if (error != std::errc() || rest != text.data() + end || id < 0) {
      throw SettingError(ErrorCode::kInvalidArgument, "prompt-ids",
                         "expected token ids, whole numbers from 0 on with spaces or commas between them, found '" +
                             text.substr(begin, end - begin) + "'");
    }
    ids.push_back(id);
    begin = end;
  }
  if (ids.empty()) throw SettingError(ErrorCode::kInvalidArgument, "prompt-ids", "expected at least one token id");
  return ids;
}

std::vector<std::int32_t> chat_tokens(const tokenizer::Tokenizer& tokenizer,
                                      const std::vector<tokenizer::ChatMessage>& messages) {
  return not_empty(tokenizer.encode(tokenizer.apply_chat_template(messages, true), false, true), tokenizer);
}

void refuse_control_tokens(const tokenizer::Tokenizer& tokenizer, const std::string& message) {
  const tokenizer::TokenizerData& data = tokenizer.data();
  for (std::size_t id = 0; id < data.tokens.size(); ++id) {
    if (data.types[id] != tokenizer::TokenType::kControl || data.tokens[id].size() < 3) continue;
    if (message.find(data.tokens[id]) != std::string::npos) {
      throw SettingError(ErrorCode::kInvalidArgument, "prompt",
                         "the message contains the control token " + data.tokens[id] +
                             "; a conversation has text only, a prompt may have control tokens");
    }
  }
}

TextSession::TextSession(OpenedModel& opened, transformer::GenerateOptions options, bool stop_at_end)
    : opened_(opened), options_(std::move(options)), session_(opened.model()) {
  (void)transformer::Sampler(options_.sampler);  // refuses impossible options before any work is done
  const auto& ends = opened_.tokenizer().data().end_of_generation;
  if (stop_at_end) {
    const std::vector<std::int32_t> stops = transformer::stop_tokens(opened_.model().graph(), ends);
    options_.stop_tokens.insert(options_.stop_tokens.end(), stops.begin(), stops.end());
  }
}

void TextSession::answer(const std::vector<std::int32_t>& prompt, tokenizer::StreamDecoder& decoder, const Emit& emit) {
  const auto give = [&](const std::string& text) {
    totals_.text += text;
    emit(text);
  };
  PhaseMeter meter(opened_.chip());
  bool prompt_is_read = false;
  const transformer::GenerateResult result = transformer::generate(session_, prompt, options_, [&](std::int32_t token) {
    throw_if_interrupted();
    if (!prompt_is_read) meter.lap(totals_.prefill);
    prompt_is_read = true;
    give(decoder.push(token));
    return true;
  });
  give(decoder.flush());
  totals_.tokens.insert(totals_.tokens.end(), result.tokens.begin(), result.tokens.end());
  totals_.stop = transformer::name(result.reason);
  meter.lap(prompt_is_read ? totals_.decode : totals_.prefill);
  totals_.prefill.tokens += result.prefill_tokens;
  totals_.decode.tokens += result.decode_tokens;
  totals_.prefill.seconds += result.prefill_seconds;
  totals_.decode.seconds += result.decode_seconds;
}

void TextSession::complete(const std::string& text, const Emit& emit) {
  complete_tokens(prompt_tokens(opened_.tokenizer(), text), emit);
}

void TextSession::complete_tokens(const std::vector<std::int32_t>& prompt, const Emit& emit) {
  const std::size_t known = opened_.tokenizer().data().tokens.size();
  for (const std::int32_t token : prompt) {
    if (token < 0 || static_cast<std::size_t>(token) >= known) {
      throw Error(ErrorCode::kInvalidArgument, "token id " + std::to_string(token) + " is outside the vocabulary of " +
                                                   std::to_string(known) + " tokens");
    }
  }
  session_.reset();
  fed_.clear();
  tokenizer::StreamDecoder decoder(opened_.tokenizer());
  for (const std::int32_t token : prompt) (void)decoder.push(token);  // so that a leading space of the answer is kept
  answer(prompt, decoder, emit);
}

void TextSession::set_system(const std::string& system) {
  refuse_control_tokens(opened_.tokenizer(), system);
  std::erase_if(messages_, [](const tokenizer::ChatMessage& message) { return message.role == "system"; });
  if (!system.empty()) messages_.insert(messages_.begin(), tokenizer::ChatMessage{"system", system});
}

void TextSession::say(const std::string& message, const Emit& emit) {
  const tokenizer::Tokenizer& tokenizer = opened_.tokenizer();
  refuse_control_tokens(tokenizer, message);
  messages_.push_back({"user", message});
  const std::vector<std::int32_t> all = chat_tokens(tokenizer, messages_);
  const auto common =
      static_cast<std::size_t>(std::mismatch(all.begin(), all.end(), fed_.begin(), fed_.end()).first - all.begin());
  std::vector<std::int32_t> next;
  if (common == fed_.size() && common < all.size()) {
    next.assign(all.begin() + static_cast<std::ptrdiff_t>(common), all.end());
  } else {  // the rendering changed the past: start over
    session_.reset();
    fed_.clear();
    next = all;
  }
  const std::size_t first_token = totals_.tokens.size();
  const std::size_t first_byte = totals_.text.size();
  tokenizer::StreamDecoder decoder(tokenizer);
  answer(next, decoder, emit);
  messages_.push_back({"assistant", totals_.text.substr(first_byte)});
  fed_.insert(fed_.end(), next.begin(), next.end());
  fed_.insert(fed_.end(), totals_.tokens.begin() + static_cast<std::ptrdiff_t>(first_token), totals_.tokens.end());
  fed_.resize(session_.position());  // the session has not seen the last token
}

}  // namespace xw::toolchain
