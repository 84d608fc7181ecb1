// What text goes into a model and where its answers end: stop tokens, tokenizers that do not fit, line ends, templates.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/unit/app/command.hpp"
#include "tests/unit/checkpoint/builders.hpp"

namespace xw {
namespace {

using nlohmann::json;
using test::crossweave;
using test::Outcome;
using test::shell;
using ::testing::HasSubstr;
using ::testing::Not;

using Tokens = std::vector<int>;

/// A folder with a Hugging Face checkpoint of 20 tokens: the letters a to r, <s> and <e>.
class TextOfRun : public ::testing::Test {
 protected:
  void SetUp() override {
    const test::TinyModel model = test::tiny_model("llama");
    folder_.write("model.safetensors", test::safetensors_file(model.canonical));
    config_ = json::parse(model.config_json);
    config_.erase("eos_token_id");
    config_.erase("bos_token_id");
    for (int i = 0; i < 18; ++i) tokenizer_["model"]["vocab"][std::string(1, static_cast<char>('a' + i))] = i;
    tokenizer_["model"]["type"] = "BPE";
    tokenizer_["model"]["merges"] = json::array();
    tokenizer_["pre_tokenizer"] = {{"type", "ByteLevel"}, {"add_prefix_space", false}};
    tokenizer_["added_tokens"] = {{{"id", 18}, {"content", "<s>"}, {"special", true}},
                                  {{"id", 19}, {"content", "<e>"}, {"special", true}}};
    write();
  }

  void write() const {
    folder_.write("config.json", config_.dump());
    folder_.write("tokenizer.json", tokenizer_.dump());
  }
  [[nodiscard]] std::string model() const { return folder_.path().string(); }
  static Outcome run(const std::string& arguments) { return crossweave("run " + arguments); }
  /// The report of a run; its tokens are what the model chose.
  static json report(const std::string& arguments) {
    const Outcome outcome =
        shell(test::crossweave_command() + " run " + arguments + " --json=- 2>/dev/null </dev/null");
    EXPECT_EQ(outcome.status, 0) << arguments;
    return json::parse(outcome.output, nullptr, false);
  }

  test::TemporaryDirectory folder_;
  json config_, tokenizer_;
};

TEST_F(TextOfRun, TokensGoInAndOutByTheirIds) {
  const Tokens expected = report(model() + " -p abc -n 8").at("tokens");
  EXPECT_EQ(report(model() + " --prompt-ids ' 0,1\t2 ' -n 8").at("tokens").get<Tokens>(), expected);
  std::string line;
  for (const int token : expected) line += (line.empty() ? "" : " ") + std::to_string(token);
  EXPECT_EQ(run(model() + " --prompt-ids '0 1 2' -n 8 --ids").output, line + "\n");
  EXPECT_EQ(run(model() + " -p abc -n 8 --ids").output, line + "\n");
  for (const auto& [words, what] : std::vector<std::pair<std::string, std::string>>{
           {"--prompt-ids '0 x1'", "found 'x1'"},
           {"--prompt-ids '0 1.5'", "found '1.5'"},
           {"--prompt-ids '0 -1'", "found '-1'"},
           {"--prompt-ids 99999999999", "found '99999999999'"},
           {"--prompt-ids ', '", "at least one token id"},
           {"--prompt-ids 20", "token id 20 is outside the vocabulary of 20 tokens"},
           {"--prompt-ids 1 -p abc", "give one of"},
           {"--ids -i", "a conversation has text"}}) {
    const Outcome outcome = run(model() + " " + words);
    EXPECT_EQ(outcome.status, 2) << words;
    EXPECT_THAT(outcome.output, HasSubstr(what)) << words;
  }
}

TEST_F(TextOfRun, EndsAtTheTokensOfTheCheckpoint) {
  const std::string prompt = " -p abc -n 8";
  const Tokens all = report(model() + prompt).at("tokens");
  ASSERT_EQ(all.size(), 8U);
  const int last = all.back();
  const Tokens expected(all.begin(), std::find(all.begin(), all.end(), last));
  const auto ends = [&](const std::string& path) {
    const json got = report(path + prompt);
    EXPECT_EQ(got.at("tokens").get<Tokens>(), expected);
    EXPECT_EQ(got.at("stop"), "stop_token");
    EXPECT_EQ(report(path + prompt + " --ignore-eos").at("tokens").get<Tokens>(), all);
  };
  folder_.write("generation_config.json", json{{"eos_token_id", {19, last}}}.dump());
  ends(model());
  folder_.write("generation_config.json", json{{"eos_token_id", last}}.dump());
  ends(model());
  std::filesystem::remove(folder_.path() / "generation_config.json");
  config_["eos_token_id"] = last;
  write();
  ends(model());
  config_["eos_token_id"] = {last, 19};
  write();
  ends(model());
}

TEST_F(TextOfRun, ProgramsEndAtTheTokensOfTheirCheckpoint) {
  const std::string program = (folder_.path() / "model.xwp").string();
  const auto compile = [&] {
    const Outcome outcome = crossweave("compile " + model() + " --chip tiny-64 --calibration-tokens 16 -o " + program);
    ASSERT_EQ(outcome.status, 0) << outcome.output;
  };
  compile();
  const Tokens all = report(program + " -p abc -n 8").at("tokens");
  ASSERT_EQ(all.size(), 8U);
  folder_.write("generation_config.json", json{{"eos_token_id", all.back()}}.dump());
  compile();
  const json got = report(program + " -p abc -n 8");
  EXPECT_EQ(got.at("tokens").get<Tokens>(), Tokens(all.begin(), std::find(all.begin(), all.end(), all.back())));
  EXPECT_EQ(got.at("stop"), "stop_token");
}

TEST_F(TextOfRun, GoesOnAfterIdsWithoutAToken) {
  for (const char* letter : {"m", "n", "o", "p", "q", "r"}) tokenizer_["model"]["vocab"].erase(letter);
  tokenizer_["added_tokens"] = json::array();  // 12 to 19 have no token
  write();
  const json got = report(model() + " -p abc -n 20 -t 5 --seed 3");
  const Tokens tokens = got.at("tokens");
  EXPECT_EQ(tokens.size(), 20U);
  EXPECT_TRUE(std::any_of(tokens.begin(), tokens.end(), [](int id) { return id >= 12; })) << "no padded id was chosen";
  std::string letters;
  for (const int id : tokens) letters += id < 12 ? std::string(1, static_cast<char>('a' + id)) : "";
  EXPECT_EQ(got.at("text"), letters);
}

TEST_F(TextOfRun, ATokenizerLargerThanItsModelIsAnErrorOnlyWhereItMatters) {
  tokenizer_["added_tokens"].push_back({{"id", 20}, {"content", "[PAD]"}, {"special", true}});
  write();
  const Outcome fine = run(model() + " -p abc -n 1");
  EXPECT_EQ(fine.status, 0) << fine.output;
  EXPECT_THAT(fine.output, HasSubstr("warning: " + model() + ": the tokenizer has 21 tokens but the model only 20"));
  const Outcome needs = run(model() + " -p 'abc[PAD]' -n 1");
  EXPECT_NE(needs.status, 0);
  EXPECT_THAT(needs.output, HasSubstr("token id 20 is outside the vocabulary of 20 tokens"));
}

TEST_F(TextOfRun, WarnsOfABeginningThatIsThereTwice) {
  tokenizer_["post_processor"] = {{"type", "TemplateProcessing"},
                                  {"single", {{{"SpecialToken", {{"id", "<s>"}}}}, {{"Sequence", {{"id", "A"}}}}}}};
  write();
  EXPECT_THAT(run(model() + " -p abc -n 1").output, Not(HasSubstr("warning")));
  EXPECT_THAT(run(model() + " -p '<s>abc' -n 1").output, HasSubstr("warning: the text begins with <s>"));
}

TEST_F(TextOfRun, ConversationsReadLinesOfWindows) {
  folder_.write("chat_template.jinja", "{% for m in messages %}{{ m.content }}{% endfor %}");
  const auto converse = [&](const std::string& input) {
    return shell("printf '" + input + "' | " + test::crossweave_command() + " run " + model() +
                 " -i -n 3 --json=- 2>&1")
        .output;
  };
  const json unix_lines = json::parse(converse("abc\\nde\\n"), nullptr, false);
  const json windows_lines = json::parse(converse("abc\\r\\nde\\r\\n"), nullptr, false);
  ASSERT_TRUE(unix_lines.contains("tokens"));
  EXPECT_EQ(windows_lines.at("tokens"), unix_lines.at("tokens"));
  EXPECT_EQ(windows_lines.at("prefill_tokens"), unix_lines.at("prefill_tokens"));
}

TEST_F(TextOfRun, EscapeSequencesOfATokenizerAreNotObeyed) {
  tokenizer_["pre_tokenizer"] = {
      {"type", "Sequence"},
      {"pretokenizers",
       {{{"type", "Split"}, {"pattern", {{"Regex", "[[\x1B]0;owned\x07\x1B[2J"}}}, {"behavior", "Isolated"}},
        {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}}}};
  write();
  const Outcome regex = run(model() + " -p abc -n 1");
  EXPECT_NE(regex.status, 0);
  EXPECT_THAT(regex.output, HasSubstr("\\x1b"));
  EXPECT_THAT(regex.output, Not(HasSubstr("\x1B")));
  tokenizer_["pre_tokenizer"] = {{"type", "ByteLevel"}, {"add_prefix_space", false}};
  write();
  folder_.write("chat_template.jinja", "{{ raise_exception('\\x1b[2J') }}");
  const Outcome refusal = run(model() + " -c abc -n 1");
  EXPECT_EQ(refusal.status, 2) << refusal.output;
  EXPECT_THAT(refusal.output, HasSubstr("\\x1b[2J"));
  EXPECT_THAT(refusal.output, Not(HasSubstr("\x1B")));
}

}  // namespace
}  // namespace xw
