// Finding and recognising tokenizer files.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <array>

#include "tests/unit/tokenizer/tokenizer_samples.hpp"

namespace xw::tokenizer {
namespace {

namespace fs = std::filesystem;

class FindTokenizer : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("xw_find_" + std::to_string(::getpid()) + "_" +
                                           testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path add(const std::string& name, const std::string& text = "x") const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }
  fs::path folder_;
};

TEST_F(FindTokenizer, PrefersInOrder) {
  const fs::path model = add("model.bin");
  test::expect_error(ErrorCode::kFileNotFound, {folder_.string(), "tokenizer.json"},
                     [&] { (void)find_tokenizer(model); });
  add("tok512.model");
  EXPECT_EQ(find_tokenizer(model), folder_ / "tok512.model");
  add("tok512.bin");
  EXPECT_EQ(find_tokenizer(model), folder_ / "tok512.bin");
  add("tokenizer.bin");
  EXPECT_EQ(find_tokenizer(model), folder_ / "tokenizer.bin");
  add("tokenizer.model");
  EXPECT_EQ(find_tokenizer(folder_), folder_ / "tokenizer.model");
  add("tokenizer.json");
  EXPECT_EQ(find_tokenizer(folder_), folder_ / "tokenizer.json");
  EXPECT_EQ(find_tokenizer(add("net.gguf")), folder_ / "net.gguf");
}

/// A llama2.c checkpoint of version 0 whose weights are all 0.
std::string tiny_llama2c() {
  const std::array<std::int32_t, 7> header = {4, 4, 1, 1, 1, 4, 4};
  return std::string(reinterpret_cast<const char*>(header.data()), sizeof header) +
         std::string(156 * sizeof(float), '\0');
}

TEST_F(FindTokenizer, ContentDecidesAndNotTheName) {
  add("tokenizer.json");  // of another model
  for (const char* name : {"sha256-abc", "MODEL.GGUF", "model.bin", "tokenizer"}) {
    const fs::path blob = add(name, "GGUF and the rest");
    EXPECT_EQ(find_tokenizer(blob), blob) << name;
    fs::remove(blob);
  }
  const fs::path blob = add("sha256-def", tiny_llama2c());
  test::expect_error(ErrorCode::kFileNotFound, {"sha256-def", "llama2.c", "tokenizer.bin"},
                     [&] { (void)find_tokenizer(blob); });
  add("net.gguf", "GGUF");  // of another model, too
  add("tok300.model");
  EXPECT_EQ(find_tokenizer(blob), folder_ / "tok300.model");
  add("tok300.bin");
  EXPECT_EQ(find_tokenizer(blob), folder_ / "tok300.bin");
}

TEST_F(FindTokenizer, ReadRecognisesContent) {
  const std::string json =
      R"({"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false}})";
  for (const char* name : {"blob", "x.bin", "x.model", "x.JSON"}) {
    EXPECT_EQ(read_tokenizer(add(name, "\n " + json)).tokens, (std::vector<std::string>{"a"})) << name;
  }
  // The longest token's length may be that of any character with which JSON begins.
  for (const std::size_t longest : {std::size_t{4}, std::size_t{'{'}, std::size_t{' '}, std::size_t{'\n'}}) {
    std::string llama2c = std::string(1, static_cast<char>(longest)) + std::string(3, '\0');
    for (const std::string& token :
         {std::string("<u>"), std::string("<s>"), std::string("</s>"), std::string(longest, 'a')}) {
      llama2c += std::string(4, '\0') + std::string(1, static_cast<char>(token.size())) + std::string(3, '\0') + token;
    }
    EXPECT_EQ(read_tokenizer(add("blob2", llama2c)).tokens[3], std::string(longest, 'a')) << longest;
  }
}

TEST_F(FindTokenizer, TheTemplateInAFileOfItsOwnWins) {
  add("tokenizer.json",
      R"({"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false}})");
  add("tokenizer_config.json", R"({"chat_template":"OLD"})");
  EXPECT_EQ(read_tokenizer(folder_).chat_template, "OLD");
  add("chat_template.jinja", "NEW");
  EXPECT_EQ(read_tokenizer(folder_).chat_template, "NEW");
}

TEST_F(FindTokenizer, RefusesToGuess) {
  add("tok1.bin");
  add("tok2.bin");
  test::expect_error(ErrorCode::kInvalidArgument, {"several", "tok1.bin", "tok2.bin"},
                     [&] { (void)find_tokenizer(folder_); });
  test::expect_error(ErrorCode::kFileNotFound, {"nothing.bin"}, [&] { (void)find_tokenizer(folder_ / "nothing.bin"); });
}

TEST_F(FindTokenizer, ReadTellsWhatItExpects) {
  test::expect_error(ErrorCode::kUnsupported, {"words.txt", "tokenizer.json", "tokenizer.bin"},
                     [&] { (void)read_tokenizer(add("words.txt", "hello")); });
  test::expect_error(ErrorCode::kFileNotFound, {"missing.json"},
                     [&] { (void)read_tokenizer(folder_ / "missing.json"); });
  test::expect_error(ErrorCode::kFormat, {"broken.json"},
                     [&] { (void)read_tokenizer(add("broken.json", "{\"model\":")); });
  test::expect_error(ErrorCode::kFormat, {"x.gguf"}, [&] { (void)read_tokenizer(add("x.gguf", "GGUF\x03")); });
  test::expect_error(ErrorCode::kFormat, {"empty.bin"}, [&] { (void)read_tokenizer(add("empty.bin", "")); });
  test::expect_error(ErrorCode::kFormat, {"empty.model"}, [&] { (void)read_tokenizer(add("empty.model", "")); });
}

TEST_F(FindTokenizer, ReadsFolderWithConfigAndTemplateBesideIt) {
  add("tokenizer.json",
      R"({"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]},"added_tokens":[{"id":3,"content":"<e>","special":true}],
    "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false}})");
  add("tokenizer_config.json", R"({"eos_token":"<e>"})");
  add("chat_template.jinja", "{{ eos_token }}");
  const TokenizerData data = read_tokenizer(folder_);
  EXPECT_EQ(data.eos, 3);
  EXPECT_EQ(data.chat_template, "{{ eos_token }}");
  EXPECT_EQ(data.tokens.size(), 4U);
}

}  // namespace
}  // namespace xw::tokenizer
