// What every fuzzer does with a tokenizer that was accepted.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include "arch/support/error.hpp"
#include "host/tokenizer/tokenizer.hpp"

namespace xw::tokenizer {

/// Encodes, decodes and serializes; xw::Error is allowed, anything else is a finding.
inline void exercise(TokenizerData data) {
  if (!(parse(serialize(data), "copy") == data)) std::abort();
  const Tokenizer tokenizer(std::move(data));
  for (const std::string_view text :
       {std::string_view("Hello  w\xC3\xB6rld 123\n\t<s>"), std::string_view("\xFF\x80 \xE2\x96\x81 a", 8)}) {
    const std::vector<TokenId> ids = tokenizer.encode(text, true, true);
    (void)tokenizer.decode(ids, true);
    StreamDecoder stream(tokenizer);
    for (const TokenId id : ids) (void)stream.push(id);
    (void)stream.flush();
  }
}

}  // namespace xw::tokenizer
