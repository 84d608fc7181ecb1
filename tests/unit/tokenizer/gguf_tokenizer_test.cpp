// Tokenizers in GGUF metadata, from files built here.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <random>

#include "compiler/checkpoint/gguf_file.hpp"
#include "host/tokenizer/readers.hpp"
#include "tests/support/warnings.hpp"
#include "tests/unit/tokenizer/tokenizer_samples.hpp"

namespace xw::tokenizer {
namespace {

std::string little_endian(std::uint64_t value, unsigned size) {
  std::string out;
  for (unsigned i = 0; i < size; ++i) out += static_cast<char>(value >> (8 * i));
  return out;
}
std::string text(const std::string& value) {
  return little_endian(value.size(), 8) + value;
}

/// Metadata as encoded values (type and bytes) by key.
using Metadata = std::map<std::string, std::string>;
std::string uint32(std::uint32_t value) {
  return little_endian(4, 4) + little_endian(value, 4);
}
std::string boolean(bool value) {
  return little_endian(7, 4) + little_endian(value ? 1 : 0, 1);
}
std::string string(const std::string& value) {
  return little_endian(8, 4) + text(value);
}
std::string strings(const std::vector<std::string>& values) {
  std::string out = little_endian(9, 4) + little_endian(8, 4) + little_endian(values.size(), 8);
  for (const std::string& value : values) out += text(value);
  return out;
}
std::string int32s(const std::vector<std::int32_t>& values) {
  std::string out = little_endian(9, 4) + little_endian(5, 4) + little_endian(values.size(), 8);
  for (const std::int32_t value : values) out += little_endian(static_cast<std::uint32_t>(value), 4);
  return out;
}
std::string floats(const std::vector<float>& values) {
  std::string out = little_endian(9, 4) + little_endian(6, 4) + little_endian(values.size(), 8);
  for (const float value : values) out += little_endian(std::bit_cast<std::uint32_t>(value), 4);
  return out;
}
std::string gguf(const Metadata& metadata) {
  std::string out = "GGUF" + little_endian(3, 4) + little_endian(0, 8) + little_endian(metadata.size(), 8);
  for (const auto& [key, value] : metadata) out += text(key) + value;
  return out;
}
std::vector<std::int32_t> numbers(const std::vector<TokenType>& types) {
  std::vector<std::int32_t> out;
  for (const TokenType type : types) out.push_back(static_cast<std::int32_t>(type) + 1);
  return out;
}

Metadata byte_level() {
  const TokenizerData data = test::byte_level_sample();
  return {{"tokenizer.ggml.model", string("gpt2")},        {"tokenizer.ggml.pre", string("gpt-2")},
          {"tokenizer.ggml.tokens", strings(data.tokens)}, {"tokenizer.ggml.token_type", int32s(numbers(data.types))},
          {"tokenizer.ggml.merges", strings(data.merges)}, {"tokenizer.ggml.bos_token_id", uint32(261)},
          {"tokenizer.ggml.eos_token_id", uint32(261)}};
}
Metadata sentencepiece() {
  const TokenizerData data = test::sentencepiece_sample();
  return {{"tokenizer.ggml.model", string("llama")},
          {"tokenizer.ggml.tokens", strings(data.tokens)},
          {"tokenizer.ggml.scores", floats(data.scores)},
          {"tokenizer.ggml.token_type", int32s(numbers(data.types))}};
}
TokenizerData read(const Metadata& metadata) {
  const std::string bytes = gguf(metadata);
  return read_gguf(checkpoint::GgufFile(test::as_bytes(bytes), "x.gguf"), "x.gguf");
}

TEST(GgufTokenizer, ReadsByteLevel) {
  EXPECT_EQ(read(byte_level()), test::byte_level_sample());
  Metadata more = byte_level();
  more["tokenizer.ggml.pre"] = string("llama-bpe");
  more["tokenizer.chat_template"] = string("hello");
  more["tokenizer.ggml.padding_token_id"] = uint32(262);
  more["tokenizer.ggml.eot_token_id"] = uint32(262);
  more["tokenizer.ggml.add_eos_token"] = boolean(true);
  const TokenizerData data = read(more);
  EXPECT_TRUE(data.ignore_merges);
  EXPECT_TRUE(data.add_bos) << "the family's default";
  EXPECT_TRUE(data.add_eos);
  EXPECT_EQ(data.pad, 262);
  EXPECT_EQ(data.chat_template, "hello");
  EXPECT_EQ(data.end_of_generation, (std::vector<TokenId>{261, 262}));
  more["tokenizer.ggml.add_bos_token"] = boolean(false);
  EXPECT_FALSE(read(more).add_bos);
}

TEST(GgufTokenizer, OfASplitModelIsThatOfItsFirstPartWhicheverIsGiven) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("xw_split_" + std::to_string(std::random_device{}()));
  std::filesystem::create_directory(folder);
  Metadata first = byte_level();
  Metadata second;
  for (Metadata* part : {&first, &second}) {
    (*part)["split.no"] = uint32(part == &first ? 0 : 1);
    (*part)["split.count"] = uint32(2);
  }
  std::ofstream(folder / "m-00001-of-00002.gguf", std::ios::binary) << gguf(first);
  std::ofstream(folder / "m-00002-of-00002.gguf", std::ios::binary) << gguf(second);
  for (const char* name : {"m-00001-of-00002.gguf", "m-00002-of-00002.gguf"})
    EXPECT_EQ(read_tokenizer(folder / name), test::byte_level_sample()) << name;
  std::filesystem::remove_all(folder);
}

TEST(GgufTokenizer, ReadsSentencePiece) {
  EXPECT_EQ(read(sentencepiece()), test::sentencepiece_sample());
  Metadata more = sentencepiece();
  more["tokenizer.ggml.add_space_prefix"] = boolean(false);
  more["tokenizer.ggml.add_bos_token"] = boolean(false);
  EXPECT_FALSE(read(more).add_space_prefix);
  EXPECT_FALSE(read(more).add_bos);
}

TEST(GgufTokenizer, SpecialTokensOutsideTheVocabularyAreIgnoredWithAWarning) {
  const test::Warnings warnings;
  Metadata m = byte_level();
  m["tokenizer.ggml.padding_token_id"] = uint32(0xFFFFFFFF);
  m["tokenizer.ggml.bos_token_id"] = uint32(500);
  m["tokenizer.ggml.eot_token_id"] = uint32(263);
  const TokenizerData data = read(m);
  EXPECT_EQ(data.pad, -1);
  EXPECT_EQ(data.bos, -1);
  EXPECT_EQ(data.end_of_generation, (std::vector<TokenId>{261}));
  EXPECT_TRUE(warnings.has("x.gguf: tokenizer.ggml.padding_token_id is 4294967295, outside the vocabulary"))
      << warnings.text;
  EXPECT_TRUE(warnings.has("bos_token_id is 500")) << warnings.text;
  EXPECT_TRUE(warnings.has("eot_token_id is 263")) << warnings.text;
}

TEST(GgufTokenizer, NamesWhatIsWrong) {
  const auto fails = [](ErrorCode code, std::initializer_list<std::string_view> parts, Metadata metadata,
                        const std::function<void(Metadata&)>& change) {
    change(metadata);
    test::expect_error(code, parts, [&] { (void)read(metadata); });
  };
  fails(ErrorCode::kFormat, {"x.gguf", "tokenizer.ggml.model is missing"}, byte_level(),
        [](Metadata& m) { m.erase("tokenizer.ggml.model"); });
  fails(ErrorCode::kFormat, {"tokenizer.ggml.tokens is missing"}, byte_level(),
        [](Metadata& m) { m.erase("tokenizer.ggml.tokens"); });
  fails(ErrorCode::kFormat, {"tokenizer.ggml.merges is missing"}, byte_level(),
        [](Metadata& m) { m.erase("tokenizer.ggml.merges"); });
  fails(ErrorCode::kFormat, {"tokenizer.ggml.scores is missing"}, sentencepiece(),
        [](Metadata& m) { m.erase("tokenizer.ggml.scores"); });
  fails(ErrorCode::kUnsupported, {"\"bert\"", "gpt2", "llama"}, byte_level(),
        [](Metadata& m) { m["tokenizer.ggml.model"] = string("bert"); });
  fails(ErrorCode::kUnsupported, {"\"klingon\"", "smollm", "llama-bpe", "qwen2"}, byte_level(),
        [](Metadata& m) { m["tokenizer.ggml.pre"] = string("klingon"); });
  fails(ErrorCode::kFormat, {"token_type of token 0 is 7, expected 1 to 6"}, byte_level(),
        [](Metadata& m) { m["tokenizer.ggml.token_type"] = int32s({7}); });
  fails(ErrorCode::kFormat, {"1 token types for 263 tokens"}, byte_level(),
        [](Metadata& m) { m["tokenizer.ggml.token_type"] = int32s({1}); });
  fails(ErrorCode::kFormat, {"texts start with a beginning-of-text token, but there is none"}, byte_level(),
        [](Metadata& m) {
          m["tokenizer.ggml.bos_token_id"] = uint32(500);
          m["tokenizer.ggml.add_bos_token"] = boolean(true);  // so it is needed
        });
  fails(ErrorCode::kFormat, {"names the unknown token"}, byte_level(),
        [](Metadata& m) { m["tokenizer.ggml.merges"] = strings({"zz yy"}); });
  fails(ErrorCode::kFormat, {"2 scores for"}, sentencepiece(), [](Metadata& m) {
    m["tokenizer.ggml.scores"] = floats({1, 2});
  });
}

}  // namespace
}  // namespace xw::tokenizer
