// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/dequantize.hpp"

#include <array>
#include <bit>
#include <cassert>
#include <cstring>

#include "arch/support/half.hpp"

namespace xw::checkpoint {
namespace {

template <typename T>
T load(const std::byte* src) {
  T value;
  std::memcpy(&value, src, sizeof(T));
  return value;
}

std::uint32_t byte_at(const std::byte* src, std::size_t index) {
  return std::to_integer<std::uint32_t>(src[index]);
}

float half_at(const std::byte* src) {
  return half_to_float(load<std::uint16_t>(src));
}

// half_to_float without branches, so that loops over rows vectorise: the exponent is moved by an exact multiplication.
float half_to_float_flat(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000U) << 16;
  const std::uint32_t magnitude = static_cast<std::uint32_t>(half & 0x7FFFU) << 13;
  const std::uint32_t scaled = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) * 0x1p112F);
  const std::uint32_t special = magnitude | 0x7F800000U;
  return std::bit_cast<float>(sign | (magnitude >= 0x0F800000U ? special : scaled));
}

void read_f16(const std::byte* src, float* dst, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) dst[i] = half_to_float_flat(load<std::uint16_t>(src + 2 * i));
}

void read_bf16(const std::byte* src, float* dst, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) dst[i] = bfloat16_to_float(load<std::uint16_t>(src + 2 * i));
}

void read_f64(const std::byte* src, float* dst, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) dst[i] = static_cast<float>(load<double>(src + 8 * i));
}

// Blocks of 32 with 4-bit codes: element j is the low half of byte j, element j + 16 its high half.

void block_q4_0(const std::byte* src, float* dst) {
  const float scale = half_at(src);
  for (std::size_t j = 0; j < 16; ++j) {
    const std::uint32_t byte = byte_at(src + 2, j);
    dst[j] = static_cast<float>(static_cast<std::int32_t>(byte & 15U) - 8) * scale;
    dst[j + 16] = static_cast<float>(static_cast<std::int32_t>(byte >> 4) - 8) * scale;
  }
}

void block_q4_1(const std::byte* src, float* dst) {
  const float scale = half_at(src);
  const float minimum = half_at(src + 2);
  for (std::size_t j = 0; j < 16; ++j) {
    const std::uint32_t byte = byte_at(src + 4, j);
    dst[j] = static_cast<float>(static_cast<std::int32_t>(byte & 15U)) * scale + minimum;
    dst[j + 16] = static_cast<float>(static_cast<std::int32_t>(byte >> 4)) * scale + minimum;
  }
}

// The 5-bit formats keep the fifth bit of element j in bit j of a 32-bit word.

void block_q5_0(const std::byte* src, float* dst) {
  const float scale = half_at(src);
  const auto high = load<std::uint32_t>(src + 2);
  for (std::uint32_t j = 0; j < 16; ++j) {
    const std::uint32_t byte = byte_at(src + 6, j);
    const std::uint32_t low_code = (byte & 15U) | ((high >> j & 1U) << 4);
    const std::uint32_t high_code = (byte >> 4) | ((high >> (j + 16) & 1U) << 4);
    dst[j] = static_cast<float>(static_cast<std::int32_t>(low_code) - 16) * scale;
    dst[j + 16] = static_cast<float>(static_cast<std::int32_t>(high_code) - 16) * scale;
  }
}

void block_q5_1(const std::byte* src, float* dst) {
  const float scale = half_at(src);
  const float minimum = half_at(src + 2);
  const auto high = load<std::uint32_t>(src + 4);
  for (std::uint32_t j = 0; j < 16; ++j) {
    const std::uint32_t byte = byte_at(src + 8, j);
    const std::uint32_t low_code = (byte & 15U) | ((high >> j & 1U) << 4);
    const std::uint32_t high_code = (byte >> 4) | ((high >> (j + 16) & 1U) << 4);
    dst[j] = static_cast<float>(static_cast<std::int32_t>(low_code)) * scale + minimum;
    dst[j + 16] = static_cast<float>(static_cast<std::int32_t>(high_code)) * scale + minimum;
  }
}

void block_q8_0(const std::byte* src, float* dst) {
  const float scale = half_at(src);
  for (std::size_t j = 0; j < 32; ++j) dst[j] = static_cast<float>(load<std::int8_t>(src + 2 + j)) * scale;
}

struct ScaleMin {
  float scale;
  float minimum;
};

// Q4_K and Q5_K: eight 6-bit scales and eight 6-bit minima in 12 bytes. Groups 0 to 3 stand in the low six bits of
// bytes 0 to 3 and 4 to 7; groups 4 to 7 in the halves of bytes 8 to 11, with their two high bits on top of bytes 0
// to 7.
ScaleMin group_scale(const std::byte* src, std::size_t group) {
  const std::byte* packed = src + 4;
  std::uint32_t scale = 0;
  std::uint32_t minimum = 0;
  if (group < 4) {
    scale = byte_at(packed, group) & 63U;
    minimum = byte_at(packed, group + 4) & 63U;
  } else {
    scale = (byte_at(packed, group + 4) & 15U) | (byte_at(packed, group - 4) >> 6) << 4;
    minimum = byte_at(packed, group + 4) >> 4 | (byte_at(packed, group) >> 6) << 4;
  }
  return {half_at(src) * static_cast<float>(scale), half_at(src + 2) * static_cast<float>(minimum)};
}

// Q4_K and Q5_K: 32 bytes hold groups 2p (low halves) and 2p + 1 (high halves).

void block_q4_k(const std::byte* src, float* dst) {
  const std::byte* codes = src + 16;
  for (std::size_t pair = 0; pair < 4; ++pair, codes += 32, dst += 64) {
    const ScaleMin low = group_scale(src, 2 * pair);
    const ScaleMin high = group_scale(src, 2 * pair + 1);
    for (std::size_t j = 0; j < 32; ++j) {
      const std::uint32_t byte = byte_at(codes, j);
      dst[j] = low.scale * static_cast<float>(static_cast<std::int32_t>(byte & 15U)) - low.minimum;
      dst[j + 32] = high.scale * static_cast<float>(static_cast<std::int32_t>(byte >> 4)) - high.minimum;
    }
  }
}

void block_q5_k(const std::byte* src, float* dst) {
  const std::byte* fifth_bits = src + 16;  // bit g of byte j belongs to element j of group g
  const std::byte* codes = src + 48;
  for (std::uint32_t pair = 0; pair < 4; ++pair, codes += 32, dst += 64) {
    const ScaleMin low = group_scale(src, 2 * pair);
    const ScaleMin high = group_scale(src, 2 * pair + 1);
    for (std::size_t j = 0; j < 32; ++j) {
      const std::uint32_t byte = byte_at(codes, j);
      const std::uint32_t bits = byte_at(fifth_bits, j) >> (2 * pair);
      const std::uint32_t low_code = (byte & 15U) | (bits & 1U) << 4;
      const std::uint32_t high_code = byte >> 4 | (bits >> 1 & 1U) << 4;
      dst[j] = low.scale * static_cast<float>(static_cast<std::int32_t>(low_code)) - low.minimum;
      dst[j + 32] = high.scale * static_cast<float>(static_cast<std::int32_t>(high_code)) - high.minimum;
    }
  }
}

// Q6_K: two halves of 128 elements. In each, element 32 k + j has its low four bits in byte j or j + 32 of 64 (k odd:
// the latter; k >= 2: the high half of the byte), its two high bits at bit 2 k of byte j of 32, and one i8 scale
// per 16.
void block_q6_k(const std::byte* src, float* dst) {
  const float scale = half_at(src + 208);
  for (std::size_t half = 0; half < 2; ++half, dst += 128) {
    const std::byte* low_bits = src + 64 * half;
    const std::byte* high_bits = src + 128 + 32 * half;
    const std::byte* scales = src + 192 + 8 * half;
    std::array<float, 8> group_scales;
    for (std::size_t g = 0; g < 8; ++g) group_scales[g] = scale * static_cast<float>(load<std::int8_t>(scales + g));
    for (std::size_t j = 0; j < 32; ++j) {
      const std::uint32_t first = byte_at(low_bits, j);
      const std::uint32_t second = byte_at(low_bits, j + 32);
      const std::uint32_t high = byte_at(high_bits, j);
      const std::array<std::uint32_t, 4> codes = {(first & 15U) | (high & 3U) << 4,
                                                  (second & 15U) | (high >> 2 & 3U) << 4,
                                                  first >> 4 | (high >> 4 & 3U) << 4, second >> 4 | (high >> 6) << 4};
      for (std::size_t k = 0; k < 4; ++k) {
        dst[32 * k + j] = group_scales[2 * k + j / 16] * static_cast<float>(static_cast<std::int32_t>(codes[k]) - 32);
      }
    }
  }
}

template <void (*read_block)(const std::byte*, float*), std::size_t kBytes, std::size_t kElements>
void read_blocks(std::span<const std::byte> src, std::span<float> dst) {
  const std::size_t count = dst.size() / kElements;
  for (std::size_t i = 0; i < count; ++i) read_block(src.data() + i * kBytes, dst.data() + i * kElements);
}

}  // namespace

void dequantize(Dtype dtype, std::span<const std::byte> src, std::span<float> dst) {
  assert(src.size() == dst.size() / block_elements(dtype) * block_bytes(dtype) && "whole blocks only");
  switch (dtype) {
    case Dtype::kF32:
      if (!src.empty()) std::memcpy(dst.data(), src.data(), src.size());
      return;
    case Dtype::kF16:
      return read_f16(src.data(), dst.data(), dst.size());
    case Dtype::kBF16:
      return read_bf16(src.data(), dst.data(), dst.size());
    case Dtype::kF64:
      return read_f64(src.data(), dst.data(), dst.size());
    case Dtype::kQ8_0:
      return read_blocks<block_q8_0, 34, 32>(src, dst);
    case Dtype::kQ4_0:
      return read_blocks<block_q4_0, 18, 32>(src, dst);
    case Dtype::kQ4_1:
      return read_blocks<block_q4_1, 20, 32>(src, dst);
    case Dtype::kQ5_0:
      return read_blocks<block_q5_0, 22, 32>(src, dst);
    case Dtype::kQ5_1:
      return read_blocks<block_q5_1, 24, 32>(src, dst);
    case Dtype::kQ4_K:
      return read_blocks<block_q4_k, 144, 256>(src, dst);
    case Dtype::kQ5_K:
      return read_blocks<block_q5_k, 176, 256>(src, dst);
    case Dtype::kQ6_K:
      return read_blocks<block_q6_k, 210, 256>(src, dst);
    case Dtype::kI8:
    case Dtype::kI16:
    case Dtype::kI32:
    case Dtype::kI64:
    case Dtype::kU8:
    case Dtype::kBool:
      break;
  }
  assert(false && "integer tensors have no fp32 form");
}

}  // namespace xw::checkpoint
