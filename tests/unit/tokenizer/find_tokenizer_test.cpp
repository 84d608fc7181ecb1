// Finding and recognising tokenizer files.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

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
