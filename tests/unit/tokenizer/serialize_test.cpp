// Tokenizers as bytes of a program file.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/tokenizer/tokenizer_samples.hpp"

namespace xw::tokenizer {
namespace {

TokenizerData with_everything() {
  TokenizerData data = test::byte_level_sample();
  data.unknown = 3;
  data.pad = 4;
  data.add_bos = data.add_eos = data.add_space_prefix = data.remove_extra_spaces = data.ignore_merges =
      data.normalize_nfc = true;
  data.space_prefix_rule = SpacePrefixRule::kFirstSegmentUnlessSpace;
  data.strip_left = {1};
  data.strip_right = {2, 3};
  data.chat_template = "{{ messages }}";
  return data;
}

TEST(Serialize, RoundTrips) {
  for (const TokenizerData& data : {with_everything(), test::byte_level_sample(), test::sentencepiece_sample()}) {
    EXPECT_EQ(parse(serialize(data), "memory"), data);
  }
}

TEST(Serialize, EveryTruncationIsAnError) {
  const std::vector<std::byte> bytes = serialize(with_everything());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    test::expect_error(ErrorCode::kFormat, {"prog.xwp: tokenizer, byte", "truncated"},
                       [&] { (void)parse(std::span(bytes).first(size), "prog.xwp"); });
  }
}

TEST(Serialize, EveryFlippedByteIsAnErrorOrAValidTokenizer) {
  const std::vector<std::byte> bytes = serialize(with_everything());
  std::size_t refused = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::vector<std::byte> broken = bytes;
    broken[i] ^= std::byte{0x80};
    try {
      (void)parse(broken, "x");
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, bytes.size() / 4);
}

TEST(Serialize, NamesWhatIsWrong) {
  std::vector<std::byte> bytes = serialize(test::byte_level_sample());
  bytes.push_back(std::byte{0});
  test::expect_error(ErrorCode::kFormat, {"1 bytes left over"}, [&] { (void)parse(bytes, "x"); });
  bytes.pop_back();
  bytes[4] = std::byte{9};
  test::expect_error(ErrorCode::kFormat, {"version 9, expected 1"}, [&] { (void)parse(bytes, "x"); });
  bytes[0] = std::byte{0};
  test::expect_error(ErrorCode::kFormat, {"wrong magic"}, [&] { (void)parse(bytes, "x"); });
  bytes = serialize(test::byte_level_sample());
  bytes[8] = std::byte{2};
  test::expect_error(ErrorCode::kFormat, {"algorithm is 2, expected 0 to 1"}, [&] { (void)parse(bytes, "x"); });
  bytes = serialize(test::byte_level_sample());
  for (std::size_t i = 9; i < 13; ++i) bytes[i] = std::byte{0xFF};
  test::expect_error(ErrorCode::kFormat, {"text of 4294967295 bytes"}, [&] { (void)parse(bytes, "x"); });
}

}  // namespace
}  // namespace xw::tokenizer
