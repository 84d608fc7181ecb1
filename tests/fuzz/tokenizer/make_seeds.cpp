// Writes small valid inputs for the tokenizer fuzzers: make_tokenizer_seeds FOLDER makes FOLDER/<fuzzer>/<seed>.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "arch/support/file.hpp"
#include "tests/support/paths.hpp"
#include "tests/unit/tokenizer/tokenizer_samples.hpp"

namespace {

namespace fs = std::filesystem;
using xw::tokenizer::TokenizerData;
using Json = nlohmann::json;

void write(const fs::path& folder, const std::string& name, const std::string& bytes) {
  fs::create_directories(folder);
  xw::write_text_file(folder / name, bytes);
}

std::string little_endian(std::uint32_t value) {
  std::string out;
  for (unsigned i = 0; i < 4; ++i) out += static_cast<char>(value >> (8 * i));
  return out;
}

std::string float_bytes(float value) {
  return little_endian(std::bit_cast<std::uint32_t>(value));
}

std::string llama2c(const TokenizerData& data) {
  std::string out = little_endian(16);
  for (std::size_t i = 0; i < data.tokens.size(); ++i) {
    out +=
        float_bytes(data.scores[i]) + little_endian(static_cast<std::uint32_t>(data.tokens[i].size())) + data.tokens[i];
  }
  return out;
}

std::string delimited(unsigned field, const std::string& bytes) {
  return std::string(1, static_cast<char>((field << 3) | 2)) + static_cast<char>(bytes.size()) +
         bytes;  // below 128 bytes
}

std::string sentencepiece(const TokenizerData& data) {
  std::string out;
  for (std::size_t i = 0; i < data.tokens.size(); ++i) {
    const char type = static_cast<char>(static_cast<int>(data.types[i]) + 1);
    out += delimited(1, delimited(1, data.tokens[i]) + "\x15" + float_bytes(data.scores[i]) + "\x18" + type);
  }
  return out + delimited(2, "\x18\x02\x98\x02\x01") +
         delimited(3, delimited(1, "identity") + "\x20" + std::string(1, '\0'));
}

Json json_of(const TokenizerData& data) {
  Json root;
  root["model"] = {{"type", "BPE"}, {"merges", data.merges}, {"byte_fallback", true}, {"unk_token", nullptr}};
  for (std::size_t i = 0; i < data.tokens.size(); ++i) root["model"]["vocab"][data.tokens[i]] = i;
  return root;
}

void make(const fs::path& folder) {
  const TokenizerData byte_level = xw::test::byte_level_sample();
  const TokenizerData pieces = xw::test::sentencepiece_sample();
  for (const auto& [name, data] : {std::pair{"byte_level", byte_level}, std::pair{"sentencepiece", pieces}}) {
    const std::vector<std::byte> bytes = serialize(data);
    write(folder / "tokenizer_blob", name, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  write(folder / "tokenizer_bin", "sample", llama2c(pieces));
  write(folder / "sentencepiece_model", "sample", sentencepiece(pieces));

  Json root = json_of(byte_level);
  root["pre_tokenizer"] = {
      {"type", "Sequence"},
      {"pretokenizers",
       {{{"type", "Split"}, {"pattern", {{"Regex", byte_level.split_regexes[0]}}}, {"behavior", "Isolated"}},
        {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}}}};
  root["added_tokens"] = {{{"id", 261}, {"content", "<|endoftext|>"}, {"special", true}, {"rstrip", true}}};
  write(folder / "tokenizer_json", "byte_level", root.dump());
  TokenizerData small;
  small.tokens = {"<unk>", "\xE2\x96\x81", "a", "b", "ab", "<0x0A>"};
  small.merges = {"a b"};
  root = json_of(small);
  root["normalizer"] = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "\xE2\x96\x81"}};
  root["pre_tokenizer"] = {{"type", "Metaspace"}, {"replacement", "\xE2\x96\x81"}, {"prepend_scheme", "first"}};
  root["post_processor"] = {{"type", "TemplateProcessing"},
                            {"single", {{{"SpecialToken", {{"id", "a"}}}}, {{"Sequence", {{"id", "A"}}}}}}};
  write(folder / "tokenizer_json", "sentencepiece", root.dump());

  const Json templates =
      Json::parse(xw::read_text_file(xw::test::source_dir() / "tests/fixtures/tokenizer/chat_templates.json"));
  for (const Json& family : templates) {
    write(folder / "chat_template", family.at("family").get<std::string>(), family.at("template").get<std::string>());
  }
  const Json vectors = Json::parse(xw::read_text_file(xw::test::source_dir() / "tests/fixtures/jinja/vectors.json"));
  std::size_t number = 0;
  for (const Json& vector : vectors.at("cases")) {
    write(folder / "chat_template", "vector" + std::to_string(number++), vector.at("template").get<std::string>());
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: make_tokenizer_seeds FOLDER\n", stderr);
    return 2;
  }
  try {
    make(argv[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "make_tokenizer_seeds: %s\n", error.what());
    return 1;
  }
  return 0;
}
