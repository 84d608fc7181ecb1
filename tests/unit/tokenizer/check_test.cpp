// Consistency of tokenizer data: every complaint has data that causes it.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/check.hpp"

#include <functional>
#include <limits>

#include "tests/unit/tokenizer/tokenizer_samples.hpp"

namespace xw::tokenizer {
namespace {

void fails(std::initializer_list<std::string_view> parts, TokenizerData data,
           const std::function<void(TokenizerData&)>& change) {
  check(data, "before");
  change(data);
  test::expect_error(ErrorCode::kFormat, parts, [&] { check(data, "here"); });
  test::expect_error(ErrorCode::kFormat,
                     parts.size() > 1 ? std::initializer_list<std::string_view>{parts.begin()[1]} : parts,
                     [&] { (void)Tokenizer(data); });
}

TEST(Check, NamesWhatIsWrong) {
  using Data = TokenizerData;
  const Data byte_level = test::byte_level_sample();
  const Data pieces = test::sentencepiece_sample();
  fails({"here", "vocabulary is empty"}, byte_level, [](Data& d) { d = {}; });
  fails({"here", "262 token types for 263 tokens"}, byte_level, [](Data& d) { d.types.pop_back(); });
  fails({"here", "1 scores for 263 tokens"}, byte_level, [](Data& d) { d.scores = {1}; });
  fails({"here", "needs scores or merges"}, pieces, [](Data& d) { d.scores.clear(); });
  fails({"here", "score of token 5 is not finite"}, pieces,
        [](Data& d) { d.scores[5] = std::numeric_limits<float>::quiet_NaN(); });
  fails({"here", "token 7 is empty"}, byte_level, [](Data& d) { d.tokens[7] = ""; });
  fails({"here", "token 9 is a duplicate of token 8"}, byte_level, [](Data& d) { d.tokens[9] = d.tokens[8]; });
  fails({"here", "token 8 has 4097 bytes"}, byte_level, [](Data& d) { d.tokens[8] = std::string(4097, 'x'); });
  fails({"here", "token 10 is a byte token but reads \"<0x0>\""}, pieces, [](Data& d) { d.tokens[10] = "<0x0>"; });
  fails({"here", "token 10 is a second token for the byte <0x00>"}, pieces, [](Data& d) { d.tokens[10] = "<0x00>"; });
  fails({"here", "beginning-of-text id 263 is outside"}, byte_level, [](Data& d) { d.bos = 263; });
  fails({"here", "end-of-text id -2 is outside"}, byte_level, [](Data& d) { d.eos = -2; });
  fails({"here", "padding id 300"}, byte_level, [](Data& d) { d.pad = 300; });
  fails({"here", "unknown-token id 300"}, byte_level, [](Data& d) { d.unknown = 300; });
  fails({"here", "end-of-generation id -1"}, byte_level, [](Data& d) { d.end_of_generation = {-1}; });
  fails({"here", "left-stripping token id 999"}, byte_level, [](Data& d) { d.strip_left = {999}; });
  fails({"here", "right-stripping token id 999"}, byte_level, [](Data& d) { d.strip_right = {999}; });
  fails({"here", "start with a beginning-of-text token, but there is none"}, byte_level, [](Data& d) {
    d.bos = -1;
    d.add_bos = true;
  });
  fails({"here", "end with an end-of-text token, but there is none"}, byte_level, [](Data& d) {
    d.eos = -1;
    d.add_eos = true;
  });
  fails({"here", "merge 0 (\"h q!\") names the unknown token \"q!\""}, byte_level,
        [](Data& d) { d.merges[0] = "h q!"; });
  fails({"here", "merge 1 (\"h x\") names the unknown token \"hx\""}, byte_level, [](Data& d) { d.merges[1] = "h x"; });
  fails({"here", "merge 2 (\"he\") is not two tokens"}, byte_level, [](Data& d) { d.merges[2] = "he"; });
  fails({"here", "is not two tokens"}, byte_level, [](Data& d) { d.merges[2] = "h e x"; });
  fails({"here", "17 split regexes"}, byte_level, [](Data& d) { d.split_regexes.assign(17, "a"); });
  fails({"here", "bytes of chat template"}, byte_level,
        [](Data& d) { d.chat_template.assign(kMaxTemplateBytes + 1, 'x'); });
}

TEST(Check, UnusedTokensMayShareTexts) {
  TokenizerData data = test::byte_level_sample();
  data.tokens.insert(data.tokens.end(), {"he", "", ""});
  data.types.insert(data.types.end(), 3, TokenType::kUnused);
  check(data, "here");
  EXPECT_EQ(Tokenizer(data).encode("he", false, false), (std::vector<TokenId>{256}));
}

TEST(Check, FindsEndOfGenerationTokens) {
  TokenizerData data = test::byte_level_sample();
  data.tokens.insert(data.tokens.end(), {"<|im_end|>", "<|eot_id|>", "</s>", "<|end|>", "<|end_of_text|>"});
  data.types.insert(data.types.end(), {TokenType::kControl, TokenType::kUserDefined, TokenType::kNormal,
                                       TokenType::kControl, TokenType::kControl});
  data.eos = 5;
  find_end_of_generation(data);
  EXPECT_EQ(data.end_of_generation, (std::vector<TokenId>{5, 261, 263, 264, 266, 267}))
      << "plain text that looks alike does not count";
}

}  // namespace
}  // namespace xw::tokenizer
