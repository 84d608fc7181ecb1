// Unicode normalization form C against Python's unicodedata.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/unicode/nfc.hpp"

#include <nlohmann/json.hpp>

#include "tests/support/paths.hpp"
#include "tests/unit/tokenizer/tokenizer_samples.hpp"

namespace xw::tokenizer {
namespace {

TEST(Nfc, EqualsUnicodedata) {
  const auto path = test::source_dir() / "tests/fixtures/tokenizer/nfc_vectors.json";
  const auto json = nlohmann::json::parse(test::read_file(path));
  ASSERT_GT(json.at("vectors").size(), 100U);
  for (const auto& vector : json.at("vectors")) {
    const auto expected = vector.at("nfc").get<std::string>();
    EXPECT_EQ(to_nfc(vector.at("text").get<std::string>()), expected) << vector.dump();
    EXPECT_EQ(to_nfc(expected), expected) << "not idempotent: " << vector.dump();
  }
}

TEST(Nfc, ComposesAndKeeps) {
  EXPECT_EQ(to_nfc("Cafe\xCC\x81!"), "Caf\xC3\xA9!");
  EXPECT_EQ(to_nfc("\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB"), "\xED\x95\x9C");  // Hangul syllable from its letters
  EXPECT_EQ(to_nfc("\xE2\x84\xAB"), "\xC3\x85");                              // Angstrom sign
  EXPECT_EQ(to_nfc("plain ASCII\n"), "plain ASCII\n");
  EXPECT_EQ(to_nfc(""), "");
  EXPECT_EQ(to_nfc("e\xFF\xCC\x81\x80"), "e\xFF\xCC\x81\x80");  // a broken byte separates
}

TEST(Nfc, TokenizerAppliesIt) {
  TokenizerData data = test::byte_level_sample();
  const Tokenizer plain(data);
  data.normalize_nfc = true;
  const Tokenizer normalizing(data);
  EXPECT_EQ(normalizing.encode("e\xCC\x81", false, false), (std::vector<TokenId>{0xC3, 0xA9}));
  EXPECT_EQ(plain.encode("e\xCC\x81", false, false), (std::vector<TokenId>{'e', 0xCC, 0x81}));
}

}  // namespace
}  // namespace xw::tokenizer
