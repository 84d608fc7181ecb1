// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/llama2c.hpp"

#include <gtest/gtest.h>

#include "tests/support/expect_error.hpp"
#include "tests/unit/checkpoint/builders.hpp"

namespace xw::checkpoint {
namespace {

using test::Bytes;
using xw::test::expect_error;

class Llama2c : public testing::TestWithParam<std::pair<int, bool>> {
 protected:
  Bytes bytes_ = test::tiny_llama2c(test::tiny_model("llama"), GetParam().first, GetParam().second);
};

TEST_P(Llama2c, EveryTensorHasItsValues) {
  const Llama2cModel model = parse_llama2c(bytes_, "m.bin");
  EXPECT_EQ(model.config.family, "llama");
  EXPECT_EQ(model.config.rope_style, "interleaved");
  EXPECT_EQ(model.config.hidden_size, 16U);
  EXPECT_EQ(model.config.intermediate_size, 24U);
  EXPECT_EQ(model.config.num_layers, 2U);
  EXPECT_EQ(model.config.num_heads, 4U);
  EXPECT_EQ(model.config.num_kv_heads, 2U);
  EXPECT_EQ(model.config.vocab_size, 20U);
  EXPECT_EQ(model.config.context_length, 32U);
  EXPECT_EQ(model.config.tied_embeddings, GetParam().second);
  test::NamedTensors expected = test::tiny_model("llama").canonical;
  if (!GetParam().second) expected.emplace("lm_head.weight", test::make_tensor("lm_head.weight", {20, 16}));
  ASSERT_EQ(model.tensors.size(), expected.size());
  for (const auto& [name, tensor] : expected) {
    EXPECT_EQ(model.tensors.at(name).shape, tensor.shape) << name;
    EXPECT_EQ(read_all(model.tensors.at(name)), tensor.values) << name;
  }
}

TEST_P(Llama2c, EveryTruncationAndAnExtraByteAreErrors) {
  for (std::size_t length = 0; length < bytes_.size(); ++length) {
    const std::span<const std::byte> prefix(bytes_.data(), length);
    EXPECT_THROW(static_cast<void>(parse_llama2c(prefix, "m.bin")), Error) << length;
  }
  Bytes longer = bytes_;
  longer.push_back({});
  expect_error(ErrorCode::kFormat, "found 1 more bytes", [&] { static_cast<void>(parse_llama2c(longer, "m.bin")); });
}

INSTANTIATE_TEST_SUITE_P(Versions, Llama2c,
                         testing::Values(std::pair(0, true), std::pair(0, false), std::pair(1, true),
                                         std::pair(1, false)),
                         [](const auto& test) {
                           return "V" + std::to_string(test.param.first) + (test.param.second ? "Tied" : "Untied");
                         });

Bytes header(std::initializer_list<std::int32_t> numbers) {
  Bytes bytes;
  for (const std::int32_t number : numbers) test::append(bytes, number);
  return bytes;
}

TEST(Llama2cHeader, BadValuesAreRejected) {
  const auto fails = [](const Bytes& bytes, ErrorCode code, const std::string& text) {
    expect_error(code, text, [&] { static_cast<void>(parse_llama2c(bytes, "m.bin")); });
  };
  fails(header({16, 24, 2, 4, 3, 20, 32}), ErrorCode::kShapeMismatch, "multiple of num_kv_heads");
  fails(header({0, 24, 2, 4, 2, 20, 32}), ErrorCode::kFormat, "m.bin: llama2.c header: hidden_size: expected 1 to");
  fails(header({16, -24, 2, 4, 2, 20, 32}), ErrorCode::kFormat, "intermediate_size: expected 1 to");
  fails(header({16, 24, 2, 4, 2, 0, 32}), ErrorCode::kFormat, "vocab_size: expected 1 to");
  fails(header({16, 24, 2, 4, 2, INT32_MIN, 32}), ErrorCode::kFormat, "found 2147483648");
  fails(header({18, 24, 2, 4, 2, 20, 32}), ErrorCode::kFormat, "head_dim: expected 1 to");
  fails(header({16, 24, 2, 4, 2, 20, 32}), ErrorCode::kFormat,
        "m.bin: truncated at byte 28: expected 1280 bytes of model.embed_tokens.weight");
  fails(header({0x616B3432, 2, 16, 24}), ErrorCode::kUnsupported, "export version 2; supported: versions 0 and 1");
  Bytes shared = test::tiny_llama2c(test::tiny_model("llama"), 1, true);
  shared[8 + 28] = std::byte{2};
  fails(shared, ErrorCode::kFormat, "0 or 1 for a shared classifier, found 20 and 2");
}

}  // namespace
}  // namespace xw::checkpoint
