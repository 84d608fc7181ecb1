// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/dequantize.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <vector>

#include "arch/support/half.hpp"
#include "tests/support/paths.hpp"
#include "tests/unit/checkpoint/builders.hpp"

namespace xw::checkpoint {
namespace {

using test::Bytes;

constexpr std::uint32_t kSeed = 20240607;

std::uint32_t u8(const std::byte* block, std::size_t index) {
  return std::to_integer<std::uint32_t>(block[index]);
}

float half(const std::byte* block, std::size_t offset) {
  return half_to_float(static_cast<std::uint16_t>(u8(block, offset) | u8(block, offset + 1) << 8));
}

// Bit `index` of a byte string.
std::uint32_t bit(const std::byte* block, std::size_t offset, std::size_t index) {
  return u8(block, offset + index / 8) >> (index % 8) & 1U;
}

// Element i of a block, one at a time, as the ggml format is described.
float element(Dtype dtype, const std::byte* block, std::size_t i) {
  const std::size_t nibble_byte = i % 16;
  const auto nibble = [&](std::size_t offset) { return u8(block, offset + nibble_byte) >> (i < 16 ? 0 : 4) & 15U; };
  // K blocks: six-bit scale and minimum of group g = i / 32, from 12 bytes at offset 4.
  const std::size_t group = i / 32;
  const auto six_bit = [&](std::size_t which) {
    const std::size_t low_byte = 4 + 4 * which;
    if (group < 4) return u8(block, low_byte + group) & 63U;
    const std::uint32_t low = u8(block, 12 + group - 4) >> (which == 0 ? 0 : 4) & 15U;
    return low | (u8(block, low_byte + group - 4) >> 6) << 4;
  };
  const auto k_value = [&](std::uint32_t code) {
    const float scale = half(block, 0) * static_cast<float>(six_bit(0));
    const float minimum = half(block, 2) * static_cast<float>(six_bit(1));
    return scale * static_cast<float>(code) - minimum;
  };
  const auto k_nibble = [&](std::size_t offset) {
    return u8(block, offset + 32 * (i / 64) + i % 32) >> (i % 64 < 32 ? 0 : 4) & 15U;
  };
  switch (dtype) {
    case Dtype::kQ8_0:
      return half(block, 0) * static_cast<float>(static_cast<std::int8_t>(u8(block, 2 + i)));
    case Dtype::kQ4_0:
      return half(block, 0) * (static_cast<float>(nibble(2)) - 8.0F);
    case Dtype::kQ4_1:
      return half(block, 0) * static_cast<float>(nibble(4)) + half(block, 2);
    case Dtype::kQ5_0:
      return half(block, 0) * (static_cast<float>(nibble(6) + 16 * bit(block, 2, i)) - 16.0F);
    case Dtype::kQ5_1:
      return half(block, 0) * static_cast<float>(nibble(8) + 16 * bit(block, 4, i)) + half(block, 2);
    case Dtype::kQ4_K:
      return k_value(k_nibble(16));
    case Dtype::kQ5_K:
      return k_value(k_nibble(48) + 16 * (u8(block, 16 + i % 32) >> group & 1U));
    case Dtype::kQ6_K: {
      const std::size_t part = i / 128;
      const std::size_t quarter = i % 128 / 32;
      const std::size_t j = i % 32;
      const std::uint32_t low = u8(block, 64 * part + 32 * (quarter % 2) + j) >> (quarter < 2 ? 0 : 4) & 15U;
      const std::uint32_t high = u8(block, 128 + 32 * part + j) >> (2 * quarter) & 3U;
      const auto scale = static_cast<std::int8_t>(u8(block, 192 + i / 16));
      return half(block, 208) * static_cast<float>(scale) * (static_cast<float>(low | high << 4) - 32.0F);
    }
    default:
      return NAN;
  }
}

class Quantized : public testing::TestWithParam<Dtype> {};

TEST_P(Quantized, EqualsTheFormatDescriptionElementByElement) {
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  constexpr std::size_t kBlocks = 64;
  std::mt19937 generator(kSeed);
  Bytes bytes(kBlocks * block_bytes(GetParam()));
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(generator() & 0xFFU);
  // Random halfs at every position would make NaN; clear the top exponent bit wherever a scale stands.
  const std::size_t scale_at = GetParam() == Dtype::kQ6_K ? 208 : 0;
  const bool has_minimum = GetParam() == Dtype::kQ4_1 || GetParam() == Dtype::kQ5_1 || GetParam() == Dtype::kQ4_K ||
                           GetParam() == Dtype::kQ5_K;
  for (std::size_t block = 0; block < kBlocks; ++block) {
    const std::size_t at = block * block_bytes(GetParam()) + scale_at;
    bytes[at + 1] &= std::byte{0xBF};
    if (has_minimum) bytes[at + 3] &= std::byte{0xBF};
  }
  std::vector<float> values(kBlocks * block_elements(GetParam()));
  dequantize(GetParam(), bytes, values);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::byte* block = bytes.data() + i / block_elements(GetParam()) * block_bytes(GetParam());
    const float expected = element(GetParam(), block, i % block_elements(GetParam()));
    ASSERT_TRUE(std::isfinite(expected));
    ASSERT_EQ(values[i], expected) << name(GetParam()) << " element " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, Quantized,
                         testing::Values(Dtype::kQ8_0, Dtype::kQ4_0, Dtype::kQ4_1, Dtype::kQ5_0, Dtype::kQ5_1,
                                         Dtype::kQ4_K, Dtype::kQ5_K, Dtype::kQ6_K),
                         [](const auto& test) { return name(test.param); });

TEST(Dequantize, HandMadeBlocksHaveHandComputedValues) {
  // Scale 0.5 (half 0x3800), minimum -2 (half 0xC000).
  Bytes q4_1 = {std::byte{0x00}, std::byte{0x38}, std::byte{0x00}, std::byte{0xC0}};
  for (int j = 0; j < 16; ++j) q4_1.push_back(static_cast<std::byte>(j | (15 - j) << 4));
  std::vector<float> values(32);
  dequantize(Dtype::kQ4_1, q4_1, values);
  for (std::size_t j = 0; j < 16; ++j) {
    EXPECT_EQ(values[j], 0.5F * static_cast<float>(j) - 2.0F);
    EXPECT_EQ(values[j + 16], 0.5F * static_cast<float>(15 - j) - 2.0F);
  }
  Bytes q5_0 = {std::byte{0x00}, std::byte{0x38}, std::byte{0x01}, std::byte{0x00}, std::byte{0x00}, std::byte{0x80}};
  q5_0.resize(22);  // all low codes 0; fifth bits of elements 0 and 31
  dequantize(Dtype::kQ5_0, q5_0, values);
  for (std::size_t j = 0; j < 32; ++j) EXPECT_EQ(values[j], j == 0 || j == 31 ? 0.0F : -8.0F) << j;
}

TEST(Dequantize, EqualsTheGgufPackage) {
  std::ifstream file(xw::test::source_dir() / "tests/fixtures/checkpoint/dequantize_golden.json");
  const nlohmann::json golden = nlohmann::json::parse(file);
  const std::map<std::string, Dtype> formats = {{"Q8_0", Dtype::kQ8_0}, {"Q4_0", Dtype::kQ4_0}, {"Q4_1", Dtype::kQ4_1},
                                                {"Q5_0", Dtype::kQ5_0}, {"Q5_1", Dtype::kQ5_1}, {"Q4_K", Dtype::kQ4_K},
                                                {"Q5_K", Dtype::kQ5_K}, {"Q6_K", Dtype::kQ6_K}, {"F16", Dtype::kF16},
                                                {"BF16", Dtype::kBF16}};
  ASSERT_EQ(golden["cases"].size(), formats.size());
  for (const nlohmann::json& entry : golden["cases"]) {
    const auto hex = entry["bytes"].get<std::string>();
    Bytes bytes;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
      bytes.push_back(static_cast<std::byte>(std::stoul(hex.substr(i, 2), nullptr, 16)));
    }
    const auto expected = entry["fp32_bits"].get<std::vector<std::uint32_t>>();
    std::vector<float> values(expected.size());
    dequantize(formats.at(entry["format"].get<std::string>()), bytes, values);
    for (std::size_t i = 0; i < values.size(); ++i) {
      ASSERT_EQ(std::bit_cast<std::uint32_t>(values[i]), expected[i]) << entry["format"] << " element " << i;
    }
  }
}

TEST(Dequantize, HalfsAreExactForAllBitPatterns) {
  Bytes bytes;
  for (std::uint32_t code = 0; code < 65536; ++code) test::append(bytes, static_cast<std::uint16_t>(code));
  std::vector<float> halfs(65536);
  std::vector<float> bfloats(65536);
  dequantize(Dtype::kF16, bytes, halfs);
  dequantize(Dtype::kBF16, bytes, bfloats);
  for (std::uint32_t code = 0; code < 65536; ++code) {
    // The value by the definition of binary16: exact in double.
    const int exponent = static_cast<int>(code >> 10 & 31U);
    const double fraction = (code & 1023U) / 1024.0;
    double expected = exponent == 0 ? std::ldexp(fraction, -14) : std::ldexp(1 + fraction, exponent - 15);
    if (exponent == 31) expected = fraction == 0 ? INFINITY : NAN;
    if ((code & 0x8000U) != 0) expected = -expected;
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(halfs[code])) << code;
    } else {
      ASSERT_EQ(halfs[code], static_cast<float>(expected)) << code;
      ASSERT_EQ(std::signbit(halfs[code]), (code & 0x8000U) != 0) << code;
    }
    ASSERT_EQ(std::bit_cast<std::uint32_t>(bfloats[code]), code << 16);
  }
}

TEST(Dequantize, PlainTypesAreCopied) {
  const std::vector<float> expected = {1.5F, -0.0F, 3e38F, 1e-45F};
  std::vector<float> values(4);
  dequantize(Dtype::kF32, test::float_bytes(expected), values);
  EXPECT_EQ(values, expected);
  Bytes doubles;
  for (const double value : {1.5, -0.25, 1e300, 0.1}) test::append(doubles, value);
  dequantize(Dtype::kF64, doubles, values);
  EXPECT_EQ(values, (std::vector<float>{1.5F, -0.25F, INFINITY, 0.1F}));
}

}  // namespace
}  // namespace xw::checkpoint
