// Answers, as clients of the interface read them.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/server/openai_response.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/server/default_model.hpp"

namespace xw::server {
namespace {

using nlohmann::json;

const tokenizer::Tokenizer& words() {
  return test::default_model().tokenizer();
}

TEST(OpenAiResponse, ListsTokensWithTheirPlaces) {
  const std::vector<std::int32_t> ids = words().encode("Once upon a time", false, false);
  ApiRequest request;
  request.completions.resize(1);
  request.completions[0].log_probabilities = 1;
  request.prompt_texts = {"Once upon"};
  request.echo = true;
  Choice choice;
  choice.text = " a time";
  choice.finish = FinishReason::kLength;
  for (const std::int32_t id : ids) choice.scores.push_back({id, -0.5, {{id, -0.25}}});
  choice.scores[0].log_probability.reset();
  const json answer = json::parse(answer_json({"cmpl-1", "m", 5}, request, {choice}, {2, 2}, words()).dump());
  EXPECT_EQ(answer["object"], "text_completion");
  EXPECT_EQ(answer["usage"], (json{{"prompt_tokens", 2}, {"completion_tokens", 2}, {"total_tokens", 4}}));
  const json& one = answer["choices"][0];
  EXPECT_EQ(one["text"], "Once upon a time");
  EXPECT_EQ(one["finish_reason"], "length");
  const json& scores = one["logprobs"];
  std::string text;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(scores["text_offset"][i], text.size());
    text += scores["tokens"][i];
    if (i == 0) {
      EXPECT_TRUE(scores["token_logprobs"][i].is_null());
      EXPECT_TRUE(scores["top_logprobs"][i].is_null());
    } else {
      EXPECT_EQ(scores["token_logprobs"][i], -0.5);
      EXPECT_EQ(scores["top_logprobs"][i], (json{{scores["tokens"][i], -0.25}}));
    }
  }
  EXPECT_EQ(text, "Once upon a time");
}

TEST(OpenAiResponse, BytesThatAreNoCharacterAreWrittenOut) {
  const std::vector<std::int32_t> ids =
      words().encode("\xF0\x9F\xA6\x8A", false, false);  // a fox, not in the vocabulary
  ASSERT_GT(ids.size(), 1U);
  std::string bytes;
  for (const std::int32_t id : ids) {
    const std::string text = token_text(words(), id);
    ASSERT_EQ(text.substr(0, 6), "bytes:");
    for (std::size_t i = 6; i < text.size(); i += 4)
      bytes += static_cast<char>(std::stoi(text.substr(i + 2, 2), nullptr, 16));
  }
  EXPECT_EQ(bytes, "\xF0\x9F\xA6\x8A");
}

TEST(OpenAiResponse, PartsOfAConversationAreDeltas) {
  ApiRequest request;
  request.is_chat = true;
  request.completions.resize(1);
  Choice choice;
  choice.text = "Hi";
  choice.is_first = true;
  const json first = json::parse(part_json({"chatcmpl-1", "m", 5}, request, choice, words()).dump());
  EXPECT_EQ(first["object"], "chat.completion.chunk");
  EXPECT_EQ(first["choices"][0]["delta"], (json{{"role", "assistant"}, {"content", "Hi"}}));
  EXPECT_TRUE(first["choices"][0]["finish_reason"].is_null());
  const json last =
      json::parse(part_json({"chatcmpl-1", "m", 5}, request, {0, "", {}, FinishReason::kStop, false}, words()).dump());
  EXPECT_EQ(last["choices"][0]["delta"], json::object());
  EXPECT_EQ(last["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(error_json("no", 401)["error"]["type"], "authentication_error");
}

}  // namespace
}  // namespace xw::server
