// Chat templates of the model families against Jinja2 (tests/fixtures/tokenizer).
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <nlohmann/json.hpp>

#include "tests/support/paths.hpp"
#include "tests/unit/tokenizer/tokenizer_samples.hpp"

namespace xw::tokenizer {
namespace {

nlohmann::json fixture(const char* name) {
  return nlohmann::json::parse(test::read_file(test::source_dir() / "tests/fixtures/tokenizer" / name));
}

/// A vocabulary whose bos and eos have the given texts ("" for none).
Tokenizer with_template(const nlohmann::json& family) {
  TokenizerData data = test::byte_level_sample();
  data.bos = data.eos = -1;
  data.end_of_generation.clear();
  const auto add = [&](const char* key, TokenId& id) {
    const auto text = family.at(key).get<std::string>();
    if (text.empty()) return;
    const auto it = std::find(data.tokens.begin(), data.tokens.end(), text);
    id = static_cast<TokenId>(it - data.tokens.begin());
    if (it != data.tokens.end()) return;
    data.tokens.push_back(text);
    data.types.push_back(TokenType::kControl);
  };
  add("bos", data.bos);
  add("eos", data.eos);
  data.chat_template = family.at("template").get<std::string>();
  return Tokenizer(std::move(data));
}

TEST(ChatTemplate, FamiliesEqualJinja2) {
  std::map<std::string, nlohmann::json> families;
  for (const auto& family : fixture("chat_templates.json")) families[family.at("family")] = family;
  const nlohmann::json cases = fixture("chat_vectors.json");
  ASSERT_EQ(cases.size(), families.size() * 12);
  std::size_t refusals = 0;
  for (const auto& vector : cases) {
    const Tokenizer t = with_template(families.at(vector.at("family")));
    std::vector<ChatMessage> messages;
    for (const auto& message : vector.at("messages")) messages.push_back({message.at("role"), message.at("content")});
    const auto prompt = vector.at("add_generation_prompt").get<bool>();
    if (vector.contains("refusal")) {
      ++refusals;
      const auto reason = vector.at("refusal").get<std::string>();
      test::expect_error(ErrorCode::kInvalidArgument, {reason}, [&] { (void)t.apply_chat_template(messages, prompt); });
    } else {
      EXPECT_EQ(t.apply_chat_template(messages, prompt), vector.at("expected").get<std::string>())
          << vector.at("family") << ", " << vector.at("name");
    }
  }
  EXPECT_GT(refusals, 0U);
}

TEST(ChatTemplate, SmolLm2HasItsDefaultSystemMessage) {
  for (const auto& family : fixture("chat_templates.json")) {
    if (family.at("family") != "SmolLM2") continue;
    const std::vector<ChatMessage> messages = {{"user", "What is 2+2?"}};
    EXPECT_EQ(with_template(family).apply_chat_template(messages, true),
              "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
              "<|im_start|>user\nWhat is 2+2?<|im_end|>\n<|im_start|>assistant\n");
    return;
  }
  FAIL() << "no SmolLM2 template";
}

TEST(ChatTemplate, LineEndsOfTheTemplateAreNormalizedThoseOfMessagesStay) {
  TokenizerData data = test::byte_level_sample();
  data.chat_template = "{% for m in messages %}\r\n[{{ m.role }}]\r\n{{ m.content }}\r{% endfor %}\r\n";
  const std::vector<ChatMessage> messages = {{"user", "a\r\nb"}, {"assistant", "c"}};
  EXPECT_EQ(Tokenizer(data).apply_chat_template(messages, true), "[user]\na\r\nb\n[assistant]\nc\n");
}

TEST(ChatTemplate, NamesWhatIsWrong) {
  const std::vector<ChatMessage> messages = {{"user", "Hi"}};
  TokenizerData data = test::byte_level_sample();
  test::expect_error(ErrorCode::kUnsupported, {"no chat template"},
                     [&] { (void)Tokenizer(data).apply_chat_template(messages, true); });
  data.chat_template = "{% frobnicate %}";
  test::expect_error(ErrorCode::kUnsupported, {"chat template", "frobnicate", "line 1"},
                     [&] { (void)Tokenizer(data).apply_chat_template(messages, true); });
  test::expect_error(ErrorCode::kInvalidArgument, {"at least one message"},
                     [&] { (void)Tokenizer(data).apply_chat_template({}, true); });
}

}  // namespace
}  // namespace xw::tokenizer
