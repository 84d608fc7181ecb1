// Hugging Face tokenizer.json.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <nlohmann/json.hpp>

#include "host/tokenizer/readers.hpp"
#include "tests/support/warnings.hpp"
#include "tests/unit/tokenizer/tokenizer_samples.hpp"

namespace xw::tokenizer {
namespace {

using Json = nlohmann::json;
using Ids = std::vector<TokenId>;

constexpr const char* kSpace = "\xE2\x96\x81";

Json byte_level() {
  const TokenizerData data = test::byte_level_sample();
  Json root;
  root["model"] = {{"type", "BPE"}, {"dropout", nullptr}, {"unk_token", nullptr}, {"merges", data.merges}};
  for (std::size_t i = 0; i < 261; ++i) root["model"]["vocab"][data.tokens[i]] = i;
  root["added_tokens"] = {{{"id", 261}, {"content", "<|endoftext|>"}, {"special", true}},
                          {{"id", 262}, {"content", "<user>"}, {"special", false}}};
  root["pre_tokenizer"] = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}};
  return root;
}

Json sentencepiece() {
  const TokenizerData data = test::sentencepiece_sample();
  Json root;
  root["model"] = {{"type", "BPE"}, {"unk_token", "<unk>"}, {"byte_fallback", true}, {"fuse_unk", true}};
  root["model"]["merges"] = {std::string(kSpace) + " t", "h e", std::string(kSpace) + "t he",
                             std::string(kSpace) + " " + kSpace};
  for (std::size_t i = 0; i < data.tokens.size(); ++i) root["model"]["vocab"][data.tokens[i]] = i;
  root["added_tokens"] = {{{"id", 0}, {"content", "<unk>"}, {"special", true}},
                          {{"id", 1}, {"content", "<s>"}, {"special", true}},
                          {{"id", 2}, {"content", "</s>"}, {"special", true}}};
  root["normalizer"] = {{"type", "Sequence"},
                        {"normalizers",
                         {{{"type", "Prepend"}, {"prepend", kSpace}},
                          {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", kSpace}}}}};
  root["pre_tokenizer"] = nullptr;
  root["post_processor"] = {{"type", "TemplateProcessing"},
                            {"single", {{{"SpecialToken", {{"id", "<s>"}}}}, {{"Sequence", {{"id", "A"}}}}}}};
  return root;
}

TokenizerData read(const Json& root, const Json& config = nullptr) {
  return read_tokenizer_json(root.dump(), config.is_null() ? "" : config.dump(), "t.json");
}

TEST(TokenizerJson, ReadsByteLevel) {
  TokenizerData expected = test::byte_level_sample();
  expected.bos = -1;
  expected.eos = -1;
  EXPECT_EQ(read(byte_level()), expected);
  expected.bos = expected.eos = 261;
  EXPECT_EQ(read(byte_level(), {{"bos_token", "<|endoftext|>"}, {"eos_token", {{"content", "<|endoftext|>"}}}}),
            expected);
}

TEST(TokenizerJson, ReadsSplitAndDigits) {
  Json root = byte_level();
  const std::string llama3 = find_pre_tokenizer("llama-bpe")->split_regexes[0];
  const Json plain = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  root["pre_tokenizer"] = {
      {"type", "Sequence"},
      {"pretokenizers",
       {{{"type", "Split"}, {"pattern", {{"Regex", llama3}}}, {"behavior", "Isolated"}, {"invert", false}}, plain}}};
  EXPECT_EQ(read(root).pre_tokenizer, "llama-bpe");
  root["pre_tokenizer"]["pretokenizers"][0] = {{"type", "Digits"}, {"individual_digits", true}};
  EXPECT_EQ(read(root).split_regexes, (std::vector<std::string>{R"(\p{N})"}));
  EXPECT_EQ(read(root).pre_tokenizer, "custom");
  root["pre_tokenizer"]["pretokenizers"][1]["use_regex"] = true;
  EXPECT_EQ(read(root).pre_tokenizer, "smollm");
  root["pre_tokenizer"]["pretokenizers"][0] = {
      {"type", "Split"}, {"pattern", {{"String", "a.(b"}}}, {"behavior", "Isolated"}};
  EXPECT_EQ(read(root).split_regexes[0], R"(a\.\(b)");
  root["normalizer"] = {{"type", "NFC"}};
  EXPECT_TRUE(read(root).normalize_nfc);
}

TEST(TokenizerJson, ReadsMergesAsPairsAndIgnoreMerges) {
  Json root = byte_level();
  Json pairs = Json::array();
  for (const std::string& merge : test::byte_level_sample().merges) {
    const std::size_t space = merge.find(' ', 1);
    pairs.push_back({merge.substr(0, space), merge.substr(space + 1)});
  }
  root["model"]["merges"] = pairs;
  EXPECT_EQ(read(root).merges, test::byte_level_sample().merges);
  root["model"]["ignore_merges"] = true;
  EXPECT_TRUE(read(root).ignore_merges);
}

TEST(TokenizerJson, ReadsSentencePieceStyle) {
  const TokenizerData data = read(sentencepiece(), {{"eos_token", "</s>"}});
  EXPECT_EQ(data.algorithm, Algorithm::kSentencePieceBpe);
  EXPECT_EQ(data.types[0], TokenType::kUnknown);
  EXPECT_EQ(data.types[1], TokenType::kControl);
  EXPECT_EQ(data.types[3 + 'a'], TokenType::kByte);
  EXPECT_TRUE(data.add_bos);
  EXPECT_EQ(data.bos, 1);
  EXPECT_EQ(data.eos, 2);
  EXPECT_EQ(data.space_prefix_rule, SpacePrefixRule::kEverySegment);
  const Tokenizer t(data);
  EXPECT_EQ(t.encode("the  the\n", true, false), (Ids{1, 261, 263, 261, 3 + '\n'}));
  EXPECT_EQ(t.decode(t.encode("the  the\n", true, false)), "the  the\n");
}

TEST(TokenizerJson, ASplitAtSpacesThatWereReplacedSplitsNothing) {
  Json root = sentencepiece();
  const TokenizerData without = read(root);
  root["pre_tokenizer"] = {
      {"type", "Split"}, {"pattern", {{"String", " "}}}, {"behavior", "MergedWithPrevious"}, {"invert", false}};
  EXPECT_EQ(read(root), without);
  const auto fails = [](const Json& changed) {
    test::expect_error(ErrorCode::kUnsupported, {"Split behavior \"MergedWithPrevious\" is not supported"},
                       [&] { static_cast<void>(read(changed)); });
  };
  Json other = root;
  other["pre_tokenizer"]["pattern"]["String"] = "a";
  fails(other);
  root["pre_tokenizer"]["invert"] = true;
  fails(root);
  Json visible = byte_level();  // spaces are still there
  visible["pre_tokenizer"] = other["pre_tokenizer"];
  visible["pre_tokenizer"]["pattern"]["String"] = " ";
  fails(visible);
}

TEST(TokenizerJson, ReadsMetaspace) {
  Json root = sentencepiece();
  root["normalizer"] = nullptr;
  root["pre_tokenizer"] = {
      {"type", "Metaspace"}, {"replacement", kSpace}, {"prepend_scheme", "first"}, {"split", false}};
  EXPECT_EQ(read(root).space_prefix_rule, SpacePrefixRule::kFirstSegmentUnlessSpace);
  EXPECT_EQ(Tokenizer(read(root)).encode("he  the", false, false), (Ids{263, 260, 263, 261}));
  EXPECT_EQ(Tokenizer(read(root)).encode("   ", false, false), (Ids{262, 263}));
  root["pre_tokenizer"] = {{"type", "Metaspace"}, {"replacement", kSpace}, {"add_prefix_space", true}};
  EXPECT_EQ(read(root).space_prefix_rule, SpacePrefixRule::kEverySegmentUnlessSpace);
  EXPECT_EQ(Tokenizer(read(root)).encode("   ", false, false), (Ids{263, 263, 263}))
      << "split: a piece starts at every space";
  root["pre_tokenizer"]["prepend_scheme"] = "never";
  EXPECT_FALSE(read(root).add_space_prefix);
}

TEST(TokenizerJson, ReadsStrippingTokensAndConfig) {
  Json root = sentencepiece();
  root["added_tokens"][1]["lstrip"] = true;
  root["added_tokens"][2]["rstrip"] = true;
  const Json config = {
      {"tokenizer_class", "LlamaTokenizer"},
      {"bos_token", "<s>"},
      {"eos_token", "</s>"},
      {"pad_token", "</s>"},
      {"add_bos_token", false},
      {"add_eos_token", true},
      {"chat_template", {{{"name", "tool_use"}, {"template", "T"}}, {{"name", "default"}, {"template", "D"}}}}};
  const TokenizerData data = read(root, config);
  EXPECT_EQ(data.strip_left, (Ids{1}));
  EXPECT_EQ(data.strip_right, (Ids{2}));
  EXPECT_FALSE(data.add_bos) << "the Llama class overrides the post-processor";
  EXPECT_TRUE(data.add_eos);
  EXPECT_EQ(data.pad, 2);
  EXPECT_EQ(data.chat_template, "D");
}

TEST(TokenizerJson, ReadsPostProcessorSequence) {
  Json root = byte_level();
  root["post_processor"] = {{"type", "Sequence"},
                            {"processors",
                             {{{"type", "ByteLevel"}},
                              {{"type", "TemplateProcessing"},
                               {"single",
                                {{{"SpecialToken", {{"id", "<|endoftext|>"}}}},
                                 {{"Sequence", {{"id", "A"}}}},
                                 {{"SpecialToken", {{"id", "<user>"}}}}}}}}}};
  const TokenizerData data = read(root);
  EXPECT_TRUE(data.add_bos && data.add_eos);
  EXPECT_EQ(data.bos, 261);
  EXPECT_EQ(data.eos, 262);
}

TEST(TokenizerJson, NamesWhatIsWrong) {
  const auto fails = [](ErrorCode code, std::initializer_list<std::string_view> parts, Json root,
                        const std::function<void(Json&)>& change) {
    change(root);
    test::expect_error(code, parts, [&] { (void)read(root); });
  };
  const Json b = byte_level();
  const Json s = sentencepiece();
  constexpr ErrorCode kFormat = ErrorCode::kFormat;
  constexpr ErrorCode kUnsupported = ErrorCode::kUnsupported;
  test::expect_error(kFormat, {"t.json", "parse error"}, [] { (void)read_tokenizer_json("{", "", "t.json"); });
  test::expect_error(kFormat, {"t.json"}, [] { (void)read_tokenizer_json("\"\xFF\"", "", "t.json"); });
  fails(kFormat, {"model is null"}, b, [](Json& j) { j = 3; });
  fails(kUnsupported, {"\"Unigram\"", "BPE"}, b, [](Json& j) { j["model"]["type"] = "Unigram"; });
  fails(kUnsupported, {"end_of_word_suffix"}, b, [](Json& j) { j["model"]["end_of_word_suffix"] = "</w>"; });
  fails(kUnsupported, {"dropout"}, b, [](Json& j) { j["model"]["dropout"] = 0.1; });
  fails(kFormat, {"model.vocab is array"}, b, [](Json& j) { j["model"]["vocab"] = Json::array(); });
  fails(kFormat, {"model.merges is null"}, b, [](Json& j) { j["model"].erase("merges"); });
  fails(kFormat, {"token \"far\" has the id 70000, but there are only 264 tokens; at most 65536 ids"}, b,
        [](Json& j) { j["model"]["vocab"]["far"] = 70000; });
  fails(kFormat, {"id 7 belongs to two tokens"}, b, [](Json& j) { j["model"]["vocab"]["extra"] = 7; });
  fails(kFormat, {"duplicate token \"he\""}, b, [](Json& j) {
    j["added_tokens"].push_back({{"id", 263}, {"content", "he"}});
  });
  fails(kFormat, {"has the id -1"}, b, [](Json& j) { j["model"]["vocab"]["extra"] = -1; });
  fails(kFormat, {"has the id 1.5"}, b, [](Json& j) { j["model"]["vocab"]["extra"] = 1.5; });
  fails(kFormat, {"has the id 5000000000"}, b, [](Json& j) { j["model"]["vocab"]["extra"] = 5000000000; });
  fails(kFormat, {"id 4000000, but there are only"}, b, [](Json& j) { j["model"]["vocab"]["extra"] = 4000000; });
  fails(kFormat, {"merge 0", "unknown token"}, b, [](Json& j) { j["model"]["merges"][0] = "no such"; });
  fails(kFormat, {"merge 0 is neither"}, b, [](Json& j) { j["model"]["merges"][0] = 5; });
  fails(kUnsupported, {"merge 0", "spaces"}, b, [](Json& j) { j["model"]["merges"][0] = {"a b", "c"}; });
  fails(kFormat, {"unk_token names the unknown token \"?!\""}, b, [](Json& j) { j["model"]["unk_token"] = "?!"; });
  fails(kFormat, {"added_tokens is object"}, b, [](Json& j) { j["added_tokens"] = Json::object(); });
  fails(kFormat, {"\"content\" is null"}, b, [](Json& j) { j["added_tokens"][0].erase("content"); });
  fails(kFormat, {"\"special\" is string"}, b, [](Json& j) { j["added_tokens"][0]["special"] = "yes"; });
  fails(kUnsupported, {"single_word"}, b, [](Json& j) { j["added_tokens"][0]["single_word"] = true; });
  fails(kUnsupported, {"normalizer", "Lowercase"}, b, [](Json& j) { j["normalizer"] = {{"type", "Lowercase"}}; });
  fails(kUnsupported, {"pre_tokenizer \"Whitespace\"", "ByteLevel"}, b, [](Json& j) {
    j["pre_tokenizer"] = {{"type", "Whitespace"}};
  });
  fails(kUnsupported, {"neither byte-level"}, b, [](Json& j) { j["pre_tokenizer"] = nullptr; });
  fails(kUnsupported, {"behavior \"Removed\""}, b, [](Json& j) {
    j["pre_tokenizer"] = {{"type", "Split"}, {"pattern", {{"Regex", "a"}}}, {"behavior", "Removed"}};
  });
  fails(kUnsupported, {"nested Sequences"}, b, [](Json& j) {
    j["pre_tokenizer"] = {{"type", "Sequence"},
                          {"pretokenizers", {{{"type", "Sequence"}, {"pretokenizers", Json::array()}}}}};
  });
  fails(kFormat, {"Sequence without \"pretokenizers\""}, b, [](Json& j) {
    j["pre_tokenizer"] = {{"type", "Sequence"}};
  });
  fails(kUnsupported, {"together with ByteLevel"}, b, [&](Json& j) { j["normalizer"] = s["normalizer"]; });
  fails(kUnsupported, {"after ByteLevel"}, b, [&](Json& j) {
    j["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", {b["pre_tokenizer"], {{"type", "Digits"}}}}};
  });
  fails(kUnsupported, {"post_processor \"BertProcessing\""}, b, [](Json& j) {
    j["post_processor"] = {{"type", "BertProcessing"}};
  });
  fails(kFormat, {"post_processor names the unknown token \"<x>\""}, s,
        [](Json& j) { j["post_processor"]["single"][0]["SpecialToken"]["id"] = "<x>"; });
  fails(kUnsupported, {"more than one special token"}, s, [](Json& j) {
    j["post_processor"]["single"].insert(j["post_processor"]["single"].begin(),
                                         Json{{"SpecialToken", {{"id", "<s>"}}}});
  });
  fails(kUnsupported, {"fuse_unk"}, s, [](Json& j) {
    j["model"]["byte_fallback"] = false;
    j["model"]["fuse_unk"] = false;
  });
  fails(kUnsupported, {"ignore_merges"}, s, [](Json& j) { j["model"]["ignore_merges"] = true; });
  fails(kUnsupported, {"replacement"}, s, [](Json& j) {
    j["pre_tokenizer"] = {{"type", "Metaspace"}, {"replacement", "_"}};
  });
  fails(kUnsupported, {"prepend_scheme \"sometimes\""}, s, [](Json& j) {
    j["pre_tokenizer"] = {{"type", "Metaspace"}, {"replacement", kSpace}, {"prepend_scheme", "sometimes"}};
  });
  test::expect_error(kFormat, {"tokenizer_config.json", "is array"}, [&] { (void)read(s, Json::array({1})); });
  test::expect_error(kFormat, {"\"eos_token\" is number"}, [&] { (void)read(s, {{"eos_token", 3}}); });
  test::expect_error(kFormat, {"chat_template is number"}, [&] { (void)read(s, {{"chat_template", 3}}); });
}

TEST(TokenizerJson, IdsWithoutATokenAreUnused) {
  Json holes = byte_level();
  holes["model"]["vocab"]["z9"] = 300;  // 263 to 299 have no token
  holes["added_tokens"].push_back({{"id", 400}, {"content", "<|late|>"}, {"special", true}});
  const Tokenizer t(read(holes, nullptr));
  EXPECT_EQ(t.vocab_size(), 401U);
  EXPECT_EQ(t.data().types[280], TokenType::kUnused);
  EXPECT_EQ(t.encode("a<|late|>", false, true), (std::vector<TokenId>{'a', 400}));
  EXPECT_EQ(t.decode(std::vector<TokenId>{'a', 280, 'b'}), "ab");
  EXPECT_EQ(parse(serialize(t.data()), "copy"), t.data());
}

TEST(TokenizerJson, UnknownSpecialTokensOfTheConfigurationAreIgnoredWithAWarning) {
  const test::Warnings warnings;
  const TokenizerData data = read(sentencepiece(), {{"eos_token", "<x>"}});
  EXPECT_EQ(data.eos, -1);
  EXPECT_TRUE(warnings.has("tokenizer_config.json): eos_token names the unknown token \"<x>\"")) << warnings.text;
}

}  // namespace
}  // namespace xw::tokenizer
