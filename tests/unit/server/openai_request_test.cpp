// Bodies of requests.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/server/openai_request.hpp"

#include <gtest/gtest.h>

#include "host/toolchain/text_session.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/server/default_model.hpp"

namespace xw::server {
namespace {

using xw::test::expect_error;

const tokenizer::Tokenizer& words() {
  return test::default_model().tokenizer();
}
ApiRequest read(const std::string& body) {
  return read_completion(body, words(), 100);
}

TEST(OpenAiRequest, HasTheDefaultsOfTheInterface) {
  const ApiRequest api = read(R"({"prompt": "Once upon", "seed": 3, "model": "whatever", "unknown": 1})");
  ASSERT_EQ(api.completions.size(), 1U);
  const CompletionRequest& one = api.completions[0];
  EXPECT_EQ(one.prompt, toolchain::prompt_tokens(words(), "Once upon"));
  EXPECT_EQ(one.max_tokens, 16U);
  EXPECT_EQ(one.sampler, (transformer::SamplerOptions{1, 0, 1, 3}));
  EXPECT_FALSE(one.log_probabilities.has_value());
  EXPECT_FALSE(api.stream || api.echo || api.is_chat || one.score_prompt);
  EXPECT_EQ(api.prompt_texts, std::vector<std::string>{"Once upon"});
}

TEST(OpenAiRequest, ReadsWhatEvaluatorsSend) {
  const ApiRequest api = read(
      R"({"model": "m", "prompt": [[5, 6, 7], [8]], "temperature": 0, "max_tokens": 1, "logprobs": 1, "seed": 1234, "echo": true})");
  ASSERT_EQ(api.completions.size(), 2U);
  EXPECT_EQ(api.completions[0].prompt, (std::vector<std::int32_t>{5, 6, 7}));
  EXPECT_EQ(api.completions[1].prompt, (std::vector<std::int32_t>{8}));
  EXPECT_TRUE(api.completions[1].score_prompt);
  EXPECT_EQ(api.completions[1].log_probabilities, 1U);
  EXPECT_EQ(api.prompt_texts[0], words().decode(std::vector<std::int32_t>{5, 6, 7}, true));
}

TEST(OpenAiRequest, CopiesOfAPromptHaveSeedsOfTheirOwn) {
  const ApiRequest api = read(
      R"({"prompt": ["a", "b"], "n": 2, "best_of": 2, "seed": 10, "top_k": 4, "top_p": 0.5, "temperature": 0.25, "stop": ["x", "yz"]})");
  ASSERT_EQ(api.completions.size(), 4U);
  EXPECT_EQ(api.completions[0].prompt, api.completions[1].prompt);
  EXPECT_NE(api.completions[1].prompt, api.completions[2].prompt);
  EXPECT_EQ(api.completions[0].sampler, (transformer::SamplerOptions{0.25, 4, 0.5, 10}));
  EXPECT_EQ(api.completions[1].sampler.seed, 11U);
  EXPECT_EQ(api.completions[3].stop, (std::vector<std::string>{"x", "yz"}));
}

TEST(OpenAiRequest, CopiesOfAPromptCountOnceEqualPromptsEach) {
  EXPECT_EQ(read(R"({"prompt": [5, 6, 7], "n": 3})").prompt_tokens, 3U);
  EXPECT_EQ(read(R"({"prompt": [[5, 6, 7], [5, 6, 7], [8]], "n": 2})").prompt_tokens, 7U);
}

TEST(OpenAiRequest, WhatIsWrongIsNamed) {
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"[]", "a JSON object"},
      {"{", "a JSON object"},
      {R"({"max_tokens": 3})", "prompt: expected"},
      {R"({"prompt": 3})", "prompt: expected"},
      {R"({"prompt": []})", "prompt: expected"},
      {R"({"prompt": [[]]})", "prompt: expected"},
      {R"({"prompt": [1, "a"]})", "token ids, found \"a\""},
      {R"({"prompt": [-1]})", "token ids, found -1"},
      {R"({"prompt": [1000000]})", "found 1000000"},
      {R"({"prompt": [1e30]})", "token ids"},
      {R"({"prompt": "a", "max_tokens": 101})", "max_tokens: expected a whole number from 0 to 100, found 101"},
      {R"({"prompt": "a", "max_tokens": -1})", "max_tokens"},
      {R"({"prompt": "a", "max_tokens": 1.5})", "max_tokens"},
      {R"({"prompt": "a", "max_tokens": 0})", "without echo"},
      {R"({"prompt": "a", "temperature": -1})", "temperature: expected a number from 0 to 100"},
      {R"({"prompt": "a", "temperature": "hot"})", "temperature"},
      {R"({"prompt": "a", "top_p": 1.01})", "top_p"},
      {R"({"prompt": "a", "logprobs": 21})", "logprobs"},
      {R"({"prompt": "a", "logprobs": true})", "logprobs"},
      {R"({"prompt": "a", "n": 0})", "n: expected"},
      {R"({"prompt": "a", "n": 257})", "n: expected"},
      {R"({"prompt": "a", "best_of": 2})", "best_of"},
      {R"({"prompt": "a", "stream": 1})", "stream: expected true or false"},
      {R"({"prompt": "a", "stop": 1})", "stop: expected"},
      {R"({"prompt": "a", "stop": [1]})", "stop: expected"},
      {R"({"prompt": "a", "stop": ["1","2","3","4","5","6","7","8","9","a","b","c","d","e","f","g","h"]})",
       "stop: expected"},
      {R"({"prompt": "a", "suffix": "b"})", "suffix"},
      {R"({"prompt": "a", "presence_penalty": 0.5})", "penalties are not supported"},
      {R"({"prompt": "a", "logit_bias": {"1": 2}})", "logit_bias"},
      {R"({"prompt": "a", "response_format": 3})", "response_format"},
      {R"({"prompt": "a", "response_format": {"type": 3}})", "response_format"},
      {R"({"prompt": "a", "tools": [1]})", "tools"},
      {R"({"prompt": "a", "echo": true, "logprobs": 1, "stream": true})", "stream"},
      {R"({"prompt": ["a", "b"], "n": 200})", "at most 256 prompts"},
      {std::string(40, '[') + std::string(40, ']'), "a JSON object"},
      {"{\"prompt\": \"\xff\"}", "a JSON object"}};
  for (const auto& [body, message] : wrong) {
    SCOPED_TRACE(body);
    expect_error(ErrorCode::kInvalidArgument, message, [&, &given = body] { static_cast<void>(read(given)); });
  }
  expect_error(ErrorCode::kInvalidArgument, "bytes", [&] { static_cast<void>(read(std::string(kMaxBody + 1, ' '))); });
  for (const char* nothing :
       {R"("suffix": null)", R"("presence_penalty": 0)", R"("logit_bias": {})", R"("logprobs": null)",
        R"("stop": null)", R"("suffix": "")", R"("tools": [])", R"("response_format": {"type": "text"})"}) {
    EXPECT_NO_THROW(static_cast<void>(read(std::string(R"({"prompt": "a", )") + nothing + "}"))) << nothing;
  }
}

TEST(OpenAiRequest, AConversationIsRenderedWithTheTemplate) {
  tokenizer::TokenizerData data = words().data();
  data.chat_template =
      "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}{% if add_generation_prompt "
      "%}assistant:{% endif %}";
  const tokenizer::Tokenizer chat(data);
  const ApiRequest api = read_chat(
      R"({"messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": [{"type": "text", "text": "hi "}, {"type": "text", "text": "you"}]}],
                                       "max_completion_tokens": 7, "logprobs": true, "top_logprobs": 3, "stream": true, "stream_options": {"include_usage": true}})",
      chat, 100);
  ASSERT_EQ(api.completions.size(), 1U);
  EXPECT_EQ(api.completions[0].prompt, chat.encode("system: be kind\nuser: hi you\nassistant:", false, true));
  EXPECT_EQ(api.completions[0].max_tokens, 7U);
  EXPECT_EQ(api.completions[0].log_probabilities, 3U);
  EXPECT_TRUE(api.is_chat && api.stream && api.include_usage);
  for (const char* body : {R"({"messages": []})", R"({"messages": "hi"})", R"({"messages": [{"content": "hi"}]})",
                           R"({})", R"({"messages": [3]})", R"({"messages": [{"role": "user", "content": 3}]})",
                           R"({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]})"}) {
    SCOPED_TRACE(body);
    expect_error(ErrorCode::kInvalidArgument, "messages", [&] { static_cast<void>(read_chat(body, chat, 100)); });
  }
  expect_error(ErrorCode::kUnsupported, "no chat template", [&] {
    static_cast<void>(read_chat(R"({"messages": [{"role": "user", "content": "hi"}]})", words(), 100));
  });
}

}  // namespace
}  // namespace xw::server
