// Conversations as the text a model was trained on.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "host/tokenizer/tokenizer.hpp"

namespace xw::tokenizer {

/// Renders `messages` with the chat template of `data`. Throws Error{kUnsupported} if there is none or it uses what the
/// renderer does not know, Error{kInvalidArgument} if the template refuses the conversation (e.g. roles do not alternate).
[[nodiscard]] std::string render_chat(const TokenizerData& data, std::span<const ChatMessage> messages,
                                      bool add_generation_prompt);

}  // namespace xw::tokenizer
